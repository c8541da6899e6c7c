/** What S3 and what only answers in its place can say, and what a caller is told: code, object, next step, no secret. */
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { s3Error } from '../../src/store/s3-errors.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { S3StoreOptions } from '../../src/store/s3.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { type RawServer, s3ErrorBody, startRawServer } from './raw-server.ts'
import { BUCKET, caught, CREDENTIALS, impatientRuntime, keysOf, read, storeOn, text } from './s3-fixture.ts'

let server: S3Server
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
})
afterAll(() => server.stop())
afterEach(() => server.reset())

const raw: RawServer[] = []
afterEach(async () => {
  for (const one of raw.splice(0)) await one.stop()
})

async function answering(...args: Parameters<typeof startRawServer>): Promise<RawServer> {
  const started = await startRawServer(...args)
  raw.push(started)
  return started
}

function storeAt(endpoint: string, options: Partial<S3StoreOptions> = {}): ObjectStore {
  return s3Store({ bucket: BUCKET, endpoint, credentials: CREDENTIALS, runtime: impatientRuntime(), ...options })
}

async function failureOf(run: Promise<unknown>): Promise<DataShardError> {
  const error = await caught(run)
  expect(error).toBeInstanceOf(DataShardError)
  return error as DataShardError
}

const CALLS: readonly (readonly [name: string, call: (store: ObjectStore) => Promise<unknown>])[] = [
  ['get', (store) => store.get('k')],
  ['get of a range', (store) => store.get('k', { range: { suffix: 10 } })],
  ['head', (store) => store.head('k')],
  ['list', (store) => keysOf(store, '')],
  ['put', (store) => store.put('k', text('x'))],
  ['create', (store) => store.put('k', text('x'), { mode: 'create' })],
  ['delete of one', (store) => store.delete(['k'])],
  ['delete of many', (store) => store.delete(['k', 'l'])],
]

describe('a bucket that is not there', () => {
  const minio = inject('s3')
  const bucket = 'there-is-no-such-bucket'
  const stores: Readonly<Record<string, () => ObjectStore>> = {
    'the server of these tests': () => storeOn(server, { bucket }),
    [minio.kind]: () => s3Store({ bucket, endpoint: minio.endpoint, region: minio.region, credentials: minio }),
  }
  const cases = Object.entries(stores).flatMap(([on, open]) => CALLS.map(([name, call]) => ({ on, open, name, call })))

  test.each(cases)('$name on $on: not found, with the next step', async ({ open, call }) => {
    const error = await failureOf(call(open()))
    expect(error).toMatchObject({ code: 'not-found', retryable: false, committed: 'no', details: { bucket } })
    expect(error.message).toContain('the bucket does not exist: create it, or check its name and the endpoint')
  })
})

describe('a key that is not there', () => {
  test('is undefined; that the bucket exists is asked once, and only after a head', async () => {
    const store = storeOn(server)
    expect(await store.head('missing')).toBeUndefined()
    expect(await store.head('missing')).toBeUndefined()
    expect(server.requests.map(({ operation }) => operation)).toEqual(['HeadObject', 'GetObject', 'HeadObject'])
    server.requests.length = 0
    const other = storeOn(server)
    await other.get('missing')
    expect(await other.head('missing')).toBeUndefined()
    expect(server.requests.map(({ operation }) => operation)).toEqual(['GetObject', 'HeadObject'])
  })
})

