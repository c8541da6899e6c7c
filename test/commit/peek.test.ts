/** How much of a version a look at it reads, and in how many requests. */
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeTable, encodeTombstone, leadingFields } from '../../src/commit/document.ts'
import {
  EMPTY_LEDGER,
  formatLedger,
  type Ledger,
  LEDGER_PROPERTY,
  ledgerBytes,
  MAX_LEDGER_BYTES,
  WINDOW,
} from '../../src/commit/ledger.ts'
import { PEEK_BYTES, peekVersion } from '../../src/commit/peek.ts'
import type { Place } from '../../src/commit/place.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const V2 = 't/metadata/v2.metadata.json'
const runtime = virtualRuntime()

let store: ObjectStore
let place: Place
/** Bytes that each GET brought. */
const reads: number[] = []

beforeEach(() => {
  store = memoryStore({ now: runtime.now })
  reads.length = 0
  store.observe(({ verb, bytes }) => void (verb === 'GET' && reads.push(bytes)))
  place = { store, prefix: 't', location: 'memory://test/t', runtime }
})

/** A window in which each version folded so many appends. */
function ledgerOf(appendsPerVersion: number): Ledger {
  const idOf = (version: number, i: number) => `${version}`.padStart(8, '0') + `${i}`.padStart(8, '0')
  return {
    ...EMPTY_LEDGER,
    entries: Array.from({ length: WINDOW }, (_, i) => ({
      version: 100 - i,
      snapshotId: BigInt(9_000_000_000_000_000_000n) + BigInt(i),
      folded: Array.from({ length: appendsPerVersion }, (_id, id) => idOf(100 - i, id)),
      cancelled: [],
    })),
  }
}

const MEGABYTE = 1024 * 1024

/** A table with a megabyte of other metadata, so that reading all of it would show. */
function tableWith(ledger: Ledger | undefined): Uint8Array {
  const properties = {
    ...(ledger && { [LEDGER_PROPERTY]: formatLedger(ledger) }),
    padding: 'x'.repeat(MEGABYTE),
  }
  return encodeTable({ ...sampleMetadata(), properties }, 'nonce-2')
}

const long = ledgerOf(150)
const short = ledgerOf(2)

describe('a look at a version', () => {
  test('reads its beginning, in one request', async () => {
    await store.put(V2, tableWith(short))
    expect(await peekVersion(place, 2)).toMatchObject({ nonce: 'nonce-2', ledger: short, document: undefined })
    expect(reads).toEqual([PEEK_BYTES])
  })

  test('where a ledger is longer than that, reads once more, and not the whole version', async () => {
    expect(formatLedger(long).length).toBeGreaterThan(PEEK_BYTES)
    await store.put(V2, tableWith(long))
    expect(await peekVersion(place, 2, { before: short })).toMatchObject({ ledger: long, document: undefined })
    expect(reads).toHaveLength(2)
    expect(reads[1]).toBeLessThan(2 * MAX_LEDGER_BYTES)
  })

  test('where the ledger before was long, too, needs one request', async () => {
    await store.put(V2, tableWith(long))
    expect(await peekVersion(place, 2, { before: long })).toMatchObject({ ledger: long, document: undefined })
    expect(reads).toHaveLength(1)
    expect(reads[0]).toBeGreaterThan(MAX_LEDGER_BYTES)
  })

  test('the longest ledger that is written is found in one', async () => {
    const longest = ledgerOf(Math.floor((MAX_LEDGER_BYTES / ledgerBytes(long)) * 150))
    expect(formatLedger(longest).length).toBeGreaterThan(MAX_LEDGER_BYTES * 0.98)
    await store.put(V2, tableWith(longest))
    expect(await peekVersion(place, 2, { before: long })).toMatchObject({ ledger: longest })
    expect(reads).toHaveLength(1)
  })

  test('a ledger that is longer still is found by reading all', async () => {
    const over = ledgerOf(400)
    await store.put(V2, tableWith(over))
    for (const before of [undefined, short, long]) {
      expect(await peekVersion(place, 2, { before })).toMatchObject({ ledger: over, nonce: 'nonce-2' })
      expect(reads.at(-1)).toBeGreaterThan(MEGABYTE)
    }
  })

  test('a version without a ledger is read whole, at once after the first look', async () => {
    await store.put(V2, tableWith(undefined))
    expect(await peekVersion(place, 2, { before: short })).toMatchObject({ nonce: 'nonce-2', ledger: undefined })
    expect(reads).toEqual([PEEK_BYTES, expect.any(Number)])
    expect(reads[1]).toBeGreaterThan(MEGABYTE)
  })

  test('a version that is short comes along whole, also with a long ledger', async () => {
    const properties = { [LEDGER_PROPERTY]: formatLedger(long) }
    await store.put(V2, encodeTable({ ...sampleMetadata(), properties }, 'nonce-2'))
    const seen = await peekVersion(place, 2, { before: long })
    expect(seen?.document?.()).toMatchObject({ kind: 'table', metadata: { properties } })
    expect(reads).toHaveLength(1)
  })

  test('a tombstone, and a version that is not there', async () => {
    await store.put(V2, encodeTombstone({ tableUuid: 'gone', droppedAtMs: 1 }, 'nonce-2'))
    expect(await peekVersion(place, 2)).toMatchObject({ nonce: 'nonce-2', tableUuid: undefined, ledger: undefined })
    expect(await peekVersion(place, 3, { before: long })).toBeUndefined()
    expect(reads).toHaveLength(2)
  })
})

describe('the length of a ledger', () => {
  test.each([EMPTY_LEDGER, short, long])('is known without writing it', (ledger) => {
    const exact = formatLedger(ledger).length
    expect(Math.abs(ledgerBytes(ledger) - exact)).toBeLessThanOrEqual(WINDOW * 20)
  })
})

describe('the leading fields', () => {
  const bytes = tableWith(short)
  const text = new TextDecoder().decode(bytes)
  const ledgerAt = text.indexOf(formatLedger(short))

  test('are cut where the bytes end within the ledger', () => {
    expect(leadingFields(bytes.subarray(0, ledgerAt))).toBe('cut')
    expect(leadingFields(bytes.subarray(0, ledgerAt + formatLedger(short).length))).toBe('cut')
    expect(leadingFields(bytes.subarray(0, ledgerAt + formatLedger(short).length + 1))).toMatchObject({
      ledger: formatLedger(short),
    })
  })

  test('are unknown where they end before it, or something stands in it that no ledger has', () => {
    expect(leadingFields(bytes.subarray(0, ledgerAt - 1))).toBeUndefined()
    expect(leadingFields(new TextEncoder().encode(text.replace('1 16 0|', '1 16 0\\u007c')))).toBeUndefined()
  })
})
