/** Streams in parts under a condition, raced, cancelled and broken off: on the tests' own server and on the real one. */
import { Client } from 'minio'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { s3Store } from '../../src/store/s3.ts'
import { PART_BYTES } from '../../src/store/s3-upload.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { BUCKET, caught, CREDENTIALS, text } from './s3-fixture.ts'

const MEGABYTE = 1024 * 1024
const LARGE_BYTES = 17 * MEGABYTE
const WRITERS = 4

interface Place {
  readonly open: () => ObjectStore
  /** Keys with parts that belong to no object. */
  readonly openUploads: () => Promise<string[]>
}

let server: S3Server
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
})
afterAll(() => server.stop())
const own: Place = {
  open: () => s3Store({ bucket: BUCKET, endpoint: server.endpoint, credentials: CREDENTIALS }),
  openUploads: async () => [...server.state.uploads.values()].map(({ key }) => key),
}

const s3 = inject('s3')
const bucket = `multipart-${Date.now()}`
const { hostname, port, protocol } = new URL(s3.endpoint)
const look = new Client({
  endPoint: hostname,
  port: Number(port),
  useSSL: protocol === 'https:',
  accessKey: s3.accessKeyId,
  secretKey: s3.secretAccessKey,
})
beforeAll(() => look.makeBucket(bucket))
const real: Place = {
  open: () => s3Store({ bucket, endpoint: s3.endpoint, region: s3.region, credentials: s3 }),
  // MinIO lists uploads of a whole key only, not those under a prefix.
  openUploads: async () => {
    const keys = await Promise.all(KEYS.map((key) => look.listIncompleteUploads(bucket, key, true).toArray()))
    return keys.flat().map((upload) => (upload as { key: string }).key)
  },
}
const KEYS = ['raced', 'cancelled', 'broken', 'endless', 'taken']

async function* large(fill: number, bytes = LARGE_BYTES): AsyncGenerator<Uint8Array, void, undefined> {
  for (let sent = 0; sent < bytes; sent += MEGABYTE) yield new Uint8Array(MEGABYTE).fill(fill)
}

describe.each<readonly [name: string, place: Place]>([
  ['the S3 server of these tests', own],
  [s3.kind, real],
])('on %s', (_name, { open, openUploads }) => {
  test(`of ${WRITERS} streams that create one key at once exactly one wins, whole`, async () => {
    for (const round of [0, 1, 2]) {
      const key = round === 0 ? 'raced' : `raced ${round}`
      const stores = Array.from({ length: WRITERS }, open)
      const results = await Promise.all(stores.map((store, i) => store.put(key, large(i + 1), { mode: 'create' })))
      const outcomes = results.map((result) => result.outcome)
      expect(outcomes.toSorted()).toEqual([
        'precondition-failed',
        'precondition-failed',
        'precondition-failed',
        'written',
      ])
      const bytes = await stores[0]!.get(key)
      const winner = outcomes.indexOf('written') + 1
      expect(bytes?.length).toBe(LARGE_BYTES)
      expect(bytes?.every((byte) => byte === winner)).toBe(true)
      for (const store of stores) store.close()
    }
    expect(await openUploads()).toEqual([])
  })

  test('a key that is taken refuses the stream at its end, and no parts stay', async () => {
    const store = open()
    await store.put('taken', text('first'))
    expect((await store.put('taken', large(1), { mode: 'create' })).outcome).toBe('precondition-failed')
    expect((await store.head('taken'))?.size).toBe(5)
    expect(await openUploads()).toEqual([])
    store.close()
  })

  test('a stream that is cancelled half-way: aborted, its source closed, no parts and no object', async () => {
    const store = open()
    const controller = new AbortController()
    let closed = false
    let half: string[] = []
    const body = (async function* () {
      try {
        for (let i = 0; ; i++) {
          // The proof that such parts can be seen at all.
          if (i === 40) half = await openUploads()
          if (i === 40) controller.abort()
          yield new Uint8Array(MEGABYTE)
        }
      } finally {
        closed = true
      }
    })()
    const error = await caught(store.put('cancelled', body, { mode: 'create', signal: controller.signal }))
    expect(error).toMatchObject({ code: 'aborted', committed: 'no' })
    expect([closed, half]).toEqual([true, ['cancelled']])
    expect(await store.get('cancelled')).toBeUndefined()
    expect(await openUploads()).toEqual([])
    store.close()
  })

  test('a stream that breaks half-way: its own error, no parts and no object', async () => {
    const store = open()
    const body = (async function* () {
      yield* large(1)
      throw new RangeError('the source broke')
    })()
    expect(await caught(store.put('broken', body))).toEqual(new RangeError('the source broke'))
    expect(await store.get('broken')).toBeUndefined()
    expect(await openUploads()).toEqual([])
    store.close()
  })
})

describe('parts', () => {
  test('that are refused end the stream, also an endless one, and close its source', async () => {
    const store = own.open()
    let [taken, closed] = [0, false]
    const endless = (async function* () {
      try {
        for (;;) {
          taken += 1
          yield new Uint8Array(MEGABYTE)
        }
      } finally {
        closed = true
      }
    })()
    server.options.faults = ({ operation }) =>
      operation === 'UploadPart' ? { kind: 'status', status: 403, code: 'AccessDenied', when: 'before' } : undefined
    expect(await caught(store.put('endless', endless))).toMatchObject({ code: 'denied' })
    server.options.faults = undefined
    expect(taken).toBeLessThan(64)
    await expect.poll(() => closed).toBe(true)
    expect(await own.openUploads()).toEqual([])
  })

  test('of which one is refused end the stream soon, however long it is', async () => {
    const store = own.open()
    let taken = 0
    const long = (async function* () {
      for (; taken < 400; taken++) yield new Uint8Array(MEGABYTE)
    })()
    let met = false
    server.options.faults = ({ operation }) => {
      if (operation !== 'UploadPart' || met) return undefined
      met = true
      return { kind: 'status', status: 403, code: 'AccessDenied', when: 'before' }
    }
    expect(await caught(store.put('endless', long))).toMatchObject({ code: 'denied' })
    server.options.faults = undefined
    expect(taken).toBeLessThan(100)
    expect(await own.openUploads()).toEqual([])
  })

  test('are taken from the source no faster than they go up', async () => {
    const store = own.open()
    let taken = 0
    server.options.faults = ({ operation }) => (operation === 'UploadPart' ? { kind: 'hang', ms: 300 } : undefined)
    const putting = store.put(
      'slow',
      (async function* () {
        for (; taken < 120; taken++) yield new Uint8Array(MEGABYTE)
      })(),
    )
    await expect.poll(() => taken).toBeGreaterThan(10)
    // Four parts under way, one being filled, one begun, and what streams hold.
    expect(taken * MEGABYTE).toBeLessThan(8 * PART_BYTES)
    expect((await putting).outcome).toBe('written')
    server.options.faults = undefined
    expect((await store.head('slow'))?.size).toBe(120 * MEGABYTE)
  })
})
