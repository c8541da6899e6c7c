/** Whether rows fit the table, record by record, before any of them is appended: one that does not must not fail the others. */
import { createBuilder } from '../codec/column-builder.ts'
import type { BatchBuilder } from '../codec/column-builder.ts'
import { DataShardError } from '../errors.ts'
import { csvRowCoercer, jsonRowCoercer } from '../input/coerce.ts'
import { exactJsonText } from '../input/exact-json.ts'
import type { Schema } from '../spec/types.ts'
import type { Settings } from './options.ts'
import type { LambdaRow } from './record.ts'
import type { MadeRows } from './rows.ts'

/** The column that `unknownColumns: 'rest'` fills. */
export const REST_COLUMN = '_rest'

/** Rows go through the table's own columns, and are forgotten again; more of them than this are not kept meanwhile. */
const CHECKED_AT_ONCE = 1_024

export interface RowFitter {
  /** The rows as they can be appended. @throws `invalid-argument` naming row and column */
  fit(made: MadeRows): readonly LambdaRow[]
}

export function rowFitter(schema: Schema, { unknownColumns }: Pick<Settings, 'unknownColumns'>): RowFitter {
  const builder = createBuilder(schema, { unknownColumns: unknownColumns === 'ignore' ? 'ignore' : 'error' })
  const coercers = { json: jsonRowCoercer(schema), csv: csvRowCoercer(schema) }
  const names = new Set(schema.fields.map((field) => field.name))
  return {
    fit: ({ rows, form }) => {
      const whole = unknownColumns === 'rest' ? rows.map((row) => withRest(row, names)) : rows
      // Columns take exact numbers, base64 and the like in place: the row was parsed for this.
      const fitting = form === 'own' ? whole : whole.map((row, index) => coerced(coercers[form], row, index))
      check(builder, fitting)
      return fitting
    },
  }
}

function coerced(coerce: (row: Record<string, unknown>) => unknown, row: LambdaRow, index: number): LambdaRow {
  try {
    const copy = { ...row }
    coerce(copy)
    return copy
  } catch (error) {
    if (!DataShardError.is(error, 'invalid-argument')) throw error
    const details = { ...error.details, row: index }
    throw new DataShardError('invalid-argument', `row ${index}, ${error.message}`, { cause: error, details })
  }
}

function check(builder: BatchBuilder, rows: readonly LambdaRow[]): void {
  try {
    for (let from = 0; from < rows.length; from += CHECKED_AT_ONCE) {
      builder.appendRows(rows, from, Math.min(rows.length, from + CHECKED_AT_ONCE), from)
      builder.truncate(0)
    }
  } catch (error) {
    builder.truncate(0)
    throw error
  }
}

/** Names of fields of these rows that are no column. */
export function unknownFields(rows: readonly LambdaRow[], schema: Schema): Set<string> {
  const names = new Set(schema.fields.map((field) => field.name))
  const unknown = new Set<string>()
  for (const row of rows) for (const name of Object.keys(row)) if (!names.has(name)) unknown.add(name)
  return unknown
}

function withRest(row: LambdaRow, names: ReadonlySet<string>): LambdaRow {
  const known: Record<string, unknown> = {}
  const rest: [string, unknown][] = []
  for (const [name, value] of Object.entries(row)) {
    if (names.has(name)) known[name] = value
    else if (value !== undefined) rest.push([name, value])
  }
  if (rest.length === 0) return row
  if (known[REST_COLUMN] !== undefined && known[REST_COLUMN] !== null) {
    throw new DataShardError(
      'invalid-argument',
      `the row has fields that are no column (${rest.map(([name]) => name).join(', ')}) and a '${REST_COLUMN}' of its own`,
    )
  }
  return { ...known, [REST_COLUMN]: restText(rest) }
}

function restText(rest: readonly [string, unknown][]): string {
  const members = rest.map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value)}`)
  return `{${members.join(',')}}`
}

/** What JSON has no word for is what scans of a table with `json: true` give: integers as digits, bytes as base64. */
function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Date) return JSON.stringify(value)
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  if (value instanceof Map) return `[${[...value].map((entry) => jsonText(entry)).join(',')}]`
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value !== 'object' || value === null || !isPlain(value)) return exactJsonText(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${jsonText(field)}`).join(',')}}`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
