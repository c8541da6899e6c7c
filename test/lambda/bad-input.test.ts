/** What is wrong with an event, source by source: each time a clear answer, and nothing that was right is lost. */
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createTable, DataShardError, loadTable, schema, t } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { forwardedFrom } from '../support/forwarded-store.ts'
import { context, handlerOn, idsIn, LOCATION, newTable, sample } from './fixture.ts'
import { EVENTS } from './sources.ts'

const SOURCES = Object.keys(EVENTS) as (keyof typeof EVENTS)[]

/** What the source is told: the names of records that come again or are reported, or the error that makes all of it come again. */
async function told(answer: Promise<unknown>): Promise<{ failed: unknown[]; error?: DataShardError }> {
  try {
    const { batchItemFailures = [], records = [] } = ((await answer) ?? {}) as {
      batchItemFailures?: { itemIdentifier: unknown }[]
      records?: { recordId: string; result: string }[]
    }
    const reported = records.filter(({ result }) => result === 'ProcessingFailed').map(({ recordId }) => recordId)
    return { failed: [...batchItemFailures.map(({ itemIdentifier }) => itemIdentifier), ...reported] }
  } catch (error) {
    return { failed: [], error: error as DataShardError }
  }
}

const at = (offset: number) => ({ partition: 'clicks-0', offset })

/** Of three records, the second of which is bad: who is told to come again, and what is in the table. */
const SECOND_IS_BAD: Record<keyof typeof EVENTS, { failed: unknown[]; ids: string[] }> = {
  sqs: { failed: ['m2'], ids: ['a', 'c'] },
  // In order: what is behind waits for it.
  kinesis: { failed: ['2', '3'], ids: ['a'] },
  kafka: { failed: [at(2), at(3)], ids: ['a'] },
  // An error is all that it understands.
  sns: { failed: [], ids: ['a', 'c'] },
  firehose: { failed: ['f2'], ids: ['a', 'c'] },
}

const BAD: [string, string | Uint8Array, RegExp][] = [
  ['a value that does not fit', '{"id":"b","n":"many"}', /column 'n'.*'many'/],
  ['no value for a required column', '{"n":1}', /column 'id'/],
  ['a column that the table has not', '{"id":"b","surprise":1}', /surprise/],
  ['text that is no row', 'hello', /'hello' \(string\), expected a row/],
  ['compressed little that unpacks to much', gzipSync(Buffer.alloc(3_000_000)), /more than 1000000 bytes/],
  ['gzip that is cut', gzipSync('{"id":"b"}').subarray(0, 15), /cannot be unpacked/],
]

describe.each(SOURCES)('%s', (source) => {
  const options = { source: source as never, maxUnpackedBytes: 1_000_000 }

  // Of SNS a body is text, whatever it holds.
  const bad = source === 'sns' ? BAD.filter(([, body]) => typeof body === 'string') : BAD
  test.each(bad)('%s: that record is named with the reason, the others are appended, once', async (_, body, reason) => {
    const store = await newTable()
    const event = EVENTS[source](['{"id":"a"}', body, '{"id":"c"}'])
    const lines: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (__: string, extra: object) => void lines.push(JSON.stringify(extra)),
    }
    for (let delivery = 0; delivery < 2; delivery++) {
      const { failed, error } = await told(handlerOn(store, { ...options, logger })(event, context()))
      expect(failed).toEqual(SECOND_IS_BAD[source].failed)
      if (source === 'sns') expect(error).toMatchObject({ code: 'invalid-argument' })
      else expect(error).toBeUndefined()
      expect(await idsIn(store)).toEqual(SECOND_IS_BAD[source].ids)
    }
    if (source !== 'firehose') expect(lines.join('\n')).toMatch(reason)
    // Once somebody takes what is bad, nothing waits any more, and nothing is there twice.
    const taken: string[] = []
    const onReject = (__: unknown, { message }: Error) => void taken.push(message)
    const mended = await told(handlerOn(store, { ...options, onReject })(event, context()))
    expect(mended).toEqual({ failed: [] })
    expect(taken).toEqual([expect.stringMatching(reason)])
    expect(await idsIn(store)).toEqual(['a', 'c'])
  })

  test('an empty batch is done, without a request', async () => {
    const store = await newTable()
    store.calls.length = 0
    expect(await told(handlerOn(store, options)(EVENTS[source]([]), context()))).toEqual({ failed: [] })
    expect(store.calls).toEqual([])
  })

  test('a record that is there twice in one batch is a row once', async () => {
    const store = await newTable()
    const event = EVENTS[source](['{"id":"a"}', '{"id":"b"}'])
    const twice = (one: unknown): unknown => (Array.isArray(one) ? [...one, structuredClone(one[0])] : one)
    const doubled = JSON.parse(JSON.stringify(event), (key, value: unknown) =>
      key === 'Records' || key === 'records' || key === 'clicks-0' ? twice(value) : value,
    ) as object
    expect(await told(handlerOn(store, options)(doubled, context()))).toEqual({ failed: [] })
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })

  test('6 MB in one batch', { timeout: 120_000 }, async () => {
    const store = await newTable()
    const bodies = Array.from({ length: 6_000 }, (_, n) => JSON.stringify({ id: String(n).padStart(700, '0'), n }))
    const event = EVENTS[source](bodies)
    expect(JSON.stringify(event).length).toBeGreaterThan(6_000_000)
    expect(await told(handlerOn(store, options)(event, context(600_000)))).toEqual({ failed: [] })
    await using table = await loadTable(LOCATION, { store })
    expect(await table.scan().count()).toBe(6_000)
  })
})

