import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/index.ts'
import { context, handlerOn, idsIn, newTable, sample } from './fixture.ts'

describe('SNS', () => {
  test('a message becomes a row, once', async () => {
    const store = await newTable()
    await handlerOn(store)(sample('sns'), context())
    await handlerOn(store)(sample('sns'), context())
    expect(await idsIn(store)).toEqual(['a'])
  })

  test('one that cannot is an error, which makes Lambda deliver it again; what is beside it is appended once', async () => {
    const store = await newTable()
    const event = sample<{ Records: { Sns: { MessageId: string; Message: string } }[] }>('sns')
    const [record] = event.Records
    event.Records.push({ ...record!, Sns: { ...record!.Sns, MessageId: 'm-2', Message: 'hello' } })
    for (let delivery = 1; delivery <= 3; delivery++) {
      await expect(handlerOn(store)(event, context())).rejects.toMatchObject({
        code: 'invalid-argument',
        details: { record: 'm-2' },
      })
    }
    expect(await idsIn(store)).toEqual(['a'])
  })
})

describe('EventBridge', () => {
  test('the detail becomes a row, once', async () => {
    const store = await newTable()
    await handlerOn(store)(sample('eventbridge'), context())
    await handlerOn(store)(sample('eventbridge'), context())
    expect(await idsIn(store)).toEqual(['a'])
  })

  test('a record says which event it is', async () => {
    const store = await newTable()
    const seen: unknown[] = []
    await handlerOn(store, { map: (record) => (seen.push(record), null) })(sample('eventbridge'), context())
    expect(seen).toEqual([
      {
        source: 'eventbridge',
        id: '17793124-05d4-b198-2fde-7ededc63b103',
        time: new Date('2026-11-12T00:00:00Z'),
        body: { id: 'a', n: 1 },
        raw: sample('eventbridge'),
      },
    ])
  })
})

describe('direct invocation', () => {
  test.each([
    ['a row', { id: 'a', n: 1 }, ['a']],
    ['rows', [{ id: 'a' }, { id: 'b' }], ['a', 'b']],
    ['rows with a key', { rows: [{ id: 'a' }, { id: 'b' }], idempotencyKey: 'k' }, ['a', 'b']],
  ])('%s', async (_, event, ids) => {
    const store = await newTable()
    expect(await handlerOn(store)(event, context())).toEqual({ rows: ids.length, version: 2, rejected: 0 })
    expect(await idsIn(store)).toEqual(ids)
  })

  test('Lambda repeats it under the same request id: once', async () => {
    const store = await newTable()
    const first = await handlerOn(store)([{ id: 'a' }], context(30_000, 'request-1'))
    expect(await handlerOn(store)([{ id: 'a' }], context(30_000, 'request-1'))).toEqual(first)
    await handlerOn(store)([{ id: 'a' }], context(30_000, 'request-2'))
    expect(await idsIn(store)).toEqual(['a', 'a'])
  })

  test('under the key of the caller: once, whatever the request', async () => {
    const store = await newTable()
    const event = { rows: [{ id: 'a' }], idempotencyKey: 'k' }
    await handlerOn(store)(event, context(30_000, 'request-1'))
    await handlerOn(store)(event, context(30_000, 'request-2'))
    expect(await idsIn(store)).toEqual(['a'])
  })

  test('a row that does not fit: nothing is appended, and the error names it', async () => {
    const store = await newTable()
    await expect(handlerOn(store)([{ id: 'a' }, { id: 2 }], context())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining("#1: row 0, column 'id': found 2 (number), expected string") as string,
    })
    expect(await idsIn(store)).toEqual([])
  })

  test('no rows', async () => {
    const store = await newTable()
    expect(await handlerOn(store)([], context())).toEqual({ rows: 0, version: null, rejected: 0 })
  })

  test.each([
    [{ rows: 5 }, 'rows is 5 (number)'],
    [{ rows: { id: 'a' } }, 'rows is an object with keys id'],
    [{ rows: null, idempotencyKey: 'k' }, 'rows is null'],
  ])('%j: rows must be an array, and nothing is appended', async (event, found) => {
    const store = await newTable()
    await expect(handlerOn(store)(event, context())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(`${found}, expected an array of rows`) as string,
    })
    expect(await idsIn(store)).toEqual([])
  })

  test('a table may have a column called rows: beside others, or in an array', async () => {
    const store = await newTable(schema({ id: t.optional(t.string), rows: t.long }))
    expect(await handlerOn(store)({ id: 'a', rows: 5 }, context())).toMatchObject({ rows: 1 })
    expect(await handlerOn(store)([{ rows: 5 }], context())).toMatchObject({ rows: 1 })
  })

  test.each([['text'], [5], [null]])('%j is no event', async (event) => {
    const store = await newTable()
    await expect(handlerOn(store)(event, context())).rejects.toMatchObject({ code: 'invalid-argument' })
  })
})

test('a handler for one source refuses events of others', async () => {
  const store = await newTable()
  await expect(handlerOn(store, { source: 'sqs' })(sample('sns'), context())).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining("no event of 'sqs'") as string,
  })
})
