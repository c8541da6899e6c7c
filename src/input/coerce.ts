/**
 * What files say, turned into what `append` takes: exact numbers, base64, the texts of CSV. Only what a format cannot
 * say otherwise is converted here; everything else goes through as it is and is checked where all rows are.
 */
import { DataShardError } from '../errors.ts'
import type { Field, Schema, Type } from '../spec/types.ts'
import { ExactNumber, exactJsonText, parseExactJson } from './exact-json.ts'

/** What a bare number in a timestamp column counts, since the epoch; undefined: it is refused. */
export type TimestampUnit = 'seconds' | 'millis' | 'micros'

export interface CoerceOptions {
  readonly timestamps?: TimestampUnit | undefined
  /** What to do about a bare number in a timestamp column, for the message that refuses it. */
  readonly timestampHint?: string | undefined
  /** The text that stands for null in CSV; default the empty one. */
  readonly nullText?: string | undefined
  /** String columns take any JSON value, as its JSON text. */
  readonly mixedAsText?: boolean | undefined
}

type Row = Record<string, unknown>
type Coerce = (value: unknown, column: string) => unknown

/** Rows of JSON. Columns that JSON says as they are cost nothing. */
export function jsonRowCoercer(schema: Schema, options: CoerceOptions = {}): (row: Row) => Row {
  const columns = schema.fields.map((field) => ({ name: field.name, coerce: orNull(fromJson(field.type, options)) }))
  return (row) => {
    for (const { name, coerce } of columns) {
      const value = row[name]
      if (value !== undefined && value !== null) row[name] = coerce(value, name)
    }
    return row
  }
}

/** Rows of CSV: texts by column name. Texts of columns that the table does not have stay as they are. */
export function csvRowCoercer(schema: Schema, options: CoerceOptions = {}): (row: Row) => Row {
  const columns = schema.fields.map((field) => ({ name: field.name, coerce: fromCell(field, options) }))
  return (row) => {
    for (const { name, coerce } of columns) {
      const text = row[name]
      if (text !== undefined) row[name] = coerce(text, name)
    }
    return row
  }
}

function orNull(coerce: Coerce): Coerce {
  return (value, column) => (value === null || value === undefined ? null : coerce(value, column))
}

function fromJson(type: Type, options: CoerceOptions): Coerce {
  switch (type.type) {
    case 'long':
      return (value, column) => {
        if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return BigInt(value)
        if (value instanceof ExactNumber && /^-?\d+$/.test(value.text)) return BigInt(value.text)
        return plain(value, column, type)
      }
    case 'float':
    case 'double':
      return (value, column) => {
        if (value instanceof ExactNumber) return finite(value.text, column, type.type)
        if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
        return plain(value, column, type)
      }
    case 'decimal':
      return (value) => (value instanceof ExactNumber ? value.text : value)
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timestampFromJson(type, options)
    case 'string':
      if (options.mixedAsText === true) return (value) => (typeof value === 'string' ? value : exactJsonText(value))
      return (value, column) => plain(value, column, type)
    case 'binary':
    case 'fixed':
      return (value, column) => (typeof value === 'string' ? fromBase64(value, column, type) : value)
    case 'list': {
      const element = orNull(fromJson(type.element, options))
      return (value, column) => (Array.isArray(value) ? value.map((item) => element(item, column)) : value)
    }
    case 'map':
      return mapFromJson(type.key, type.value, options)
    case 'struct':
      return structFromJson(type.fields, options)
    default:
      return (value, column) => plain(value, column, type)
  }
}

function structFromJson(fields: readonly Field[], options: CoerceOptions): Coerce {
  const parts = fields.map((field) => ({ name: field.name, coerce: orNull(fromJson(field.type, options)) }))
  return (value, column) => {
    if (typeof value !== 'object' || Array.isArray(value) || value instanceof ExactNumber) return plain(value, column)
    const struct = value as Row
    for (const { name, coerce } of parts) {
      const inner = struct[name]
      if (inner !== undefined && inner !== null) struct[name] = coerce(inner, `${column}.${name}`)
    }
    return struct
  }
}

/** Entries, as our own output has them, or an object when the keys are strings. */
function mapFromJson(keyType: Type, valueType: Type, options: CoerceOptions): Coerce {
  const key = fromJson(keyType, options)
  const item = orNull(fromJson(valueType, options))
  return (value, column) => {
    if (Array.isArray(value)) {
      return value.map((entry: unknown) =>
        Array.isArray(entry) && entry.length === 2 ? [key(entry[0], column), item(entry[1], column)] : entry,
      )
    }
    if (typeof value !== 'object' || value === null || value instanceof ExactNumber) return plain(value, column)
    return new Map(Object.entries(value).map(([k, v]) => [key(k, column), item(v, column)]))
  }
}

