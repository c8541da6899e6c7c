/**
 * Checksums of Parquet pages (`PageHeader.crc`, parquet-format "Checksumming") and of column chunks. parquet-wasm
 * neither writes nor checks any: without them one flipped byte in three reads as other values
 * (docs/decisions/scan-checksums.md, write-checksums.md).
 */
import { crc32 } from 'node:zlib'
import type { Page } from './parquet-page-header.ts'
import { CRC_HEAD, PageFault, readPages, zigzag } from './parquet-page-header.ts'

/**
 * Checks a column chunk against its checksum, or, if it has none, its pages against theirs, where they have some.
 *
 * @param crc CRC-32 of all bytes of the chunk, page headers included, as the footer says; unsigned.
 * @returns What is wrong, for a message; undefined if nothing is.
 */
export function findChunkDamage(chunk: Uint8Array, crc: number | undefined): string | undefined {
  if (crc === undefined) return findPageDamage(chunk)
  if (crc32(chunk) === crc) return undefined
  return findPageDamage(chunk) ?? 'a page header does not match the checksum'
}

/**
 * Checks all pages of a column chunk that have a checksum.
 *
 * @returns What is wrong, for a message; undefined if nothing is.
 */
export function findPageDamage(chunk: Uint8Array): string | undefined {
  try {
    let n = 1
    for (const page of readPages(chunk)) {
      if (page.crc !== undefined && crcOf(chunk, page) !== page.crc) return `the checksum of page ${n} does not match`
      n++
    }
    return undefined
  } catch (error) {
    if (!(error instanceof PageFault || error instanceof RangeError)) throw error
    return `a page header is broken (${error.message})`
  }
}

/** A column chunk whose pages have checksums. */
export interface ChecksummedChunk {
  /** Its bytes, in order. Data of pages are views of the bytes that were given. */
  readonly parts: readonly Uint8Array[]
  readonly byteLength: number
  /** By how many bytes the first page has grown: where a dictionary stands first, the data pages move so far. */
  readonly firstPageGrowth: number
  /** CRC-32 of all bytes, unsigned. */
  readonly crc: number
}

/**
 * Gives every page of a column chunk a checksum; 5 to 6 bytes more for each. Pages that have one keep it.
 *
 * @throws Error for bytes that are not pages.
 */
export function addPageChecksums(chunk: Uint8Array): ChecksummedChunk {
  const parts: Uint8Array[] = []
  let byteLength = 0
  let firstPageGrowth = 0
  let crc = 0
  for (const page of readPages(chunk)) {
    const header = page.crc === undefined ? headerWithCrc(chunk, page) : chunk.subarray(page.start, page.data)
    const data = chunk.subarray(page.data, page.end)
    parts.push(header, data)
    byteLength += header.length + data.length
    crc = crc32(data, crc32(header, crc))
    if (page.start === 0) firstPageGrowth = header.length - page.data
  }
  return { parts, byteLength, firstPageGrowth, crc }
}

function crcOf(chunk: Uint8Array, { data, end }: Page): number {
  return crc32(chunk.subarray(data, end)) | 0
}

/** Field 4 goes right behind field 3; the field behind then counts from 4 on, where it counted from 3. */
function headerWithCrc(chunk: Uint8Array, page: Page): Uint8Array {
  const next = chunk[page.crcAt]!
  if (next >> 4 < 2) throw new PageFault('its fields are not in order')
  const field = [CRC_HEAD, ...zigzag(crcOf(chunk, page))]
  const before = page.crcAt - page.start
  const header = new Uint8Array(page.data - page.start + field.length)
  header.set(chunk.subarray(page.start, page.crcAt))
  header.set(field, before)
  header.set(chunk.subarray(page.crcAt, page.data), before + field.length)
  header[before + field.length] = next - (1 << 4)
  return header
}
