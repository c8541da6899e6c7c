/** The typed schema builder: `schema({ id: t.string, amount: t.optional(t.decimal(12, 2)) })`. */
import { invalid } from '../errors.ts'
import { describeValue } from './describe.ts'
import { isObject } from './json-reader.ts'
import { NO_ID, completeSchema } from './schema-ids.ts'
import {
  checkIdentifiers,
  checkName,
  looseIdentifiers,
  looseSchemaId,
  parseLooseFields,
  parseLooseType,
} from './schema-input.ts'
import { indexSchema } from './schema.ts'
import type { Field, PrimitiveName, Schema, Type } from './types.ts'

declare const valueIn: unique symbol
declare const valueOut: unique symbol

/** The type of a column as `t` builds it: what rows may hold (`In`), what scans give back (`Out`), whether null is allowed. */
export interface ColumnType<In = unknown, Out = unknown, Optional extends boolean = boolean> {
  /** Ids of nested fields are not assigned yet. */
  readonly type: Type
  readonly optional: Optional
  readonly [valueIn]?: In
  readonly [valueOut]?: Out
}

/** The columns of a schema, or the fields of a struct, in order. */
export type Columns = Readonly<Record<string, ColumnType>>

/** A decimal in a row: text, a number that is exact at the column's scale, or the unscaled integer. */
export type DecimalInput = string | number | { readonly unscaled: bigint }

/** A timestamp in a row: a Date, ISO text, or microseconds since the epoch. */
export type TimestampInput = Date | string | bigint

type Simplify<T> = { [K in keyof T]: T[K] }
type InOf<C> = C extends ColumnType<infer In, unknown, infer O> ? (O extends true ? In | null | undefined : In) : never
type OutOf<C> = C extends ColumnType<unknown, infer Out, infer O> ? (O extends true ? Out | null : Out) : never
type OptionalKeys<C> = { [K in keyof C]: C[K] extends ColumnType<unknown, unknown, true> ? K : never }[keyof C]

/** A row to append, by its columns: optional ones may be left out or null. */
export type RowIn<C extends Columns> = Simplify<
  { readonly [K in Exclude<keyof C, OptionalKeys<C>>]: InOf<C[K]> } & { readonly [K in OptionalKeys<C>]?: InOf<C[K]> }
>

/** A row as a scan gives it back: every column is there, absent values are null. */
export type RowFrom<C extends Columns> = Simplify<{ -readonly [K in keyof C]: OutOf<C[K]> }>

/** Entries are an array: rows may be read more than once, which iterators such as `map.entries()` cannot. */
type MapInput<K, V> =
  | ReadonlyMap<K, V>
  | readonly (readonly [K, V])[]
  | (K extends string ? Readonly<Record<string, V>> : never)

/** A schema with the types of its rows: what {@link schema} returns. */
export interface SchemaDefinition<In = unknown, Out = unknown> {
  readonly schema: Schema
  readonly [valueIn]?: In
  readonly [valueOut]?: Out
}

/** A row of any shape, where a schema's types are not known. */
export type AnyRow = Readonly<Record<string, unknown>>

/** What the rows appended to a table of this schema look like. */
export type RowOf<S> = S extends SchemaDefinition<infer In, unknown> ? In : AnyRow

/** What the rows scanned from a table of this schema look like. */
export type RowOut<S> = S extends SchemaDefinition<unknown, infer Out> ? Out : Record<string, unknown>

/** A field as people write it: Iceberg's JSON, without an id if you like. `required` is false by default. */
export interface FieldInput {
  readonly id?: number
  readonly name: string
  readonly type: string | object
  readonly required?: boolean
  readonly doc?: string
}

/** A schema as people write it: Iceberg's JSON, also with `schemaId` or `schema_id`. */
export interface SchemaJson {
  readonly fields: readonly FieldInput[]
  readonly schemaId?: number
  readonly schema_id?: number
  readonly 'schema-id'?: number
}

/** Everything that is taken for a schema. */
export type SchemaInput = SchemaDefinition | SchemaJson | Schema

function column<In, Out = In>(type: Type): ColumnType<In, Out, false> {
  return { type, optional: false }
}

const primitive = <In, Out = In>(type: PrimitiveName): ColumnType<In, Out, false> => column<In, Out>({ type })

/**
 * The types of columns. A column is required unless it is wrapped in `t.optional`.
 *
 * | type | accepted in a row | given back by a scan |
 * |---|---|---|
 * | `boolean`, `string` | the same | the same |
 * | `int`, `float`, `double` | number (`int` in 32 bits; `float` is rounded to 32 bits) | number |
 * | `long` | bigint, or an integer number within 2^53 | bigint |
 * | `decimal(p, s)` | string, exact number, `{ unscaled: bigint }` | string |
 * | `date`, `time` | string (`date`: also a Date at midnight UTC) | string |
 * | `timestamp`, `timestamptz` | Date, ISO string, bigint of microseconds | Date |
 * | `timestampNs`, `timestamptzNs` | ISO string, bigint of nanoseconds | bigint |
 * | `uuid` | string | lower-case string |
 * | `binary`, `fixed(n)` | Uint8Array | Uint8Array |
 * | `struct`, `list`, `map` | object, array, Map or entries | object, array, Map |
 */