describe('events that are none', () => {
  test.each([
    ['kinesis', { Records: [{ eventSource: 'aws:kinesis' }] }, 'Records[0].kinesis'],
    ['kinesis', { Records: [{ eventSource: 'aws:kinesis', kinesis: {} }] }, 'Records[0].kinesis.sequenceNumber'],
    ['dynamodb', { Records: [{ eventSource: 'aws:dynamodb' }] }, 'Records[0].dynamodb'],
    ['sns', { Records: [{ EventSource: 'aws:sns' }] }, 'Records[0].Sns'],
    ['sns', { Records: [{ EventSource: 'aws:sns', Sns: { Message: '{}' } }] }, 'Records[0].Sns.MessageId'],
    ['eventbridge', { 'detail-type': 'a', source: 'b', detail: {} }, 'it.id'],
    ['firehose', { deliveryStreamArn: 'arn', records: [null] }, 'records[0]'],
    ['firehose', { deliveryStreamArn: 'arn', records: [{ data: '' }] }, 'records[0].recordId'],
  ])('%s: %j is refused as a whole, by name, before anything is read or written', async (source, event, path) => {
    const store = await newTable()
    store.calls.length = 0
    const error = { code: 'invalid-argument', details: { path } }
    await expect(handlerOn(store)(event, context())).rejects.toMatchObject(error)
    await expect(handlerOn(store, { source: source as never })(event, context())).rejects.toMatchObject(error)
    expect(store.calls).toEqual([])
  })

  test('s3: a key that no form could have is refused by name', async () => {
    const store = await newTable()
    const event = sample<{ Records: { s3: { object: { key: string } } }[] }>('s3')
    event.Records[0]!.s3.object.key = 'in/%E0%A4%A'
    await expect(handlerOn(store)(event, context())).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { path: 'Records[0].s3.object.key' },
    })
  })
})

