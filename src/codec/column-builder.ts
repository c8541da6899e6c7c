/** Rows into columns: the fill that validates as it goes. */
import { DataShardError, unsupported } from '../errors.ts'
import { typeName } from '../spec/schema.ts'
import type { Schema } from '../spec/types.ts'
import { BinaryAppender, StringAppender } from './column-append-bytes.ts'
import { BooleanAppender, FixedBytesAppender, FloatAppender } from './column-append-fixed.ts'
import { Int32Appender, Int64Appender } from './column-append-integers.ts'
import { ListAppender, MapAppender, StructAppender } from './column-append-nested.ts'
import type { Appender, ColumnSpec, RowLike } from './column-appender.ts'
import type { ValueError } from './column-error.ts'
import { asValueError } from './column-error.ts'
import type { RowRules } from './column-row-shape.ts'
import { fieldReader, isInheritedByAll, RowShape } from './column-row-shape.ts'
import type { ColumnBatch } from './columns.ts'

/** Columns in the making. */
export interface BatchBuilder {
  /** Rows so far. */
  readonly length: number
  /** Bytes that they take in memory as columns. */
  readonly byteSize: number
  /** Appends one row, which messages call `row <length>`. */
  append(row: unknown): void
  /**
   * Appends `rows[from..to)`, all or none; the first of them is called `row <number>` in messages.
   *
   * @throws `invalid-argument` for the first row that does not fit: "row 99999, column 'amount': found 'abc' (string),
   * expected decimal(12,2); ...", details `{ row, column }`.
   */
  appendRows(rows: readonly unknown[], from: number, to: number, number: number): void
  /** Forgets everything from `length` on. */
  truncate(length: number): void
  /** The columns; the builder starts anew. */
  finish(): ColumnBatch
}

/** Rows that are taken column by column in one go: few enough to stay in the processor's cache between the columns. */
const BLOCK_ROWS = 1024

/**
 * @throws `unsupported` for a schema with a type that this version cannot write.
 */
export function createBuilder(schema: Schema, rules: RowRules = { unknownColumns: 'error' }): BatchBuilder {
  return new Builder(schema, rules)
}

/**
 * Refuses a schema that no row could ever be written to; for whoever makes a table.
 *
 * @throws `unsupported` naming the type.
 */
export function checkWritableSchema(schema: Schema): void {
  createBuilder(schema)
}

class Builder implements BatchBuilder {
  length = 0
  readonly #shape: RowShape
  readonly #columns: readonly { readonly name: string; readonly appender: Appender }[]

  constructor(schema: Schema, rules: RowRules) {
    if (schema.fields.length === 0)
      unsupported('a table without columns cannot be written: Parquet has no rows of nothing')
    this.#shape = new RowShape(
      schema.fields.map((field) => field.name),
      rules,
    )
    this.#columns = schema.fields.map((field) => ({
      name: field.name,
      appender: makeAppender({ fieldId: field.id, type: field.type, required: field.required }, rules),
    }))
  }

  get byteSize(): number {
    return this.#columns.reduce((size, { appender }) => size + appender.byteSize, 0)
  }

  append(row: unknown): void {
    this.appendRows([row], 0, 1, this.length)
  }

  appendRows(rows: readonly unknown[], from: number, to: number, number: number): void {
    const before = this.length
    for (let start = from; start < to; start += BLOCK_ROWS) {
      const problem = this.#appendBlock(rows, start, Math.min(to, start + BLOCK_ROWS))
      if (problem === undefined) continue
      this.truncate(before)
      throw rowError(problem.error, number + problem.index - from)
    }
  }

  truncate(length: number): void {
    for (const { appender } of this.#columns) appender.truncate(length)
    this.length = length
  }

  finish(): ColumnBatch {
    const { length } = this
    this.length = 0
    return { length, columns: this.#columns.map(({ appender }) => appender.finish()) }
  }

  /** The first row that does not fit, if any; the columns then have unequal lengths. */
  #appendBlock(rows: readonly unknown[], from: number, to: number): { index: number; error: ValueError } | undefined {
    let end = to
    let problem: ValueError | undefined
    for (let i = from; i < end; i++) {
      try {
        this.#shape.check(rows[i])
      } catch (error) {
        problem = asValueError(error)
        end = i
      }
    }
    // After a problem the other columns are still filled up to it: they may have one in an earlier row.
    for (const { name, appender } of this.#columns) {
      const before = appender.length
      try {
        appendColumn(appender, rows as readonly RowLike[], from, end, name)
      } catch (error) {
        problem = asValueError(error).within(name)
        end = from + appender.length - before
      }
    }
    if (problem !== undefined) return { index: end, error: problem }
    this.length += to - from
    return undefined
  }
}

function appendColumn(appender: Appender, rows: readonly RowLike[], from: number, to: number, name: string): void {
  if (!isInheritedByAll(name)) return appender.appendColumn(rows, from, to, name)
  const read = fieldReader(name)
  for (let i = from; i < to; i++) appender.append(read(rows[i]!))
}

function rowError(problem: ValueError, row: number): DataShardError {
  const where = problem.path === '' ? `row ${row}` : `row ${row}, column '${problem.path}'`
  return new DataShardError('invalid-argument', `${where}: ${problem.message}`, {
    details: { row, ...(problem.path !== '' && { column: problem.path }) },
    cause: problem.cause,
  })
}

/** The appender of a field, whatever its type. */
export function makeAppender(spec: ColumnSpec, rules: RowRules): Appender {
  switch (spec.type.type) {
    case 'boolean':
      return new BooleanAppender(spec)
    case 'int':
    case 'date':
      return new Int32Appender(spec)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return new Int64Appender(spec)
    case 'float':
    case 'double':
      return new FloatAppender(spec)
    case 'decimal':
    case 'uuid':
    case 'fixed':
      return new FixedBytesAppender(spec)
    case 'string':
      return new StringAppender(spec)
    case 'binary':
      return new BinaryAppender(spec)
    case 'struct':
      if (spec.type.fields.length === 0) unsupported('a struct without fields cannot be written: Parquet has none')
      return new StructAppender(spec, rules, makeAppender)
    case 'list':
      return new ListAppender(spec, rules, makeAppender)
    case 'map':
      return new MapAppender(spec, rules, makeAppender)
    default:
      return unsupported(`columns of type ${typeName(spec.type)} cannot be written by this version of DataShard`)
  }
}
