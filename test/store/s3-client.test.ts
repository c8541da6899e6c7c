/** How an S3 store finds its server, its region and the time there, and how it uses connections. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { s3Settings } from '../../src/store/s3-options.ts'
import { s3Store } from '../../src/store/s3.ts'
import { BUCKET, caught, countOf, CREDENTIALS, impatientRuntime, keysOf, read, storeOn, text } from './s3-fixture.ts'
import type { S3Server } from '../support/s3-server.ts'
import { startS3Server } from '../support/s3-server.ts'

let server: S3Server
let directory: string
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
  directory = await mkdtemp(join(tmpdir(), 'datashard-s3-client-'))
})
afterAll(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})
afterEach(() => {
  server.reset()
  vi.unstubAllEnvs()
})

/** No word of the environment reaches a test that does not say so. */
function stubEnvironment(values: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS|DATASHARD)_/.test(name)) vi.stubEnv(name, undefined)
  }
  vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'none'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'none'))
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value)
}

describe('settings', () => {
  const python = {
    DATASHARD_S3_ENDPOINT: 'http://python',
    DATASHARD_S3_REGION: 'py-1',
    DATASHARD_S3_ACCESS_KEY: 'py-key',
    DATASHARD_S3_SECRET_KEY: 'py-secret',
  }

  test('come from the caller, then the AWS names, then those of the Python package', () => {
    const aws = { ...python, AWS_ENDPOINT_URL: 'http://aws', AWS_DEFAULT_REGION: 'aws-2', AWS_ACCESS_KEY_ID: 'key' }
    const service = { ...aws, AWS_ENDPOINT_URL_S3: 'http://s3', AWS_REGION: 'aws-1' }
    expect(s3Settings({ endpoint: 'http://given', region: 'given-1' }, service)).toMatchObject({
      endpoint: 'http://given',
      region: 'given-1',
    })
    expect(s3Settings({}, service)).toMatchObject({ endpoint: 'http://s3', region: 'aws-1', credentials: undefined })
    expect(s3Settings({}, aws)).toMatchObject({ endpoint: 'http://aws', region: 'aws-2' })
    expect(s3Settings({}, python)).toEqual({
      endpoint: 'http://python',
      region: 'py-1',
      credentials: { accessKeyId: 'py-key', secretAccessKey: 'py-secret' },
      forcePathStyle: undefined,
    })
  })

  test('of half a pair of credentials are none', () => {
    expect(s3Settings({}, { DATASHARD_S3_ACCESS_KEY: 'only' }).credentials).toBeUndefined()
  })

  test('that are empty are not set', () => {
    expect(s3Settings({}, { AWS_ENDPOINT_URL_S3: '', AWS_ENDPOINT_URL: 'http://aws', AWS_REGION: '' })).toMatchObject({
      endpoint: 'http://aws',
      region: 'us-east-1',
    })
  })

  test('leave the region to the SDK at AWS, and take us-east-1 elsewhere', () => {
    expect(s3Settings({}, {}).region).toBeUndefined()
    expect(s3Settings({ endpoint: 'http://minio' }, {}).region).toBe('us-east-1')
  })

  test('ignore endpoints of the environment when AWS says so', () => {
    const env = { AWS_ENDPOINT_URL: 'http://aws', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }
    expect(s3Settings({}, env).endpoint).toBeUndefined()
  })

  test.each(['minio:9000', 'localhost', 'ftp://x', 'http://user:secret@minio'])(
    'refuse the endpoint %s',
    (endpoint) => {
      expect(() => s3Settings({ endpoint }, {})).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
      expect(() => s3Settings({ endpoint }, {})).not.toThrow(/secret/)
    },
  )
})

describe('the endpoint', () => {
  test('of the environment is reached with path-style addresses', async () => {
    const { accessKeyId, secretAccessKey } = CREDENTIALS
    stubEnvironment({
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    })
    const store = s3Store({ bucket: BUCKET })
    await store.put('k', text('x'))
    expect(server.state.buckets.get(BUCKET)?.has('k')).toBe(true)
    expect(store.conditionalCreate).toEqual({ trusted: false, endpoint: server.endpoint })
  })

  test('of a profile is reached with path-style addresses, and not taken for AWS', async () => {
    const file = join(directory, 'config')
    // By name: addresses in numbers are path-style in any case.
    const named = server.endpoint.replace('127.0.0.1', 'localhost')
    await writeFile(file, `[default]\nregion = eu-west-1\nendpoint_url = ${named}\n`)
    stubEnvironment({ AWS_CONFIG_FILE: file })
    const store = s3Store({ bucket: BUCKET, credentials: CREDENTIALS })
    await store.put('k', text('x'))
    expect(server.state.buckets.get(BUCKET)?.has('k')).toBe(true)
    expect(store.conditionalCreate).toEqual({ trusted: false, endpoint: named })
  })

  test.each([
    ['https://s3.eu-west-1.amazonaws.com', true],
    ['https://s3.cn-north-1.amazonaws.com.cn', true],
    ['https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com', true],
    ['https://amazonaws.com.example', false],
    ['http://localhost:9000', false],
  ])('%s promises conditional creates: %s', (endpoint, trusted) => {
    expect(s3Store({ bucket: BUCKET, endpoint }).conditionalCreate.trusted).toBe(trusted)
  })

  test('of AWS is trusted without a word', () => {
    stubEnvironment({})
    expect(s3Store({ bucket: BUCKET }).conditionalCreate).toEqual({ trusted: true, endpoint: 'AWS S3' })
  })

  test('of a client that was given is learnt from its requests', async () => {
    const client = new S3Client({
      endpoint: server.endpoint,
      region: 'x',
      credentials: CREDENTIALS,
      forcePathStyle: true,
    })
    const store = s3Store({ bucket: BUCKET, client })
    expect(store.conditionalCreate.trusted).toBe(false)
    await store.get('k')
    expect(store.conditionalCreate).toEqual({ trusted: false, endpoint: server.endpoint })
    store.close()
    expect(await s3Store({ bucket: BUCKET, client }).get('k')).toBeUndefined()
    client.destroy()
  })
})

