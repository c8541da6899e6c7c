/** What sources do, at random: any record any number of times, by functions that die anywhere. Each is there once. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ObjectStore } from '../../src/store/store.ts'
import { dyingStore } from '../support/dying-store.ts'
import { context, handlerOn, idsIn, newTable, sample } from './fixture.ts'
import { messages } from './messages.ts'

const RUNS = 25
const RECORDS = 12
const name = (n: number) => `r${String(n).padStart(2, '0')}`
const all = Array.from({ length: RECORDS }, (_, n) => name(n))

interface Delivery {
  /** Records of the batch, at least. */
  readonly size: number
  /** The request at which the function dies; large: it lives. */
  readonly diesAt: number
  readonly takesEffect: boolean
  /** Whether the source hears the answer. */
  readonly heard: boolean
  readonly bad: number
}

const delivery: fc.Arbitrary<Delivery> = fc.record({
  size: fc.integer({ min: 1, max: 5 }),
  diesAt: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constant(1_000)),
  takesEffect: fc.boolean(),
  heard: fc.boolean(),
  bad: fc.integer({ min: 0, max: 3 * RECORDS }),
})

/** The last deliveries of each property go well, so that it ends. */
const well: Delivery = { size: 4, diesAt: 1_000, takesEffect: true, heard: true, bad: -1 }

interface Answer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

async function invoke(
  store: ObjectStore,
  event: object,
  { diesAt, takesEffect }: Delivery,
): Promise<Answer | undefined> {
  const mortal = dyingStore(store, diesAt, takesEffect)
  const answer = (await handlerOn(mortal, { marginMs: 10 })(event, context(5_000))) as Answer
  // A function that is killed answers nothing.
  return mortal.requests() >= diesAt ? undefined : answer
}

function kinesis(ids: readonly string[], bad: string): object {
  const [record] = sample<{ Records: { kinesis: object }[] }>('kinesis').Records
  return {
    Records: ids.map((id) => {
      const data = Buffer.from(id === bad ? 'no row' : JSON.stringify({ id })).toString('base64')
      return { ...record!, eventID: `shard:${id}`, kinesis: { ...record!.kinesis, sequenceNumber: id, data } }
    }),
  }
}

test(
  'a stream: from the first record that was not acknowledged, never less than before',
  { timeout: 240_000 },
  async () => {
    const property = fc.asyncProperty(fc.array(delivery, { maxLength: 8 }), async (deliveries) => {
      const store = await newTable()
      let cursor = 0
      let atLeast = 1
      const plan = [...deliveries, ...Array.from({ length: RECORDS + 1 }, () => well)]
      for (const one of plan) {
        if (cursor === RECORDS) break
        const end = Math.min(RECORDS, cursor + Math.max(one.size, atLeast))
        const answer = await invoke(store, kinesis(all.slice(cursor, end), name(one.bad)), one)
        atLeast = end - cursor
        if (!answer || !one.heard) continue
        const failed = answer.batchItemFailures.map(({ itemIdentifier }) => all.indexOf(itemIdentifier))
        const next = failed.length === 0 ? end : Math.min(...failed)
        if (next > cursor) atLeast = 1
        cursor = next
      }
      expect(cursor).toBe(RECORDS)
      expect(await idsIn(store)).toEqual(all)
    })
    await fc.assert(property, { numRuns: RUNS })
  },
)

test('a queue: any message, in any company', { timeout: 240_000 }, async () => {
  const property = fc.asyncProperty(fc.array(delivery, { maxLength: 8 }), fc.nat(), async (deliveries, seed) => {
    const store = await newTable()
    let open = [...all]
    const plan = [...deliveries, ...Array.from({ length: RECORDS + 1 }, () => well)]
    for (const [round, one] of plan.entries()) {
      // Another order each time, the same for the same seed.
      open = open.toSorted((a, b) => (hash(a, seed + round) % 97) - (hash(b, seed + round) % 97) || (a < b ? -1 : 1))
      const some = open.slice(0, one.size)
      if (some.length === 0) break
      const bodies = some.map((id) => [id, id === name(one.bad) ? 'no row' : { id }] as const)
      const answer = await invoke(store, messages(Object.fromEntries(bodies)), one)
      if (!answer || !one.heard) continue
      const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
      open = open.filter((id) => !some.includes(id) || failed.has(id))
    }
    expect(open).toEqual([])
    expect(await idsIn(store)).toEqual(all)
  })
  await fc.assert(property, { numRuns: RUNS })
})

function hash(text: string, seed: number): number {
  let h = seed
  for (const char of text) h = (h * 31 + char.charCodeAt(0)) % 1_000_003
  return h
}
