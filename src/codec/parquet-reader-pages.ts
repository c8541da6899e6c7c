/**
 * Column chunks with their pages decompressed, before the decoder gets them. parquet-wasm spends four fifths of its
 * time in its build of ZSTD; Node's own, or the small one of `zstddec`, takes a third of that
 * (docs/decisions/scan-zstd.md).
 */
import type { Page } from './parquet-page-header.ts'
import { readPages, resizedHeader } from './parquet-page-header.ts'
import type { ThriftField, ThriftStruct } from './parquet-writer-thrift.ts'
import { decodeThrift, encodeThrift, THRIFT } from './parquet-writer-thrift.ts'
import type { Frame } from './zstd.ts'

const DATA_PAGE_V2 = 3
/** Field ids of `PageHeader`, and of `DataPageHeaderV2` in it. */
const PAGE = { compressedSize: 3, crc: 4, v2: 8 } as const
const V2 = { definitionLevels: 5, repetitionLevels: 6, isCompressed: 7 } as const
/** Sizes of pages are of type i32. */
const MAX_PAGE_BYTES = 2 ** 31 - 1
/** Some writers leave the headers of pages out of the size of a chunk. */
const HEADERS_BYTES = 64 * 1024

/** A chunk whose pages are found, and are to be decompressed. */
export interface ChunkPages {
  readonly parts: readonly (Uint8Array | Frame)[]
  /** Of the chunk without compression. */
  readonly byteLength: number
  /** By how many bytes the first page will have grown. */
  readonly firstPageGrowth: number
}

/**
 * The pages of a compressed chunk, with the headers that they will have; undefined if they claim to become more than the
 * footer says, or than a page can be: then it is left to the decoder, which checks as it goes.
 *
 * @param uncompressedSize Of the chunk, in bytes, as the footer says.
 * @throws `RangeError`, or another error, for headers that are none.
 */
export function findPages(chunk: Uint8Array, uncompressedSize: number): ChunkPages | undefined {
  const parts: (Uint8Array | Frame)[] = []
  let byteLength = 0
  let firstPageGrowth = 0
  for (const page of readPages(chunk)) {
    const size = page.uncompressedSize
    if (size < 0 || size > MAX_PAGE_BYTES || byteLength + size > uncompressedSize + HEADERS_BYTES) return undefined
    const { header, data } = page.type === DATA_PAGE_V2 ? pageOfV2(chunk, page) : simplePage(chunk, page)
    parts.push(header, ...data)
    if (byteLength === 0) firstPageGrowth = header.length + size - (page.end - page.start)
    byteLength += header.length + size
  }
  return { parts, byteLength, firstPageGrowth }
}

interface PlainPage {
  readonly header: Uint8Array
  readonly data: readonly (Uint8Array | Frame)[]
}

/** Everything in it is compressed. Its header gets another size, and loses the checksum of what was compressed. */
function simplePage(chunk: Uint8Array, page: Page): PlainPage {
  const size = page.uncompressedSize
  const data = [{ bytes: chunk.subarray(page.data, page.end), size }]
  return { header: resizedHeader(chunk, page, size) ?? encodeThrift(plainHeader(chunk, page)), data }
}

function plainHeader(chunk: Uint8Array, page: Page): ThriftStruct {
  const header = decodeThrift(chunk.subarray(page.start, page.data))
  header.delete(PAGE.crc)
  header.set(PAGE.compressedSize, { type: THRIFT.i32, value: BigInt(page.uncompressedSize) })
  return header
}

/** Levels stand before the values, and are never compressed. */
function pageOfV2(chunk: Uint8Array, page: Page): PlainPage {
  const header = plainHeader(chunk, page)
  const v2 = header.get(PAGE.v2)?.value
  if (!(v2 instanceof Map)) throw new RangeError('a data page of version 2 has no header of that version')
  const stored = chunk.subarray(page.data, page.end)
  const data = partsOfV2(stored, page.uncompressedSize, v2)
  return { header: encodeThrift(header), data }
}

function partsOfV2(stored: Uint8Array, size: number, v2: ThriftStruct): (Uint8Array | Frame)[] {
  const levels = number(v2.get(V2.definitionLevels)) + number(v2.get(V2.repetitionLevels))
  const isCompressed = v2.get(V2.isCompressed)?.value !== false
  v2.set(V2.isCompressed, { type: THRIFT.false, value: false })
  if (levels < 0 || levels > Math.min(stored.length, size)) throw new RangeError('a page has more levels than bytes')
  if (!isCompressed || levels === stored.length) {
    // What stands behind it would be somewhere else than its header says, and the gap be filled with what was there before.
    if (stored.length !== size) throw new RangeError(`a page holds ${stored.length} bytes, its header says ${size}`)
    return [stored]
  }
  return [stored.subarray(0, levels), { bytes: stored.subarray(levels), size: size - levels }]
}

function number(field: ThriftField | undefined): number {
  return typeof field?.value === 'bigint' ? Number(field.value) : 0
}
