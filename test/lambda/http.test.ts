import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/index.ts'
import type { AppendHandler } from '../../src/lambda/index.ts'
import { context, handlerOn, idsIn, newTable, sample } from './fixture.ts'

interface Request {
  body: string | null
  isBase64Encoded: boolean
  headers: Record<string, string>
  requestContext: { http: { method: string } }
}

function request(body: string | null, headers: Record<string, string> = {}): Request {
  return { ...sample<Request>('apigateway-v2'), body, headers: { 'content-type': 'application/x-ndjson', ...headers } }
}

async function send(handler: AppendHandler, event: unknown) {
  const answer = (await handler(event, context())) as { statusCode: number; headers: object; body: string }
  return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) as unknown }
}

describe('HTTP', () => {
  test.each([
    ['apigateway-v1', ['a', 'b']],
    ['apigateway-v2', ['a', 'b']],
    ['function-url', ['a', 'b']],
    ['alb', ['a']],
  ])('%s: rows are appended, and counted in the answer', async (name, ids) => {
    const store = await newTable()
    const answer = await send(handlerOn(store), sample(name))
    expect(answer).toMatchObject({ status: 200, body: { rows: ids.length, version: 2 } })
    expect(await idsIn(store)).toEqual(ids)
  })

  test('a load balancer gets the words of the status, and its headers in lists where it sends lists', async () => {
    const store = await newTable()
    const { headers, ...event } = sample<{ headers: Record<string, string> }>('alb')
    expect(await handlerOn(store)({ ...event, headers }, context())).toMatchObject({ statusDescription: '200 OK' })
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
    expect(await handlerOn(store)({ ...event, multiValueHeaders }, context())).toMatchObject({
      statusCode: 200,
      multiValueHeaders: { 'content-type': ['application/json'] },
    })
  })

  test.each([
    ['lines', '{"id":"a"}\n\n{"id":"b"}', {}],
    ['an array', '[{"id":"a"},\n{"id":"b"}]', { 'content-type': 'application/json; charset=utf-8' }],
    ['objects over several lines', '{\n"id":"a"\n}\n{"id":"b"}', { 'content-type': 'application/json' }],
    ['an array that nobody announces', ' [{"id":"a"},{"id":"b"}]', { 'content-type': 'text/plain' }],
    ['lines that nobody announces', '{"id":"a"}\r\n{"id":"b"}\r\n', { 'content-type': 'text/plain' }],
  ])('the body can be %s', async (_, body, headers) => {
    const store = await newTable()
    expect(await send(handlerOn(store), request(body, headers))).toMatchObject({ status: 200, body: { rows: 2 } })
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })

  test('a gzipped body is unpacked', async () => {
    const store = await newTable()
    const body = gzipSync('{"id":"a"}').toString('base64')
    const event = { ...request(body, { 'Content-Encoding': 'gzip' }), isBase64Encoded: true }
    expect(await send(handlerOn(store), event)).toMatchObject({ status: 200, body: { rows: 1 } })
  })

  test.each([
    ['lines', '\r\n{"id":"a"}\r\n\r\n{"id":\r\n   \r\n{"n":1}\r\n{"id":"d"}\r\n{"id":5}', {}],
    [
      'an array',
      '[\n{"id":"a"},\n\n{"id":x},\n\n{"n":1},\n{"id":"d"},\n{"id":5}]',
      { 'content-type': 'application/json' },
    ],
  ])('%s: blank and broken lines count, so that each refused row is named by where it is', async (_, body, headers) => {
    const store = await newTable()
    const map = (record: { body: { id?: unknown } }) => (record.body.id === 'd' ? [] : record.body)
    for (const options of [{}, { map: map as never }]) {
      const answer = await send(handlerOn(store, options), request(body, headers))
      expect(answer.status).toBe(207)
      const { rejected } = answer.body as { rejected: { index: number; line: number; message: string }[] }
      expect(rejected.map(({ index, line }) => [index, line])).toEqual([
        [1, 4],
        [2, 6],
        [4, 8],
      ])
      expect(rejected[0]!.message).toContain('not valid JSON')
    }
    expect(await idsIn(store)).toEqual(['a', 'a', 'd'])
  })

  test('lines that cannot be rows are named, and the others are appended', async () => {
    const store = await newTable()
    const { status, body } = await send(handlerOn(store), request('{"id":"a"}\n{"id":\n{"n":1}\n{"id":"d"}'))
    expect(status).toBe(207)
    expect(body).toEqual({
      rows: 2,
      version: 2,
      rejected: [
        { index: 1, line: 2, message: expect.stringContaining('not valid JSON') as string },
        { index: 2, line: 3, message: expect.stringContaining("column 'id'") as string },
      ],
    })
    expect(await idsIn(store)).toEqual(['a', 'd'])
  })

  test('the log says what was not appended, and does not promise that it comes again', async () => {
    const store = await newTable()
    const lines: string[] = []
    const logger = { debug() {}, info() {}, warn() {}, error: (message: string) => void lines.push(message) }
    await send(handlerOn(store, { logger }), request('{"id":"a"}\n{"id":5}'))
    expect(lines).toEqual(['1 of 2 records were not appended'])
  })

  test('nothing but bad lines is a bad request', async () => {
    const store = await newTable()
    expect(await send(handlerOn(store), request('{"n":1}'))).toMatchObject({
      status: 400,
      body: { error: 'invalid-argument', rejected: [{ index: 0, line: 1 }] },
    })
  })

  test.each([
    ['no body', request(null), 400, 'no body'],
    ['an array without an end', request('[{"id":"a"}', { 'content-type': 'application/json' }), 400, "']' is missing"],
    ['base64 that is none', { ...request('%%'), isBase64Encoded: true }, 400, 'not base64'],
    ['an unknown encoding', request('{}', { 'content-encoding': 'br' }), 400, 'expected gzip'],
    ['an empty key', request('{}', { 'idempotency-key': '' }), 400, 'Idempotency-Key'],
    ['more than may be sent', request('x'.repeat(2_000)), 413, '2000 bytes; 1000 are allowed'],
    [
      'little that unpacks to much',
      {
        ...request(gzipSync(Buffer.alloc(1_000_000)).toString('base64'), { 'content-encoding': 'gzip' }),
        isBase64Encoded: true,
      },
      413,
      'unpacks to more than 5000 bytes',
    ],
  ])('%s is refused and nothing is appended', async (_, event, status, message) => {
    const store = await newTable()
    const handler = handlerOn(store, {
      maxBodyBytes: event.headers['content-encoding'] === 'gzip' ? 9_000 : 1_000,
      maxUnpackedBytes: 5_000,
    })
    expect(await send(handler, event)).toMatchObject({
      status,
      body: { message: expect.stringContaining(message) as string },
    })
    expect(await idsIn(store)).toEqual([])
  })

  test('only POST and PUT', async () => {
    const store = await newTable()
    const event = request(null)
    event.requestContext.http.method = 'GET'
    expect(await send(handlerOn(store), event)).toMatchObject({ status: 405, headers: { allow: 'POST, PUT' } })
  })

  test('an empty array is no rows', async () => {
    const store = await newTable()
    const event = request('[]', { 'content-type': 'application/json' })
    expect(await send(handlerOn(store), event)).toMatchObject({ status: 200, body: { rows: 0, version: null } })
  })

  test('the same key: once, with the same answer; with another body: an error', async () => {
    const store = await newTable()
    const headers = { 'Idempotency-Key': 'k-1' }
    const first = await send(handlerOn(store), request('{"id":"a"}\n{"n":1}', headers))
    expect(await send(handlerOn(store), request('{"id":"a"}\n{"n":1}', headers))).toEqual(first)
    expect(await send(handlerOn(store), request('{"id":"b"}', headers))).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('another content') as string },
    })
    await send(handlerOn(store), request('{"id":"a"}'))
    expect(await idsIn(store)).toEqual(['a', 'a'])
  })

  test.each([
    ['unavailable', 503, { 'retry-after': '2' }],
    ['denied', 500, {}],
  ] as const)('a store that is %s: %i, and nothing of it leaks', async (code, status, headers) => {
    const store = await newTable()
    const handler = handlerOn(store)
    await send(handler, request('{"id":"warm"}'))
    store.rule = ({ verb }) => (verb === 'put' ? new DataShardError(code, 'bucket prod-secrets') : undefined)
    const answer = await send(handler, request('{"id":"a"}'))
    expect(answer).toMatchObject({ status, headers, body: { error: code, committed: 'no' } })
    expect(JSON.stringify(answer)).not.toContain('prod-secrets')
    store.rule = () => undefined
    expect(await idsIn(store)).toEqual(['warm'])
  })

  test('a disk that is full at the version: 500, and that nothing was appended is not said', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    await send(handler, request('{"id":"warm"}'))
    const { put } = store
    store.put = async (key, body, options) => {
      const cause = new DataShardError('unavailable', 'the disks of the store are full', { retryable: false })
      return key.endsWith('.metadata.json') ? { outcome: 'unknown', cause } : put(key, body, options)
    }
    const { status, body } = await send(handler, request('{"id":"a"}'))
    expect(status).toBe(500)
    expect(body).toMatchObject({ error: 'unavailable', committed: 'unknown' })
    expect((body as { message: string }).message).toMatch(/^whether the rows were appended is not known/)
  })

  test('6 MB of rows', async () => {
    const store = await newTable()
    const lines = Array.from({ length: 60_000 }, (_, n) => JSON.stringify({ id: String(n).padStart(80, '0'), n }))
    const body = lines.join('\n').slice(0, 6 * 1024 * 1024)
    const whole = body.slice(0, body.lastIndexOf('\n'))
    const expected = whole.split('\n').length
    expect(whole.length).toBeGreaterThan(5_500_000)
    expect(await send(handlerOn(store), request(whole))).toMatchObject({ status: 200, body: { rows: expected } })
  })
})
