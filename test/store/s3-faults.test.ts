/** Faults beside those of s3-retries and s3-outcomes: time that runs out, short answers, odd refusals, signals. */
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import type { Runtime } from '../../src/runtime.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { RETRY_LIMITS } from '../../src/store/retry.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { ObjectStore, PutMode } from '../../src/store/store.ts'
import { type Fault, type S3Server, startS3Server } from '../support/s3-server.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const BYTES = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
/** Longer than a healthy answer takes on any machine: nothing here waits for it. */
const TIMEOUT_MS = 20_000

let server: S3Server
let store: ObjectStore
beforeAll(async () => {
  server = await startS3Server({ buckets: ['bucket'] })
})
beforeEach(() => {
  server.reset()
  store = open()
})
afterEach(() => store.close())
afterAll(() => server.stop())

function open(requestTimeoutMs = TIMEOUT_MS, runtime: Runtime = virtualRuntime()): ObjectStore {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' }
  return s3Store({ bucket: 'bucket', endpoint: server.endpoint, credentials, requestTimeoutMs, runtime })
}

/** The first `times` requests of an operation meet the fault. */
function inject(operation: string, fault: Fault, times = 1): void {
  let met = 0
  server.options.faults = (request) => {
    if (request.operation !== operation || met === times) return undefined
    met += 1
    return fault
  }
}

function sent(operation: string): number {
  return server.requests.filter((request) => request.operation === operation).length
}

