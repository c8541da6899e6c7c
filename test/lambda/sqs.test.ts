import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { context, handlerOn, idsIn, newTable, rowsIn, sample } from './fixture.ts'

interface SqsEvent {
  Records: {
    messageId: string
    body: string
    eventSource: string
    eventSourceARN: string
    attributes: Record<string, string>
  }[]
}

/** Messages of these ids, each one row. */
function sqs(ids: readonly string[], change: (record: SqsEvent['Records'][number]) => void = () => {}): SqsEvent {
  const [record] = sample<SqsEvent>('sqs').Records
  return {
    Records: ids.map((id) => {
      const copy = { ...structuredClone(record!), messageId: `m-${id}`, body: JSON.stringify({ id, n: 1 }) }
      change(copy)
      return copy
    }),
  }
}

const failures = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) })

describe('SQS', () => {
  test('each message becomes a row, and nothing is reported', async () => {
    const store = await newTable()
    expect(await handlerOn(store)(sample('sqs'), context())).toEqual(failures())
    expect(await rowsIn(store)).toEqual([
      { id: 'a', n: 1n },
      { id: 'b', n: 2n },
    ])
  })

  test('messages that come again in other company are in the table once', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    await handler(sqs(['a', 'b', 'c']), context())
    expect(await handler(sqs(['c', 'd']), context())).toEqual(failures())
    expect(await handlerOn(store)(sqs(['e', 'a', 'd']), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('a message that cannot become a row fails alone', async () => {
    const store = await newTable()
    const event = sqs(['a', 'bad', 'c', 'text'], (record) => {
      if (record.messageId === 'm-bad') record.body = '{"id":"bad","n":"many"}'
      if (record.messageId === 'm-text') record.body = '{"id":'
    })
    expect(await handlerOn(store)(event, context())).toEqual(failures('m-bad', 'm-text'))
    expect(await idsIn(store)).toEqual(['a', 'c'])
  })

  test('in a FIFO queue those behind it in its group fail with it, and other groups go on', async () => {
    const store = await newTable()
    const event = sqs(['a1', 'b1', 'bad-a2', 'b2', 'a3'], (record) => {
      record.eventSourceARN += '.fifo'
      record.attributes['MessageGroupId'] = record.body.includes('a') ? 'A' : 'B'
      const { id } = JSON.parse(record.body) as { id: string }
      record.attributes['MessageGroupId'] = id.includes('a') ? 'A' : 'B'
      if (id.startsWith('bad')) record.body = '[1]'
    })
    expect(await handlerOn(store)(event, context())).toEqual(failures('m-bad-a2', 'm-a3'))
    expect(await idsIn(store)).toEqual(['a1', 'b1', 'b2'])
  })

  test('the same message twice in one batch is one message', async () => {
    const store = await newTable()
    expect(await handlerOn(store)(sqs(['a', 'a', 'b']), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })

  test('a message of several rows is all or nothing', async () => {
    const store = await newTable()
    const event = sqs(['x', 'y'], (record) => {
      record.body = record.messageId === 'm-x' ? '[{"id":"x1"},{"id":"x2"}]' : '[{"id":"y1"},{"n":2}]'
    })
    expect(await handlerOn(store)(event, context())).toEqual(failures('m-y'))
    expect(await idsIn(store)).toEqual(['x1', 'x2'])
  })

  test('a gzipped body is unpacked', async () => {
    const store = await newTable()
    const event = sqs(['a'], (record) => (record.body = gzipSync('{"id":"z"}').toString('base64')))
    expect(await handlerOn(store)(event, context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['z'])
  })

  test('no messages: no request, no failures', async () => {
    const store = await newTable()
    store.calls.length = 0
    for (const options of [{}, { source: 'sqs' as const }]) {
      expect(await handlerOn(store, options)({ Records: [] }, context())).toEqual(failures())
    }
    expect(store.calls).toEqual([])
  })

  test.each([
    [{ Records: [{ eventSource: 'aws:sqs' }] }, 'Records[0].messageId'],
    [{ Records: [{ eventSource: 'aws:sqs', messageId: 'm', body: '{}' }] }, 'Records[0].eventSourceARN'],
    [{ Records: [sqs(['a']).Records[0], null] }, 'Records[1]'],
  ])('an event that is none is refused as a whole, by name: %j', async (event, path) => {
    const store = await newTable()
    await expect(handlerOn(store)(event, context())).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { path },
    })
  })

  test('a message costs one small request, and a redelivery of all of them no commit', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    await handler(sqs(['warm']), context())
    store.calls.length = 0
    await handler(sqs(['a', 'b', 'c', 'd']), context())
    const puts = store.calls.filter(({ verb }) => verb === 'put').map(({ key }) => key)
    expect(puts.filter((key) => key.includes('/claims/'))).toHaveLength(4)
    // Data file, manifest, manifest list, version, hint.
    expect(puts).toHaveLength(4 + 5)
    store.calls.length = 0
    await handler(sqs(['a', 'b', 'c', 'd']), context())
    expect(store.calls.filter(({ verb, key }) => verb === 'put' && key.endsWith('.metadata.json'))).toEqual([])
  })
})
