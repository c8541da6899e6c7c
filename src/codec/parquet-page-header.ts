/** The pages of a column chunk, as far as finding them and their checksums goes (parquet-format, `PageHeader`). */

/** Field ids of `PageHeader`. */
const COMPRESSED_SIZE = 3
const CRC = 4

/** The type of `crc` and of the sizes in Thrift's compact protocol. */
export const I32 = 5

/** A page in the bytes of a column chunk. */
export interface Page {
  readonly start: number
  /** Where its header ends and its data begins. */
  readonly data: number
  readonly end: number
  /** Undefined if the writer gave none. */
  readonly crc: number | undefined
  /** Where a `crc` field would stand in the header: right behind the compressed size. */
  readonly crcAt: number
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
