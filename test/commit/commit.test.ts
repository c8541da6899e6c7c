/** An ordinary change against other writers: derived anew on each base, until it has won, its time is over, or it makes no sense. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Change, Committer } from '../../src/commit/commit.ts'
import { MAX_UNNAMED_MS } from '../../src/commit/unnamed.ts'
import { CUSTODY_MS, sighting } from '../../src/commit/custody.ts'
import { DataShardError } from '../../src/errors.ts'
import { type Chain, ledgerWith, newChain, pass } from '../support/chain.ts'

const ledger = ledgerWith({ version: 1, folded: ['0123456789abcdef'] })

let chain: Chain
let committer: Committer

beforeEach(async () => {
  chain = newChain()
  await chain.put(1, { ledger })
  await chain.hint(1)
  committer = await chain.committerAt(1)
  chain.requests()
})

/** Sets a property; what it writes for one base is `t/scratch-{attempt}`. */
function setting(value: string, more: Partial<Change> = {}) {
  const bases: (string | undefined)[] = []
  const change: Change = {
    what: `set to ${value}`,
    derive: async (base, { attempt }) => {
      bases.push(base.properties['value'])
      const key = `t/scratch-${attempt}`
      await chain.store.put(key, new Uint8Array())
      return { updates: [{ action: 'set-properties', updates: { value } }], scratch: [key] }
    },
    ...more,
  }
  return { change, bases }
}

/** So many times somebody else is first. */
function losing(times: number, takesMs: (lost: number) => number = () => 0): void {
  let lost = 0
  chain.store.rule = ({ verb, key, mode }) => {
    const version = Number(/v(\d+)\.metadata\.json$/.exec(key)?.[1])
    if (verb !== 'put' || mode !== 'create' || !version || lost === times) return undefined
    lost += 1
    pass(chain, takesMs(lost))
    return () => chain.put(version, { ledger, properties: { value: `theirs ${version}` } })
  }
}

const isThere = async (name: string) => (await chain.store.head(`t/${name}`)) !== undefined

describe('a change that meets nobody', () => {
  test('is the next version, one create, and the hint follows', async () => {
    const { change } = setting('mine')
    const { head, attempts } = await committer.commit(change)
    expect({ version: head.version, attempts }).toEqual({ version: 2, attempts: 1 })
    expect(committer.head).toBe(head)
    await committer.flush()
    expect(await chain.committerAt(2)).toMatchObject({ head: { metadata: { properties: { value: 'mine' } } } })
    expect(new TextDecoder().decode(await chain.store.get('t/metadata/version-hint.text'))).toBe('2')
    expect(await isThere('scratch-1')).toBe(true)
  })

  test('comes after those that were given before it, also where one of those fails', async () => {
    const wrong = new Error('makes no sense')
    const results = await Promise.allSettled([
      committer.commit(setting('first').change),
      committer.commit(setting('bad', { derive: () => Promise.reject(wrong) }).change),
      committer.commit(setting('last').change),
    ])
    expect(results).toMatchObject([
      { value: { head: { version: 2 }, attempts: 1 } },
      { reason: wrong },
      { value: { head: { version: 3 }, attempts: 1 } },
    ])
  })

  test('is built on a version that was seen by somebody of the process meanwhile', async () => {
    await chain.put(2, { properties: { value: 'theirs 2' } })
    committer.noteNewest(2)
    const { change, bases } = setting('mine')
    expect(await committer.commit(change)).toMatchObject({ attempts: 1, head: { version: 3 } })
    expect(bases).toEqual(['theirs 2'])
  })

  test.each([
    [30_000, 2],
    [30_001, 1],
  ])('whose base was seen %i ms ago takes %i attempts', async (ms, attempts) => {
    await chain.put(2, { properties: { value: 'theirs 2' } })
    pass(chain, ms)
    expect(await committer.commit(setting('mine').change)).toMatchObject({ attempts, head: { version: 3 } })
  })
})

