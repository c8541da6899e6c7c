/**
 * Strings out of UTF-8 columns. Most text is ASCII: then a block of values becomes one JavaScript string in one call,
 * and the values are cut out of it, which V8 does without a copy. A value that is kept keeps its block alive, so
 * blocks are limited in bytes.
 */
import { isAscii } from 'node:buffer'
import type { DictionaryColumn } from './arrow-rows-column.ts'
import { orNull } from './column-nulls.ts'
import type { BytesColumn } from './columns.ts'

/** Bytes of text that are decoded in one go, and that one value can keep alive: see docs/decisions/scan-rows.md. */
const BLOCK_BYTES = 64 * 1024

/** The values of a string column; see {@link valueReader} for `isDense`. */
export function stringReader(column: BytesColumn, isDense: boolean): (i: number) => string | null {
  const { offsets, data, validity } = column
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const one = (i: number): string => decodeOne(text, offsets[i]!, offsets[i + 1]!)
  return orNull(validity, isDense ? blockReader(text, offsets, one) : one)
}

/** The values of a dictionary, each decoded when it first occurs. */
export function dictionaryReader(column: DictionaryColumn): (i: number) => string | null {
  const { indices, offsets, data, validity, valueCount } = column
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const values = Array.from<string | undefined>({ length: valueCount })
  return orNull(validity, (i) => {
    const index = indices[i]!
    return (values[index] ??= decodeOne(text, offsets[index]!, offsets[index + 1]!))
  })
}

function decodeOne(text: Buffer, from: number, to: number): string {
  return text.toString('utf8', from, to)
}

/** Values out of the block that they are in: reading them in order decodes each block once. */
function blockReader(text: Buffer, offsets: Int32Array, one: (i: number) => string): (i: number) => string {
  let from = 0
  let to = 0
  let start = 0
  /** Undefined: this block is not ASCII. */
  let block: string | undefined
  const enter = (i: number): void => {
    from = i
    to = blockEnd(offsets, i)
    start = offsets[from]!
    const end = offsets[to]!
    block = isAscii(text.subarray(start, end)) ? text.toString('latin1', start, end) : undefined
  }
  return (i) => {
    if (i < from || i >= to) enter(i)
    return block === undefined ? one(i) : block.substring(offsets[i]! - start, offsets[i + 1]! - start)
  }
}

/** The first value behind a block that begins at value `from`; at least one value further. */
function blockEnd(offsets: Int32Array, from: number): number {
  const limit = offsets[from]! + BLOCK_BYTES
  let end = from + 1
  while (end + 1 < offsets.length && offsets[end + 1]! <= limit) end++
  return end
}
