/** The put of a publication: when it counts, when it is repeated, and what is said when nobody knows whether it is there. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { FoldContext } from '../../src/commit/fold.ts'
import type { LandControl } from '../../src/commit/landing.ts'
import { publish } from '../../src/commit/publish.ts'
import { MAX_UNNAMED_MS } from '../../src/commit/unnamed.ts'
import { Watch } from '../../src/commit/watch.ts'
import { DataShardError } from '../../src/errors.ts'
import { type Chain, ledgerWith, newChain, pass } from '../support/chain.ts'
import type { Fault } from '../support/faulty-store.ts'
import { controlOf, unitOf, writerOn } from '../support/writer.ts'

const intent = { id: '0123456789abcdef', base: 1 }
const TIME_MS = 30_000
const isUnknown = { code: 'commit-unknown', committed: 'unknown', details: { intent: intent.id, base: 1 } }

let chain: Chain
let context: FoldContext

async function begin(appends = 1): Promise<void> {
  chain = newChain()
  const folded = Array.from({ length: appends }, (_, i) => String(i).padStart(16, '0'))
  await chain.put(1, { ledger: ledgerWith({ version: 1, folded }) })
  context = writerOn(chain, await chain.committerAt(1))
  chain.requests()
}

beforeEach(() => begin())

const publishing = (more: Partial<LandControl> = {}, state = unitOf(context, [100])) =>
  publish(context, state, new Watch(intent), controlOf(chain, more).control)

/** What befalls the publication, try by try. */
function onPut(fault: (before: number) => Fault | undefined): void {
  chain.store.rule = ({ verb, key, before }) =>
    verb === 'put' && key.includes('/data/in/') ? fault(before) : undefined
}

const tries = () => chain.store.calls.filter(({ verb, key }) => verb === 'put' && key.includes('/data/in/'))

describe('the put', () => {
  test('is made only where nothing is, once, after everybody was told', async () => {
    const { control, said } = controlOf(chain)
    onPut(() => () => void said.push('put'))
    await publish(context, unitOf(context, [100]), new Watch(intent), control)
    expect(tries()).toMatchObject([{ mode: 'create' }])
    expect(said).toEqual(['check', 'published', 'put'])
    expect(control.stats.roundTrips).toBe(1)
  })

  test('is not made where somebody left before, and nothing is published then', async () => {
    const left = new Error('somebody left')
    const { control, said } = controlOf(chain, {
      check: () => {
        throw left
      },
    })
    await expect(publish(context, unitOf(context, [100]), new Watch(intent), control)).rejects.toBe(left)
    expect([tries(), said]).toEqual([[], []])
  })

  test('is not made for files so old that they may have been swept', async () => {
    const state = unitOf(context, [100])
    pass(chain, MAX_UNNAMED_MS)
    await expect(publishing({}, state)).rejects.toMatchObject({ code: 'commit-contention', committed: 'no' })
    expect(tries()).toEqual([])
  })

  test.each(['lost-before', 'lost-after', 'twice'] as const)('counts when it is there (%s)', async (fault) => {
    onPut((before) => (before < 2 ? fault : undefined))
    const startMs = chain.runtime.monotonic()
    const { control, said } = controlOf(chain)
    await publish(context, unitOf(context, [100]), new Watch(intent), control)
    const times = { 'lost-before': 3, 'lost-after': 3, twice: 1 }[fault]
    expect(tries()).toHaveLength(times)
    expect(chain.runtime.monotonic() - startMs).toBe(200 * (times - 1))
    // Whose time is over meanwhile is answered.
    expect(said.filter((one) => one === 'tick')).toHaveLength(times - 1)
    expect(await chain.store.head(tries()[0]!.key)).toBeDefined()
  })

  test('refused at once: the refusal is told, as certain', async () => {
    const denied = new DataShardError('denied', 'no right')
    onPut(() => denied)
    await expect(publishing()).rejects.toBe(denied)
    expect(tries()).toHaveLength(1)
  })

  test('refused after a try without an answer: goes on, since that one may be there', async () => {
    onPut((before) => ['lost-before' as const, new DataShardError('denied', 'no right')][before])
    await publishing()
    expect(tries()).toHaveLength(3)
  })
})

describe('nobody knows whether it is there', () => {
  /** No put is answered, and this happens meanwhile. */
  function answerless(meanwhile: () => void): void {
    const { put } = chain.store
    chain.store.put = async (key, body, options) => {
      await put(key, body, options)
      meanwhile()
      return { outcome: 'unknown', cause: undefined }
    }
  }

  test('when the time is over', async () => {
    const startMs = chain.runtime.monotonic()
    onPut(() => 'lost-before')
    await expect(publishing()).rejects.toMatchObject({ ...isUnknown, cause: { message: 'the answer was lost' } })
    expect(chain.runtime.monotonic() - startMs).toBe(TIME_MS)
    // Nothing that the intent names may be deleted.
    await context.committer.flush()
    expect(chain.requests().filter((request) => request.startsWith('delete'))).toEqual([])
  })

  test('when it is cancelled: at once', async () => {
    const controller = new AbortController()
    const startMs = chain.runtime.monotonic()
    answerless(() => controller.abort())
    await expect(publishing({ signal: controller.signal })).rejects.toMatchObject(isUnknown)
    expect(tries()).toHaveLength(1)
    expect(chain.runtime.monotonic()).toBe(startMs)
  })

  test('when what it names is too old to be named any more', async () => {
    answerless(() => pass(chain, MAX_UNNAMED_MS / 2))
    await expect(publishing({ deadlineMs: Infinity })).rejects.toMatchObject(isUnknown)
    expect(tries()).toHaveLength(2)
  })
})

describe('a look into the inbox', () => {
  /** The lists that a publication makes, with where they begin. */
  async function looks(rounds: number) {
    const { list } = chain.store
    const asked: (string | undefined)[] = []
    chain.store.list = (prefix, options) => {
      asked.push(options?.startAfter)
      return list(prefix, options)
    }
    for (let round = 0; round < rounds; round++) await publishing()
    return asked
  }

  test('goes along among few, from a little before the base', async () => {
    await begin(2)
    const asked = await looks(5)
    expect(asked).toHaveLength(5)
    expect(asked[0]).toMatch(/0000000000$/)
  })

  test('is for one of many', async () => {
    await begin(40)
    const asked = await looks(100)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.length).toBeLessThan(15)
  })

  test('shows who else waits, and tells how many writers there are', async () => {
    await publish(context, unitOf(context, [100]), new Watch({ id: 'a'.repeat(16), base: 1 }), controlOf(chain).control)
    const view = await publishing()
    expect(view?.intents.map(({ id }) => id)).toContain('a'.repeat(16))
    expect(context.crowd.size(context.follower.tip)).toBe(2)
  })

  test('that fails is done without: the append is published', async () => {
    chain.store.list = () => {
      throw new DataShardError('unavailable', 'no listing now')
    }
    expect(await publishing()).toBeUndefined()
    expect(await chain.store.head(tries()[0]!.key)).toBeDefined()
  })
})
