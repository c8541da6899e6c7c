import { expect, test } from 'vitest'
import { findPages } from '../../src/codec/parquet-reader-pages.ts'
import type { ThriftField, ThriftStruct } from '../../src/codec/parquet-writer-thrift.ts'
import { encodeThrift, THRIFT } from '../../src/codec/parquet-writer-thrift.ts'

const i32 = (value: number): ThriftField => ({ type: THRIFT.i32, value: BigInt(value) })

/** Eight bytes, of which `levels` are levels, in a data page of version 2 that claims `size`. */
function chunkOf(size: number, isCompressed: boolean, levels: number): Uint8Array {
  const v2: ThriftStruct = new Map([
    [5, i32(levels)],
    [6, i32(0)],
    [7, { type: isCompressed ? THRIFT.true : THRIFT.false, value: isCompressed }],
  ])
  const header = new Map([
    [1, i32(3)],
    [2, i32(size)],
    [3, i32(8)],
    [8, { type: THRIFT.struct, value: v2 }],
  ])
  return Buffer.concat([encodeThrift(header), new Uint8Array(8).fill(7)])
}

test.each([
  { size: 1000, isCompressed: false, levels: 0 },
  { size: 4, isCompressed: false, levels: 0 },
  { size: 1000, isCompressed: true, levels: 8 },
])('a page of version 2 that is not compressed and claims another size is damaged: $size', (page) => {
  expect(() => findPages(chunkOf(page.size, page.isCompressed, page.levels), 1_000_000)).toThrow('a page holds 8 bytes')
  expect(findPages(chunkOf(8, page.isCompressed, page.levels), 1_000_000)!.parts.at(-1)).toHaveLength(8)
})
