/** Conditional puts on S3: each row of commit-protocol's "Outcomes of the create", as it shows at the store. */
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { BUCKET, caught, countOf, CREDENTIALS, failing, read, storeOn, text } from './s3-fixture.ts'
import type { Fault, S3Server } from '../support/s3-server.ts'
import { startS3Server } from '../support/s3-server.ts'

let server: S3Server
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
})
afterAll(() => server.stop())
afterEach(() => server.reset())

const create = (body: string, options = {}) => storeOn(server, options).put('v1', text(body), { mode: 'create' })
const written = () => read(server.state.buckets.get(BUCKET)?.get('v1')?.body)

type FaultAt = (when: 'before' | 'after') => Fault

const NO_ANSWER: (readonly [name: string, fault: FaultAt])[] = [
  ...[408, 409, 429, 500, 502, 503, 504, 520].map((status): [string, FaultAt] => [
    `${status}`,
    (when) => ({ kind: 'status', status, when }),
  ]),
  ['400 RequestTimeout', (when) => ({ kind: 'status', status: 400, code: 'RequestTimeout', when })],
  ['a reset', (when) => ({ kind: 'reset', when })],
]

describe('the outcomes of a create', () => {
  test('200: written, with the etag', async () => {
    const result = await create('one')
    expect(result).toEqual({ outcome: 'written', etag: server.state.buckets.get(BUCKET)?.get('v1')?.etag })
  })

  test('412: precondition failed, and nothing is changed', async () => {
    await create('one')
    expect(await create('two')).toEqual({ outcome: 'precondition-failed' })
    expect(written()).toBe('one')
  })

  describe.each(NO_ANSWER)('%s', (_name, fault) => {
    test.each(['before', 'after'] as const)('%s the effect: unknown, sent exactly once', async (when) => {
      server.options.faults = failing('PutObject', fault(when))
      const result = await create('one')
      expect(result).toMatchObject({ outcome: 'unknown', cause: { code: 'unavailable' } })
      expect(countOf(server, 'PutObject')).toBe(1)
      expect(written()).toBe(when === 'after' ? 'one' : undefined)
    })
  })

  test('a timeout: unknown, although the effect comes later', async () => {
    server.options.faults = failing('PutObject', { kind: 'hang', ms: 400 })
    const result = await create('one', { requestTimeoutMs: 100 })
    expect(result).toMatchObject({ outcome: 'unknown', cause: { code: 'unavailable' } })
    expect(written()).toBeUndefined()
    await expect.poll(written, { timeout: 5_000 }).toBe('one')
    expect(countOf(server, 'PutObject')).toBe(1)
  })

  test('an answer that breaks off: unknown', async () => {
    server.options.faults = failing('PutObject', { kind: 'status', status: 500, when: 'after' })
    expect((await create('one')).outcome).toBe('unknown')
  })

  test('a proxy that repeats the request: precondition failed, by our own object', async () => {
    server.options.faults = failing('PutObject', { kind: 'duplicate' }, 1)
    expect(await create('one')).toEqual({ outcome: 'precondition-failed' })
    expect(written()).toBe('one')
  })

  test('501: unsupported, before anything is lost', async () => {
    server.options.faults = failing('PutObject', {
      kind: 'status',
      status: 501,
      code: 'NotImplemented',
      when: 'before',
    })
    const error = await caught(create('one'))
    expect(error).toMatchObject({ code: 'unsupported', retryable: false, committed: 'no' })
  })

  test('403: denied, certain that nothing was written', async () => {
    server.options.deny = 'AccessDenied'
    expect(await caught(create('one'))).toMatchObject({ code: 'denied', committed: 'no' })
    expect(countOf(server, 'PutObject')).toBe(1)
  })

  test('a missing bucket: not found', async () => {
    const error = await caught(storeOn(server, { bucket: 'nowhere' }).put('v1', text('x'), { mode: 'create' }))
    expect(error).toMatchObject({ code: 'not-found' })
    expect((error as Error).message).toContain('does not exist: create it, or check its name and the endpoint')
  })

  test('nothing listens: unavailable after some tries, certain that nothing was written', async () => {
    const gone = await startS3Server()
    await gone.stop()
    const error = await caught(storeOn(gone).put('v1', text('x'), { mode: 'create' }))
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, committed: 'no', details: { attempts: 8 } })
    expect((error as Error).message).toContain(gone.endpoint)
  })

  test('a server that comes up while the create is tried: written', async () => {
    const first = await startS3Server()
    const port = Number(new URL(first.endpoint).port)
    await first.stop()
    const store = storeOn(first, { runtime: undefined })
    const put = store.put('v1', text('x'), { mode: 'create' })
    const second = await startS3Server({ port, buckets: [BUCKET] })
    expect((await put).outcome).toBe('written')
    expect(countOf(second, 'PutObject')).toBe(1)
    await second.stop()
  })

  test('cancelled after it was sent: unknown, for it may be written', async () => {
    const controller = new AbortController()
    server.options.faults = (request) => {
      if (request.operation !== 'PutObject') return undefined
      controller.abort()
      return { kind: 'hang', ms: 50 }
    }
    const put = storeOn(server).put('v1', text('one'), { mode: 'create', signal: controller.signal })
    expect(await put).toMatchObject({ outcome: 'unknown', cause: { code: 'aborted', committed: 'unknown' } })
    await expect.poll(written).toBe('one')
  })

  test('a client of the caller’s that retries by itself: still sent exactly once', async () => {
    const client = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: CREDENTIALS,
      forcePathStyle: true,
      maxAttempts: 5,
    })
    server.options.faults = failing('PutObject', { kind: 'status', status: 503, when: 'after' }, 1)
    expect(await create('one', { client })).toMatchObject({ outcome: 'unknown', cause: { details: { status: 503 } } })
    expect(countOf(server, 'PutObject')).toBe(1)
    expect(written()).toBe('one')
    client.destroy()
  })
})