describe('a change that loses', () => {
  test('is derived anew on what won, and leaves nothing of the attempts before', async () => {
    losing(3)
    const { change, bases } = setting('mine')
    expect(await committer.commit(change)).toMatchObject({ attempts: 4, head: { version: 5 } })
    expect(bases).toEqual([undefined, 'theirs 2', 'theirs 3', 'theirs 4'])
    await committer.flush()
    expect(await Promise.all([1, 2, 3, 4].map((n) => isThere(`scratch-${n}`)))).toEqual([false, false, false, true])
  })

  test('once begins again at once, and so while others make room; then it waits, at random, twice as long each time', async () => {
    const waits: number[] = []
    chain.runtime.sleep = async (ms) => void waits.push(ms)
    chain.runtime.random = () => 0.5
    losing(13, (lost) => (lost === 3 ? 2_100 : 1))
    await committer.commit(setting('mine').change)
    // Two seconds at most, and no more than some thousand times what an attempt takes.
    expect(waits).toEqual([0, 1_000, 8, 16, 32, 64, 128, 256, 512, 512, 512, 512])
  })

  test('twice asks the others for room, and takes that back', async () => {
    const holds = () => chain.requests().filter((request) => request.includes('data/in/hold/'))
    losing(1)
    await committer.commit(setting('mine').change)
    await committer.flush()
    expect(holds()).toEqual([])
    losing(2)
    await committer.commit(setting('mine').change)
    await committer.flush()
    expect(holds().map((request) => request.split(' ')[0])).toEqual(['put', 'delete'])
  })

  test('until its time is over is told how often, and that nothing was committed', async () => {
    pass(chain, 100)
    losing(Infinity, () => 500)
    const failed = committer.commit(setting('mine').change, { timeoutMs: 1_000 })
    await expect(failed).rejects.toMatchObject({
      code: 'commit-contention',
      committed: 'no',
      details: { attempts: 2, elapsedMs: 1_000 },
    })
    await committer.flush()
    expect(await Promise.all([1, 2].map((n) => isThere(`scratch-${n}`)))).toEqual([false, false])
  })

  test('because making it took longer than its base may be old begins again on a new one', async () => {
    const { change, bases } = setting('mine')
    const derive: Change['derive'] = (base, context) => {
      if (context.attempt === 1) pass(chain, CUSTODY_MS)
      return change.derive(base, context)
    }
    expect(await committer.commit({ ...change, derive }, { timeoutMs: 2 * CUSTODY_MS })).toMatchObject({ attempts: 2 })
    expect(bases).toHaveLength(2)
    await committer.flush()
    expect(await isThere('scratch-1')).toBe(false)
  })

  test('and is cancelled then ends without another attempt', async () => {
    const controller = new AbortController()
    losing(Infinity, () => (controller.abort(), 0))
    const { change, bases } = setting('mine')
    const failed = committer.commit(change, { signal: controller.signal })
    await expect(failed).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    expect(bases).toHaveLength(1)
    await committer.flush()
    expect(await isThere('scratch-1')).toBe(false)
  })
})

describe('a change that fails', () => {
  test('for certain leaves nothing', async () => {
    chain.store.rule = ({ key }) => (key === chain.keyOf(2) ? new DataShardError('denied', 'no right') : undefined)
    await expect(committer.commit(setting('mine').change)).rejects.toMatchObject({ code: 'denied', committed: 'no' })
    await committer.flush()
    expect(await isThere('scratch-1')).toBe(false)
  })

  test('perhaps: nothing that it may name is deleted', async () => {
    chain.store.rule = ({ key }) => (key === chain.keyOf(2) ? 'lost-before' : undefined)
    await expect(committer.commit(setting('mine').change)).rejects.toMatchObject({ code: 'commit-unknown' })
    await committer.flush()
    expect(await isThere('scratch-1')).toBe(true)
  })

  test('because its files were written too long ago, before a version is sent', async () => {
    const begun = sighting(chain.runtime)
    pass(chain, MAX_UNNAMED_MS)
    const failed = committer.commit(setting('mine', { begun }).change)
    await expect(failed).rejects.toMatchObject({ code: 'commit-contention', committed: 'no' })
    expect(await chain.store.head(chain.keyOf(2))).toBeUndefined()
  })

  test('because the table is of a format that is read only, before anything is written for it', async () => {
    await chain.put(2, { metadata: { formatVersion: 1 } })
    await committer.refresh()
    await expect(committer.commit(setting('mine').change)).rejects.toMatchObject({ code: 'unsupported' })
    expect(await isThere('scratch-1')).toBe(false)
  })
})
