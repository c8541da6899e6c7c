/** Faults on any request of an S3 store that may be repeated (fault 4): one policy, no orphans, clear ends. */
import type { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { s3Store } from '../../src/store/s3.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { BUCKET, caught, countOf, failing, impatientRuntime, keysOf, read, storeOn, text } from './s3-fixture.ts'
import type { Fault, S3Server } from '../support/s3-server.ts'
import { startS3Server } from '../support/s3-server.ts'

let server: S3Server
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET], maxPageKeys: 2 })
})
afterAll(() => server.stop())
afterEach(() => server.reset())

async function* large(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let part = 0; part < 4; part++) yield new Uint8Array(5 * 1024 * 1024).fill(part)
}

const CALLS: readonly (readonly [
  operation: string,
  call: (store: ObjectStore) => Promise<unknown>,
  result: unknown,
])[] = [
  ['GetObject', async (store) => read(await store.get('k1')), 'one'],
  ['GetObject', async (store) => read(await store.get('k1', { range: { start: 1 } })), 'ne'],
  ['HeadObject', async (store) => (await store.head('k1'))?.size, 3],
  ['ListObjectsV2', (store) => keysOf(store, 'k'), ['k1', 'k2', 'k3']],
  ['PutObject', async (store) => (await store.put('k1', text('two'))).outcome, 'written'],
  ['DeleteObject', (store) => store.delete(['k1']), undefined],
  ['DeleteObjects', (store) => store.delete(['k1', 'k2']), undefined],
]

const FAULTS: readonly (readonly [name: string, fault: Fault])[] = [
  ...[408, 409, 429, 500, 502, 503, 504].map(
    (status) => [`${status}`, { kind: 'status', status, when: 'before' }] as const,
  ),
  ['503 after the effect', { kind: 'status', status: 503, when: 'after' }],
  ['a reset', { kind: 'reset', when: 'before' }],
  ['a reset after the effect', { kind: 'reset', when: 'after' }],
]

describe.each(CALLS)('%s', (operation, call, result) => {
  const prepared = async () => {
    const store = storeOn(server)
    for (const key of ['k1', 'k2', 'k3']) await store.put(key, text('one'))
    return store
  }

  test.each(FAULTS)('%s once does not fail it', async (_name, fault) => {
    const store = await prepared()
    server.options.faults = failing(operation, fault, 1)
    expect(await call(store)).toEqual(result)
  })

  test('a timeout once does not fail it', async () => {
    await prepared()
    const before = countOf(server, operation)
    server.options.faults = failing(operation, { kind: 'hang', ms: 300 }, 1)
    expect(await call(storeOn(server, { requestTimeoutMs: 100 }))).toEqual(result)
    // The one that hung is carried out late, and not during the next test. A listing has two pages.
    const requests = operation === 'ListObjectsV2' ? 3 : 2
    await expect.poll(() => countOf(server, operation) - before).toBe(requests)
  })

  test('503 for ever: unavailable in the end, with the number of tries', async () => {
    const store = await prepared()
    const before = countOf(server, operation)
    server.options.faults = failing(operation, { kind: 'status', status: 503, when: 'before' })
    const error = await caught(call(store))
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, details: { status: 503, attempts: 8 } })
    expect((error as Error).message).toMatch(/tried 8 times/)
    expect(countOf(server, operation) - before).toBe(8)
  })

  test('a refusal is not tried again', async () => {
    const store = await prepared()
    const before = countOf(server, operation)
    server.options.deny = 'AccessDenied'
    expect(await caught(call(store))).toMatchObject({ code: 'denied' })
    expect(countOf(server, operation) - before).toBe(1)
  })
})

test('an answer that breaks off in its body is read again', async () => {
  const store = storeOn(server)
  const body = new Uint8Array(300_000).fill(7)
  await store.put('k', body)
  server.options.faults = failing('GetObject', { kind: 'truncate' }, 2)
  expect(await store.get('k')).toEqual(body)
  expect(countOf(server, 'GetObject')).toBe(3)
})

test('waits double, with full jitter, and end at a limit', async () => {
  const runtime = impatientRuntime()
  const store = storeOn(server, { runtime: { ...runtime, random: () => 1 } })
  server.options.faults = failing('GetObject', { kind: 'status', status: 503, when: 'before' })
  await caught(store.get('k'))
  expect(runtime.waits).toEqual([50, 100, 200, 400, 800, 1600, 2000])
})

test('a cancelled call does not wait for its next try', async () => {
  const controller = new AbortController()
  const store = storeOn(server, { runtime: undefined })
  server.options.faults = () => {
    controller.abort()
    return { kind: 'status', status: 503, when: 'before' }
  }
  expect(await caught(store.get('k', { signal: controller.signal }))).toMatchObject({ code: 'aborted' })
})