describe('the region', () => {
  test('of the bucket is found by its answer, and remembered', async () => {
    server.options.bucketRegion = 'eu-central-1'
    const store = storeOn(server)
    const seen: number[] = []
    store.observe(({ status }) => seen.push(status))
    expect(await store.put('k', text('x'), { mode: 'create' })).toMatchObject({ outcome: 'written' })
    expect(read(await store.get('k'))).toBe('x')
    expect(await keysOf(store, '')).toEqual(['k'])
    expect(seen).toEqual([301, 200, 200, 200])
  })

  test('is found by many requests at once', async () => {
    server.options.bucketRegion = 'eu-central-1'
    const store = storeOn(server)
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => store.put(`k${i}`, text('x'))))
    expect(results.every((result) => result.outcome === 'written')).toBe(true)
  })

  test('that nobody names is us-east-1', async () => {
    stubEnvironment({ AWS_ENDPOINT_URL: server.endpoint })
    server.options.bucketRegion = 'us-east-1'
    expect(await s3Store({ bucket: BUCKET, credentials: CREDENTIALS }).get('k')).toBeUndefined()
  })

  test('is not changed on a client that was given: the error says which it is', async () => {
    server.options.bucketRegion = 'eu-central-1'
    const client = new S3Client({
      endpoint: server.endpoint,
      region: 'x',
      credentials: CREDENTIALS,
      forcePathStyle: true,
    })
    const error = await caught(s3Store({ bucket: BUCKET, client }).get('k'))
    expect(error).toMatchObject({ code: 'unavailable', retryable: false })
    expect((error as Error).message).toContain('another region (eu-central-1); set AWS_REGION')
    client.destroy()
  })
})

describe('the clock', () => {
  const hour = 3_600_000

  test.each([-24 * hour, -hour, hour, 24 * hour])(
    'of a store that is %i ms away is learnt, and corrected for',
    async (skew) => {
      server.options.clockSkewMs = skew
      const store = storeOn(server)
      expect(store.clockOffsetMs()).toBe(0)
      expect((await store.put('k', text('x'), { mode: 'create' })).outcome).toBe('written')
      expect(Math.abs(store.clockOffsetMs() - skew)).toBeLessThan(2_000)
      expect((await store.head('k'))?.size).toBe(1)
      expect(countOf(server, 'PutObject')).toBe(2)
    },
  )

  test('that agrees is left alone', async () => {
    const store = storeOn(server)
    for (let i = 0; i < 5; i++) await store.get('k')
    expect(store.clockOffsetMs()).toBe(0)
  })

  test('that is refused for ever is an error that says so', async () => {
    server.options.deny = 'RequestTimeTooSkewed'
    const error = await caught(storeOn(server).get('k'))
    expect(error).toMatchObject({ code: 'denied' })
    expect((error as Error).message).toContain('the clock of this machine is wrong')
  })
})

describe('connections', () => {
  test('are kept, and hundreds are used at once', async () => {
    const proxy = await startGate(300)
    const store = storeOn({ ...server, endpoint: proxy.endpoint } as S3Server, { requestTimeoutMs: 60_000 })
    // None is answered before all have arrived: with fewer connections this never ends.
    await Promise.all(Array.from({ length: 300 }, () => store.get('k')))
    const opened = proxy.sockets.size
    for (let i = 0; i < 10; i++) await store.put('k', new Uint8Array(3_000_000))
    expect(proxy.sockets.size).toBe(opened)
    store.close()
    await proxy.stop()
  })

  test('end with the store', async () => {
    const store = storeOn(server)
    await store.get('k')
    store.close()
    store.close()
    expect(await keysOf(storeOn(server), '')).toEqual([])
  })
})