describe('a server that is no S3', () => {
  const page = '<!DOCTYPE html><html><head><title>It works!</title></head><body><p>Welcome<br></body></html>'
  const html = { 'content-type': 'text/html' }

  // A single delete has no answer to look at.
  test.each(CALLS.filter(([name]) => name !== 'delete of one'))(
    '%s, and a page comes: an error, never an object',
    async (name, call) => {
      const web = await answering(() => ({ status: 200, headers: html, body: page }))
      const result = await call(storeAt(web.endpoint)).catch((error: unknown) => error)
      // Whether a create had its effect on such a server nobody knows.
      const error = name === 'create' ? (result as { cause: unknown }).cause : result
      expect(error).toBeInstanceOf(DataShardError)
      expect(error).toMatchObject({ code: 'unsupported', retryable: false })
      expect((error as Error).message).toMatch(/check the endpoint/)
    },
  )

  test.each(CALLS)('%s, and a 404 page comes: not found, and not an absence', async (_name, call) => {
    const web = await answering(() => ({ status: 404, headers: html, body: page }))
    const error = await failureOf(call(storeAt(web.endpoint)))
    expect(error.code).toBe('not-found')
    expect(error.message).toMatch(/check its name and the endpoint/)
  })

  test.each(CALLS)('%s, and a proxy says 502 for ever: unavailable', async (name, call) => {
    const web = await answering(() => ({ status: 502, headers: html, body: page }))
    const result = await call(storeAt(web.endpoint)).catch((error: unknown) => error)
    const error = name === 'create' ? (result as { cause: unknown }).cause : result
    expect(error).toMatchObject({ name: 'DataShardError', code: 'unavailable' })
    expect(web.requests).toHaveLength(name === 'create' ? 1 : 8)
  })

  test('that does not speak HTTP at all: unavailable', async () => {
    const odd = await answering((request) => {
      request.socket.end('220 mail.example ESMTP\r\n')
      return undefined
    })
    const error = await failureOf(storeAt(odd.endpoint).get('k'))
    expect(error.code).toBe('unavailable')
    expect(error.message).toContain(odd.endpoint)
  })
})

describe('an address where nothing is', () => {
  test.each(CALLS)('%s: unavailable, naming the endpoint', async (_name, call) => {
    const gone = await startRawServer(() => ({ status: 200 }))
    await gone.stop()
    const error = await failureOf(call(storeAt(gone.endpoint)))
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, committed: 'no' })
    expect(error.message).toContain(`at ${gone.endpoint} failed`)
    expect(error.message).toMatch(/ECONNREFUSED.*nothing listens at that address; check it, and that the server runs/)
  })

  test('a name that does not exist: unavailable, and a create was certainly not sent', async () => {
    const error = await failureOf(storeAt('http://s3.invalid:9000').put('k', text('x'), { mode: 'create' }))
    expect(error).toMatchObject({ code: 'unavailable', committed: 'no' })
    expect(error.message).toMatch(/ENOTFOUND|EAI_AGAIN/)
    expect(error.message).toMatch(/that host name does not exist|could not be looked up/)
  })

  test('TLS where none is spoken: unavailable at once, with the likely reason', async () => {
    const plain = await answering(() => ({ status: 200 }))
    const error = await failureOf(storeAt(plain.endpoint.replace('http:', 'https:')).get('k'))
    expect(error).toMatchObject({ code: 'unavailable', retryable: false })
    expect(error.message).toMatch(/does not speak TLS there; check http:\/\/ against https:\/\//)
  })
})