test('every try is observed', async () => {
  const store = storeOn(server)
  const seen: string[] = []
  store.observe(({ verb, key, status }) => seen.push(`${verb} ${key} ${status}`))
  server.options.faults = ({ count }) =>
    count === 1
      ? { kind: 'status', status: 503, when: 'before' }
      : count === 2
        ? { kind: 'reset', when: 'before' }
        : undefined
  await store.put('k', text('x'))
  expect(seen).toEqual(['PUT k 503', 'PUT k 0', 'PUT k 200'])
})

describe('a stream in parts', () => {
  test('overwrites although each of its requests fails once', async () => {
    const failed = new Set<string>()
    server.options.faults = ({ operation, query }) => {
      const name = operation + (query['partNumber'] ?? '')
      if (failed.has(name)) return undefined
      failed.add(name)
      return { kind: 'status', status: 503, when: 'before' }
    }
    expect((await storeOn(server).put('k', large())).outcome).toBe('written')
    expect(failed).toEqual(
      new Set(['CreateMultipartUpload', 'UploadPart1', 'UploadPart2', 'UploadPart3', 'CompleteMultipartUpload']),
    )
  })

  test('a completion whose answer is lost is recognised by the object', async () => {
    server.options.faults = failing('CompleteMultipartUpload', { kind: 'reset', when: 'after' }, 1)
    const result = await storeOn(server).put('k', large())
    expect(result).toEqual({ outcome: 'written', etag: server.state.buckets.get(BUCKET)?.get('k')?.etag })
  })

  test('is observed request by request', async () => {
    const store = storeOn(server)
    const seen: string[] = []
    store.observe(({ verb, bytes }) => seen.push(`${verb} ${bytes}`))
    await store.put('k', large())
    const megabyte = 1024 * 1024
    expect(seen.toSorted()).toEqual([
      'PUT 0',
      'PUT 0',
      `PUT ${4 * megabyte}`,
      `PUT ${8 * megabyte}`,
      `PUT ${8 * megabyte}`,
    ])
  })
})

describe('deleting many keys', () => {
  /** A store whose batch deletes answer as told; `batches` are the keys of each. */
  function answering(answer: (key: string, batch: number) => string | undefined) {
    const batches: (string | undefined)[][] = []
    const send = async (command: DeleteObjectsCommand) => {
      const keys = command.input.Delete?.Objects?.map(({ Key }) => Key) ?? []
      batches.push(keys)
      const errors = keys.map((Key) => ({ Key, Code: answer(Key ?? '', batches.length) }))
      return { $metadata: {}, Errors: errors.filter(({ Code }) => Code !== undefined) }
    }
    const client = { send, config: {}, destroy: () => {} }
    return { batches, store: s3Store({ bucket: BUCKET, client, runtime: impatientRuntime() }) }
  }

  test('keys that fail for a moment are tried again, those alone', async () => {
    const { batches, store } = answering((key, batch) => (key === 'b' && batch < 3 ? 'SlowDown' : undefined))
    await store.delete(['a', 'b', 'c'])
    expect(batches).toEqual([['a', 'b', 'c'], ['b'], ['b']])
  })

  test('keys that fail for good are named and counted, and not tried again', async () => {
    const { batches, store } = answering((key) => (key === 'a' ? undefined : key === 'b' ? 'SlowDown' : 'AccessDenied'))
    const error = await caught(store.delete(['a', 'b', 'c']))
    expect(error).toMatchObject({ code: 'denied', details: { key: 'c', action: 's3:DeleteObject' } })
    expect((error as Error).message).toContain('2 of 3 keys were not deleted')
    expect(batches).toHaveLength(1)
  })

  test('a thousand keys go in each batch', async () => {
    const { batches, store } = answering(() => 'NoSuchKey')
    await store.delete(Array.from({ length: 2_001 }, (_, i) => `k${i}`).concat('last'))
    expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 2])
  })

  test('a store without batch deletes gets one request per key', async () => {
    const store = storeOn(server)
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`)
    await Promise.all(keys.map((key) => store.put(key, text('x'))))
    server.options.faults = failing('DeleteObjects', {
      kind: 'status',
      status: 501,
      code: 'NotImplemented',
      when: 'before',
    })
    await store.delete(keys)
    expect(await keysOf(store, '')).toEqual([])
    expect(countOf(server, 'DeleteObject')).toBe(40)
  })

  test('keys that XML cannot name go one by one', async () => {
    const store = storeOn(server)
    const keys = ['bell\u0007', 'tab\there', 'plain', 'plain too']
    for (const key of keys) await store.put(key, text('x'))
    expect(await keysOf(store, '')).toEqual(keys.toSorted())
    await store.delete(keys)
    expect(await keysOf(store, '')).toEqual([])
    expect(countOf(server, 'DeleteObjects')).toBe(1)
  })
})
