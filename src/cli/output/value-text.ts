/**
 * Values of rows as text: JSON that loses nothing, and cells of CSV files and tables. Compiled once per column type,
 * because these run for every value of a scan. What is written here is what `input/coerce.ts` reads back.
 *
 * | type | JSON | cell |
 * |---|---|---|
 * | long, timestamps as numbers | number, a string beyond 2^53 | digits |
 * | float, double | number, `"NaN"`, `"Infinity"`, `"-Infinity"` | the same, bare |
 * | decimal | string, all digits | digits |
 * | date, time, timestamps | ISO 8601 string with all digits that the column has | the same, bare |
 * | binary, fixed | base64 string | base64 |
 * | struct, list, map | object, array, array of entries | JSON text |
 */
import { formatTimestamp, formatTimestampNs } from '../../spec/temporal.ts'
import type { Schema, Type } from '../../spec/types.ts'

export interface TextOptions {
  /** `iso` (default), or the integers that the table holds: microseconds, nanoseconds for `*_ns` columns. */
  readonly timestamps?: 'iso' | 'micros'
}

/** A value as a scan gives it with `timestamps: 'micros'`; never null. */
type ToText = (value: unknown) => string

/** The JSON text of a non-null value of this type. */
export function jsonText(type: Type, options: TextOptions = {}): ToText {
  switch (type.type) {
    case 'boolean':
    case 'int':
      return String
    case 'long':
      return (value) => integerJson(value as bigint)
    case 'float':
    case 'double':
      return (value) => doubleJson(value as number)
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns': {
      if (options.timestamps === 'micros') return (value) => integerJson(value as bigint)
      const format = isoText(type.type)
      return (value) => `"${format(value)}"`
    }
    case 'binary':
    case 'fixed':
      return (value) => `"${base64(value as Uint8Array)}"`
    case 'list': {
      const element = orNull(jsonText(type.element, options))
      return (value) => `[${(value as unknown[]).map(element).join(',')}]`
    }
    case 'map': {
      const key = jsonText(type.key, options)
      const item = orNull(jsonText(type.value, options))
      return (value) =>
        `[${Array.from(value as Map<unknown, unknown>, ([k, v]) => `[${key(k)},${item(v)}]`).join(',')}]`
    }
    case 'struct':
      return objectJson(type.fields, options)
    default:
      return (value) => JSON.stringify(value)
  }
}

/** The JSON text of a whole row. */
export function rowJson(schema: Schema, options: TextOptions = {}): (row: object) => string {
  return objectJson(schema.fields, options)
}

/** The text of a non-null value as a cell of a CSV file or of a table. */
export function cellText(type: Type, options: TextOptions = {}): ToText {
  switch (type.type) {
    case 'string':
    case 'uuid':
    case 'decimal':
    case 'date':
    case 'time':
    case 'long':
      return String
    case 'float':
    case 'double':
      return (value) => (Object.is(value, -0) ? '-0' : String(value))
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return options.timestamps === 'micros' ? String : isoText(type.type)
    case 'binary':
    case 'fixed':
      return (value) => base64(value as Uint8Array)
    default:
      return jsonText(type, options)
  }
}

/** Whether people expect a column of this type flush right. */
export function isNumeric(type: Type): boolean {
  return ['int', 'long', 'float', 'double', 'decimal'].includes(type.type)
}

function objectJson(fields: readonly { name: string; type: Type }[], options: TextOptions): (row: unknown) => string {
  const parts = fields.map((field, i) => ({
    name: field.name,
    lead: `${i === 0 ? '' : ','}${JSON.stringify(field.name)}:`,
    text: orNull(jsonText(field.type, options)),
  }))
  return (row) => {
    let json = '{'
    for (const part of parts) json += part.lead + part.text((row as Record<string, unknown>)[part.name])
    return `${json}}`
  }
}

function orNull(text: ToText): ToText {
  return (value) => (value === null || value === undefined ? 'null' : text(value))
}

function integerJson(value: bigint): string {
  const exact = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
  return exact ? String(value) : `"${value}"`
}

function doubleJson(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}

function isoText(type: 'timestamp' | 'timestamptz' | 'timestamp_ns' | 'timestamptz_ns'): ToText {
  const zoned = type.startsWith('timestamptz')
  const format = type.endsWith('_ns') ? formatTimestampNs : formatTimestamp
  return (value) => format(value as bigint, zoned)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
