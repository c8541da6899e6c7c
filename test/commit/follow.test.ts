/** What a writer learns of the chain while it waits, and how many requests that takes. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Committer } from '../../src/commit/commit.ts'
import { BASE_MAX_AGE_MS } from '../../src/commit/commit.ts'
import { sighting } from '../../src/commit/custody.ts'
import { Follower } from '../../src/commit/follow.ts'
import { peekVersion } from '../../src/commit/peek.ts'
import { Tempo } from '../../src/commit/tempo.ts'
import { type Chain, ledgerWith, LONG, pass, processAt, withSnapshots } from '../support/chain.ts'

const NOW = Date.UTC(2026, 0, 1)
const ID = '0123456789abcdef'
const folded = ledgerWith({ version: 2, folded: [ID] })

let chain: Chain
let committer: Committer
let follower: Follower

beforeEach(async () => {
  ;({ chain, committer } = await processAt(1))
  follower = new Follower(committer, new Tempo(chain.runtime))
})

describe('a look for the next version', () => {
  test('that is not there: one request, and nothing new', async () => {
    expect(await follower.step()).toBe(false)
    expect(follower.tip.version).toBe(1)
    expect(chain.requests()).toEqual(['get v2.metadata.json'])
  })

  test('learns the ledger of each version on the way', async () => {
    await chain.put(2, { ledger: folded })
    await chain.put(3, { ledger: null })
    expect(await follower.step()).toBe(true)
    expect(follower.tip).toMatchObject({ version: 2, ledger: folded })
    expect(await follower.step()).toBe(true)
    expect(follower.tip).toMatchObject({ version: 3, ledger: undefined })
  })

  test('of a long version reads its beginning; the rest is read by who needs it, once', async () => {
    await chain.put(2, { ledger: folded, properties: LONG })
    await follower.step()
    expect(committer.head.version).toBe(1)
    expect(committer.isBehind).toBe(true)
    chain.requests()
    expect(await follower.head()).toMatchObject({ version: 2, metadata: { properties: LONG } })
    expect(await follower.head()).toBe(committer.head)
    expect(chain.requests()).toEqual(['get v2.metadata.json'])
  })

  test('of a short version brings all of it: nobody asks again', async () => {
    await chain.put(2, { ledger: folded })
    await follower.step()
    chain.requests()
    expect(committer.head).toMatchObject({ version: 2, form: 'plain', nonce: 'nonce-2' })
    expect(await follower.head()).toBe(committer.head)
    expect(chain.requests()).toEqual([])
  })

  test('is given up when it is cancelled', async () => {
    await expect(follower.step(AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('who has slept', () => {
  test('longer than a base may be old looks from where versions are still there, not for the next number', async () => {
    await chain.putAll(2, 9)
    await chain.hint(9)
    // Swept meanwhile: from version 1 the chain would seem to end there.
    await chain.store.delete([2, 3].map(chain.keyOf))
    pass(chain, 24 * 3_600_000)
    expect(await follower.step()).toBe(true)
    expect(follower.tip.version).toBe(9)
  })

  test('and is at the end all the same has seen it alive again', async () => {
    pass(chain, BASE_MAX_AGE_MS + 1)
    expect(follower.ageMs).toBe(BASE_MAX_AGE_MS + 1)
    expect(await follower.step()).toBe(false)
    expect(follower.ageMs).toBe(0)
  })

  test('half a minute at most asks for the next version alone', async () => {
    pass(chain, BASE_MAX_AGE_MS)
    await follower.step()
    expect(chain.requests()).toEqual(['get v2.metadata.json'])
  })

  test('between a look and the rest of the version finds the head, if that version was swept', async () => {
    await chain.put(2, { properties: LONG })
    await follower.step()
    await chain.putAll(3, 5)
    await chain.hint(5)
    await chain.store.delete([1, 2].map(chain.keyOf))
    pass(chain, 24 * 3_600_000)
    expect(await follower.head()).toMatchObject({ version: 5 })
    expect(follower.tip.version).toBe(5)
  })
})

describe('to the end of the chain', () => {
  test('by the hint, where it is far: a handful of requests', async () => {
    await chain.putAll(2, 30)
    await chain.hint(30)
    chain.requests()
    expect(await follower.leap()).toBe(true)
    expect(follower.tip.version).toBe(30)
    expect(chain.requests().length).toBeLessThanOrEqual(6)
  })

  test('where it is the end: one request', async () => {
    expect(await follower.leap()).toBe(false)
    expect(chain.requests()).toEqual(['get v2.metadata.json'])
  })
})

describe('the newest version that is known', () => {
  test('is the one that anybody else of this process has found', async () => {
    expect(follower.tip.version).toBe(1)
    await chain.put(2, { ledger: folded })
    pass(chain, 500)
    await committer.refresh()
    expect(follower.tip).toMatchObject({ version: 2, ledger: folded })
    expect(follower.ageMs).toBe(0)
  })

  test('is as young as whoever saw it last says, and known since it was seen first', async () => {
    await chain.put(2)
    await follower.step()
    const { sinceMs } = follower.tip
    pass(chain, 5_000)
    expect(follower.ageMs).toBe(5_000)
    await committer.refresh()
    expect(follower.ageMs).toBe(0)
    expect(follower.tip.sinceMs).toBe(sinceMs)
  })

  test('is not younger for an older one that was seen since, nor older for who saw it before', async () => {
    const { head } = committer
    await chain.put(2, { properties: LONG })
    await follower.step()
    pass(chain, 5_000)
    committer.adopt({ ...head, seen: sighting(chain.runtime) })
    expect(follower.ageMs).toBe(5_000)
    await committer.refresh()
    expect(follower.ageMs).toBe(0)
    committer.adopt({ ...committer.head, seen: head.seen })
    expect(follower.ageMs).toBe(0)
  })

  test('is not moved by a look that somebody else made from an older one', async () => {
    await chain.putAll(2, 4)
    const [two, four] = [(await peekVersion(chain.place, 2))!, (await peekVersion(chain.place, 4))!]
    follower.note(four)
    expect(follower.tip.version).toBe(1)
    follower.note(two)
    await follower.step()
    follower.note(two)
    expect(follower.tip.version).toBe(3)
  })

  test('tells the name of its manifest list, where its first bytes say so', async () => {
    await chain.putAll(2, 3, { metadata: withSnapshots([7n, NOW]) })
    expect(follower.manifestList).toBeUndefined()
    await follower.step()
    expect(follower.manifestList).toBe('snap-7.avro')
    await committer.refresh()
    expect(follower.tip.version).toBe(3)
    expect(follower.manifestList).toBeUndefined()
  })
})
