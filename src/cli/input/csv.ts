/** Rows from CSV and TSV (RFC 4180, with a header): texts by column name; what they mean is decided by the schema. */
import type { Readable } from 'node:stream'
import { DataShardError } from '../../errors.ts'
import type { TextRecord } from './ndjson.ts'
import { rowError } from './row-error.ts'

/** A record longer than this is a file with an unclosed quote, not a row. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024

export interface CsvOptions {
  readonly delimiter: string
}

/** The records below the header, as text by column name. The header is line 1. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: CsvOptions,
): AsyncGenerator<TextRecord> {
  const { parse } = await import('csv-parse')
  const { Readable: NodeReadable, pipeline } = await import('node:stream')
  const parser = parse({
    bom: true,
    delimiter: options.delimiter,
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
  })
  // A failure of the input must reach the reader of the records, which `pipe` alone would not do.
  const records = pipeline(NodeReadable.from(chunks), parser, () => {}) as unknown as Readable
  let header: readonly string[] | undefined
  let line = 1
  try {
    for await (const cells of records as AsyncIterable<string[]>) {
      if (header === undefined) header = checkHeader(cells, name)
      else if (!(cells.length === 1 && cells[0] === '' && header.length > 1)) {
        yield { line, row: toRow(cells, header, name, line) }
      }
      line += 1 + lineBreaks(cells)
    }
  } catch (error) {
    throw csvError(error, name)
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
