import { beforeEach, describe, expect, test } from 'vitest'
import { encodeTable, encodeTombstone } from '../../src/commit/document.ts'
import { findHead, type Head } from '../../src/commit/head.ts'
import type { Place } from '../../src/commit/place.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { startS3Server } from '../support/s3-server.ts'
import { s3Store } from '../../src/store/s3.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'
import { type VirtualRuntime, virtualRuntime } from '../support/virtual-runtime.ts'
import { gzipSync } from 'node:zlib'

const HINT = 't/metadata/version-hint.text'
const text = (content: string) => new TextEncoder().encode(content)
const version = (n: number) => `t/metadata/v${n}.metadata.json`

let runtime: VirtualRuntime
let store: ReturnType<typeof faultyStore>
let place: Place

beforeEach(() => {
  runtime = virtualRuntime()
  store = faultyStore(memoryStore(), () => undefined)
  place = { store, prefix: 't', location: 'memory://test/t', runtime }
})

async function putVersions(target: ObjectStore, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await target.put(version(n), encodeTable(sampleMetadata(), `nonce-${n}`))
}

const requests = () => store.calls.map(({ verb, key }) => `${verb} ${key.replace('t/metadata/', '')}`)

describe('the head', () => {
  test('no version at all: undefined', async () => {
    expect(await findHead(place)).toBeUndefined()
  })

  test('a right hint costs three requests: hint, next version, head', async () => {
    await putVersions(store, 1, 3)
    await store.put(HINT, text('3'))
    store.calls.length = 0
    expect(await findHead(place)).toMatchObject({ version: 3, nonce: 'nonce-3' })
    expect(requests()).toEqual(['get version-hint.text', 'head v4.metadata.json', 'get v3.metadata.json'])
  })

  test('a hint that lags is a lower bound: committed rows are not hidden', async () => {
    await putVersions(store, 1, 7)
    await store.put(HINT, text('4'))
    expect(await findHead(place)).toMatchObject({ version: 7 })
  })

  test('from a head that is still alive, two small requests and no body', async () => {
    await putVersions(store, 1, 2)
    const head = (await findHead(place))!
    store.calls.length = 0
    expect(await findHead(place, head)).toMatchObject({ version: 2 })
    expect(requests()).toEqual(['head v3.metadata.json', 'head v2.metadata.json'])
  })

  test('who is far behind takes the hint as a shortcut', async () => {
    await putVersions(store, 1, 1)
    const head = (await findHead(place))!
    await putVersions(store, 2, 50)
    await store.put(HINT, text('50'))
    store.calls.length = 0
    expect(await findHead(place, head)).toMatchObject({ version: 50 })
    expect(store.calls.length).toBeLessThanOrEqual(5)
  })

  test.each(['1', 'garbage', ''])(
    'who is far behind, and the hint (%j) too, takes longer and longer strides',
    async (hint) => {
      await putVersions(store, 1, 1)
      const head = (await findHead(place))!
      let there = 1
      for (const newest of [2, 5, 16, 17, 18, 19, 20, 21, 22, 31, 40, 47, 48, 49, 300]) {
        await putVersions(store, there + 1, newest)
        there = newest
        await store.put(HINT, text(hint))
        for (const from of [head, undefined]) {
          store.calls.length = 0
          expect(await findHead(place, from)).toMatchObject({ version: newest })
          expect(store.calls.length).toBeLessThan(40)
        }
      }
    },
  )
  test('a hint that names nothing falls back to a listing', async () => {
    await putVersions(store, 1, 3)
    for (const hint of ['99', 'garbage', '']) {
      await store.put(HINT, text(hint))
      expect(await findHead(place), `hint '${hint}'`).toMatchObject({ version: 3 })
    }
  })

  test('no hint: the newest version is found through all pages of a listing', async () => {
    const server = await startS3Server({ buckets: ['b'], maxPageKeys: 10 })
    try {
      const s3 = s3Store({
        bucket: 'b',
        endpoint: server.endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
      })
      const paged: Place = { ...place, store: s3 }
      await putVersions(s3, 1, 120)
      expect(await findHead(paged)).toMatchObject({ version: 120 })
    } finally {
      await server.stop()
    }
  })

  test('a version that was deleted under the search is not taken for the head', async () => {
    await putVersions(store, 1, 2)
    const old = (await findHead(place))!
    await putVersions(store, 3, 9)
    await store.put(HINT, text('9'))
    await store.delete([1, 2, 3].map(version))
    expect(await findHead(place, old)).toMatchObject({ version: 9 })
  })

  test('a head seen longer than a minute ago is no place to start from', async () => {
    await putVersions(store, 1, 2)
    const old = (await findHead(place))!
    runtime.advance({ wallMs: 3_600_000, monotonicMs: 0 })
    await putVersions(store, 3, 9)
    await store.put(HINT, text('9'))
    await store.delete([3].map(version))
    // From v2 the deleted v3 would look like the end; the hint leads past the hole.
    expect(await findHead(place, old)).toMatchObject({ version: 9 })
  })

  describe('the hint was old, and what it led to was deleted after it was raised', () => {
    /** Between the look at the hint and the one at the next version, which is deleted before the one at the hint. */
    const slowly = (ms: number) => {
      store.rule = ({ verb, before }) =>
        verb === 'head' && before === 0
          ? async () => {
              store.rule = () => undefined
              await store.put(HINT, text('9'))
              runtime.advance({ wallMs: ms, monotonicMs: ms })
              await store.delete([version(5)])
            }
          : undefined
    }

    beforeEach(async () => {
      await putVersions(store, 1, 9)
      await store.put(HINT, text('4'))
    })

    test('whoever was slow asks for the hint again, and is led past the hole', async () => {
      slowly(5_000)
      expect(await findHead(place)).toMatchObject({ version: 9 })
    })

    test('a newer version meanwhile is no hole: what was found was the head', async () => {
      await store.delete([5, 6, 7, 8, 9].map(version))
      store.rule = ({ verb, key }) =>
        verb === 'get' && key === version(4)
          ? async () => {
              store.rule = () => undefined
              runtime.advance({ wallMs: 5_000, monotonicMs: 5_000 })
              await putVersions(store, 5, 6)
              await store.put(HINT, text('6'))
            }
          : undefined
      store.calls.length = 0
      expect(await findHead(place)).toMatchObject({ version: 4 })
    })
  })

  test('a tombstone is a head, and says what it is', async () => {
    await putVersions(store, 1, 1)
    await store.put(version(2), encodeTombstone({ tableUuid: 'u', droppedAtMs: 5 }, 'n'))
    expect(await findHead(place)).toMatchObject({ kind: 'tombstone', version: 2, tombstone: { droppedAtMs: 5 } })
  })

  test('versions that Java wrote compressed are found by the hint and by listing', async () => {
    const gz = (n: number) => `t/metadata/v${n}.gz.metadata.json`
    for (const n of [1, 2, 3]) await store.put(gz(n), gzipSync(encodeTable(sampleMetadata(), `n${n}`)))
    expect(await findHead(place)).toMatchObject({ version: 3, form: 'gzip' })
    await store.put(HINT, text('2'))
    expect(await findHead(place)).toMatchObject({ version: 3, form: 'gzip' })
  })

  test('a damaged head is an error that names the object, not an older state', async () => {
    await putVersions(store, 1, 2)
    const bytes = (await store.get(version(2)))!
    await store.put(version(2), bytes.subarray(0, bytes.length / 2))
    await expect(findHead(place)).rejects.toMatchObject({ code: 'corrupt' })
    await expect(findHead(place)).rejects.toThrow(/v2\.metadata\.json/)
  })

  test('metadata from the future is refused by its version', async () => {
    const future = new TextDecoder()
      .decode(encodeTable(sampleMetadata(), 'n'))
      .replace('"format-version":2', '"format-version":4')
    await store.put(version(1), text(future))
    await expect(findHead(place)).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('a search is cancelled by its signal', async () => {
    await putVersions(store, 1, 1)
    const found: Promise<Head | undefined> = findHead(place, undefined, AbortSignal.abort())
    await expect(found).rejects.toMatchObject({ code: 'aborted' })
  })
})