describe('refusals', () => {
  test.each([
    ['ExpiredToken', 400, 'denied', 'the session token has expired; get new credentials'],
    ['InvalidToken', 400, 'denied', 'get new credentials'],
    ['InvalidAccessKeyId', 403, 'denied', 'check AWS_ACCESS_KEY_ID and the endpoint'],
    ['SignatureDoesNotMatch', 403, 'denied', 'check AWS_SECRET_ACCESS_KEY'],
    ['AccessDenied', 403, 'denied', 'Without s3:ListBucket on the bucket, an object that does not exist'],
    ['AllAccessDisabled', 403, 'denied', 'ask its owner'],
    ['AccountProblem', 403, 'denied', 'only its owner can solve'],
    ['UnheardOf', 403, 'denied', 'the credentials lack this right'],
    ['InvalidBucketName', 400, 'invalid-argument', 'no bucket can have this name'],
    ['KeyTooLongError', 400, 'invalid-argument', 'shorten it'],
    ['XMinioInvalidObjectName', 400, 'invalid-argument', 'at most 255 bytes between two slashes'],
    ['InvalidObjectState', 403, 'unavailable', 'restore it first'],
    ['MethodNotAllowed', 405, 'unsupported', 'does not allow this request'],
    ['NotImplemented', 501, 'unsupported', 'use another store, or a newer version'],
    ['XMinioStorageFull', 507, 'unavailable', 'free some space'],
    ['UnheardOf', 400, 'unsupported', 'said the server'],
    ['UnheardOf', 418, 'unsupported', 'said the server'],
  ])('%s (%i) is %s', async (code, status, expected, advice) => {
    const odd = await answering(() => ({ status, body: s3ErrorBody(code) }))
    const error = await failureOf(storeAt(odd.endpoint).get('some/key'))
    expect(error).toMatchObject({ code: expected, retryable: false, details: { bucket: BUCKET, key: 'some/key' } })
    expect(error.message).toContain(advice)
    expect(error.message).toContain(`s3:GetObject on s3://${BUCKET}/some/key at ${odd.endpoint} failed (${code}`)
    expect(odd.requests).toHaveLength(1)
  })

  test.each([
    [403, 'denied', 'the credentials lack this right'],
    [400, 'unsupported', 'the store refused the request: no reason was given'],
  ])('of a head have no body: %i is %s', async (status, code, advice) => {
    const odd = await answering(() => ({ status }))
    const error = await failureOf(storeAt(odd.endpoint).head('k'))
    expect(error.code).toBe(code)
    expect(error.message).toContain(`failed (${status}): ${advice}`)
  })

  test('what is no error of the store or the network is a bug, and says so', () => {
    const call = { action: 's3:GetObject', bucket: 'b', key: 'k', endpoint: 'e' }
    expect(s3Error(new TypeError('x is not a function'), call)).toMatchObject({ code: 'internal', retryable: false })
    expect(s3Error('thrown', call)).toMatchObject({ code: 'internal' })
    expect(s3Error(undefined, call)).toMatchObject({ code: 'internal' })
  })
})

describe('secrets', () => {
  const secret = 'a-secret-key-that-nobody-may-see'
  const token = 'a-session-token-that-nobody-may-see'
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secret, sessionToken: token }
  const told = {
    AWSAccessKeyId: 'AKIDEXAMPLE',
    StringToSign: `AWS4-HMAC-SHA256 ${token}`,
    SignatureProvided: 'f00d',
    CanonicalRequest: `GET\n/k\n\nx-amz-security-token:${token}`,
    CanonicalRequestBytes: '47 45 54',
    'Token-0': token,
  }

  test.each([
    ['SignatureDoesNotMatch', 403],
    ['ExpiredToken', 400],
    ['InvalidToken', 400],
    ['UnheardOf', 400],
  ])('are in no message, no JSON and no log of %s, although the server tells them', async (code, status) => {
    const odd = await answering(() => ({ status, body: s3ErrorBody(code, told) }))
    for (const [, call] of CALLS) {
      const error = await failureOf(call(storeAt(odd.endpoint, { credentials })))
      const shown = [error.message, JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })].join('\n')
      for (const hidden of [secret, token, 'f00d']) expect(shown).not.toContain(hidden)
    }
  })

  test('are in no error of the network', async () => {
    const odd = await answering((request) => {
      request.socket.resetAndDestroy()
      return undefined
    })
    const error = await failureOf(storeAt(odd.endpoint, { credentials }).get('k'))
    const shown = [JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })].join('\n')
    for (const hidden of [secret, token, 'Signature=']) expect(shown).not.toContain(hidden)
  })
})