/** Timestamps of more than this many units would overflow 64 bits; `append` refuses them with its own words. */
const PER_SECOND: Readonly<Record<TimestampUnit, bigint>> = { seconds: 1n, millis: 1_000n, micros: 1_000_000n }

function timestampFromJson(type: Type, options: CoerceOptions): Coerce {
  const { timestamps: unit, timestampHint = 'a bare number does not say what it counts' } = options
  const perSecond = type.type.endsWith('_ns') ? 1_000_000_000n : 1_000_000n
  return (value, column) => {
    const digits = value instanceof ExactNumber ? value.text : typeof value === 'number' ? String(value) : value
    if (typeof digits !== 'string') return value
    const isBare = /^-?\d+$/.test(digits)
    if (!isBare && typeof value === 'string') return value
    if (unit === undefined || !isBare) {
      const how = isBare ? `; ${timestampHint}` : ''
      return mismatch(column, digits, `an ISO 8601 time for ${type.type}${how}`)
    }
    return (BigInt(digits) * perSecond) / PER_SECOND[unit]
  }
}

function fromCell(field: Field, options: CoerceOptions): (text: unknown, column: string) => unknown {
  const { type, required } = field
  const nullText = options.nullText ?? ''
  const coerce = fromText(type, options)
  return (text, column) => {
    if (text === nullText) {
      // A required text may be empty; of any other type nothing is nothing.
      if (!required) return null
      if (text !== '' || type.type !== 'string') return mismatch(column, 'nothing', `a value: ${type.type} not null`)
    }
    return coerce(text, column)
  }
}

const INTEGER = /^[+-]?\d+$/
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const SPECIAL_DOUBLE = /^([+-]?)(?:inf(?:inity)?)$|^nan$/i
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false, t: true, f: false, 1: true, 0: false }

/** Blanks around anything but a text mean nothing. */
function trimmed(parse: (text: string, column: string) => unknown): Coerce {
  return (value, column) => parse((value as string).trim(), column)
}

/** What is too large for a double is not infinity. */
function finite(text: string, column: string, type: string): number {
  const value = Number(text)
  return Number.isFinite(value)
    ? value
    : mismatch(column, text, `a ${type}, which is smaller than ${type === 'float' ? '3.5e38' : '1.8e308'}`)
}

function fromText(type: Type, options: CoerceOptions): Coerce {
  switch (type.type) {
    case 'string':
      return (value) => value
    case 'boolean':
      return trimmed((text, column) => BOOLEANS[text.toLowerCase()] ?? mismatch(column, text, 'true or false'))
    case 'int':
    case 'long':
      return trimmed((text, column) => {
        if (!INTEGER.test(text)) return mismatch(column, text, type.type)
        return text.length <= 15 || type.type === 'int' ? Number(text) : BigInt(text.replace(/^\+/, ''))
      })
    case 'float':
    case 'double':
      return trimmed((text, column) => {
        if (DECIMAL.test(text)) return finite(text, column, type.type)
        const special = SPECIAL_DOUBLE.exec(text)
        if (special === null) return mismatch(column, text, type.type)
        return special[1] === undefined ? Number.NaN : special[1] === '-' ? -Infinity : Infinity
      })
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return trimmed(timestampFromJson(type, options))
    case 'binary':
    case 'fixed':
      return trimmed((text, column) => fromBase64(text, column, type))
    case 'list':
    case 'map':
    case 'struct': {
      const json = fromJson(type, options)
      return trimmed((text, column) => {
        let value: unknown
        try {
          value = parseExactJson(text)
        } catch {
          return mismatch(column, text, `${type.type} as JSON`)
        }
        return value === null ? null : json(value, column)
      })
    }
    default:
      return trimmed((text) => text)
  }
}

function fromBase64(text: string, column: string, type: Type): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) mismatch(column, text, `${type.type} as base64`)
  return new Uint8Array(Buffer.from(text, 'base64'))
}

/** A value that `append` checks; an exact number cannot be what it expects, if it got here. */
function plain(value: unknown, column: string, type?: Type): unknown {
  if (value instanceof ExactNumber) return mismatch(column, value.text, type?.type ?? 'a nested value')
  return value
}

const SHOWN_CHARS = 60

function mismatch(column: string, found: string, expected: string): never {
  const shown = found.length > SHOWN_CHARS ? `${found.slice(0, SHOWN_CHARS)}...` : found
  throw new DataShardError('invalid-argument', `column '${column}': found '${shown}', expected ${expected}`, {
    details: { column },
  })
}
