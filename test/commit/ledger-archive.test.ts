/** Ledgers of versions that were deleted: what is archived is found again, and asked for with few requests. */
import { describe, expect, test } from 'vitest'
import {
  archivedLedger,
  archiveName,
  decodeArchive,
  encodeArchive,
  MAX_ARCHIVED_VERSIONS,
  parseArchiveName,
} from '../../src/commit/ledger-archive.ts'
import { advance, EMPTY_LEDGER, formatLedger } from '../../src/commit/ledger.ts'
import { keyIn } from '../../src/commit/place.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const ledgerOf = (version: number) =>
  advance(EMPTY_LEDGER, version, { snapshotId: BigInt(version), folded: ['0123456789abcdef'], cancelled: [] })
const textOf = (version: number) => formatLedger(ledgerOf(version))

describe('an archive', () => {
  test('is named by its first and last version, so that a listing has them in order', () => {
    expect(archiveName(1, 255)).toBe('metadata/_ds/ledger/0000000001-00000000ff')
    const names = [9, 10, 16, 255, 4096, 70_000].map((first) => archiveName(first, first + 1))
    expect(names.toSorted()).toEqual(names)
    expect(parseArchiveName(archiveName(812, 1_011))).toEqual({ first: 812, last: 1_011 })
  })

  test.for([
    'metadata/_ds/ledger/',
    'metadata/_ds/ledger/1-2',
    'metadata/_ds/ledger/0000000001-00000000ff.tmp',
    't/metadata/_ds/ledger/0000000001-00000000ff',
    'metadata/_ds/ledger/0000000001-00000000FF',
    'metadata/_ds/claims/0000000001-00000000ff',
  ])('%s is none', (name) => expect(parseArchiveName(name)).toBeUndefined())

  test('says of each version what its ledger was, or that it had none', () => {
    const ledgers = new Map([
      [812, textOf(812)],
      [813, null],
    ])
    expect(decodeArchive(encodeArchive(ledgers))).toEqual(ledgers)
    expect(new TextDecoder().decode(encodeArchive(ledgers))).toBe(
      `{"format":1,"ledgers":{"812":"${textOf(812)}","813":null}}`,
    )
  })

  test.for([
    '',
    '{"format":1,"ledgers":{"812":',
    'null',
    '7',
    '{}',
    '{"ledgers":{}}',
    '{"format":2,"ledgers":{}}',
    '{"format":1}',
    '{"format":1,"ledgers":null}',
    '{"format":1,"ledgers":"812"}',
    '{"format":1,"ledgers":{"812":"1 16 0","813":5}}',
  ])('cut off, of another format or shape is taken for none: %s', (text) =>
    expect(decodeArchive(bytesOf(text))).toBeUndefined(),
  )
})

async function tableWith(archives: readonly (readonly [first: number, last: number])[], prefix = 't') {
  const store = faultyStore(memoryStore({ name: 'test' }), () => undefined)
  const listed: string[] = []
  const { list } = store
  store.list = (under, options) => {
    listed.push(options?.startAfter ?? '')
    return list(under, options)
  }
  const place = { store, prefix, location: 'memory://test/t', runtime: virtualRuntime() }
  const put = (name: string, bytes: Uint8Array) => store.put(keyIn(place, name), bytes)
  for (const [first, last] of archives) {
    const versions = Array.from({ length: Math.min(last - first + 1, 100) }, (_, i) => first + i)
    await put(archiveName(first, last), encodeArchive(new Map(versions.map((one) => [one, textOf(one)]))))
  }
  store.calls.length = 0
  return { place, put, listed, gets: () => store.calls.filter(({ verb }) => verb === 'get').map(({ key }) => key) }
}

describe('the ledger of a deleted version', () => {
  test.for(['t', ''])(
    'is found in the archive that has it, by one list and one request, under prefix %j',
    async (prefix) => {
      const { place, gets, listed } = await tableWith(
        [
          [1, 16],
          [17, 40],
          [41, 60],
        ],
        prefix,
      )
      for (const version of [17, 30, 40]) {
        expect(await archivedLedger(place, version)).toEqual({ ledger: ledgerOf(version) })
      }
      expect(new Set(gets())).toEqual(new Set([keyIn(place, archiveName(17, 40))]))
      expect([gets().length, listed.length]).toEqual([3, 3])
    },
  )

  test('that had none is told apart from one that nobody archived', async () => {
    const { place, put, gets } = await tableWith([])
    await put(archiveName(5, 6), encodeArchive(new Map([[5, null]])))
    expect(await archivedLedger(place, 5)).toEqual({ ledger: undefined })
    expect(await archivedLedger(place, 6)).toBeUndefined()
    expect(gets()).toHaveLength(2)
  })

  test('that is in no archive is undefined, without reading one', async () => {
    const { place, gets } = await tableWith([
      [1, 16],
      [30, 40],
    ])
    expect(await archivedLedger(place, 20)).toBeUndefined()
    expect(await archivedLedger(place, 41)).toBeUndefined()
    expect(gets()).toEqual([])
    expect(await archivedLedger((await tableWith([])).place, 5)).toBeUndefined()
  })

  test('that cannot be read is none, as of a version that another engine wrote', async () => {
    const { place, put } = await tableWith([])
    await put(archiveName(5, 6), encodeArchive(new Map([[5, 'no ledger']])))
    expect(await archivedLedger(place, 5)).toEqual({ ledger: undefined })
  })

  test('is looked for in the next archive where one is damaged or is gone by now', async () => {
    const { place, put } = await tableWith([[10, 20]])
    await put(archiveName(8, 20), bytesOf('{"format":1'))
    await put('metadata/_ds/ledger/0000000009-of another kind', bytesOf('x'))
    expect(await archivedLedger(place, 12)).toEqual({ ledger: ledgerOf(12) })
    const { get } = place.store
    place.store.get = async (key, options) => (key.includes('/0000000008-') ? undefined : get(key, options))
    expect(await archivedLedger(place, 12)).toEqual({ ledger: ledgerOf(12) })
  })

  test('is no longer looked for once that is cancelled, before the list or after it', async () => {
    const { place } = await tableWith([[1, 16]])
    const aborted = { code: 'aborted' }
    await expect(archivedLedger(place, 5, AbortSignal.abort())).rejects.toMatchObject(aborted)
    const controller = new AbortController()
    const { get } = place.store
    place.store.get = async (key, options) => {
      controller.abort()
      return get(key, options)
    }
    await expect(archivedLedger(place, 5, controller.signal)).rejects.toMatchObject(aborted)
  })

  test('is listed from the first archive on that may have it: a full one ends with it', async () => {
    const last = 3 * MAX_ARCHIVED_VERSIONS
    const first = last - MAX_ARCHIVED_VERSIONS + 1
    const { place, put, listed } = await tableWith([[1, 16]])
    await put(archiveName(first, last), encodeArchive(new Map([[last, textOf(last)]])))
    expect(await archivedLedger(place, last)).toEqual({ ledger: ledgerOf(last) })
    expect(listed[0]! > keyIn(place, archiveName(1, 16))).toBe(true)
  })
})
