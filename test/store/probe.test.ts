/** The probe of conditional creates: it races, because some stores are right only when asked one after the other. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'minio'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { localStore } from '../../src/store/local.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { conditionalCreateUnsupported, probeConditionalCreate } from '../../src/store/probe.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { BUCKET, caught, countOf, failing, impatientRuntime, keysOf, storeOn } from './s3-fixture.ts'
import type { S3Server } from '../support/s3-server.ts'
import { startS3Server } from '../support/s3-server.ts'

const runtime = impatientRuntime()
const probe = (store: ObjectStore, options = {}) =>
  probeConditionalCreate(store, 'table/metadata/_ds', { runtime, ...options })

let server: S3Server
let directory: string
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
  directory = await mkdtemp(join(tmpdir(), 'datashard-probe-'))
})
afterAll(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})
afterEach(() => server.reset())

describe('a store that honours conditional creates passes 20 races of 16', () => {
  const minio = inject('s3')
  const bucket = `probe-${Date.now()}`
  beforeAll(async () => {
    const { hostname, port, protocol } = new URL(minio.endpoint)
    const client = new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: protocol === 'https:',
      accessKey: minio.accessKeyId,
      secretKey: minio.secretAccessKey,
    })
    await client.makeBucket(bucket)
  })

  test.each<readonly [name: string, open: () => ObjectStore]>([
    ['memory', () => memoryStore()],
    ['local directory', () => localStore(directory)],
    ['the S3 server of these tests', () => storeOn(server)],
    [minio.kind, () => s3Store({ bucket, endpoint: minio.endpoint, region: minio.region, credentials: minio })],
  ])('%s', async (_name, open) => {
    const store = open()
    const result = await probe(store)
    expect(result).toMatchObject({ passed: true, rounds: 20, clients: 16, violations: 0 })
    expect(result.endpoint).toBe(store.conditionalCreate.endpoint)
    expect(Math.abs(result.atMs - Date.now())).toBeLessThan(60_000)
    expect(await keysOf(store, 'table/')).toEqual([])
  })
})

describe('a store that does not is refused', () => {
  test('when it answers 200 to everything (fault 10)', async () => {
    server.options.ignoreConditions = true
    const result = await probe(storeOn(server))
    expect(result).toMatchObject({
      passed: false,
      violations: 3,
      reason: '16 of 16 concurrent creates of one key succeeded',
    })
  })

  test('when it is right one request after the other, but not at once (fault 28)', async () => {
    server.options.conditionalRace = true
    const store = storeOn(server)
    await store.put('serial', new Uint8Array(1), { mode: 'create' })
    expect((await store.put('serial', new Uint8Array(2), { mode: 'create' })).outcome).toBe('precondition-failed')
    const result = await probe(store)
    expect(result.passed).toBe(false)
    expect(result.reason).toMatch(/^\d+ of 16 concurrent creates of one key succeeded$/)
  })

  test('when it lets a late create replace the object', async () => {
    const inner = memoryStore()
    const calls = new Map<string, number>()
    const store = changed(inner, {
      put: (key, body, options) => {
        const call = (calls.get(key) ?? 0) + 1
        calls.set(key, call)
        return inner.put(key, body, call > 16 ? {} : options)
      },
    })
    expect((await probe(store)).reason).toBe('a create of a key that exists succeeded and replaced the object')
  })

  test('when another one than the winner is read back', async () => {
    const inner = memoryStore()
    const store = changed(inner, { get: async () => new TextEncoder().encode('client 99') })
    expect((await probe(store)).reason).toMatch(/^the winner of a race wrote 'client 0', but 'client 99' is read back$/)
  })

  test('when a new object is not there to be read', async () => {
    const store = changed(memoryStore(), { get: async () => undefined })
    expect((await probe(store)).reason).toBe('a key that was just created is missing when it is read')
  })

  test('when nobody wins', async () => {
    const store = changed(memoryStore(), { put: async () => ({ outcome: 'precondition-failed' }) })
    expect((await probe(store)).reason).toBe('none of 16 concurrent creates of a new key succeeded')
  })

  test('with the reason, and with stores that are fit', async () => {
    server.options.ignoreConditions = true
    const error = conditionalCreateUnsupported(await probe(storeOn(server)))
    expect(error).toMatchObject({ code: 'unsupported', retryable: false, details: { endpoint: server.endpoint } })
    expect(error.message).toContain('16 of 16 concurrent creates of one key succeeded')
    expect(error.message).toContain('MinIO')
  })
})

describe('a race without a clear outcome', () => {
  test('is run again on another key', async () => {
    server.options.faults = failing('PutObject', { kind: 'status', status: 503, when: 'after' }, 5)
    const result = await probe(storeOn(server))
    expect(result).toMatchObject({ passed: true, rounds: 20 })
    expect(
      new Set(server.requests.filter(({ operation }) => operation === 'PutObject').map(({ key }) => key)).size,
    ).toBe(21)
  })

  test('is none if all that is unclear is a 409, as AWS answers some who lose', async () => {
    let requests = 0
    server.options.faults = ({ operation }) => {
      if (operation !== 'PutObject') return undefined
      requests += 1
      return requests % 3 === 0 ? { kind: 'status', status: 409, when: 'before' } : undefined
    }
    const result = await probe(storeOn(server))
    expect(result).toMatchObject({ passed: true, rounds: 20 })
    expect(requests).toBe(20 * 17)
  })

  test('has two winners all the same, if two answers say so', async () => {
    server.options.ignoreConditions = true
    server.options.faults = failing('PutObject', { kind: 'reset', when: 'before' }, 2)
    expect((await probe(storeOn(server))).reason).toBe('14 of 16 concurrent creates of one key succeeded')
  })

  test('is no verdict when it goes on for ever', async () => {
    server.options.faults = failing('PutObject', { kind: 'status', status: 503, when: 'before' })
    expect(await caught(probe(storeOn(server)))).toMatchObject({ code: 'unavailable', retryable: true })
  })
})

test('a store that refuses conditions by itself is unsupported', async () => {
  server.options.faults = failing('PutObject', { kind: 'status', status: 501, code: 'NotImplemented', when: 'before' })
  expect(await caught(probe(storeOn(server)))).toMatchObject({ code: 'unsupported' })
})

test('costs 18 requests for each key, and one to clean up', async () => {
  await probe(storeOn(server), { keys: 5 })
  expect(countOf(server, 'PutObject')).toBe(5 * 17)
  expect(countOf(server, 'GetObject')).toBe(5)
  expect(countOf(server, 'DeleteObjects')).toBe(1)
  expect(server.requests).toHaveLength(5 * 18 + 1)
})

test('passes without the right to delete', async () => {
  server.options.faults = failing('DeleteObjects', { kind: 'status', status: 403, when: 'before' })
  expect((await probe(storeOn(server))).passed).toBe(true)
})

test('is cancelled by its signal', async () => {
  const controller = new AbortController()
  controller.abort()
  expect(await caught(probe(memoryStore(), { signal: controller.signal }))).toMatchObject({ code: 'aborted' })
})

/** The store with some methods of another. */
function changed(inner: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return {
    url: inner.url,
    conditionalCreate: inner.conditionalCreate,
    keyOf: (url) => inner.keyOf(url),
    urlOf: (key) => inner.urlOf(key),
    get: (key, options) => inner.get(key, options),
    put: (key, body, options) => inner.put(key, body, options),
    head: (key, options) => inner.head(key, options),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (keys, options) => inner.delete(keys, options),
    clockOffsetMs: () => inner.clockOffsetMs(),
    observe: (listener) => inner.observe(listener),
    close: () => inner.close(),
    ...methods,
  }
}
