/** Rows from CSV and TSV (RFC 4180, with a header): texts by column name; what they mean is decided by the schema. */
import { Readable, pipeline } from 'node:stream'
import { DataShardError } from '../errors.ts'
import { decodeText } from './lines.ts'
import type { TextRecord } from './ndjson.ts'
import { rowError } from './row-error.ts'

/** A record longer than this is a file with an unclosed quote, not a row. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024

export interface CsvOptions {
  readonly delimiter: string
}

/** The records below the header, as text by column name, in groups as they arrive. The header is line 1. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: CsvOptions,
): AsyncGenerator<TextRecord[]> {
  const { parse } = await import('csv-parse')
  const parser = parse({
    bom: true,
    delimiter: options.delimiter,
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
  })
  // A failure of the input must reach the reader of the records, which `pipe` alone would not do.
  pipeline(Readable.from(decodeText(chunks, name)), parser, () => {})
  let header: readonly string[] | undefined
  let line = 1
  for await (const group of readGroups<string[]>(parser, (error) => csvError(error, name))) {
    const records: TextRecord[] = []
    try {
      for (const cells of group) {
        if (header === undefined) header = checkHeader(cells, name)
        else if (!(cells.length === 1 && cells[0] === '' && header.length > 1)) {
          records.push({ line, row: toRow(cells, header, name, line) })
        }
        line += 1 + lineBreaks(cells)
      }
    } catch (error) {
      if (records.length > 0) yield records
      throw error
    }
    if (records.length > 0) yield records
  }
}

/** What a stream of objects has ready, again and again: a wait for each object would cost more than parsing it. */
async function* readGroups<T>(stream: Readable, asError: (error: unknown) => unknown): AsyncGenerator<T[]> {
  const state: { wake: () => void; ended: boolean; failure: { readonly error: unknown } | undefined } = {
    wake: () => {},
    ended: false,
    failure: undefined,
  }
  stream.on('readable', () => state.wake())
  stream.on('end', () => {
    state.ended = true
    state.wake()
  })
  stream.on('error', (error) => {
    state.failure = { error }
    state.wake()
  })
  try {
    for (;;) {
      const group: T[] = []
      for (let item: T | null = stream.read(); item !== null; item = stream.read()) group.push(item)
      if (group.length > 0) yield group
      else if (state.failure !== undefined) throw asError(state.failure.error)
      else if (state.ended) return
      else await new Promise<void>((resolve) => (state.wake = resolve))
    }
  } finally {
    stream.destroy()
  }
}

function toRow(cells: readonly string[], header: readonly string[], name: string, line: number) {
  if (cells.length !== header.length) {
    throw rowError(name, line, `found ${cells.length} fields, the header has ${header.length}`)
  }
  const row: Record<string, string> = {}
  for (let i = 0; i < cells.length; i++) row[header[i]!] = cells[i]!
  return row
}

function checkHeader(cells: readonly string[], name: string): readonly string[] {
  const seen = new Set<string>()
  for (const [i, cell] of cells.entries()) {
    if (cell === '') throw rowError(name, 1, `column ${i + 1} of the header has no name`)
    if (seen.has(cell)) throw rowError(name, 1, `the header names the column '${cell}' twice`)
    seen.add(cell)
  }
  return cells
}

/** Line breaks inside quoted fields: the record's next one begins so many lines further down. */
function lineBreaks(cells: readonly string[]): number {
  let count = 0
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) count++
  }
  return count
}

function csvError(error: unknown, name: string): unknown {
  if (DataShardError.is(error)) return error
  const { code, lines, message } = error as { code?: unknown; lines?: unknown; message: string }
  if (typeof code !== 'string' || !code.startsWith('CSV_')) return error
  return rowError(name, typeof lines === 'number' ? lines : undefined, message, error)
}
