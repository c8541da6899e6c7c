import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPages, resizedHeader } from '../../src/codec/parquet-page-header.ts'
import type { ThriftField, ThriftStruct } from '../../src/codec/parquet-writer-thrift.ts'
import { encodeThrift, THRIFT } from '../../src/codec/parquet-writer-thrift.ts'

const i32 = (value: number): ThriftField => ({ type: THRIFT.i32, value: BigInt(value) })

/** A header as a writer may make it: what stands behind the checksum, if there is one, differs. */
const header = fc.record({
  type: fc.constantFrom(0, 2, 3),
  uncompressed: fc.nat(2 ** 31 - 1),
  data: fc.uint8Array({ maxLength: 300 }),
  crc: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  next: fc.option(fc.constantFrom(5, 7, 8, 18, 20, 40)),
})

function encode({ type, uncompressed, data, crc, next }: typeof header extends fc.Arbitrary<infer T> ? T : never) {
  const fields: ThriftStruct = new Map([
    [1, i32(type)],
    [2, i32(uncompressed)],
    [3, i32(data.length)],
  ])
  if (crc !== null) fields.set(4, i32(crc))
  if (next !== null) fields.set(next, { type: THRIFT.struct, value: new Map([[1, i32(7)]]) })
  return { fields, chunk: Buffer.concat([encodeThrift(fields), data]) }
}

describe('page headers', () => {
  test('a page is found with its sizes, its checksum and its data', () => {
    fc.assert(
      fc.property(header, (made) => {
        const { chunk } = encode(made)
        const [page, ...others] = readPages(Buffer.concat([chunk, chunk]))
        expect(others).toHaveLength(1)
        expect(page).toMatchObject({ type: made.type, uncompressedSize: made.uncompressed, end: chunk.length })
        expect(page!.crc).toBe(made.crc ?? undefined)
        expect(Buffer.compare(chunk.subarray(page!.data), made.data)).toBe(0)
      }),
    )
  })

  test('with another size and without its checksum it is what encoding it would give', () => {
    fc.assert(
      fc.property(header, fc.nat(2 ** 31 - 1), fc.nat(20), (made, size, before) => {
        const { fields, chunk } = encode(made)
        const [page] = readPages(chunk)
        fields.delete(4)
        fields.set(3, i32(size))
        const shifted = Buffer.concat([Buffer.alloc(before, 0xff), chunk])
        const at = (place: number) => place + before
        const moved = {
          ...page!,
          start: at(page!.start),
          data: at(page!.data),
          end: at(page!.end),
          sizeAt: at(page!.sizeAt),
          crcAt: at(page!.crcAt),
          crcEnd: at(page!.crcEnd),
        }
        expect(Buffer.from(resizedHeader(shifted, moved, size)!)).toEqual(Buffer.from(encodeThrift(fields)))
      }),
    )
  })

  test('fields that cannot be moved so are left to who encodes them', () => {
    // A checksum that does not stand right behind the size, one whose number is spelled out, and one before a field that
    // would be too far away without it.
    const behind = [0x15, 0, 0x15, 2, 0x15, 0, 0x2c, 0, 0x05, 8, 2, 0]
    const spelled = [0x15, 0, 0x15, 2, 0x15, 0, 0x05, 8, 2, 0]
    const far = [0x15, 0, 0x15, 2, 0x15, 0, 0x15, 2, 0xf5, 0, 0]
    for (const bytes of [behind, spelled, far]) {
      const chunk = new Uint8Array(bytes)
      const [page] = readPages(chunk)
      expect(page!.crc).toBe(1)
      expect(resizedHeader(chunk, page!, 5)).toBeUndefined()
    }
  })
})
