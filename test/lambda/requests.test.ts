/** What docs/lambda.md says that an invocation costs. */
import { expect, test } from 'vitest'
import { createTable } from '../../src/index.ts'
import type { AppendHandlerOptions } from '../../src/lambda/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import { context, events, handlerOn, LOCATION, sample } from './fixture.ts'
import { messages } from './messages.ts'

const sqs = (count: number) => (delivery: number) =>
  messages(
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${delivery}-${i}`, { id: `${delivery}-${i}` }])),
  )

const kinesis = (count: number) => (delivery: number) => {
  const [record] = sample<{ Records: { eventID: string }[] }>('kinesis').Records
  return { Records: Array.from({ length: count }, (_, i) => ({ ...record!, eventID: `shard:${delivery}-${i}` })) }
}

const http = (headers: object) => (delivery: number) => {
  const event = sample<{ headers: object; body: string }>('apigateway-v2')
  const keyed = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, `${String(value)}${delivery}`]),
  )
  return { ...event, headers: { ...event.headers, ...keyed } }
}

const writes = (PUT: number) => ({ PUT, LIST: 1 })
const replay = (keys: number) => ({ PUT: keys + 3, LIST: 1, GET: keys, HEAD: 2, DELETE: 2 })

test.each<[string, (delivery: number) => unknown, Partial<AppendHandlerOptions>, object, object]>([
  ['10 messages', sqs(10), {}, writes(5 + 10), replay(10)],
  ['10 messages at least once', sqs(10), { delivery: 'at-least-once' }, writes(5), writes(5)],
  ['100 records of a stream', kinesis(100), {}, writes(5 + 1), replay(1)],
  ['10 records of a stream, each by itself', kinesis(10), { claims: 'record' }, writes(5 + 10), replay(10)],
  ['a request', http({}), {}, writes(5), writes(5)],
  ['a request with a key', http({ 'idempotency-key': 'k' }), {}, writes(5 + 1), replay(1)],
  ['a direct call', (delivery) => [{ id: `x${delivery}` }], {}, writes(5 + 1), replay(1)],
  // On a machine so busy that a second passes between two appends, the second one looks whether its base is still the newest.
])('%s', { retry: 3 }, async (_, event, options, once, again) => {
  const store = memoryStore()
  await (await createTable(LOCATION, { schema: events, store })).close()
  let counts: Record<string, number> = {}
  store.observe(({ verb }) => (counts[verb] = (counts[verb] ?? 0) + 1))
  const requestsOf = async (delivery: number) => {
    counts = {}
    await handler(event(delivery), context(30_000, `request-${delivery}`))
    return counts
  }
  const handler = handlerOn(store, options)
  const { GET = 0, HEAD = 0 } = await requestsOf(1)
  // Where the table is: hint, next version, head; the memory store's HEADs are GETs elsewhere too.
  expect(GET + HEAD).toBeLessThanOrEqual(5)
  expect(await requestsOf(2)).toEqual(once)
  expect(await requestsOf(2)).toEqual(again)
})
