/** What every column in the making can do, and the growing buffers that they share. */
import { invalid } from '../errors.ts'
import { typeName } from '../spec/schema.ts'
import type { Type } from '../spec/types.ts'
import { ValueError } from './column-error.ts'
import type { Nulls } from './column-nulls.ts'
import type { Column, FixedColumn } from './columns.ts'

/** A row as it comes from a user: only what is found under a column's name counts. */
export type RowLike = Readonly<Record<string, unknown>>

/**
 * A column in the making: takes user values, checks each while it stores it, ends as a {@link Column}. One class per
 * physical type with its own loop over rows, so that each loop stays monomorphic: this is the hot path of an append.
 */
export interface Appender {
  /** Values so far. */
  readonly length: number
  /** Bytes that the values so far take. */
  readonly byteSize: number
  /** @throws if the value does not fit; a nested appender may then hold parts of it: truncate to the length before. */
  append(value: unknown): void
  /** Null, or any value at all if the column is required: what a child holds where its parent is null. */
  appendAbsent(): void
  /** Appends `rows[from..to)[name]`. When it throws, `length` says how many of them went in before the bad one. */
  appendColumn(rows: readonly RowLike[], from: number, to: number, name: string): void
  /** Forgets everything from `length` on. */
  truncate(length: number): void
  /** The column; the appender starts anew. */
  finish(): Column
}

/** The identity of a column and its rule for nulls. */
export interface ColumnSpec {
  readonly fieldId: number
  readonly type: Type
  readonly required: boolean
}

/** The error for a null, or nothing, in a required column. */
export function missing(value: unknown, spec: ColumnSpec): ValueError {
  return new ValueError(
    `found ${value === null ? 'null' : 'no value'}, expected ${typeName(spec.type)}; it is required`,
  )
}

/** Values of a fresh buffer; it doubles from there. */
const INITIAL_CAPACITY = 64

/** Offsets are 32-bit in Arrow's `utf8`, `binary`, `list` and `map`, so one column of one batch ends here. */
const MAX_COLUMN_BYTES = 2 ** 31 - 1

type TypedArray = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array

/**
 * A copy of `values` with room for at least `needed` elements. An empty one gets `first` of them at once, as many as
 * the batch before had: what is outgrown is garbage outside V8's heap, and enough of it makes V8 collect all of the heap.
 */
export function grown<T extends TypedArray>(values: T, needed: number, first: number): T {
  const capacity = Math.max(needed, values.length === 0 ? first : values.length * 2, INITIAL_CAPACITY)
  const larger = new (values.constructor as new (length: number) => T)(capacity)
  larger.set(values as never)
  return larger
}

/** As {@link grown}, for bytes, refusing what 32-bit offsets cannot address. */
export function grownBytes(values: Uint8Array, needed: number, first: number): Uint8Array<ArrayBuffer> {
  if (needed > MAX_COLUMN_BYTES) invalid('one batch has more than 2 GiB in one column; append in smaller batches')
  const capacity = Math.max(needed, values.length === 0 ? first : values.length * 2, INITIAL_CAPACITY * 16)
  const larger = new Uint8Array(Math.min(MAX_COLUMN_BYTES, capacity))
  larger.set(values)
  return larger
}

/** A finished column of fixed-width values. */
export function fixedColumn(
  spec: ColumnSpec,
  nulls: Nulls,
  length: number,
  values: FixedColumn['values'],
): FixedColumn {
  return { kind: 'fixed', fieldId: spec.fieldId, type: spec.type, length, ...nulls.finish(length), values }
}
