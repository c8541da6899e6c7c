import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decompressChunk } from '../../src/codec/parquet-reader-pages.ts'
import { loadZstd } from '../../src/codec/zstd.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { fileOf, open, readRowsOf } from './parquet-reading.ts'

const columns = resolveSchema(schema({ id: t.long, s: t.optional(t.string) }))
const rows = Array.from({ length: 5000 }, (_, id) => ({ id, s: id % 3 === 0 ? null : `text ${id % 50}` }))

/** The first column of the first row group. */
async function firstChunk(bytes: Uint8Array): Promise<Uint8Array> {
  const { footer } = await open(bytes)
  const { start, size } = footer.rowGroups[0]!.chunks[0]!
  return bytes.subarray(start, start + size)
}

describe('ZSTD', () => {
  test('a frame of another size than was said, and damage, are errors', async () => {
    const decompress = (await loadZstd())!
    const bytes = await fileOf(columns, rows)
    const plain = decompressChunk(await firstChunk(bytes), decompress)!
    expect(plain.byteLength).toBe(plain.parts.reduce((sum, part) => sum + part.length, 0))
    expect(plain.byteLength).toBeGreaterThan(40_000)
    expect(() => decompress(new Uint8Array([1, 2, 3, 4, 5]), 100)).toThrow()
    expect(() => decompress(new Uint8Array(), 100)).toThrow()
  })

  test('a page that claims a gigabyte is left to the decoder', async () => {
    const decompress = (await loadZstd())!
    // A page header: type 0, uncompressed size 2^30, compressed size 1, and a byte of data.
    const page = new Uint8Array([0x15, 0, 0x15, 0x80, 0x80, 0x80, 0x80, 0x08, 0x15, 2, 0, 7])
    expect(decompressChunk(page, decompress)).toBeUndefined()
  })

  test('a frame that is cut short makes the file corrupt, by name', async () => {
    const bytes = readFileSync(join(import.meta.dirname, '../fixtures/parquet/strings-delta.parquet'))
    const field = { id: 1, name: 'large', required: false, type: { type: 'string' } } as const
    const nameMapping = [{ names: ['large'], fieldId: 1, fields: [] }]
    const magic = bytes.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))
    const damaged = new Uint8Array(bytes)
    damaged[magic] = 0
    await expect(readRowsOf(damaged, [field], { nameMapping })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('file.parquet'),
    })
  })
})