export const t = {
  boolean: primitive<boolean>('boolean'),
  int: primitive<number>('int'),
  long: primitive<bigint | number, bigint>('long'),
  float: primitive<number>('float'),
  double: primitive<number>('double'),
  date: primitive<string | Date, string>('date'),
  time: primitive<string>('time'),
  timestamp: primitive<TimestampInput, Date>('timestamp'),
  timestamptz: primitive<TimestampInput, Date>('timestamptz'),
  timestampNs: primitive<string | bigint, bigint>('timestamp_ns'),
  timestamptzNs: primitive<string | bigint, bigint>('timestamptz_ns'),
  string: primitive<string>('string'),
  uuid: primitive<string>('uuid'),
  binary: primitive<Uint8Array>('binary'),

  /** `length` bytes. */
  fixed(length: number): ColumnType<Uint8Array, Uint8Array, false> {
    return column(parseLooseType({ type: 'fixed', length }, 'fixed'))
  },

  /** Up to 38 digits, `scale` of them after the point. */
  decimal(precision: number, scale: number): ColumnType<DecimalInput, string, false> {
    return column(parseLooseType({ type: 'decimal', precision, scale }, 'decimal'))
  },

  list<C extends ColumnType>(element: C): ColumnType<readonly InOf<C>[], OutOf<C>[], false> {
    checkColumn(element, 'the element of a list')
    return column({ type: 'list', elementId: NO_ID, element: element.type, elementRequired: !element.optional })
  },

  map<K extends ColumnType<unknown, unknown, false>, V extends ColumnType>(
    key: K,
    value: V,
  ): ColumnType<MapInput<InOf<K>, InOf<V>>, Map<OutOf<K>, OutOf<V>>, false> {
    checkColumn(key, 'the key of a map')
    checkColumn(value, 'the value of a map')
    if (key.optional) invalid('the key of a map cannot be optional')
    const valueRequired = !value.optional
    return column({ type: 'map', keyId: NO_ID, key: key.type, valueId: NO_ID, value: value.type, valueRequired })
  },

  struct<C extends Columns>(fields: C): ColumnType<RowIn<C>, RowFrom<C>, false> {
    return column({ type: 'struct', fields: columnFields(fields) })
  },

  /** Allows null, and leaving the column out of a row. */
  optional<In, Out>(type: ColumnType<In, Out>): ColumnType<In, Out, true> {
    checkColumn(type, 't.optional')
    return { type: type.type, optional: true }
  },
} as const

function columnFields(columns: Columns): Field[] {
  if (!isObject(columns)) return invalid(`found ${describeValue(columns)}, expected an object of columns`)
  return Object.entries(columns).map(([name, type]) => {
    checkColumn(type, `column '${name}'`)
    return { id: NO_ID, name: checkName(name, 'a column'), required: !type.optional, type: type.type }
  })
}

function checkColumn(type: ColumnType, what: string): void {
  if (!isObject(type) || !isObject(type.type) || typeof type.optional !== 'boolean')
    invalid(`${what}: found ${describeValue(type)}, expected a type such as t.string or t.optional(t.long)`)
}

/**
 * Describes the columns of a table. Field ids are assigned from 1, in order.
 *
 * @example
 * ```ts
 * import { schema, t, type RowOf } from 'datashard'
 *
 * const events = schema({
 *   id: t.string,
 *   at: t.timestamptz,
 *   amount: t.optional(t.decimal(12, 2)),
 *   tags: t.optional(t.list(t.string)),
 * })
 * const row: RowOf<typeof events> = { id: 'a', at: new Date(), amount: '12.50' }
 * console.log(events.schema.fields.length, row.id)
 * ```
 * @throws `invalid-argument` for names or ids that are used twice or cannot be.
 */
export function schema<const C extends Columns>(columns: C): SchemaDefinition<RowIn<C>, RowFrom<C>>
export function schema(fields: readonly FieldInput[]): SchemaDefinition<AnyRow, Record<string, unknown>>
export function schema(columns: Columns | readonly FieldInput[]): SchemaDefinition {
  const fields = Array.isArray(columns) ? parseLooseFields(columns) : columnFields(columns as Columns)
  return { schema: completeSchema(0, fields) }
}

/**
 * The schema of whatever stands for one: {@link schema}'s result, Iceberg's JSON, or the same with `schemaId` or
 * `schema_id`. Missing ids are assigned.
 *
 * @throws `invalid-argument` saying which column is wrong and why, `unsupported` for types that cannot be stored.
 */
export function resolveSchema(input: SchemaInput): Schema {
  if (!isObject(input))
    return invalid(`found ${describeValue(input)} as the schema, expected schema({ ... }) or { fields: [...] }`)
  if (isObject(input.schema) && Array.isArray(input.schema.fields)) return (input as SchemaDefinition).schema
  if (!Array.isArray(input.fields))
    return invalid(`the schema has no list of fields: found ${describeValue(input)}; wrap columns in schema({ ... })`)
  const resolved = completeSchema(looseSchemaId(input), parseLooseFields(input.fields), looseIdentifiers(input))
  checkIdentifiers(resolved, (id) => indexSchema(resolved).byId.get(id))
  return resolved
}
