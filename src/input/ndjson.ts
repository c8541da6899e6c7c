/** Rows from JSON: one object per line, or an array of objects, or objects one after the other in any layout. */
import { parseExactJson } from './exact-json.ts'
import { type JsonPiece, splitJson } from './json-splitter.ts'
import { splitLines } from './lines.ts'
import { rowError } from './row-error.ts'

/** A record of a text format with the line where it begins (from 1). */
export interface TextRecord {
  readonly line: number
  readonly row: Record<string, unknown>
}

/** NDJSON: blank lines are skipped. In groups, as they arrive. */
export async function* readNdjson(texts: AsyncIterable<string>, name: string): AsyncGenerator<TextRecord[]> {
  let before = 0
  for await (const lines of splitLines(texts, name)) {
    const first = before + 1
    before += lines.length
    const pieces = lines.map((text, i) => ({ text, line: first + i })).filter(({ text }) => text.trim() !== '')
    yield* parseRows(pieces, name)
  }
}

/** A JSON array of objects, or objects one after the other, indented or not. In groups, as they arrive. */
export async function* readJson(texts: AsyncIterable<string>, name: string): AsyncGenerator<TextRecord[]> {
  for await (const pieces of splitJson(texts, name)) yield* parseRows(pieces, name)
}

/** The rows of these pieces; if one cannot be parsed, first those before it and then the error. */
function* parseRows(pieces: Iterable<JsonPiece>, name: string): Generator<TextRecord[]> {
  const records: TextRecord[] = []
  try {
    for (const { text, line } of pieces) records.push({ line, row: parseRow(text, name, line) })
  } catch (error) {
    if (records.length > 0) yield records
    throw error
  }
  if (records.length > 0) yield records
}

function parseRow(text: string, name: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = parseExactJson(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw rowError(name, line, `not valid JSON: ${why}`, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`
    throw rowError(name, line, `a row must be a JSON object, found ${found}`)
  }
  return value as Record<string, unknown>
}
