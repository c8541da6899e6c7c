/**
 * Columns in memory, in Arrow's physical layout but with plain typed arrays: what rows are turned into, what metrics
 * and partition values are computed from, and what becomes Arrow data without a copy.
 */
import type { Type } from '../spec/types.ts'

/** One bit per value, least significant first, 1 = present; undefined: no nulls. */
export type Validity = Uint8Array | undefined

interface ColumnBase {
  readonly fieldId: number
  readonly type: Type
  readonly length: number
  readonly nullCount: number
  readonly validity: Validity
}

/**
 * | type | values |
 * |---|---|
 * | boolean | one bit per value |
 * | int, date | Int32Array |
 * | long, time, timestamps | BigInt64Array |
 * | float, double | Float32Array, Float64Array |
 * | decimal | Uint8Array, 16 bytes little-endian two's complement per value |
 * | uuid, fixed | Uint8Array, 16 or `length` bytes per value (uuid big-endian) |
 */
export interface FixedColumn extends ColumnBase {
  readonly kind: 'fixed'
  readonly values: Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array
}

/** string (UTF-8) and binary: value i is `data[offsets[i] .. offsets[i + 1])`. */
export interface BytesColumn extends ColumnBase {
  readonly kind: 'bytes'
  readonly offsets: Int32Array
  readonly data: Uint8Array
}

export interface StructColumn extends ColumnBase {
  readonly kind: 'struct'
  readonly children: readonly Column[]
}

export interface ListColumn extends ColumnBase {
  readonly kind: 'list'
  readonly offsets: Int32Array
  readonly element: Column
}

export interface MapColumn extends ColumnBase {
  readonly kind: 'map'
  readonly offsets: Int32Array
  readonly key: Column
  readonly value: Column
}

export type Column = FixedColumn | BytesColumn | StructColumn | ListColumn | MapColumn

/** Rows as columns, one per top-level field of a schema, in its order. */
export interface ColumnBatch {
  readonly length: number
  readonly columns: readonly Column[]
}
