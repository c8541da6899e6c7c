import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FOOTER_CHECKSUM_BLANK,
  FOOTER_CHECKSUM_KEY,
  isFooterIntact,
  sealFooter,
} from '../../src/codec/parquet-checksum-footer.ts'
import { addPageChecksums, findPageDamage } from '../../src/codec/parquet-checksum.ts'
import type { ThriftField, ThriftStruct } from '../../src/codec/parquet-writer-thrift.ts'
import { encodeThrift, THRIFT } from '../../src/codec/parquet-writer-thrift.ts'
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
        const { bytes, firstPageGrowth } = addPageChecksums(chunk)
        expect(bytes.length).toBeGreaterThan(chunk.length)
        expect(firstPageGrowth).toBeGreaterThan(1)
        expect(findPageDamage(bytes)).toBeUndefined()
        for (let at = bytes.length - 1; at > bytes.length - 10; at--) {
          const damaged = bytes.slice()
          damaged[at] = damaged[at]! ^ 0x10
          expect(findPageDamage(damaged)).toBeDefined()
        }
        expect(addPageChecksums(bytes).bytes).toEqual(bytes)
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
  const text = (value: string): ThriftField => ({ type: THRIFT.binary, value: new TextEncoder().encode(value) })
  const sealed = (version: bigint) => {
    const entry: ThriftStruct = new Map([
      [1, text(FOOTER_CHECKSUM_KEY)],
      [2, text(FOOTER_CHECKSUM_BLANK)],
    ])
    const footer: ThriftStruct = new Map<number, ThriftField>([
      [1, { type: THRIFT.i32, value: version }],
      [5, { type: THRIFT.list, value: { elementType: THRIFT.struct, items: [entry] } }],
      [6, text('somebody')],
    ])
    const bytes = encodeThrift(footer)
    sealFooter(bytes)
    return bytes
  }

  test('holds for what was sealed, and for nothing else', () => {
    const footer = sealed(2n)
    expect(isFooterIntact(footer)).toBe(true)
    const key = Buffer.from(footer).indexOf(FOOTER_CHECKSUM_KEY)
    for (let at = 0; at < footer.length; at++) {
      if (at >= key && at < key + FOOTER_CHECKSUM_KEY.length) continue
      const damaged = footer.slice()
      damaged[at] = damaged[at]! ^ 4
      // The two bytes between key and value say where the value is, which is known anyway.
      expect(isFooterIntact(damaged)).toBe(false)
    }
  })

  test('a footer of somebody else has none, and is not doubted', () => {
    expect(isFooterIntact(new TextEncoder().encode('some footer'))).toBe(true)
    expect(() => sealFooter(new Uint8Array(10))).toThrow(FOOTER_CHECKSUM_KEY)
  })
})
