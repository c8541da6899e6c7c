import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checksumEntries,
  chunkChecksums,
  FOOTER_CHECKSUM_KEY,
  footerSeal,
  sealFooter,
} from '../../src/codec/parquet-checksum-footer.ts'
import { addPageChecksums, findChunkDamage, findPageDamage } from '../../src/codec/parquet-checksum.ts'
import type { ThriftField } from '../../src/codec/parquet-writer-thrift.ts'
import { decodeThrift, encodeThrift, THRIFT } from '../../src/codec/parquet-writer-thrift.ts'
import { CREATED_BY } from '../../src/codec/parquet-writer.ts'
import { open, readRowsOf } from './parquet-reading.ts'

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/parquet', `${name}.parquet`)))

/** The bytes of each column of each row group. */
async function chunksOf(bytes: Uint8Array): Promise<Uint8Array[]> {
  const { footer } = await open(bytes)
  return footer.rowGroups.flatMap((group) => group.chunks.map(({ start, size }) => bytes.subarray(start, start + size)))
}

describe('page checksums', () => {
  test('pyarrow wrote them, and every flipped bit of a page shows', async () => {
    const bytes = fixture('strings-checksums')
    const [chunk] = await chunksOf(bytes)
    expect(findPageDamage(chunk!)).toBeUndefined()
    const field = { id: 1, name: 'large', required: false, type: { type: 'string' } } as const
    const nameMapping = [{ names: ['large'], fieldId: 1, fields: [] }]
    const damaged = bytes.slice()
    damaged[3 + chunk!.length] = damaged[3 + chunk!.length]! ^ 1
    await expect(readRowsOf(damaged, [field], { nameMapping })).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/checksum of page \d does not match in column 'large'/),
    })
  })

  test('are added to pages of every kind, and then guard them', async () => {
    for (const name of ['integers', 'strings-dictionary', 'strings-plain', 'strings-delta', 'nested', 'duckdb']) {
      for (const chunk of await chunksOf(fixture(name))) {
        const { parts, byteLength, firstPageGrowth, crc } = addPageChecksums(chunk)
        const bytes = Buffer.concat(parts)
        expect(byteLength).toBe(bytes.length)
        expect(bytes.length).toBeGreaterThan(chunk.length)
        expect(firstPageGrowth).toBeGreaterThan(1)
        expect(findPageDamage(bytes)).toBeUndefined()
        expect(findChunkDamage(bytes, crc)).toBeUndefined()
        for (let at = bytes.length - 1; at > bytes.length - 10; at--) {
          const damaged = Uint8Array.from(bytes)
          damaged[at] = damaged[at]! ^ 0x10
          expect(findPageDamage(damaged)).toBeDefined()
        }
        expect(Buffer.concat(addPageChecksums(bytes).parts)).toEqual(bytes)
      }
    }
  })

  test('whatever the bytes are, the answer is an answer', async () => {
    const [chunk] = await chunksOf(fixture('strings-checksums'))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void findPageDamage(bytes)))
    fc.assert(
      fc.property(fc.nat(chunk!.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = chunk!.slice()
        damaged[at] = damaged[at]! ^ change
        void findPageDamage(damaged)
      }),
    )
    expect(findPageDamage(new Uint8Array([0x15, 0, 0x15, 0x10, 0x15, 0x80]))).toMatch(/page header is broken/)
  })
})

describe('footer checksum', () => {
  const footer = (createdBy: string) =>
    encodeThrift(
      new Map<number, ThriftField>([
        [1, { type: THRIFT.i32, value: 2n }],
        [5, checksumEntries([1, 0xffff_fffe])],
        [6, { type: THRIFT.binary, value: new TextEncoder().encode(createdBy) }],
      ]),
    )
  const sealed = (createdBy = CREATED_BY) => {
    const bytes = footer(createdBy)
    sealFooter(bytes)
    return bytes
  }

  test('holds for what was sealed, and for nothing else', () => {
    const bytes = sealed()
    expect(footerSeal(bytes)).toBe('intact')
    const seal = Buffer.from(bytes)
    const [key, createdBy] = [seal.indexOf(FOOTER_CHECKSUM_KEY), seal.indexOf(CREATED_BY)]
    for (let at = 0; at < bytes.length; at++) {
      const isKey = at >= key && at < key + FOOTER_CHECKSUM_KEY.length
      // The version may change.
      const isName = at >= createdBy && at < createdBy + 'datashard version '.length
      const damaged = bytes.slice()
      damaged[at] = damaged[at]! ^ 4
      expect(footerSeal(damaged)).toBe(isKey || isName ? 'none' : 'broken')
    }
  })

  test('the checksums of column chunks come back as they went in, as many as there are', () => {
    expect(chunkChecksums(decodeThrift(sealed()), 2)).toEqual([1, 0xffff_fffe])
    expect(() => chunkChecksums(decodeThrift(sealed()), 3)).toThrow('it has 8 bytes of checksums for 3 column chunks')
    expect(chunkChecksums(new Map(), 2)).toBeUndefined()
  })

  test('a footer of somebody else has none, and is not doubted', () => {
    expect(footerSeal(new TextEncoder().encode('some footer'))).toBe('none')
    expect(() => sealFooter(new Uint8Array(10))).toThrow(FOOTER_CHECKSUM_KEY)
  })

  test('one that somebody else copied to a file of theirs means nothing there', () => {
    expect(footerSeal(footer('parquet-cpp-arrow version 24.0.0'))).toBe('none')
    expect(() => sealFooter(footer('somebody'))).toThrow(FOOTER_CHECKSUM_KEY)
  })
})
