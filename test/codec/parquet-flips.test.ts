/**
 * Bytes of a file of ours that change after it was written: each is an error, or the rows are exactly those that were
 * written. Never others (docs/decisions/write-checksums.md).
 */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPages } from '../../src/codec/parquet-page-header.ts'
import type { ParquetCodec } from '../../src/codec/parquet-writer.ts'
import { loadParquetWasm } from '../../src/codec/wasm.ts'
import { DataShardError } from '../../src/errors.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { Schema } from '../../src/spec/types.ts'
import { fileOf, open, readRowsOf } from './parquet-reading.ts'

interface Sample {
  readonly columns: Schema
  readonly bytes: Uint8Array
  readonly rows: readonly unknown[]
}

type Outcome = 'error' | 'same rows' | 'other rows'

async function outcomeOf({ columns, rows }: Sample, damaged: Uint8Array): Promise<Outcome> {
  try {
    return isDeepStrictEqual(await readRowsOf(damaged, columns.fields), rows) ? 'same rows' : 'other rows'
  } catch (error) {
    // PARE in place of PAR1 is the mark of an encrypted file.
    if (!DataShardError.is(error) || (error.code !== 'corrupt' && error.code !== 'unsupported')) throw error
    return 'error'
  }
}

async function sampleOf(columns: Schema, bytes: Uint8Array): Promise<Sample> {
  return { columns, bytes, rows: await readRowsOf(bytes, columns.fields) }
}

const small = resolveSchema(
  schema({ id: t.long, name: t.optional(t.string), price: t.optional(t.decimal(12, 2)), ok: t.boolean, at: t.date }),
)
const smallRows = Array.from({ length: 12 }, (_, i) => ({
  id: i,
  name: i % 4 === 0 ? null : `name ${i % 3}`,
  price: i % 3 === 0 ? null : `${i}.25`,
  ok: i % 2 === 0,
  at: '2026-01-31',
}))

const large = resolveSchema(
  schema({
    id: t.long,
    u: t.uuid,
    kind: t.optional(t.string),
    text: t.optional(t.string),
    tags: t.optional(t.list(t.optional(t.string))),
    m: t.map(t.string, t.list(t.double)),
    s: t.optional(t.struct({ x: t.int, y: t.optional(t.struct({ z: t.timestamptz })) })),
  }),
)
const largeRows = Array.from({ length: 900 }, (_, i) => ({
  id: i,
  u: `00000000-0000-4000-8000-${String(i * 7919).padStart(12, '0')}`,
  kind: i % 7 === 0 ? null : `kind ${i % 5}`,
  text: i % 11 === 0 ? null : `row ${i} ${'x'.repeat(i % 13)}`,
  tags: i % 5 === 0 ? null : ['a', i % 2 === 0 ? null : `tag ${i % 40}`].slice(0, i % 3),
  m: i % 4 === 0 ? {} : { [`k${i % 9}`]: [i / 8, -i] },
  s: i % 6 === 0 ? null : { x: i, y: i % 3 === 0 ? null : { z: new Date(i * 1000) } },
}))

const largeFile = (codec: ParquetCodec) =>
  fileOf(large, largeRows, { codec, rowGroupRows: 300, pageBytes: 500 }).then((bytes) => sampleOf(large, bytes))

function changed(bytes: Uint8Array, at: number, change: number): Uint8Array {
  const damaged = bytes.slice()
  damaged[at] = damaged[at]! ^ change
  return damaged
}

/** Any byte changed to any other. */
const anyChange = (size: number) => fc.tuple(fc.nat(size - 1), fc.integer({ min: 1, max: 255 }))

describe('changed bytes in files of ours', () => {
  test.each(['zstd', 'uncompressed', 'snappy'] as const)(
    'each byte of a small file, %s',
    async (codec) => {
      const sample = await sampleOf(small, await fileOf(small, smallRows, { codec }))
      expect(sample.rows.length).toBe(smallRows.length)
      const counts = { error: 0, 'same rows': 0, 'other rows': 0 }
      for (let at = 0; at < sample.bytes.length; at++) {
        // A bit and all bits; which bit it is goes round.
        for (const change of [1 << (at % 8), 0xff]) counts[await outcomeOf(sample, changed(sample.bytes, at, change))]++
      }
      // What is not covered: the magic number at the beginning, and names in the footer whose loss turns a check off.
      expect(counts['other rows']).toBe(0)
      expect(counts['same rows']).toBeLessThan(100)
      expect(counts.error).toBeGreaterThan(2 * sample.bytes.length - 100)
    },
    60_000,
  )

  test.each(['zstd', 'uncompressed', 'gzip'] as const)(
    'any byte of a file with row groups, pages, dictionaries and nesting, %s',
    async (codec) => {
      const sample = await largeFile(codec)
      await fc.assert(
        fc.asyncProperty(anyChange(sample.bytes.length), async ([at, change]) => {
          expect(await outcomeOf(sample, changed(sample.bytes, at, change))).not.toBe('other rows')
        }),
        { numRuns: 1000 },
      )
    },
    60_000,
  )

  test('any run of bytes overwritten, by zeros or by others', async () => {
    const sample = await largeFile('uncompressed')
    const { length } = sample.bytes
    const bytes = fc.oneof(
      fc.integer({ min: 1, max: 4096 }).map((size) => new Uint8Array(size)),
      fc.uint8Array({ minLength: 2, maxLength: 64 }),
    )
    // The end of the file, where the footer is, as often as the rest.
    const place = fc.oneof(
      fc.nat(length - 1),
      fc.nat(4000).map((back) => Math.max(0, length - 1 - back)),
    )
    await fc.assert(
      fc.asyncProperty(place, bytes, async (at, overwriting) => {
        const damaged = sample.bytes.slice()
        damaged.set(overwriting.subarray(0, length - at), at)
        expect(await outcomeOf(sample, damaged)).not.toBe('other rows')
      }),
      { numRuns: 1000 },
    )
  }, 60_000)

  test('any other length of the footer: an error', async () => {
    const sample = await sampleOf(small, await fileOf(small, smallRows))
    const damaged = sample.bytes.slice()
    const view = new DataView(damaged.buffer, damaged.length - 8)
    const right = view.getUint32(0, true)
    for (let length = 0; length < damaged.length + 10; length++) {
      view.setUint32(0, length, true)
      expect(await outcomeOf(sample, damaged)).toBe(length === right ? 'same rows' : 'error')
    }
  })

  test('the large file has what its test says that it has', async () => {
    const { bytes } = await largeFile('zstd')
    const { footer } = await open(bytes)
    expect(footer.rowGroups.length).toBe(3)
    const chunks = footer.rowGroups.flatMap((group) => group.chunks)
    const pages = chunks.map(({ start, size }) => [...readPages(bytes.subarray(start, start + size))].length)
    expect(Math.max(...pages)).toBeGreaterThan(4)
    expect(chunks.some((chunk) => chunk.dictionaryOnly)).toBe(true)
  })

  test('without checksums the same bytes do read as other rows: the test can fail', async () => {
    const wasm = await loadParquetWasm()
    const { bytes } = await largeFile('zstd')
    const stripped = await sampleOf(large, wasm.writeParquet(wasm.readParquet(bytes)))
    expect(stripped.rows).toEqual((await largeFile('zstd')).rows)
    const samples = fc.sample(anyChange(stripped.bytes.length), { numRuns: 300, seed: 1 })
    let others = 0
    for (const [at, change] of samples) {
      if ((await outcomeOf(stripped, changed(stripped.bytes, at, change))) === 'other rows') others++
    }
    expect(others).toBeGreaterThan(20)
  }, 60_000)
})
