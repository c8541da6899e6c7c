/**
 * Records of Avro files by Iceberg field id. A layout is made once per schema; reading a value is then an array access
 * and a check of what was found, so that a file with other types than the spec's ends in `corrupt`.
 */
import type { AvroValue } from './avro-decode.ts'
import type { AvroRecordType, AvroType } from './avro-schema.ts'

/** Where a field stands in its record; -1 if the file does not have it. */
export function fieldPosition(record: AvroRecordType, id: number, name: string): number {
  // Files without any field ids come from old writers that knew only names.
  const byName = record.fields.every((field) => field.id === undefined)
  return record.fields.findIndex((field) => (byName ? field.name === name : field.id === id))
}

/** The record inside an optional, or the record itself. */
export function recordInside(type: AvroType | undefined): AvroRecordType | undefined {
  if (type?.kind === 'record') return type
  if (type?.kind === 'union') return recordInside(type.branches.find((branch) => branch.kind !== 'null'))
  if (type?.kind === 'array') return recordInside(type.items)
  return undefined
}

/** One record being read. `fail` throws `corrupt` naming the file and the record. */
export interface RecordSource {
  readonly values: readonly AvroValue[]
  readonly fail: (message: string) => never
}

function wrong(source: RecordSource, name: string, value: AvroValue | undefined, expected: string): never {
  const found = value === null || value === undefined ? 'nothing' : typeof value
  return source.fail(`${name}: found ${found}, expected ${expected}`)
}

/** A field of a record: its position in this file and its name for errors. */
export interface FieldReader {
  readonly position: number
  readonly name: string
}

export function fieldReader(record: AvroRecordType, id: number, name: string): FieldReader {
  return { position: fieldPosition(record, id, name), name: `${name} (field ${id})` }
}

function valueOf(source: RecordSource, field: FieldReader): AvroValue {
  return source.values[field.position] ?? null
}

export function optionalLong(source: RecordSource, field: FieldReader): bigint | null {
  const value = valueOf(source, field)
  if (typeof value === 'bigint' || value === null) return value
  return Number.isInteger(value) ? BigInt(value as number) : wrong(source, field.name, value, 'a long')
}

export function requiredLong(source: RecordSource, field: FieldReader): bigint {
  return optionalLong(source, field) ?? wrong(source, field.name, null, 'a long')
}

/** A long that cannot be negative: a count or a size. */
export function requiredCount(source: RecordSource, field: FieldReader): bigint {
  const value = requiredLong(source, field)
  return value >= 0n ? value : source.fail(`${field.name} is ${value}`)
}

export function optionalInt(source: RecordSource, field: FieldReader): number | null {
  const value = valueOf(source, field)
  if (value === null) return null
  if (typeof value !== 'number' && typeof value !== 'bigint') return wrong(source, field.name, value, 'an int')
  const int = Number(value)
  return (int | 0) === int ? int : source.fail(`${field.name} is ${value}, which is no int`)
}

export function requiredInt(source: RecordSource, field: FieldReader): number {
  return optionalInt(source, field) ?? wrong(source, field.name, null, 'an int')
}

export function optionalString(source: RecordSource, field: FieldReader): string | null {
  const value = valueOf(source, field)
  return typeof value === 'string' || value === null ? value : wrong(source, field.name, value, 'a string')
}

export function requiredString(source: RecordSource, field: FieldReader): string {
  return optionalString(source, field) ?? wrong(source, field.name, null, 'a string')
}

export function optionalBoolean(source: RecordSource, field: FieldReader): boolean | null {
  const value = valueOf(source, field)
  return typeof value === 'boolean' || value === null ? value : wrong(source, field.name, value, 'a boolean')
}

export function optionalBytes(source: RecordSource, field: FieldReader): Uint8Array | null {
  const value = valueOf(source, field)
  return value instanceof Uint8Array || value === null ? value : wrong(source, field.name, value, 'bytes')
}

export function optionalList(source: RecordSource, field: FieldReader): readonly AvroValue[] | null {
  const value = valueOf(source, field)
  return Array.isArray(value) || value === null
    ? (value as readonly AvroValue[] | null)
    : wrong(source, field.name, value, 'a list')
}

const NOTHING: ReadonlyMap<number, never> = new Map<number, never>()

/** A map of field ids to longs; empty if absent. */
export function longMap(source: RecordSource, field: FieldReader): ReadonlyMap<number, bigint> {
  const value = valueOf(source, field)
  if (value === null) return NOTHING
  if (isMap(value, isLong)) return value
  const map = new Map<number, bigint>()
  for (const [key, item] of pairs(source, field, value)) {
    if (typeof key !== 'number' || !Number.isInteger(Number(item))) wrong(source, field.name, item, 'longs by field id')
    map.set(key, BigInt(item as number | bigint))
  }
  return map
}

/** A map of field ids to bytes; empty if absent. */
export function bytesMap(source: RecordSource, field: FieldReader): ReadonlyMap<number, Uint8Array> {
  const value = valueOf(source, field)
  if (value === null) return NOTHING
  if (isMap(value, isBytes)) return value
  const map = new Map<number, Uint8Array>()
  for (const [key, item] of pairs(source, field, value)) {
    if (typeof key !== 'number' || !isBytes(item)) wrong(source, field.name, item, 'bytes by field id')
    map.set(key, item)
  }
  return map
}

const isLong = (value: AvroValue): value is bigint => typeof value === 'bigint'
const isBytes = (value: AvroValue): value is Uint8Array => value instanceof Uint8Array

/** Whether a map is already what is wanted: the usual case, in which it is not copied. */
function isMap<T extends AvroValue>(value: AvroValue, is: (item: AvroValue) => item is T): value is Map<number, T> {
  if (!(value instanceof Map)) return false
  for (const [key, item] of value) if (typeof key !== 'number' || !is(item as AvroValue)) return false
  return true
}

const isPair = (item: AvroValue): boolean => Array.isArray(item) && item.length === 2

/** Some writers leave the logical type out: then a map is a list of records of two. */
function pairs(source: RecordSource, field: FieldReader, value: AvroValue): Iterable<readonly [AvroValue, AvroValue]> {
  if (value instanceof Map) return value.entries()
  if (Array.isArray(value) && value.every(isPair)) return value as [AvroValue, AvroValue][]
  return wrong(source, field.name, value, 'a map')
}
