/**
 * Strings out of UTF-8 columns. Most text is ASCII: then a block of values becomes one JavaScript string in one call,
 * and the values are cut out of it, which V8 does without a copy. A value that is kept keeps its block alive, so
 * blocks are limited in bytes.
 */
import { isAscii } from 'node:buffer'
import type { DictionaryColumn } from './arrow-rows-column.ts'
import type { ValueReader } from './arrow-rows-values.ts'
import { isPresent } from './column-nulls.ts'
import type { BytesColumn } from './columns.ts'

/** Bytes of text that are decoded in one go, and that one value can keep alive: see docs/decisions/scan-rows.md. */
const BLOCK_BYTES = 64 * 1024

/** The values of a string column. */
export function stringReader(column: BytesColumn): ValueReader {
  const { offsets, data, validity } = column
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return {
    at: (i) => (isPresent(validity, i) ? decodeOne(text, offsets[i]!, offsets[i + 1]!) : null),
    fill: (out, start, count) => {
      let done = 0
      while (done < count) {
        const end = blockEnd(offsets, start + done, start + count)
        decodeBlock(text, offsets, start + done, end, out, done)
        done = end - start
      }
      if (validity === undefined) return
      for (let i = 0; i < count; i++) if (!isPresent(validity, start + i)) out[i] = null
    },
  }
}

/** The values of a dictionary, each decoded when it first occurs. */
export function dictionaryReader(column: DictionaryColumn): ValueReader {
  const { indices, offsets, data, validity, valueCount } = column
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const values = Array.from<string | undefined>({ length: valueCount })
  const present = (i: number): string => {
    const index = indices[i]!
    return (values[index] ??= decodeOne(text, offsets[index]!, offsets[index + 1]!))
  }
  const at = validity === undefined ? present : (i: number) => (isPresent(validity, i) ? present(i) : null)
  return {
    at,
    fill: (out, start, count) => {
      for (let i = 0; i < count; i++) out[i] = at(start + i)
    },
  }
}

function decodeOne(text: Buffer, from: number, to: number): string {
  return text.toString('utf8', from, to)
}

/** The first value at which a block is full; at least one value further. */
function blockEnd(offsets: Int32Array, from: number, to: number): number {
  const limit = offsets[from]! + BLOCK_BYTES
  if (offsets[to]! <= limit) return to
  let end = from + 1
  while (end < to && offsets[end + 1]! <= limit) end++
  return end
}

function decodeBlock(text: Buffer, offsets: Int32Array, from: number, to: number, out: unknown[], at: number): void {
  const start = offsets[from]!
  const end = offsets[to]!
  if (!isAscii(text.subarray(start, end))) {
    for (let i = from; i < to; i++) out[at + i - from] = decodeOne(text, offsets[i]!, offsets[i + 1]!)
    return
  }
  const block = text.toString('latin1', start, end)
  let position = 0
  for (let i = from; i < to; i++) {
    const next = offsets[i + 1]! - start
    out[at + i - from] = block.substring(position, next)
    position = next
  }
}