describe('another region', () => {
  /** Answers as the bucket's region does to who signed for another one; else like a store that has `k`. */
  const inRegion = (refusal: { status: number; code: string; headers?: Record<string, string>; named: boolean }) => {
    return answering(({ headers }) => {
      if (headers.authorization?.includes('/eu-south-2/s3/')) {
        return { status: 200, headers: { etag: '"1"' }, body: 'x' }
      }
      const fields: Record<string, string> = refusal.named ? { Region: 'eu-south-2' } : {}
      return { status: refusal.status, headers: refusal.headers ?? {}, body: s3ErrorBody(refusal.code, fields) }
    })
  }

  test.each([
    { status: 400, code: 'AuthorizationHeaderMalformed', named: true },
    { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-south-2' }, named: false },
    { status: 307, code: 'TemporaryRedirect', headers: { 'x-amz-bucket-region': 'eu-south-2' }, named: false },
  ])('$status $code is followed once, and remembered', async (refusal) => {
    const there = await inRegion(refusal)
    const store = storeAt(there.endpoint)
    expect(read(await store.get('k'))).toBe('x')
    expect(there.requests).toHaveLength(2)
    expect((await store.put('k', text('x'), { mode: 'create' })).outcome).toBe('written')
    expect(there.requests).toHaveLength(3)
  })

  test('of a create: turned away without effect, so sent again', async () => {
    const there = await inRegion({ status: 400, code: 'AuthorizationHeaderMalformed', named: true })
    expect((await storeAt(there.endpoint).put('k', text('x'), { mode: 'create' })).outcome).toBe('written')
    expect(there.requests).toEqual([`PUT /${BUCKET}/k`, `PUT /${BUCKET}/k`])
  })

  test('that is told by the header alone, to a head', async () => {
    const there = await inRegion({
      status: 400,
      code: 'BadRequest',
      headers: { 'x-amz-bucket-region': 'eu-south-2' },
      named: false,
    })
    expect(await storeAt(there.endpoint).head('k')).toMatchObject({ etag: '"1"' })
  })

  test('that is never right: an error that names it, after one try more', async () => {
    const there = await answering(() => ({
      status: 301,
      headers: { 'x-amz-bucket-region': 'eu-south-2' },
      body: s3ErrorBody('PermanentRedirect'),
    }))
    const error = await failureOf(storeAt(there.endpoint).get('k'))
    expect(error).toMatchObject({ code: 'unavailable', retryable: false })
    expect(error.message).toContain('in another region (eu-south-2); set AWS_REGION')
    expect(there.requests).toHaveLength(2)
  })
})

describe('odd but legal answers', () => {
  test('a store that knows no ranges sends the whole, and the part is cut out', async () => {
    const plain = await answering(() => ({ status: 200, headers: { etag: '"1"' }, body: '0123456789' }))
    const store = storeAt(plain.endpoint)
    expect(read(await store.get('k', { range: { start: 2, end: 5 } }))).toBe('234')
    expect(read(await store.get('k', { range: { suffix: 3 } }))).toBe('789')
    expect(read(await store.get('k', { range: { start: 99 } }))).toBe('')
  })

  test('a body that stops coming is fetched again', async () => {
    let answers = 0
    const stalling = await answering((_request, response) => {
      answers += 1
      response.writeHead(200, { etag: '"1"', 'content-length': '10' })
      response.write('01234')
      if (answers > 1) response.end('56789')
      return undefined
    })
    expect(read(await storeAt(stalling.endpoint, { requestTimeoutMs: 200 }).get('k'))).toBe('0123456789')
    expect(answers).toBeGreaterThan(1)
  })

  test('a listing that says it goes on, but not where, is no listing', async () => {
    const body = '<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>'
    const odd = await answering(() => ({ status: 200, body }))
    expect((await failureOf(keysOf(storeAt(odd.endpoint), ''))).code).toBe('unavailable')
  })

  test('a listing that is not URL-encoded is taken as it stands', async () => {
    const contents = '<Contents><Key>100%25 a+b</Key><Size>3</Size><ETag>"1"</ETag></Contents>'
    const body = `<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`
    const odd = await answering(() => ({ status: 200, body }))
    expect(await keysOf(storeAt(odd.endpoint), '')).toEqual(['100%25 a+b'])
  })
})
