import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Hole } from '../../src/codec/parquet-reader-excerpt.ts'
import { findPages } from '../../src/codec/parquet-reader-pages.ts'
import { fillBeside, hasZstdThread, startZstdThread } from '../../src/codec/zstd-thread.ts'
import type { Frame } from '../../src/codec/zstd.ts'
import { loadZstd } from '../../src/codec/zstd.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { sideThreadReady } from '../support/side-thread-ready.ts'
import { fileOf, open, readRowsOf } from './parquet-reading.ts'

const MB = 2 ** 20

const columns = resolveSchema(schema({ id: t.long, s: t.optional(t.string) }))
const rows = Array.from({ length: 5000 }, (_, id) => ({ id, s: id % 3 === 0 ? null : `text ${id % 50}` }))

function frames(parts: readonly (Uint8Array | Frame)[]): Frame[] {
  return parts.filter((part): part is Frame => !(part instanceof Uint8Array))
}

/** The first column of the first row group. */
async function firstChunk(bytes: Uint8Array): Promise<Uint8Array> {
  const { footer } = await open(bytes)
  const { start, size } = footer.rowGroups[0]!.chunks[0]!
  return bytes.subarray(start, start + size)
}

/** Memory for holes one behind the other, and what is to be in it. */
function holesOf(frames: readonly { bytes: Uint8Array; size: number }[]): {
  output: Uint8Array<SharedArrayBuffer>
  holes: Hole[]
} {
  let at = 0
  const holes = frames.map((frame) => ({ ...frame, at: (at += frame.size) - frame.size }))
  return { output: new Uint8Array(new SharedArrayBuffer(at)), holes }
}

describe('ZSTD', () => {
  test('a frame of another size than was said, and damage, are errors', async () => {
    const decompress = (await loadZstd())!
    expect(() => decompress(new Uint8Array([1, 2, 3, 4, 5]), 100)).toThrow()
    expect(() => decompress(new Uint8Array(), 100)).toThrow()
  })

  test('the pages of a chunk are found, with headers for what they will be', async () => {
    const { parts, byteLength } = findPages(await firstChunk(await fileOf(columns, rows)), MB)!
    expect(byteLength).toBe(
      parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : part.size), 0),
    )
    expect(byteLength).toBeGreaterThan(40_000)
    expect(frames(parts).length).toBeGreaterThan(0)
  })

  test('pages that claim more than the footer are left to the decoder', () => {
    // A page header: type 0, uncompressed size 2^30, compressed size 1, and a byte of data.
    const page = new Uint8Array([0x15, 0, 0x15, 0x80, 0x80, 0x80, 0x80, 0x08, 0x15, 2, 0, 7])
    expect(findPages(page, MB)).toBeUndefined()
    expect(findPages(page, 2 ** 30)!.byteLength).toBeGreaterThan(2 ** 30)
    // 2^31: more than its header can say.
    const long = new Uint8Array([0x15, 0, 0x15, 0x80, 0x80, 0x80, 0x80, 0x10, 0x15, 2, 0, 7])
    expect(findPages(long, 2 ** 40)).toBeUndefined()
  })

  test.runIf(availableParallelism() > 1)('beside this thread the same comes out, and damage is noticed', async () => {
    startZstdThread()
    await sideThreadReady(hasZstdThread)
    const decompress = (await loadZstd())!
    const found = frames(findPages(await firstChunk(await fileOf(columns, rows)), MB)!.parts)
    const expected = Buffer.concat(found.map(({ bytes, size }) => decompress(bytes, size)))
    const jobs = Array.from({ length: 5 }, () => holesOf(found))
    // Damage in between harms nobody else.
    const damaged = holesOf(found)
    const [first, ...others] = damaged.holes
    const broken = [{ ...first!, bytes: first!.bytes.subarray(0, -1) }, ...others]
    const wrongSize = holesOf([{ ...first!, size: first!.size + 1 }])
    const results = await Promise.all([
      fillBeside(jobs[0]!.output, jobs[0]!.holes),
      fillBeside(damaged.output, broken),
      fillBeside(wrongSize.output, wrongSize.holes),
      ...jobs.slice(1).map(({ output, holes }) => fillBeside(output, holes)),
      fillBeside(new Uint8Array(new SharedArrayBuffer(0)), []),
    ])
    expect(results).toEqual([true, false, false, true, true, true, true, true])
    for (const { output } of jobs) expect(Buffer.compare(Buffer.from(output), expected)).toBe(0)
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
