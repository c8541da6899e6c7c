/** Columns that a table gets for fields it does not have: `_rest`, or those that the rows bring (`unknownColumns`). */
import { DataShardError, invalid } from '../errors.ts'
import { ExactNumber } from '../input/exact-json.ts'
import { createInference } from '../input/infer.ts'
import { addColumn } from '../spec/schema-evolution.ts'
import { typeToJson } from '../spec/type-json.ts'
import type { Schema, Type } from '../spec/types.ts'
import type { SchemaChange } from '../table/schema-change.ts'
import type { Table } from '../table/table.ts'
import type { Deadline } from './deadline.ts'
import { REST_COLUMN, unknownFields } from './fit.ts'
import type { LambdaRow } from './record.ts'
import type { Work } from './work.ts'

/** Functions that add columns at once get in each other's way; who loses looks what is still missing. */
const MAX_CHANGES = 16

/** Adds what is missing. Requests: none if nothing is; else one commit. */
export async function columnsFor(
  table: Table,
  work: readonly Work[],
  unknownColumns: 'rest' | 'evolve',
  deadline: Deadline,
): Promise<void> {
  for (let changes = 0; ; changes++) {
    const { schema } = table
    const change = unknownColumns === 'rest' ? restColumn(schema, work) : newColumns(schema, work)
    if (!change) return
    try {
      await table.transaction((tx) => void tx.updateSchema(change), {
        signal: deadline.signal,
        timeoutMs: Math.max(1, deadline.remainingMs()),
      })
    } catch (error) {
      const isTaken = DataShardError.is(error, 'invalid-argument') || DataShardError.is(error, 'commit-conflict')
      if (!isTaken || changes === MAX_CHANGES) throw error
      await table.refresh({ signal: deadline.signal })
      // Nobody was faster: the change itself is impossible.
      if (table.schema === schema) throw error
    }
  }
}

type Change = (schema: SchemaChange) => void

function restColumn(schema: Schema, work: readonly Work[]): Change | undefined {
  if (schema.fields.some(({ name }) => name === REST_COLUMN)) return undefined
  const isNeeded = work.some(({ made }) => made && unknownFields(made.rows, schema).size > 0)
  return isNeeded ? (change) => void change.addColumn(REST_COLUMN, 'string') : undefined
}

/** Columns of the kinds of values that came in, and `int` columns that have to hold more. */
function newColumns(schema: Schema, work: readonly Work[]): Change | undefined {
  const types = typesOf(schema, work)
  const toWiden = schema.fields.filter(({ name, type }) => type.type === 'int' && holdsLong(name, work))
  if (types.size === 0 && toWiden.length === 0) return undefined
  return (change) => {
    for (const [name, type] of types) change.addColumn(name, typeToJson(type) as object | string)
    for (const { name } of toWiden) change.widenColumn(name, 'long')
  }
}

function holdsLong(name: string, work: readonly Work[]): boolean {
  const isLong = (value: unknown) => {
    const whole = value instanceof ExactNumber ? Number(value.text) : typeof value === 'bigint' ? Number(value) : value
    return typeof whole === 'number' && Number.isInteger(whole) && (whole > MAX_INT || whole < -MAX_INT - 1)
  }
  return work.some(({ made }) => made?.rows.some((row) => isLong(row[name])) === true)
}

const MAX_INT = 0x7fff_ffff

/** The type of each unknown field. A record whose value fits none with those before it is rejected. */
function typesOf(schema: Schema, work: readonly Work[]): ReadonlyMap<string, Type> {
  const values = new Map<string, unknown[]>()
  const types = new Map<string, Type>()
  for (const one of work) {
    if (!one.made || one.rejection) continue
    const rows = one.made.rows.map((row) => withoutVoids(row, schema))
    one.made = { ...one.made, rows }
    for (const name of unknownFields(rows, schema)) {
      const all = [...(values.get(name) ?? []), ...rows.flatMap((row) => (name in row ? [row[name]] : []))]
      try {
        const type = typeOf(name, all, one.item.id)
        checkName(schema, name, type)
        types.set(name, type)
        values.set(name, all)
      } catch (error) {
        if (!DataShardError.is(error, 'invalid-argument')) throw error
        one.rejection = new DataShardError(
          'invalid-argument',
          `record ${one.item.id}: no new column '${name}' can hold its value and those of the records before it: ${error.message}`,
          { cause: error, details: { record: one.item.id, column: name } },
        )
      }
    }
  }
  return types
}

/** Not every name of a field can be a column's: '', or 'a.b', which is the field b of a. */
function checkName(schema: Schema, name: string, type: Type): void {
  const changed = addColumn({ schema, lastColumnId: 0 }, name, typeToJson(type) as object | string)
  if (changed.schema.fields.some((field) => field.name === name)) return
  invalid(`'${name}' is a field within another column; nest the value, or rename the field`)
}

function typeOf(name: string, values: readonly unknown[], record: string): Type {
  if (values.some((value) => value instanceof Uint8Array)) return { type: 'binary' }
  const inference = createInference()
  for (const value of values) inference.addJson({ [name]: asJson(value) }, `record ${record}`)
  return inference.schema(`record ${record}`).fields[0]!.type
}

/** The values of JavaScript that JSON does not have, as the inference of JSON takes them. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return new ExactNumber(value.toString())
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asJson(inner)]))
}

/** Without the unknown fields that hold nothing: no column is made of a null, and its type could only be guessed. */
function withoutVoids(row: LambdaRow, schema: Schema): LambdaRow {
  const names = new Set(schema.fields.map((field) => field.name))
  const entries = Object.entries(row).filter(([name, value]) => names.has(name) || !isVoid(value))
  return Object.fromEntries(entries)
}

function isVoid(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (Array.isArray(value)) return value.every(isVoid)
  const isPlain = typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype
  return isPlain && Object.values(value).every(isVoid)
}
