import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/index.ts'
import { dyingStore } from '../support/dying-store.ts'
import { context, handlerOn, idsIn, newTable, rowsIn, sample } from './fixture.ts'

interface KinesisRecord {
  eventID: string
  kinesis: { sequenceNumber: string; data: string }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Records of one shard with these numbers, each one row; `bad` ones cannot become one. */
function kinesis(numbers: readonly number[], bad: readonly number[] = []): { Records: KinesisRecord[] } {
  const [record] = sample<{ Records: KinesisRecord[] }>('kinesis').Records
  return {
    Records: numbers.map((n) => {
      const sequenceNumber = String(n).padStart(20, '0')
      const data = base64(bad.includes(n) ? 'no row' : JSON.stringify({ id: `r${n}`, n }))
      return {
        ...record!,
        eventID: `shardId-000000000006:${sequenceNumber}`,
        kinesis: { ...record!.kinesis, sequenceNumber, data },
      }
    }),
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const failures = (...numbers: number[]) => ({
  batchItemFailures: numbers.map((n) => ({ itemIdentifier: String(n).padStart(20, '0') })),
})
const claims = (calls: readonly { verb: string; key: string }[]) =>
  calls.filter(({ verb, key }) => verb === 'put' && key.includes('/claims/')).length

describe('Kinesis', () => {
  test('the records of a batch become rows under one claim', async () => {
    const store = await newTable()
    expect(await handlerOn(store)(sample('kinesis'), context())).toEqual({ batchItemFailures: [] })
    expect(await idsIn(store)).toEqual(['a', 'b'])
    expect(claims(store.calls)).toBe(1)
  })

  test('what a record says is what map gets', async () => {
    const store = await newTable()
    const seen: unknown[] = []
    await handlerOn(store, { map: (record) => (seen.push(record), []) })(sample('kinesis'), context())
    expect(seen[0]).toMatchObject({
      source: 'kinesis',
      id: 'shardId-000000000000:49545115243490985018280067714963144480849561922850000001',
      time: new Date(1428537601250),
      body: { id: 'a', n: 1 },
    })
    expect(await idsIn(store)).toEqual([])
  })

  test('a batch that comes again, also with more behind it, is in the table once', async () => {
    const store = await newTable()
    await handlerOn(store)(kinesis(range(1, 5)), context())
    expect(await handlerOn(store)(kinesis(range(1, 5)), context())).toEqual(failures())
    expect(await handlerOn(store)(kinesis(range(1, 8)), context())).toEqual(failures())
    // The rest of that one had a claim of its own, which this one meets in the middle.
    expect(await handlerOn(store)(kinesis(range(1, 9)), context())).toEqual(failures())
    expect(await handlerOn(store)(kinesis(range(10, 11)), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(
      range(1, 11)
        .map((n) => `r${n}`)
        .toSorted(),
    )
  })

  test('a batch that comes again shorter, or with other records, is an error and appends nothing', async () => {
    const store = await newTable()
    await handlerOn(store)(kinesis(range(1, 5)), context())
    expect(await handlerOn(store)(kinesis(range(1, 3)), context())).toEqual(failures(1, 2, 3))
    expect(await handlerOn(store)(kinesis([1, 2, 3, 4, 7, 8]), context())).toEqual(failures(1, 2, 3, 4, 7, 8))
    expect(await idsIn(store)).toEqual(range(1, 5).map((n) => `r${n}`))
  })

  test.each([true, false])(
    'killed at any request (which %s has its effect), it comes again longer: each record is there once',
    { timeout: 120_000 },
    async (takesEffect) => {
      for (let request = 1; ; request++) {
        const store = await newTable()
        const mortal = dyingStore(store, request, takesEffect)
        await handlerOn(mortal)(kinesis(range(1, 4)), context()).catch(() => undefined)
        const hasDied = mortal.requests() >= request
        expect(await handlerOn(store)(kinesis(range(1, 7)), context())).toEqual(failures())
        expect(await handlerOn(store)(kinesis(range(1, 7)), context())).toEqual(failures())
        expect(await idsIn(store), `killed at request ${request}`).toEqual(range(1, 7).map((n) => `r${n}`))
        if (!hasDied) break
      }
    },
  )

  test('the function that was given up is still alive and commits at the same time: each record is there once', async () => {
    for (let round = 0; round < 10; round++) {
      const store = await newTable()
      const [first, second] = [handlerOn(store), handlerOn(store)]
      await Promise.all([first.open(), second.open()])
      const answers = await Promise.all([
        first(kinesis(range(1, 4)), context()),
        second(kinesis(range(1, 7)), context()),
      ])
      // The one that began with less may find that there was more; its answer goes nowhere.
      expect(answers[1]).toEqual(failures())
      expect(await idsIn(store)).toEqual(range(1, 7).map((n) => `r${n}`))
    }
  })

  test('with a claim for each record, batches may come again in any pieces', async () => {
    const store = await newTable()
    const options = { claims: 'record' as const }
    await handlerOn(store, options)(kinesis(range(1, 5)), context())
    expect(await handlerOn(store, options)(kinesis(range(1, 2)), context())).toEqual(failures())
    expect(await handlerOn(store, options)(kinesis(range(3, 7)), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(range(1, 7).map((n) => `r${n}`))
  })

  test('a record that is no row fails with all behind it, and what was before it is not appended again', async () => {
    const store = await newTable()
    expect(await handlerOn(store)(kinesis(range(1, 5), [3]), context())).toEqual(failures(3, 4, 5))
    expect(await idsIn(store)).toEqual(['r1', 'r2'])
    expect(await handlerOn(store)(kinesis(range(3, 6), [3]), context())).toEqual(failures(3, 4, 5, 6))
    // The function was mended; and the answer before that was lost.
    expect(await handlerOn(store)(kinesis(range(1, 6)), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(range(1, 6).map((n) => `r${n}`))
  })

  test('a record that somebody takes is out of the way, and the batch keeps its name when it comes again', async () => {
    const store = await newTable()
    const taken: [string, string][] = []
    const onReject = ({ id }: { id: string }, error: Error) => void taken.push([id.slice(-1), error.message])
    expect(await handlerOn(store, { onReject })(kinesis(range(1, 4), [1, 3]), context())).toEqual(failures())
    expect(taken.map(([id]) => id)).toEqual(['1', '3'])
    expect(taken[0]![1]).toContain("'no row' (string), expected a row")
    expect(await handlerOn(store, { onReject })(kinesis(range(1, 5)), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['r2', 'r4', 'r5'])
  })

  test.each([
    ['not base64', '%%%', 'not base64'],
    ['bytes that are no text', Buffer.from([0xf3, 0x89, 0x9a, 0xc2]).toString('base64'), 'UTF-8'],
    ['little that unpacks to much', gzipSync(Buffer.alloc(3_000_000)).toString('base64'), 'more than 1000000 bytes'],
    ['gzip that is cut', Buffer.from([0x1f, 0x8b, 8, 0]).toString('base64'), 'cannot be unpacked'],
  ])('%s: that record is rejected with a reason', async (_, data, reason) => {
    const store = await newTable()
    const event = kinesis([1, 2])
    event.Records[0]!.kinesis.data = data
    const reasons: string[] = []
    const onReject = (__: unknown, { message }: Error) => void reasons.push(message)
    await handlerOn(store, { onReject, maxUnpackedBytes: 1_000_000 })(event, context())
    expect(reasons).toEqual([expect.stringContaining(reason)])
    expect(await idsIn(store)).toEqual(['r2'])
  })
})

describe('DynamoDB', () => {
  const orders = schema({
    change: t.string,
    id: t.string,
    total: t.optional(t.decimal(20, 2)),
    big: t.optional(t.long),
    before: t.optional(t.int),
    after: t.optional(t.int),
  })
  interface Change {
    eventName: string
    keys: { id: string }
    newImage: { total: string; big: bigint; count: number } | null
    oldImage: { count: number } | null
  }

  test('changes become rows, numbers with all their digits', async () => {
    const store = await newTable(orders)
    const handler = handlerOn(store, {
      map: ({ body }: { body: Change }) => ({
        change: body.eventName,
        id: body.keys.id,
        total: body.newImage?.total,
        big: body.newImage?.big,
        before: body.oldImage?.count,
        after: body.newImage?.count,
      }),
    })
    expect(await handler(sample('dynamodb'), context())).toEqual({ batchItemFailures: [] })
    expect(await handler(sample('dynamodb'), context())).toEqual({ batchItemFailures: [] })
    const rows = (await rowsIn(store)).toSorted((a, b) => String(a['change']).localeCompare(String(b['change'])))
    const image = { id: 'o-1', total: '12345678901234567.89', big: 9007199254740993n }
    expect(rows).toEqual([
      { change: 'INSERT', ...image, before: null, after: 3 },
      { change: 'MODIFY', ...image, before: 3, after: 4 },
      { change: 'REMOVE', id: 'o-1', total: null, big: null, before: 3, after: null },
    ])
  })

  test('every kind of attribute is unmarshalled', async () => {
    const store = await newTable()
    const seen: { time: Date; id: string; body: { newImage: unknown } }[] = []
    await handlerOn(store, { map: (record) => (seen.push(record), []) })(sample('dynamodb'), context())
    expect(seen[0]).toMatchObject({ id: 'c4ca4238a0b923820dcc509a6f758491', time: new Date(1428537601000) })
    expect(seen[0]!.body.newImage).toEqual({
      id: 'o-1',
      total: '12345678901234567.89',
      count: 3,
      big: 9007199254740993n,
      tags: ['x', 'y'],
      paid: true,
      note: null,
      blob: new TextEncoder().encode('hi'),
      lines: [{ sku: 's1', qty: 2 }],
      sizes: [1, 2.5],
    })
  })

  test('failures are named by sequence number', async () => {
    const store = await newTable()
    const answer = await handlerOn(store)(sample('dynamodb'), context())
    expect(answer).toEqual({
      batchItemFailures: [1, 2, 3].map((n) => ({ itemIdentifier: `442158400000000000000000${n}` })),
    })
  })
})

describe('Kafka', () => {
  test.each([
    ['msk', ['a', 'b', 'c'], 2],
    ['self-managed-kafka', ['a'], 1],
  ])('%s: each partition has one claim', async (name, ids, partitions) => {
    const store = await newTable()
    expect(await handlerOn(store)(sample(name), context())).toEqual({ batchItemFailures: [] })
    expect(claims(store.calls)).toBe(partitions)
    expect(await handlerOn(store)(sample(name), context())).toEqual({ batchItemFailures: [] })
    expect(await idsIn(store)).toEqual(ids)
  })

  test('a bad record holds back its own partition only, and a record without a value is one too', async () => {
    const store = await newTable()
    const event = sample<{ records: Record<string, { value: string | null }[]> }>('msk')
    event.records['clicks-0']![0]!.value = null
    expect(await handlerOn(store)(event, context())).toEqual({
      batchItemFailures: [15, 16].map((offset) => ({ itemIdentifier: { partition: 'clicks-0', offset } })),
    })
    expect(await idsIn(store)).toEqual(['c'])
    const map = ({ body, id }: { body: unknown; id: string }) => ({ id: body === null ? `deleted ${id}` : id })
    expect(await handlerOn(store, { map })(event, context())).toEqual({ batchItemFailures: [] })
    expect(await idsIn(store)).toEqual(['c', 'clicks-0@16', 'deleted clicks-0@15'])
  })

  test.each([
    [{ eventSource: 'aws:kafka' }, 'records'],
    [{ eventSource: 'aws:kafka', records: { 't-0': 1 } }, "records['t-0']"],
    [{ eventSource: 'aws:kafka', records: { 't-0': [{ topic: 't', partition: 0 }] } }, "records['t-0'][0].offset"],
  ])('an event that is none is refused by name', async (event, path) => {
    const store = await newTable()
    await expect(handlerOn(store)(event, context())).rejects.toMatchObject({ details: { path } })
  })
})

describe('Firehose', () => {
  interface Event {
    records: { recordId: string; data: string }[]
  }

  test('what is in the table goes on as it was, what cannot be a row is reported, what map leaves out is dropped', async () => {
    const store = await newTable()
    const event = sample<Event>('firehose')
    const [a, b] = event.records as [Event['records'][0], Event['records'][0]]
    event.records.push(
      { ...a, recordId: 'bad', data: base64('[') },
      { ...a, recordId: 'none', data: base64('{"id":""}') },
    )
    const map = ({ body }: { body: { id: string } | string }) =>
      typeof body === 'object' && body.id === '' ? [] : (body as { id: string })
    const answer = {
      records: [
        { recordId: a.recordId, result: 'Ok', data: a.data },
        { recordId: b.recordId, result: 'Ok', data: b.data },
        { recordId: 'bad', result: 'ProcessingFailed', data: base64('[') },
        { recordId: 'none', result: 'Dropped', data: base64('{"id":""}') },
      ],
    }
    expect(await handlerOn(store, { map })(event, context())).toEqual(answer)
    expect(await handlerOn(store, { map })(event, context())).toEqual(answer)
    expect(await idsIn(store)).toEqual(['a', 'b'])
    expect(claims(store.calls)).toBe(2)
  })

  test('it can be the end of the way', async () => {
    const store = await newTable()
    expect(await handlerOn(store, { firehose: 'drop' })(sample('firehose'), context())).toMatchObject({
      records: [{ result: 'Dropped' }, { result: 'Dropped' }],
    })
  })

  test('rows that could not be committed make the invocation fail, so that Firehose makes it again', async () => {
    const store = await newTable()
    store.rule = ({ verb, key }) => (verb === 'put' && key.endsWith('.parquet') ? new Error('no') : undefined)
    await expect(handlerOn(store)(sample('firehose'), context())).rejects.toThrow('2 records')
    store.rule = () => undefined
    expect(await handlerOn(store)(sample('firehose'), context())).toMatchObject({ records: [{ result: 'Ok' }, {}] })
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })
})