describe('credentials', () => {
  test('that are nowhere are denied, with the next step, and nothing is sent', async () => {
    stubEnvironment({})
    const store = s3Store({ bucket: BUCKET, endpoint: server.endpoint, runtime: impatientRuntime() })
    const seen: string[] = []
    store.observe(({ verb }) => seen.push(verb))
    for (const call of [store.get('k'), store.put('k', text('x'), { mode: 'create' }), keysOf(store, '')]) {
      const error = await caught(call)
      expect(error).toMatchObject({ code: 'denied', committed: 'no' })
      expect((error as Error).message).toContain('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE')
    }
    expect(seen).toEqual([])
    expect(server.requests).toEqual([])
  })

  test('may come from a function', async () => {
    let asked = 0
    const credentials = async () => {
      asked += 1
      return CREDENTIALS
    }
    const store = storeOn(server, { credentials })
    await store.get('k')
    await store.get('k')
    expect(asked).toBe(1)
  })

  test('that end are asked for again, and a session token goes with each request', async () => {
    const sent: string[] = []
    server.options.faults = ({ headers }) => {
      const keyId = /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1]
      sent.push(`${keyId} ${String(headers['x-amz-security-token'])}`)
      return undefined
    }
    let asked = 0
    const credentials = async () => {
      asked += 1
      // The SDK asks again when less than five minutes are left.
      const expiration = new Date(Date.now() + (asked < 3 ? 60_000 : 3_600_000))
      return { accessKeyId: `key${asked}`, secretAccessKey: 's', sessionToken: `token${asked}`, expiration }
    }
    const store = storeOn(server, { credentials })
    for (let i = 0; i < 4; i++) await store.get('k')
    await store.put('k', text('x'))
    expect(asked).toBe(3)
    expect(sent.slice(-2)).toEqual(['key3 token3', 'key3 token3'])
    for (const one of sent) expect(one).toMatch(/^key(\d) token\1$/)
  })

  test.each([
    ['InvalidAccessKeyId', 'check AWS_ACCESS_KEY_ID'],
    ['SignatureDoesNotMatch', 'check AWS_SECRET_ACCESS_KEY'],
    ['AccessDenied', 'the credentials lack this right; allow it for this key'],
  ] as const)('that are wrong (%s) are denied, naming action and key', async (deny, advice) => {
    server.options.deny = deny
    const error = await caught(storeOn(server).put('some/key', text('x')))
    expect(error).toMatchObject({
      code: 'denied',
      details: { action: 's3:PutObject', key: 'some/key', bucket: BUCKET },
    })
    expect((error as Error).message).toContain(advice)
    expect((error as Error).message).toContain(`s3:PutObject on s3://${BUCKET}/some/key`)
    expect(JSON.stringify(error)).not.toContain(CREDENTIALS.secretAccessKey)
  })

  test('without the right to list: the message says how a missing object looks then', async () => {
    server.options.deny = 'AccessDenied'
    const error = await caught(storeOn(server).get('k'))
    expect((error as Error).message).toContain('Without s3:ListBucket')
  })
})

test('bodies are signed by their SHA-256, in parts too, and carry no other checksum', async () => {
  const sent: string[] = []
  server.options.faults = ({ operation, headers }) => {
    const others = Object.keys(headers).filter((name) =>
      /^(?:x-amz-(?:checksum|sdk-checksum|trailer)|expect)/.test(name),
    )
    if (headers['content-length'] !== '0' && /^(?:PutObject|UploadPart)$/.test(operation)) {
      sent.push(/^[0-9a-f]{64}$/.test(String(headers['x-amz-content-sha256'])) ? 'signed' : 'unsigned', ...others)
    }
    return undefined
  }
  async function* large() {
    for (let part = 0; part < 2; part++) yield new Uint8Array(6 * 1024 * 1024)
  }
  await storeOn(server).put('k', text('x'), { mode: 'create' })
  await storeOn(server).put('k', large())
  expect(sent).toEqual(['signed', 'signed', 'signed'])
})

test('a bucket of S3 Express is refused, because its listings have no order', () => {
  expect(() => s3Store({ bucket: 'name--use1-az4--x-s3' })).toThrow(expect.objectContaining({ code: 'unsupported' }))
})

test.each(['', 'a/b', 'a b'])('the bucket name %j is refused', (bucket) => {
  expect(() => s3Store({ bucket })).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
})

/** A way to the server that lets nobody through before `least` requests are waiting. */
async function startGate(least: number) {
  const sockets = new Set<unknown>()
  const waiting: (() => void)[] = []
  let open = false
  const proxy = createServer((incoming, response) => {
    sockets.add(incoming.socket)
    waiting.push(() => {
      const { method, headers } = incoming
      const outgoing = request(server.endpoint + incoming.url, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      incoming.pipe(outgoing)
    })
    open ||= waiting.length >= least
    if (open) for (const pass of waiting.splice(0)) pass()
  })
  proxy.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const address = proxy.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { endpoint, sockets, stop: () => new Promise((resolve) => proxy.close(resolve)) }
}
