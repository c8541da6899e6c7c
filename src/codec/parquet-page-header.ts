/** The pages of a column chunk, as far as finding them and their checksums goes (parquet-format, `PageHeader`). */

/** Field ids of `PageHeader`. */
const TYPE = 1
const UNCOMPRESSED_SIZE = 2
const COMPRESSED_SIZE = 3
const CRC = 4

/** The type of `crc` and of the sizes in Thrift's compact protocol. */
const I32 = 5

/** A page in the bytes of a column chunk. */
export interface Page {
  readonly start: number
  /** Where its header ends and its data begins. */
  readonly data: number
  readonly end: number
  /** Of `PageType`: 0 a data page, 2 a dictionary, 3 a data page of version 2; -1 if the writer gave none. */
  readonly type: number
  /** Bytes of the data when it is decompressed, as the writer says; -1 if it says nothing. */
  readonly uncompressedSize: number
  /** Undefined if the writer gave none. */
  readonly crc: number | undefined
  /** Where the compressed size stands. */
  readonly sizeAt: number
  /** Where a `crc` field stands in the header, or would stand: right behind the compressed size. */
  readonly crcAt: number
  /** Where it ends; meaningless if there is none. */
  readonly crcEnd: number
}

/** What is wrong with a page; a header may also fail with a `RangeError`. */
export class PageFault extends Error {}

/** The pages of a column chunk. @throws Error for a header that is none. */
export function* readPages(chunk: Uint8Array): Generator<Page> {
  for (let at = 0; at < chunk.length;) {
    const page = readPage(chunk, at)
    yield page
    at = page.end
  }
}

function readPage(chunk: Uint8Array, start: number): Page {
  const reader = new HeaderReader(chunk, start)
  const header = reader.read()
  if (header.size < 0) throw new PageFault('no size')
  const end = reader.at + header.size
  if (end > chunk.length) throw new PageFault('it claims more bytes than there are')
  return { ...header, start, data: reader.at, end }
}

/** Structs in structs of a page header, at most: `statistics` in `data_page_header`. Keeps hostile bytes in bounds. */
const MAX_DEPTH = 8

/** Walks over a `PageHeader`, of which only what every page has matters. */
class HeaderReader {
  at: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  read(): Omit<Page, 'start' | 'data' | 'end'> & { readonly size: number } {
    const places = { sizeAt: 0, crcAt: 0, crcEnd: 0 }
    const found = { type: -1, uncompressedSize: -1, size: -1, crc: undefined as number | undefined, ...places }
    let id = 0
    for (;;) {
      const head = this.#byte()
      if (head === 0) return found
      id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4)
      const field = (head & 15) === I32 ? id : undefined
      if (field === COMPRESSED_SIZE) {
        found.sizeAt = this.at
        found.size = this.#zigzag()
        found.crcAt = this.at
      } else if (field === CRC) {
        found.crc = this.#zigzag()
        found.crcEnd = this.at
      } else if (field === TYPE) found.type = this.#zigzag()
      else if (field === UNCOMPRESSED_SIZE) found.uncompressedSize = this.#zigzag()
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

/**
 * The header of a page for data of `size` bytes, without a checksum: made of the bytes of the one that it has, which
 * takes a tenth of the time that decoding and encoding it does.
 *
 * @returns undefined if its fields are not where writers put them.
 */
export function resizedHeader(chunk: Uint8Array, page: Page, size: number): Uint8Array | undefined {
  const rest = page.crc === undefined ? page.crcAt : page.crcEnd
  const next = chunk[rest]! >> 4
  // A field counts from the one before it: the one behind a checksum, which goes, then counts one more.
  const more = page.crc === undefined || next === 0 ? 0 : 1
  const isFirst = page.crc === undefined || chunk[page.crcAt] === CRC_HEAD
  if (!isFirst || next + more > 15) return undefined
  const before = page.sizeAt - page.start
  const value = zigzag(size)
  const header = new Uint8Array(before + value.length + page.data - rest)
  header.set(chunk.subarray(page.start, page.sizeAt))
  header.set(value, before)
  header.set(chunk.subarray(rest, page.data), before + value.length)
  header[before + value.length]! += more << 4
  return header
}

/** A field of type i32 whose number is one more than that of the field before it. */
export const CRC_HEAD = (1 << 4) | I32

/** An i32 as the compact protocol writes it, seven bits a byte. */
export function zigzag(value: number): number[] {
  const bytes: number[] = []
  let left = ((value << 1) ^ (value >> 31)) >>> 0
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left)
  return bytes
}
