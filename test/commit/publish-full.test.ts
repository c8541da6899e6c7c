/** A publication that is refused because the disk is full: certain only if it is not there, and was tried once. */
import { beforeEach, expect, test } from 'vitest'
import type { FoldContext } from '../../src/commit/fold.ts'
import { publish } from '../../src/commit/publish.ts'
import { Watch } from '../../src/commit/watch.ts'
import { DataShardError } from '../../src/errors.ts'
import { type Chain, newChain } from '../support/chain.ts'
import { controlOf, unitOf, writerOn } from '../support/writer.ts'

const full = new DataShardError('unavailable', 'the disks of the store are full', { retryable: false })
const lost = new DataShardError('unavailable', 'the answer was lost')

let chain: Chain
let context: FoldContext

beforeEach(async () => {
  chain = newChain()
  await chain.put(1)
  context = writerOn(chain, await chain.committerAt(1))
  chain.requests()
})

/** Each try is answered so, the last answer for ever; whether they have their effect. */
function answered(causes: readonly Error[], hasEffect: boolean): { tries: number } {
  const count = { tries: 0 }
  const { put } = chain.store
  chain.store.put = async (key, body, options) => {
    if (hasEffect) await put(key, body, options)
    return { outcome: 'unknown', cause: causes[Math.min(count.tries++, causes.length - 1)] }
  }
  return count
}

const publishing = () =>
  publish(context, unitOf(context, [100]), new Watch({ id: '0123456789abcdef', base: 1 }), controlOf(chain).control)

test('not there: that is told at once, and nobody will find it', async () => {
  const count = answered([full], false)
  await expect(publishing()).rejects.toBe(full)
  expect(count.tries).toBe(1)
  expect(full.committed).toBe('no')
})

test('there all the same, by the first of a request that was repeated on its way: it counts', async () => {
  const count = answered([full], true)
  await publishing()
  expect(count.tries).toBe(1)
})

test('and whether it is there is not answered: it is tried again, and unknown in the end', async () => {
  const count = answered([full], false)
  chain.store.rule = ({ verb }) => (verb === 'head' ? 'lost-before' : undefined)
  await expect(publishing()).rejects.toMatchObject({ code: 'commit-unknown', cause: full })
  expect(count.tries).toBeGreaterThan(1)
})

test('after a try without an answer, which may have its effect yet: unknown', async () => {
  const count = answered([lost, full], false)
  await expect(publishing()).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
  expect(count.tries).toBeGreaterThan(2)
})

test('no answer, but no refusal either: whether it is there is not asked', async () => {
  answered([lost], true)
  await expect(publishing()).rejects.toMatchObject({ code: 'commit-unknown' })
  expect(chain.requests().filter((request) => request.startsWith('head'))).toEqual([])
})
