/** Damaged Parquet files: a clear error that names the file, never a wrong number of rows, never the decoder's own panic. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { footerLength } from '../../src/codec/parquet-footer.ts'
import { openRowGroup } from '../../src/codec/parquet-reader-decode.ts'
import { expandHere } from '../../src/codec/parquet-reader-expand.ts'
import { sourcesOf } from '../../src/codec/parquet-reader-fields.ts'
import { decodePlan } from '../../src/codec/parquet-reader-plan.ts'
import { readerWasm, replaceReaderWasm } from '../../src/codec/parquet-reader-wasm.ts'
import { openParquet } from '../../src/codec/parquet-reader.ts'
import { DataShardError } from '../../src/errors.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { fileOf, open, readRowsOf } from './parquet-reading.ts'

const columns = resolveSchema(
  schema({
    id: t.long,
    name: t.optional(t.string),
    tags: t.optional(t.list(t.string)),
    at: t.timestamptz,
    price: t.optional(t.decimal(12, 2)),
  }),
)
const rows = Array.from({ length: 300 }, (_, i) => ({
  id: i,
  name: i % 7 === 0 ? null : `name ${i % 20}`,
  tags: i % 5 === 0 ? null : ['x', `tag ${i}`],
  at: new Date(1_767_225_600_000 + i * 1000),
  price: i % 3 === 0 ? null : `${i}.25`,
}))
const where = 'file.parquet'
const file = await fileOf(columns, rows, { rowGroupRows: 100 })

/** Rows, or the error, which must be one of ours. */
async function read(bytes: Uint8Array): Promise<number | DataShardError> {
  try {
    return (await readRowsOf(bytes, columns.fields)).length
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    expect(['corrupt', 'unsupported']).toContain(error.code)
    expect(error.message).toContain('file.parquet')
    return error
  }
}

describe('damaged Parquet files', () => {
  test('cut off anywhere: corrupt', async () => {
    for (let length = 0; length < file.length; length += 7) {
      expect(await read(file.subarray(0, length))).toMatchObject({ code: 'corrupt' })
    }
  })

  test('any byte changed: an error, or all of the rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = file.slice()
        damaged[at] = damaged[at]! ^ change
        const found = await read(damaged)
        if (typeof found === 'number') expect(found).toBe(rows.length)
      }),
      { numRuns: 600 },
    )
  })

  test('bytes in the footer replaced, removed and doubled: an error, or rows', async () => {
    const footer = footerLength(file.subarray(-8), file.length, 'file')
    const start = file.length - 8 - footer
    const edit = fc.tuple(fc.integer({ min: start, max: file.length - 9 }), fc.uint8Array({ maxLength: 6 }), fc.nat(6))
    await fc.assert(
      fc.asyncProperty(edit, async ([at, inserted, removed]) => {
        const tail = file.subarray(Math.min(at + removed, file.length - 8))
        const damaged = new Uint8Array(at + inserted.length + tail.length)
        damaged.set(file.subarray(0, at))
        damaged.set(inserted, at)
        damaged.set(tail, at + inserted.length)
        const length = damaged.length - 8 - start
        new DataView(damaged.buffer).setUint32(damaged.length - 8, length, true)
        await read(damaged)
      }),
      { numRuns: 400 },
    )
  })

  test('pages that claim more than there is memory for: corrupt', async () => {
    const handle = await open(file)
    const footer = structuredClone(handle.footer)
    const plan = decodePlan(footer, sourcesOf(columns.fields.slice(0, 1), footer.root, { where }), where)
    // Page headers: type 0, uncompressed size 2^31 - 1, compressed size 1; and a byte of data each.
    const page = [0x15, 0, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 2, 0, 7]
    const chunk = new Uint8Array(Array.from({ length: 10_000 }, () => page).flat())
    Object.assign(footer.rowGroups[0]!.chunks[0]!, { uncompressedSize: 2 ** 50, crc: undefined })
    const excerptOf = await expandHere(plan, 0, () => chunk)
    const error = await openRowGroup(plan, 0, excerptOf).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'corrupt', message: expect.stringContaining('file.parquet') })
    expect(error).toMatchObject({ message: expect.stringContaining('no memory') })
  })

  test('another size than expected: corrupt, saying both', async () => {
    const source = (size: number) => ({ size, read: async (from: number, to: number) => file.subarray(from, to) })
    await expect(openParquet(source(file.length + 10), 'file.parquet')).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(`${file.length + 10} bytes expected, found ${file.length}`),
    })
    await expect(openParquet(source(file.length - 10), 'file.parquet')).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('no Parquet file at all: corrupt; an encrypted one: unsupported', async () => {
    await expect(open(new Uint8Array())).rejects.toMatchObject({ code: 'corrupt' })
    await expect(open(new TextEncoder().encode('just some text, long enough'))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('does not end as a Parquet file does'),
    })
    const encrypted = file.slice()
    encrypted[encrypted.length - 1] = 0x45
    await expect(open(encrypted)).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('after a panic the decoder is another one, and reads', async () => {
    const before = await readerWasm()
    replaceReaderWasm(before)
    const after = await readerWasm()
    expect(after).not.toBe(before)
    expect(await read(file)).toBe(rows.length)
  })

  test('text that is not UTF-8 is not read as text', async () => {
    const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/parquet/bytes.parquet')))
    const text = { id: 1, name: 'binary', required: false, type: { type: 'string' } } as const
    const nameMapping = [{ names: ['binary'], fieldId: 1, fields: [] }]
    await expect(readRowsOf(bytes, [text], { nameMapping })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('not valid UTF-8'),
    })
  })

  test('a file without field ids needs a name mapping, and says so', async () => {
    const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/parquet/duckdb.parquet')))
    const field = { id: 1, name: 'n', required: false, type: { type: 'long' } } as const
    await expect(readRowsOf(bytes, [field])).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('schema.name-mapping.default'),
    })
    expect(await readRowsOf(bytes, [field], { nameMapping: [] })).toEqual([{ n: null }, { n: null }, { n: null }])
  })
})
