/**
 * Column chunks with their pages decompressed, before the decoder gets them. parquet-wasm spends four fifths of its
 * time in its build of ZSTD; Node's own, or the small one of `zstddec`, takes a third of that
 * (docs/decisions/scan-zstd.md).
 */
import { readPages } from './parquet-page-header.ts'
import type { ThriftField, ThriftStruct } from './parquet-writer-thrift.ts'
import { decodeThrift, encodeThrift, THRIFT } from './parquet-writer-thrift.ts'
import type { Decompress } from './zstd.ts'

/** Field ids of `PageHeader`, and of `DataPageHeaderV2` in it. */
const PAGE = { type: 1, uncompressedSize: 2, compressedSize: 3, crc: 4, v2: 8 } as const
const V2 = { definitionLevels: 5, repetitionLevels: 6, isCompressed: 7 } as const
/** Pages are a megabyte or so; one that claims more than this is left to the decoder, which checks as it goes. */
const MAX_PAGE_BYTES = 256 * 1024 * 1024

/** A chunk in the making. */
export interface PlainChunk {
  readonly parts: readonly Uint8Array[]
  readonly byteLength: number
  /** By how many bytes the first page has grown. */
  readonly firstPageGrowth: number
}

/**
 * The chunk without compression; undefined if that is better left to the decoder.
 *
 * @throws what `decompress` throws, or `RangeError`, for pages that are not what their headers say.
 */
export function decompressChunk(chunk: Uint8Array, decompress: Decompress): PlainChunk | undefined {
  const parts: Uint8Array[] = []
  let byteLength = 0
  let firstPageGrowth = 0
  for (const page of readPages(chunk)) {
    const header = decodeThrift(chunk.subarray(page.start, page.data))
    const size = number(header.get(PAGE.uncompressedSize))
    if (size > MAX_PAGE_BYTES || size < 0) return undefined
    const stored = chunk.subarray(page.data, page.end)
    const v2 = header.get(PAGE.v2)?.value
    const data = v2 instanceof Map ? plainV2(stored, size, v2, decompress) : [decompress(stored, size)]
    header.delete(PAGE.crc)
    header.set(PAGE.compressedSize, { type: THRIFT.i32, value: BigInt(size) })
    const encoded = encodeThrift(header)
    parts.push(encoded, ...data)
    if (byteLength === 0) firstPageGrowth = encoded.length + size - (page.end - page.start)
    byteLength += encoded.length + size
  }
  return { parts, byteLength, firstPageGrowth }
}

/** Levels stand before the values, and are never compressed. */
function plainV2(stored: Uint8Array, size: number, v2: ThriftStruct, decompress: Decompress): Uint8Array[] {
  const levels = number(v2.get(V2.definitionLevels)) + number(v2.get(V2.repetitionLevels))
  const isCompressed = v2.get(V2.isCompressed)?.value !== false
  v2.set(V2.isCompressed, { type: THRIFT.false, value: false })
  if (levels < 0 || levels > Math.min(stored.length, size)) throw new RangeError('a page has more levels than bytes')
  if (!isCompressed || levels === stored.length) return [stored]
  return [stored.subarray(0, levels), decompress(stored.subarray(levels), size - levels)]
}

function number(field: ThriftField | undefined): number {
  return typeof field?.value === 'bigint' ? Number(field.value) : 0
}
