/** What a process knows of its table: it never goes back, is not mistaken for another table's, and tells why objects are missing. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Committer } from '../../src/commit/commit.ts'
import { CUSTODY_MS } from '../../src/commit/custody.ts'
import { DataShardError } from '../../src/errors.ts'
import { type Chain, newChain, pass, withSnapshots } from '../support/chain.ts'

const NOW = Date.UTC(2026, 0, 1)
const OTHER = { metadata: { tableUuid: '0c2e5a1e-0000-4000-8000-000000000000' } }

let chain: Chain
let committer: Committer

beforeEach(async () => {
  chain = newChain()
  await chain.put(1)
  await chain.hint(1)
  committer = await chain.committerAt(1)
  chain.requests()
})

const says = (text: string) => expect.stringContaining(text) as string

describe('a version that was seen, but not read', () => {
  test('is read by who needs it, in one request, and once', async () => {
    await chain.put(2)
    expect(committer.isBehind).toBe(false)
    committer.noteNewest(2)
    committer.noteNewest(1)
    expect(committer.isBehind).toBe(true)
    chain.requests()
    expect(await committer.catchUp()).toMatchObject({ version: 2 })
    expect(committer.isBehind).toBe(false)
    expect(await committer.catchUp()).toBe(committer.head)
    expect(chain.requests()).toEqual(['get v2.metadata.json'])
  })

  test('and swept since: the head is looked for', async () => {
    await chain.putAll(2, 4)
    committer.noteNewest(3)
    await chain.store.delete([chain.keyOf(1), chain.keyOf(3)])
    await chain.hint(4)
    expect(await committer.catchUp()).toMatchObject({ version: 4 })
  })

  test('is not read for who has cancelled', async () => {
    committer.noteNewest(2)
    await expect(committer.catchUp(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
    await expect(committer.refresh(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('the head', () => {
  test('does not go back to what a search has found that began before', async () => {
    const { head } = committer
    await chain.put(2)
    await committer.refresh()
    expect(committer.adopt(head)).toMatchObject({ version: 2 })
    expect(committer.head.version).toBe(2)
  })

  test('is not that of another table in its place', async () => {
    await chain.put(2, OTHER)
    await expect(committer.refresh()).rejects.toMatchObject({ code: 'not-found', message: says('another one created') })
    expect(committer.head.version).toBe(1)
  })

  test('a tombstone says that the table was dropped', async () => {
    await chain.bury(2)
    await expect(committer.refresh()).rejects.toMatchObject({ code: 'not-found', message: says('was dropped') })
  })

  test('nothing at all says that it is gone', async () => {
    await chain.store.delete([chain.keyOf(1), 't/metadata/version-hint.text'])
    await expect(committer.refresh()).rejects.toMatchObject({ code: 'not-found', message: says('is gone') })
  })
})

describe('the reason why something is missing or damaged', () => {
  const LIST = 'memory://test/t/metadata/snap-7.avro'
  const missing = (path: string) => new DataShardError('corrupt', `${path} is missing`, { details: { path } })
  const damage = missing('memory://test/t/data/1.parquet')
  const again = { code: 'commit-contention', committed: 'no', message: says('Call again') }

  test('of other failures is theirs: nothing is asked', async () => {
    for (const error of [new DataShardError('unavailable', 'no answer'), new TypeError('a bug'), 'text']) {
      expect(await committer.reasonOf(error)).toBe(error)
    }
    expect(chain.requests()).toEqual([])
  })

  test('is damage, where the table is as it was', async () => {
    expect(await committer.reasonOf(damage)).toBe(damage)
    await chain.put(2)
    expect(await committer.reasonOf(damage)).toBe(damage)
    const ofNothing = new DataShardError('corrupt', 'is damaged')
    expect(await committer.reasonOf(ofNothing)).toBe(ofNothing)
  })

  test('is the end of the table, where that was dropped', async () => {
    await chain.bury(2)
    expect(await committer.reasonOf(damage)).toMatchObject({ code: 'not-found', message: says('was dropped') })
  })

  test('is a sweep, where the newest version needs the manifest list no more', async () => {
    await chain.put(2, { metadata: withSnapshots([7n, NOW], [8n, NOW]) })
    await committer.refresh()
    expect(await committer.reasonOf(missing(LIST))).toMatchObject({ code: 'corrupt' })
    await chain.put(3, { metadata: withSnapshots([8n, NOW]) })
    const reason = await committer.reasonOf(missing(LIST))
    expect(reason).toMatchObject({ ...again, cause: { code: 'corrupt' }, details: { table: 'memory://test/t' } })
  })

  test('is a sweep, where this process slept and the table went on', async () => {
    pass(chain, CUSTODY_MS)
    // Nobody has written since: what is missing now is missing.
    expect(await committer.reasonOf(damage)).toBe(damage)
    await chain.put(2)
    pass(chain, CUSTODY_MS - 1)
    expect(await committer.reasonOf(damage)).toBe(damage)
    await chain.put(3)
    pass(chain, CUSTODY_MS)
    expect(await committer.reasonOf(damage)).toMatchObject(again)
  })

  test('cannot be told while the store does not answer: it may be asked again', async () => {
    const open = new DataShardError('corrupt', 'is missing', { committed: 'unknown', details: { path: LIST } })
    chain.store.rule = () => 'lost-before'
    expect(await committer.reasonOf(open)).toMatchObject({
      code: 'unavailable',
      retryable: true,
      committed: 'unknown',
      cause: open,
      details: { path: LIST },
      message: says('whether the table'),
    })
    chain.store.rule = () => new DataShardError('denied', 'no right to list')
    expect(await committer.reasonOf(open)).toBe(open)
  })

  test('is what a change that failed by it is told', async () => {
    await chain.bury(2)
    const change = { what: 'a change', derive: () => Promise.reject(damage) }
    await expect(committer.commit(change)).rejects.toMatchObject({ code: 'not-found' })
  })
})
