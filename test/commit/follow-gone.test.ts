/** What a writer that waits is told when the table, or its newest version, goes away. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Committer } from '../../src/commit/commit.ts'
import { Follower } from '../../src/commit/follow.ts'
import { Tempo } from '../../src/commit/tempo.ts'
import { type Chain, LONG, processAt } from '../support/chain.ts'

let chain: Chain
let committer: Committer
let follower: Follower

beforeEach(async () => {
  ;({ chain, committer } = await processAt(1))
  follower = new Follower(committer, new Tempo(chain.runtime))
})

describe('a table that was dropped while somebody waited', () => {
  test('a tombstone: the table is gone, and can be created', async () => {
    await chain.bury(2)
    await expect(follower.step()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('create it') as string,
    })
  })

  test.each([{}, LONG])('another table in its place is not followed', async (properties) => {
    await chain.put(2, { properties, metadata: { tableUuid: '0c2e5a1e-0000-4000-8000-000000000000' } })
    await expect(follower.step()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('load it again') as string,
    })
    expect(follower.tip.version).toBe(1)
  })
})

test('a newest version that somebody deletes by hand is said so, and not asked for again and again', async () => {
  await chain.put(2, { properties: LONG })
  await follower.step()
  await chain.store.delete([chain.keyOf(2)])
  chain.requests()
  await expect(follower.head()).rejects.toMatchObject({ code: 'corrupt', details: { version: 2, newest: 1 } })
  expect(chain.requests().length).toBeLessThanOrEqual(5)
})

test('and one that is there again right after is read', async () => {
  await chain.put(2, { properties: LONG })
  await follower.step()
  const bytes = (await chain.store.get(chain.keyOf(2)))!
  let isGone = false
  chain.store.rule = ({ verb, key }) => {
    if (key !== chain.keyOf(2) || verb === 'put' || verb === 'delete') return undefined
    if (!isGone) return async () => ((isGone = true), chain.store.delete([key]))
    return async () => void (await chain.store.put(key, bytes))
  }
  expect(await follower.head()).toMatchObject({ version: 2 })
})
