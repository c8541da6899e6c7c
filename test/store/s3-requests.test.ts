/** The two ways to make a request, by the SDK's commands and without its middleware: whatever comes back means the same. */
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { ObjectStore, RequestEvent } from '../../src/store/store.ts'
import { type RawAnswer, type RawServer, s3ErrorBody, startRawServer } from './raw-server.ts'
import { BUCKET, CREDENTIALS, impatientRuntime, text } from './s3-fixture.ts'

let answer: RawAnswer
let raw: RawServer
let client: S3Client
let direct: ObjectStore
let bySdk: ObjectStore
beforeAll(async () => {
  raw = await startRawServer(() => answer)
  const options = { endpoint: raw.endpoint, region: 'us-east-1', credentials: CREDENTIALS }
  client = new S3Client({
    ...options,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  direct = s3Store({ bucket: BUCKET, ...options, runtime: impatientRuntime() })
  bySdk = s3Store({ bucket: BUCKET, client, runtime: impatientRuntime() })
})
afterAll(async () => {
  direct.close()
  client.destroy()
  await raw.stop()
})

const LISTING = `<?xml version="1.0"?><ListBucketResult><Name>b</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
  <Contents><Key>a%2Fb+c</Key><Size>3</Size><ETag>&quot;1&quot;</ETag><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>
  </ListBucketResult>`
const HTML = '<!DOCTYPE html><html><head><title>It works!</title></head><body><p>Welcome<br></body></html>'

const ok = { etag: '"1"', 'x-amz-request-id': 'id-1' }
const modified = { ...ok, 'last-modified': 'Wed, 25 Nov 2026 13:00:00 GMT', 'x-amz-meta-a': 'b', 'x-amz-meta-c-d': 'e' }

const ANSWERS: readonly (readonly [name: string, answer: RawAnswer])[] = [
  ['200 with a body', { status: 200, headers: modified, body: 'abc' }],
  ['200 with nothing', { status: 200, headers: { ...modified, 'content-length': '0' } }],
  ['200 without an etag', { status: 200, body: 'abc' }],
  ['200 and a listing', { status: 200, headers: ok, body: LISTING }],
  ['200 and a page', { status: 200, headers: { 'content-type': 'text/html' }, body: HTML }],
  ['206', { status: 206, headers: { ...ok, 'content-range': 'bytes 0-1/3' }, body: 'ab' }],
  ['204', { status: 204 }],
  ['304', { status: 304, headers: ok }],
  ['404 NoSuchKey', { status: 404, body: s3ErrorBody('NoSuchKey', { RequestId: 'id-2' }) }],
  ['404 NoSuchBucket', { status: 404, body: s3ErrorBody('NoSuchBucket') }],
  ['404 and a page', { status: 404, body: HTML }],
  ['404 and nothing', { status: 404 }],
  ['412', { status: 412, body: s3ErrorBody('PreconditionFailed') }],
  ['416', { status: 416, body: s3ErrorBody('InvalidRange') }],
  ['409', { status: 409, body: s3ErrorBody('ConditionalRequestConflict') }],
  ['403', { status: 403, headers: { 'x-amz-request-id': 'id-3' }, body: s3ErrorBody('AccessDenied') }],
  ['403 and nothing', { status: 403 }],
  ['400 RequestTimeout', { status: 400, body: s3ErrorBody('RequestTimeout') }],
  ['400 of nobody', { status: 400, body: s3ErrorBody('UnheardOf') }],
  ['501', { status: 501, body: s3ErrorBody('NotImplemented') }],
  ['503', { status: 503, body: s3ErrorBody('SlowDown', { RequestId: 'id-4' }) }],
  ['502 and a page', { status: 502, body: HTML }],
]

const CALLS: readonly (readonly [name: string, call: (store: ObjectStore) => Promise<unknown>])[] = [
  ['get', (store) => store.get('k')],
  ['get of a range', (store) => store.get('k', { range: { start: 0, end: 2 } })],
  ['head', (store) => store.head('k')],
  ['list', (store) => listed(store)],
  ['put', (store) => store.put('k', text('x'))],
  ['create', (store) => store.put('k', text('x'), { mode: 'create' })],
  ['replacement', (store) => store.put('k', text('x'), { mode: { ifMatch: '"0"' } })],
  ['delete', (store) => store.delete(['k'])],
]

async function listed(store: ObjectStore): Promise<unknown[]> {
  const objects: unknown[] = []
  for await (const object of store.list('a')) objects.push(object)
  return objects
}

/** What a caller and an observer see of it. */
async function seenOf(store: ObjectStore, call: (store: ObjectStore) => Promise<unknown>) {
  const events: Omit<RequestEvent, 'durationMs'>[] = []
  const stop = store.observe(({ verb, key, status, bytes }) => events.push({ verb, key, status, bytes }))
  const result = await call(store).then((value) => ({ value: shown(value) }), shown)
  stop()
  return { result, events }
}

function shown(value: unknown): unknown {
  if (value !== null && typeof value === 'object' && 'cause' in value && !(value instanceof Error)) {
    return { ...value, cause: shown(value.cause) }
  }
  if (!(value instanceof Error)) return value
  if (!(value instanceof DataShardError)) return { stranger: value }
  const { code, retryable, committed, details } = value
  // How it is put into words differs with the reason that a body names or does not.
  return { code, retryable, committed, details: { ...details, elapsedMs: undefined } }
}

describe.each(CALLS)('%s', (_call, call) => {
  test.each(ANSWERS)('answered by %s', async (_answer, given) => {
    answer = given
    expect(await seenOf(direct, call)).toEqual(await seenOf(bySdk, call))
  })
})
