/**
 * Checksums of Parquet pages (`PageHeader.crc`, parquet-format "Checksumming"), which parquet-wasm neither writes nor
 * checks: without them one flipped byte in three reads as other values (docs/decisions/scan-checksums.md).
 */
import { crc32 } from 'node:zlib'

/** Field ids of `PageHeader`. */
const COMPRESSED_SIZE = 3
const CRC = 4

/** Types of Thrift's compact protocol. */
const I32 = 5

/** A page in the bytes of a column chunk. */
export interface Page {
  readonly start: number
  /** Where its header ends and its data begins. */
  readonly data: number
  readonly end: number
  /** Undefined if the writer gave none. */
  readonly crc: number | undefined
  /** Where a `crc` field would stand in the header. */
  readonly crcAt: number
}

/** What is wrong with a page. */
class PageFault extends Error {}

/**
 * Checks all pages of a column chunk that have a checksum.
 *
 * @returns What is wrong, for a message; undefined if nothing is.
 */
export function findPageDamage(chunk: Uint8Array): string | undefined {
  try {
    for (let at = 0, n = 1; at < chunk.length; n++) {
      const page = readPage(chunk, at)
      if (page.crc !== undefined && crcOf(chunk, page) !== page.crc) return `the checksum of page ${n} does not match`
      at = page.end
    }
    return undefined
  } catch (error) {
    if (!(error instanceof PageFault || error instanceof RangeError)) throw error
    return `a page header is broken (${error.message})`
  }
}

/** A column chunk whose pages have checksums. */
export interface ChecksummedChunk {
  readonly bytes: Uint8Array
  /** By how many bytes the first page has grown: where a dictionary stands first, the data pages move so far. */
  readonly firstPageGrowth: number
}

/** Gives every page of a column chunk a checksum; 6 to 7 bytes more for each. */
export function addPageChecksums(chunk: Uint8Array): ChecksummedChunk {
  const parts: Uint8Array[] = []
  let firstPageGrowth = 0
  for (let at = 0; at < chunk.length;) {
    const page = readPage(chunk, at)
    if (page.crc === undefined) {
      const field = crcField(crcOf(chunk, page))
      parts.push(
        chunk.subarray(page.start, page.crcAt),
        field,
        shortenDelta(chunk, page),
        chunk.subarray(page.crcAt + 1, page.end),
      )
      if (at === 0) firstPageGrowth = field.length
    } else parts.push(chunk.subarray(page.start, page.end))
    at = page.end
  }
  return { bytes: joined(parts), firstPageGrowth }
}

/** The pages of a column chunk. @throws Error for a header that is none. */
export function* readPages(chunk: Uint8Array): Generator<Page> {
  for (let at = 0; at < chunk.length;) {
    const page = readPage(chunk, at)
    yield page
    at = page.end
  }
}

function crcOf(chunk: Uint8Array, { data, end }: Page): number {
  return crc32(chunk.subarray(data, end)) | 0
}

/** Field 4 right after field 3: its number as a difference of one, then the value. */
function crcField(crc: number): Uint8Array {
  const bytes = [(1 << 4) | I32]
  let zigzag = ((crc << 1) ^ (crc >> 31)) >>> 0
  for (; zigzag > 0x7f; zigzag >>>= 7) bytes.push((zigzag & 0x7f) | 0x80)
  bytes.push(zigzag)
  return Uint8Array.from(bytes)
}

/** The head of the field behind, which now counts from field 4 on instead of 3. */
function shortenDelta(chunk: Uint8Array, page: Page): Uint8Array {
  const head = chunk[page.crcAt]!
  if (head >> 4 < 2) throw new PageFault('its fields are not in order')
  return Uint8Array.of(head - (1 << 4))
}

function readPage(chunk: Uint8Array, start: number): Page {
  const reader = new HeaderReader(chunk, start)
  const { size, crc, crcAt } = reader.read()
  if (size === undefined || size < 0 || crcAt === undefined) throw new PageFault('no size')
  const end = reader.at + size
  if (end > chunk.length) throw new PageFault('it claims more bytes than there are')
  return { start, data: reader.at, end, crc, crcAt }
}

/** Structs in structs of a page header, at most: `statistics` in `data_page_header`. Keeps hostile bytes in bounds. */
const MAX_DEPTH = 8

/** Walks over a `PageHeader`, of which only its size and checksum matter. */
class HeaderReader {
  at: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  read(): { size: number | undefined; crc: number | undefined; crcAt: number | undefined } {
    let size: number | undefined
    let crc: number | undefined
    let crcAt: number | undefined
    let id = 0
    for (;;) {
      const head = this.#byte()
      if (head === 0) return { size, crc, crcAt }
      id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4)
      if (id === COMPRESSED_SIZE && (head & 15) === I32) {
        size = this.#zigzag()
        crcAt = this.at
      } else if (id === CRC && (head & 15) === I32) crc = this.#zigzag()
      else this.#skip(head & 15, 0)
    }
  }

  #skip(type: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new PageFault('nested too deeply')
    switch (type) {
      case 1:
      case 2:
        return
      case 3:
        this.at++
        return
      case 4:
      case 5:
      case 6:
        this.#varint()
        return
      case 7:
        this.at += 8
        return
      case 8: {
        const length = this.#varint()
        this.at += length
        return
      }
      case 9:
      case 10:
        return this.#skipList(depth)
      case 12:
        return this.#skipStruct(depth)
      default:
        throw new PageFault(`it has a field of type ${type}`)
    }
  }

  #skipStruct(depth: number): void {
    for (;;) {
      const head = this.#byte()
      if (head === 0) return
      if (head >> 4 === 0) this.#varint()
      this.#skip(head & 15, depth + 1)
    }
  }

  #skipList(depth: number): void {
    const head = this.#byte()
    const count = head >> 4 === 15 ? this.#varint() : head >> 4
    for (let i = 0; i < count; i++) {
      // A boolean in a list takes a byte.
      if ((head & 15) <= 2) this.#byte()
      else this.#skip(head & 15, depth + 1)
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw new PageFault('it ends too early')
    return byte
  }

  /** Up to 2^53 exactly, which is more than a page or a count can be. */
  #varint(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new PageFault('a number is too long')
  }

  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