describe('base64 that is none', () => {
  test.each([
    ['kinesis', (event: string) => event.replaceAll(/"data":"[^"]*"/g, '"data":"%%%"')],
    ['kafka', (event: string) => event.replaceAll(/"value":"[^"]*"/g, '"value":"%%%"')],
    ['firehose', (event: string) => event.replaceAll(/"data":"[^"]*"/g, '"data":"%%%"')],
  ] as const)('%s: the record is rejected, and no other bytes are made of it', async (source, spoil) => {
    const store = await newTable()
    const event = JSON.parse(spoil(JSON.stringify(EVENTS[source](['{"id":"a"}'])))) as object
    const reasons: string[] = []
    const onReject = (_: unknown, { message }: Error) => void reasons.push(message)
    expect((await told(handlerOn(store)(event, context()))).failed).toHaveLength(1)
    await handlerOn(store, { onReject })(event, context())
    expect(reasons).toEqual([expect.stringContaining('not base64')])
    expect(await idsIn(store)).toEqual([])
  })

  test('dynamodb: a binary attribute, and one of no type', async () => {
    const store = await newTable()
    const event = sample<{ Records: { dynamodb: { NewImage: object } }[] }>('dynamodb')
    event.Records.splice(1)
    const reasons: string[] = []
    const onReject = (_: unknown, { message }: Error) => void reasons.push(message)
    for (const id of [{ B: '%%%' }, { Q: 'x' }]) {
      event.Records[0]!.dynamodb.NewImage = { id }
      await handlerOn(store, { onReject, map: ({ body }) => body.newImage })(event, context())
    }
    expect(reasons).toEqual([expect.stringContaining('not base64'), expect.stringContaining('attribute value')])
  })
})

test('records older than keys are kept are appended all the same, with a warning and a number', async () => {
  const store = await newTable()
  const warnings: string[] = []
  const numbers = new Map<string, number>()
  const logger = { debug() {}, info() {}, error() {}, warn: (message: string) => void warnings.push(message) }
  const metrics = { addMetric: (name: string, _: string, value: number) => void numbers.set(name, value) }
  // The sample is of 2018.
  await handlerOn(store, { logger, metrics })(EVENTS.sqs(['{"id":"a"}']), context())
  expect(await idsIn(store)).toEqual(['a'])
  expect(warnings).toEqual([expect.stringContaining('1 records are older than idempotency keys are kept')])
  expect([numbers.get('Stale'), numbers.get('Rows'), numbers.get('Failed')]).toEqual([1, 1, 0])
})

test('a missing table is created exactly once by 64 functions at once', { timeout: 120_000 }, async () => {
  const inner = memoryStore()
  let created = 0
  const store: ObjectStore = {
    ...forwardedFrom(inner),
    get: (key, options) => inner.get(key, options),
    head: (key, options) => inner.head(key, options),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (key, options) => inner.delete(key, options),
    put: async (key, body, options) => {
      const result = await inner.put(key, body, options)
      if (key.endsWith('/v1.metadata.json') && result.outcome === 'written') created++
      return result
    },
  }
  const create = { schema: schema({ id: t.string }) }
  const ids = Array.from({ length: 64 }, (_, n) => `f${String(n).padStart(2, '0')}`)
  const answers = await Promise.all(
    ids.map((id) => told(handlerOn(store, { create })(EVENTS.sqs([`{"id":"${id}"}`]), context(600_000)))),
  )
  // Sixty-four instances of the function got the same message id: one row is in the table, and none was told that it failed.
  expect(answers.every(({ failed }) => failed.length === 0)).toBe(true)
  expect(created).toBe(1)
  expect(await idsIn(store)).toHaveLength(1)
})

test('a missing table that nobody may create: the records come again', async () => {
  const store = memoryStore()
  const handler = handlerOn(store)
  expect(await told(handler(EVENTS.sqs(['{"id":"a"}']), context()))).toEqual({ failed: ['m1'] })
  await (await createTable(LOCATION, { schema: schema({ id: t.string }), store })).close()
  expect(await told(handler(EVENTS.sqs(['{"id":"a"}']), context()))).toEqual({ failed: [] })
  expect(await idsIn(store)).toEqual(['a'])
})

describe.each(SOURCES)('missing rights, %s', (source) => {
  test('everything comes again, and is there once when the right is given', async () => {
    const store = await newTable()
    store.rule = ({ verb }) => (verb === 'put' ? new DataShardError('denied', 'no right to s3:PutObject') : undefined)
    const event = EVENTS[source](['{"id":"a"}', '{"id":"b"}'])
    const { failed, error } = await told(handlerOn(store)(event, context()))
    if (source === 'sns' || source === 'firehose') expect(error).toMatchObject({ code: 'denied' })
    else expect(failed).toHaveLength(2)
    store.rule = () => undefined
    expect(await told(handlerOn(store)(event, context()))).toEqual({ failed: [] })
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })
})

test.each([
  ['an unknown source', { Records: [{ eventSource: 'aws:foo', body: '{"id":"a"}' }] }, /it is of .*aws:foo/],
  ['Amazon MQ', { eventSource: 'aws:mq', eventSourceArn: 'arn:x', messages: [{ data: 'e30=' }] }, /it is of .*aws:mq/],
  ['RabbitMQ', { eventSource: 'aws:rmq', rmqMessagesByQueue: { q: [{ data: 'e30=' }] } }, /it is of .*aws:rmq/],
  ['DocumentDB', { eventSource: 'aws:docdb', events: [{ event: {} }] }, /it is of .*aws:docdb/],
  ['CloudWatch Logs', { awslogs: { data: 'H4sI' } }, /it is of .*awslogs/],
  ['records that are none', { Records: 5 }, /its records are 5/],
  ['no record', { Records: [null] }, /its records are/],
  [
    'a stream without records',
    { records: 5, deliveryStreamArn: 'arn:aws:firehose:x' },
    /looks like one of an event source|records/,
  ],
])('an envelope is no row, whatever unknown columns are to become: %s', async (_what, event, told) => {
  const store = await newTable()
  for (const unknownColumns of ['ignore', 'rest', 'evolve'] as const) {
    await expect(handlerOn(store, { unknownColumns })(event, context())).rejects.toThrow(told)
  }
  expect(await idsIn(store)).toEqual([])
})

test('a row that has a field eventSource is a row', async () => {
  const store = await newTable()
  await handlerOn(store, { unknownColumns: 'evolve' })({ id: 'a', eventSource: 's3.amazonaws.com' }, context())
  expect(await idsIn(store)).toEqual(['a'])
})

test('a field whose name is a path into a struct is rejected, and the table stays as it was', async () => {
  const store = await newTable(schema({ id: t.string, a: t.optional(t.struct({ x: t.optional(t.long) })) }))
  const before = await loadTable(LOCATION, { store })
  const event = EVENTS.sqs(['{"id":"a"}', '{"id":"b","a.b":1}'])
  const { failed } = await told(handlerOn(store, { unknownColumns: 'evolve' })(event, context()))
  expect(failed).toHaveLength(1)
  expect((await loadTable(LOCATION, { store })).schema.fields).toEqual(before.schema.fields)
  expect(await idsIn(store)).toEqual(['a'])
})