describe('a put with If-Match', () => {
  test('a missing key is a failed precondition', async () => {
    const result = await storeOn(server).put('v1', text('x'), { mode: { ifMatch: '"0123"' } })
    expect(result).toEqual({ outcome: 'precondition-failed' })
  })

  test('503 is unknown, and sent once', async () => {
    const store = storeOn(server)
    const first = await store.put('v1', text('one'))
    server.options.faults = failing('PutObject', { kind: 'status', status: 503, when: 'before' })
    const etag = first.outcome === 'written' ? first.etag : ''
    expect((await store.put('v1', text('two'), { mode: { ifMatch: etag } })).outcome).toBe('unknown')
    expect(countOf(server, 'PutObject')).toBe(2)
  })
})

describe('creates of streams in parts', () => {
  async function* large(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let part = 0; part < 4; part++) yield new Uint8Array(5 * 1024 * 1024).fill(part)
  }
  const put = (options = {}) => storeOn(server).put('v1', large(), { mode: 'create', ...options })

  test.each(['before', 'after'] as const)('503 %s the completion: unknown, completed once', async (when) => {
    server.options.faults = failing('CompleteMultipartUpload', { kind: 'status', status: 503, when })
    expect((await put()).outcome).toBe('unknown')
    expect(countOf(server, 'CompleteMultipartUpload')).toBe(1)
    expect(server.state.buckets.get(BUCKET)?.has('v1')).toBe(when === 'after')
    expect(server.state.uploads.size).toBe(0)
  })

  test('each of the other requests may fail once', async () => {
    const failed = new Set<string>()
    server.options.faults = ({ operation, query }) => {
      const name = operation + (query['partNumber'] ?? '')
      if (failed.has(name) || operation === 'CompleteMultipartUpload') return undefined
      failed.add(name)
      return { kind: 'status', status: 503, when: 'before' }
    }
    expect((await put()).outcome).toBe('written')
    expect(failed.size).toBe(4)
  })

  test('a part that cannot be uploaded: unavailable, certain, and no parts are left', async () => {
    server.options.faults = failing('UploadPart', { kind: 'status', status: 503, when: 'before' })
    expect(await caught(put())).toMatchObject({ code: 'unavailable', committed: 'no' })
    expect(countOf(server, 'CompleteMultipartUpload')).toBe(0)
    expect(server.state.uploads.size).toBe(0)
  })

  test('cancelled half-way: aborted, and no parts are left', async () => {
    const controller = new AbortController()
    server.options.faults = ({ operation, query }) => {
      if (operation === 'UploadPart' && query['partNumber'] === '2') controller.abort()
      return undefined
    }
    expect(await caught(put({ signal: controller.signal }))).toMatchObject({ code: 'aborted' })
    expect(server.state.buckets.get(BUCKET)?.size).toBe(0)
    expect(server.state.uploads.size).toBe(0)
  })

  test('a clear refusal is an error of its own', async () => {
    server.options.deny = 'AccessDenied'
    const error = await caught(put())
    expect(DataShardError.is(error, 'denied')).toBe(true)
  })
})
