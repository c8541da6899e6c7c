/** The rows of an object as records, whatever format it is in: told by its first bytes, else by its name. */
import type { ArrowRecordBatch } from '../codec/arrow-data.ts'
import { invalid } from '../errors.ts'
import { readCsv } from '../input/csv.ts'
import type { InputFormat } from '../input/format.ts'
import { formatOf } from '../input/format.ts'
import type { JsonPiece } from '../input/json-splitter.ts'
import { splitJson } from '../input/json-splitter.ts'
import { decodeText, splitLines } from '../input/lines.ts'
import { gunzip, isGzip, peek } from '../input/unpack-gzip.ts'
import type { JsonNumbers } from './body.ts'
import { parseJson } from './body.ts'
import type { ObjectBytes } from './object-bytes.ts'
import type { RowForm } from './rows.ts'
import type { Item } from './sources/source.ts'

/** Enough to tell a format by. */
const MAGIC_BYTES = 8
/** Parquet that was compressed as a whole cannot be read by ranges, and must fit in memory. */
const MAX_PACKED_BYTES = 256 * 1024 * 1024

/** Rows that came in together. */
export interface RowGroup {
  readonly items: readonly Item[]
  readonly form: RowForm
}

export interface ObjectRows {
  groups(numbers: JsonNumbers): AsyncGenerator<RowGroup>
  /** Of a columnar format: the rows as they lie there. */
  batches?(): AsyncGenerator<ArrowRecordBatch>
}

/** What the rows of an object have in common. */
export type RowOrigin = Pick<Item, 'id' | 'key' | 'time' | 'raw'>

/** @throws `invalid-argument` for a format that cannot be told, `corrupt` for bytes that are not what they promise. */
export async function openRows(
  bytes: ObjectBytes,
  name: string,
  origin: RowOrigin,
  signal: AbortSignal,
): Promise<ObjectRows> {
  const start = await bytes.read(0, Math.min(bytes.size, MAGIC_BYTES))
  const isPacked = isGzip(start)
  const unpacked = () => (isPacked ? gunzip(bytes.chunks(), name, signal) : bytes.chunks())
  const head = isPacked ? (await peek(unpacked(), MAGIC_BYTES)).head : await headOf(bytes)
  const format = formatOf({ name, head }, undefined)
  if (format === 'arrow') return invalid(`${name} is Arrow, which is not read here; write NDJSON, JSON, CSV or Parquet`)
  if (format === 'parquet') {
    const { openParquetRows } = await import('./object-parquet.ts')
    return openParquetRows(isPacked ? await inMemory(unpacked(), name) : bytes, name, origin)
  }
  return { groups: () => textGroups(unpacked(), format, name, origin) }
}

/** What a text begins with, blanks aside, decides whether it is an array. */
async function headOf(bytes: ObjectBytes): Promise<Uint8Array> {
  return bytes.read(0, Math.min(bytes.size, 4_096))
}

async function inMemory(chunks: AsyncIterable<Uint8Array>, name: string): Promise<ObjectBytes> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > MAX_PACKED_BYTES)
      invalid(`${name} unpacks to more than ${MAX_PACKED_BYTES} bytes; Parquet needs no gzip`)
    parts.push(chunk)
  }
  const whole = new Uint8Array(Buffer.concat(parts))
  const read = async (start: number, end: number) => whole.subarray(start, end)
  return { size, read, check: async () => {}, chunks: () => invalid('read by ranges') }
}

async function* textGroups(
  chunks: AsyncIterable<Uint8Array>,
  format: Exclude<InputFormat, 'parquet' | 'arrow'>,
  name: string,
  origin: RowOrigin,
): AsyncGenerator<RowGroup> {
  if (format === 'csv' || format === 'tsv') {
    const delimiter = format === 'tsv' ? '\t' : ','
    for await (const group of readCsv(chunks, name, { delimiter })) {
      // Columns take their values in place.
      yield { items: group.map(({ line, row }) => rowItem(origin, line, () => ({ ...row }))), form: 'csv' }
    }
    return
  }
  const texts = decodeText(chunks, name)
  const pieces = format === 'json' ? numbered(splitJson(texts, name)) : linesOf(texts, name)
  for await (const group of pieces) yield { items: group.map((piece) => jsonItem(origin, piece)), form: 'json' }
}

/** Of an array that is written in one line, the rows are counted instead of the lines. */
async function* numbered(pieces: AsyncIterable<Iterable<JsonPiece>>): AsyncGenerator<JsonPiece[]> {
  let row = 0
  for await (const group of pieces) yield Array.from(group, ({ text }) => ({ text, line: ++row }))
}

async function* linesOf(texts: AsyncIterable<string>, name: string): AsyncGenerator<JsonPiece[]> {
  let before = 0
  for await (const lines of splitLines(texts, name)) {
    const first = before + 1
    before += lines.length
    yield lines.map((text, index) => ({ text, line: first + index })).filter(({ text }) => text.trim() !== '')
  }
}

function jsonItem(origin: RowOrigin, { text, line }: JsonPiece): Item {
  return rowItem(origin, line, ({ numbers }) => {
    try {
      return parseJson(text, numbers)
    } catch (error) {
      return invalid(`not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
}

/** A row as a record of its own; its key is for a dead-letter table. */
export function rowItem({ id, key, time, raw }: RowOrigin, line: number, body: Item['body']): Item {
  return { id: `${id}#${line}`, key: `${key}#${line}`, failure: line, order: undefined, time, raw, body }
}