async function keysOf(prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

async function failureOf(run: Promise<unknown>): Promise<DataShardError> {
  const error = await run.then(
    (value) => new Error(`no failure, but ${JSON.stringify(value)}`),
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(DataShardError)
  return error as DataShardError
}

describe('retries', () => {
  test('end when the time is up, however many are left', async () => {
    const inner = virtualRuntime(7)
    // A store that takes 11 s for every failure.
    const runtime = { ...inner, sleep: async (ms: number) => inner.advance({ monotonicMs: ms + 11_000 }) }
    const slow = open(TIMEOUT_MS, runtime)
    inject('GetObject', { kind: 'status', status: 503, when: 'before' }, Infinity)
    const error = await failureOf(slow.get('k'))
    slow.close()
    expect(sent('GetObject')).toBe(4)
    expect(error.details['elapsedMs']).toBeGreaterThan(RETRY_LIMITS.maxElapsedMs)
  })

  test('are not made for what another try cannot cure', async () => {
    for (const [status, code] of [
      [403, 'AccessDenied'],
      [400, 'InvalidRequest'],
      [405, 'MethodNotAllowed'],
      [501, 'NotImplemented'],
      [404, 'NoSuchBucket'],
    ] as const) {
      server.requests.length = 0
      inject('GetObject', { kind: 'status', status, code, when: 'before' }, Infinity)
      expect((await failureOf(store.get('k'))).code).not.toBe('unavailable')
      expect(sent('GetObject')).toBe(1)
    }
  })
})

describe('an answer that is cut short', () => {
  test('of a listing is fetched again', async () => {
    await store.put('k', BYTES)
    inject('ListObjectsV2', { kind: 'truncate' })
    expect(await keysOf('k')).toEqual(['k'])
    expect(sent('ListObjectsV2')).toBe(2)
  })

  test('is an error in the end', async () => {
    await store.put('k', BYTES)
    inject('GetObject', { kind: 'truncate' }, Infinity)
    const error = await failureOf(store.get('k'))
    expect(error.code).toBe('unavailable')
    expect(error.message).toMatch(/connection was cut/)
  })
})

const create = { mode: 'create' } as const

describe('a conditional create', () => {
  test('that is answered by a 200 which holds an error: unknown', async () => {
    inject('PutObject', { kind: 'status', status: 200, code: 'InternalError', when: 'before' }, Infinity)
    expect((await store.put('new', BYTES, create)).outcome).toBe('unknown')
    expect(sent('PutObject')).toBe(1)
  })

  test('that is answered by a 200 without an etag, as no S3 does: unknown', async () => {
    inject('PutObject', { kind: 'status', status: 200, code: 'x', when: 'before' }, Infinity)
    expect((await store.put('new', BYTES, create)).outcome).toBe('unknown')
  })

  test.each([
    [501, 'NotImplemented', 'unsupported'],
    [405, 'MethodNotAllowed', 'unsupported'],
    [400, 'InvalidArgument', 'unsupported'],
    [403, 'AccessDenied', 'denied'],
    [404, 'NoSuchBucket', 'not-found'],
  ])('%i %s is a refusal, and thrown', async (status, code, expected) => {
    inject('PutObject', { kind: 'status', status, code, when: 'before' }, Infinity)
    const error = await failureOf(store.put('new', BYTES, create))
    expect(error).toMatchObject({ code: expected, retryable: false, committed: 'no' })
    expect(sent('PutObject')).toBe(1)
  })

  test('a 404 for a key is no outcome of a create, but one of If-Match', async () => {
    inject('PutObject', { kind: 'status', status: 404, code: 'NoSuchKey', when: 'before' }, Infinity)
    expect((await store.put('new', BYTES, create)).outcome).toBe('unknown')
    expect((await store.put('new', BYTES, { mode: { ifMatch: '"x"' } })).outcome).toBe('precondition-failed')
    expect(sent('PutObject')).toBe(2)
  })
})

/** Runs a call against a server that hangs, and cancels it when the request has arrived. */
async function cancelled(run: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const patient = open(60_000)
  const controller = new AbortController()
  const arrived = new EventTarget()
  const seen = once(arrived, 'request')
  server.options.faults = () => (arrived.dispatchEvent(new Event('request')), { kind: 'hang', ms: 600 })
  store = patient
  const outcome = run(controller.signal).catch((error: unknown) => error)
  await seen
  const startMs = performance.now()
  controller.abort(new Error('enough'))
  const result = await outcome
  expect(performance.now() - startMs).toBeLessThan(500)
  server.options.faults = undefined
  // It is carried out all the same, and not during the next test.
  await expect.poll(() => server.requests.length).toBe(1)
  return result
}

describe('a signal that fires while a request is under way', () => {
  test.each([
    ['get', (signal: AbortSignal) => store.get('k', { signal })],
    ['head', (signal: AbortSignal) => store.head('k', { signal })],
    ['delete', (signal: AbortSignal) => store.delete(['k', 'l'], { signal })],
    ['list', (signal: AbortSignal) => store.list('', { signal })[Symbol.asyncIterator]().next() as Promise<unknown>],
    ['an overwriting put', (signal: AbortSignal) => store.put('k', BYTES, { signal })],
  ])('%s: aborted', async (name, run) => {
    const error = await cancelled(run)
    expect(error).toMatchObject({ name: 'DataShardError', code: 'aborted', retryable: false, committed: 'no' })
    expect(server.requests).toHaveLength(1)
  })

  test.each(['create', { ifMatch: '"x"' }] satisfies PutMode[])(
    'a conditional put: unknown, because it may have its effect yet (%j)',
    async (mode) => {
      const result = await cancelled((signal) => store.put('k', BYTES, { mode, signal }))
      expect(result).toMatchObject({ outcome: 'unknown', cause: { code: 'aborted' } })
      // The server goes on with what it has, as they all do.
      expect(await store.get('k')).toEqual(mode === 'create' ? BYTES : undefined)
    },
  )

  test('a wait between two tries ends at once', async () => {
    const patient = open(TIMEOUT_MS, { ...systemRuntime, random: () => 1 })
    inject('GetObject', { kind: 'status', status: 503, when: 'before' }, Infinity)
    const startMs = performance.now()
    const error = await failureOf(patient.get('k', { signal: AbortSignal.timeout(300) }))
    patient.close()
    expect(error.code).toBe('aborted')
    expect(performance.now() - startMs).toBeLessThan(1_000)
  })

  test('a long body ends where it is', async () => {
    await store.put('large', new Uint8Array(20_000_000))
    const controller = new AbortController()
    const stop = store.observe(() => undefined)
    const reading = store.get('large', { signal: controller.signal })
    setImmediate(() => setImmediate(() => controller.abort()))
    expect((await failureOf(reading)).code).toBe('aborted')
    stop()
  })
})

describe('a clock that is wrong', () => {
  const minute = 60_000

  test.each([-14 * minute, 14 * minute])('by %i ms, which S3 accepts, costs nothing', async (skew) => {
    server.options.clockSkewMs = skew
    store = open(TIMEOUT_MS, systemRuntime)
    expect((await store.put('k', BYTES, create)).outcome).toBe('written')
    expect(await store.get('k')).toEqual(BYTES)
    expect(server.requests).toHaveLength(2)
    expect(Math.abs(store.clockOffsetMs() - skew)).toBeLessThan(2_000)
  })

  test.each([-16 * minute, 16 * minute])(
    'by %i ms is refused once, also to a head, which is not told why',
    async (skew) => {
      server.options.clockSkewMs = skew
      await store.put('k', BYTES)
      const fresh = open()
      server.requests.length = 0
      expect((await fresh.head('k'))?.size).toBe(BYTES.length)
      expect(await fresh.get('k')).toEqual(BYTES)
      expect(server.requests.map(({ status }) => status)).toEqual([403, 200, 200])
      fresh.close()
    },
  )
})
