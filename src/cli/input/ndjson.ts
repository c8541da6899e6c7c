/** Rows from JSON: one object per line, or an array of objects, or objects one after the other in any layout. */
import { parseExactJson } from './exact-json.ts'
import { splitJson } from './json-splitter.ts'
import { splitLines } from './lines.ts'
import { rowError } from './row-error.ts'

/** A record of a text format with the line where it begins (from 1). */
export interface TextRecord {
  readonly line: number
  readonly row: Record<string, unknown>
}

/** NDJSON: blank lines are skipped. */
export async function* readNdjson(texts: AsyncIterable<string>, name: string): AsyncGenerator<TextRecord> {
  let line = 0
  for await (const lines of splitLines(texts, name)) {
    for (const text of lines) {
      line++
      if (text === '' || text.trim() === '') continue
      yield { line, row: parseRow(text, name, line) }
    }
  }
}

/** A JSON array of objects, or objects one after the other, indented or not. */
export async function* readJson(texts: AsyncIterable<string>, name: string): AsyncGenerator<TextRecord> {
  for await (const { text, line } of splitJson(texts, name)) yield { line, row: parseRow(text, name, line) }
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
