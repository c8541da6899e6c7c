/**
 * The types of Iceberg format v2 and what they hold (spec: "Schemas and Data Types"). Types of v3 are parsed so that
 * metadata survives unharmed, and refused by name where a value of theirs would have to be read or written.
 */

import type { Unknown } from './snapshot.ts'

export type PrimitiveName =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'timestamp_ns'
  | 'timestamptz_ns'
  | 'string'
  | 'uuid'
  | 'binary'

export type PrimitiveType =
  | { readonly type: PrimitiveName }
  | { readonly type: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly type: 'fixed'; readonly length: number }
  /** A type of a later format (`unknown`, `variant`, `geometry(...)`): kept by its exact name (or JSON), never read or written. */
  | { readonly type: 'unsupported'; readonly name: string; readonly json?: unknown }

export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly Field[]
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

export interface ListType {
  readonly type: 'list'
  readonly elementId: number
  readonly element: Type
  readonly elementRequired: boolean
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

export interface MapType {
  readonly type: 'map'
  readonly keyId: number
  readonly key: Type
  readonly valueId: number
  readonly value: Type
  readonly valueRequired: boolean
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

export type NestedType = StructType | ListType | MapType
export type Type = PrimitiveType | NestedType

/** A field of a struct: a column, at the top level. */
export interface Field {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: Type
  readonly doc?: string
  /** v3 defaults as plain JSON, kept unharmed. */
  readonly initialDefault?: unknown
  readonly writeDefault?: unknown
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

export interface Schema {
  readonly schemaId: number
  readonly fields: readonly Field[]
  readonly identifierFieldIds?: readonly number[]
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

/**
 * A single value inside DataShard: partition tuples, column bounds, predicate literals.
 *
 * | type | canonical value |
 * |---|---|
 * | boolean | boolean |
 * | int, float, double, date (days since 1970-01-01) | number |
 * | long, time (us), timestamp and timestamptz (us since the epoch), *_ns (ns) | bigint |
 * | decimal | bigint, unscaled |
 * | string, uuid (lower case, with dashes) | string |
 * | fixed, binary | Uint8Array |
 */
export type Value = boolean | number | bigint | string | Uint8Array

export function isPrimitive(type: Type): type is PrimitiveType {
  return type.type !== 'struct' && type.type !== 'list' && type.type !== 'map'
}
