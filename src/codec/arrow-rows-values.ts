/**
 * Values as users get them (the documentation's table "Values"), read from columns.
 */
import { unsupported } from '../errors.ts'
import { MAX_TIME_MS } from '../spec/json-reader.ts'
import { typeName } from '../spec/schema.ts'
import { formatDate, formatTime, formatTimestamp, formatTimestampNs } from '../spec/temporal.ts'
import type { ListType, MapType, StructType, Type } from '../spec/types.ts'
import { uuidFromBytes } from '../spec/uuid-bytes.ts'
import { columnOf } from './arrow-rows.ts'
import type { ReadColumn } from './arrow-rows-column.ts'
import { objectMaker } from './arrow-rows-maker.ts'
import { decimalReader } from './arrow-rows-decimal.ts'
import { dictionaryReader, stringReader } from './arrow-rows-strings.ts'
import { orNull } from './column-nulls.ts'
import type { FixedColumn, ListColumn, MapColumn, StructColumn } from './columns.ts'

/** How values are given that have more than one form. */
export interface RowFormat {
  /** Timestamps of microseconds as Date, which drops what is finer than a millisecond (default), or as bigint. */
  readonly timestamps?: 'date' | 'micros' | undefined
  /**
   * Only what JSON has: longs as numbers when they are safe integers and as strings otherwise, bytes as base64, maps as
   * arrays of entries, timestamps as ISO text with all their digits, NaN and infinities as strings of that name.
   */
  readonly json?: boolean | undefined
}

/** Value `i` of a column; null if there is none. */
export type ValueReader = (i: number) => unknown

/**
 * Reads `column` as values of `type`, which may have fewer fields than the column.
 *
 * @param isDense Whether all values will be read, in order, rather than a few of them.
 */
export function valueReader(column: ReadColumn, type: Type, format: RowFormat, isDense: boolean): ValueReader {
  if (column.kind === 'dictionary') return dictionaryReader(column)
  if (column.kind === 'bytes' && type.type === 'string') return stringReader(column, isDense)
  return orNull(column.validity, presentReader(column, type, format, isDense))
}

/** Values that are known to be there. */
function presentReader(column: ReadColumn, type: Type, format: RowFormat, isDense: boolean): ValueReader {
  switch (column.kind) {
    case 'fixed':
      return fixedReader(column, type, format)
    case 'bytes': {
      const { data, offsets } = column
      return bytesFormat((i) => data.slice(offsets[i], offsets[i + 1]), format)
    }
    case 'struct':
      return structReader(column, type as StructType, format, isDense)
    case 'list':
      return listReader(column, type as ListType, format, isDense)
    case 'map':
      return mapReader(column, type as MapType, format, isDense)
    default:
      return unsupported(`values of type ${typeName(type)} cannot be read by this version of DataShard`)
  }
}

function bytesFormat(read: (i: number) => Uint8Array, format: RowFormat): ValueReader {
  return format.json ? (i) => Buffer.from(read(i)).toString('base64') : read
}

function fixedReader({ values }: FixedColumn, type: Type, format: RowFormat): ValueReader {
  const { json } = format
  const longs = values as BigInt64Array
  const bytes = values as Uint8Array
  switch (type.type) {
    case 'boolean':
      return (i) => (bytes[i >> 3]! & (1 << (i & 7))) !== 0
    case 'int':
      return (i) => values[i]
    case 'float':
    case 'double':
      return json ? (i) => jsonDouble(values[i] as number) : (i) => values[i]
    case 'long':
      return json ? (i) => jsonLong(longs[i]!) : (i) => longs[i]
    case 'date':
      return dateReader(values as Int32Array)
    case 'time':
      return (i) => formatTime(longs[i]!)
    case 'timestamp':
    case 'timestamptz':
      return timestampReader(longs, type.type === 'timestamptz', format)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return json ? (i) => formatTimestampNs(longs[i]!, type.type === 'timestamptz_ns') : (i) => longs[i]
    case 'decimal':
      return decimalReader(bytes, type.scale)
    case 'uuid':
      return (i) => uuidFromBytes(bytes, i * 16)
    case 'fixed': {
      const width = type.length
      return bytesFormat((i) => bytes.slice(i * width, (i + 1) * width), format)
    }
    default:
      return unsupported(`values of type ${typeName(type)} cannot be read by this version of DataShard`)
  }
}

function jsonLong(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

function jsonDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** Dates repeat: the text of the last one is kept. */
function dateReader(days: Int32Array): ValueReader {
  let last = NaN
  let text = ''
  return (i) => {
    if (days[i] !== last) text = formatDate((last = days[i]!))
    return text
  }
}

const MICROS_PER_MS = 1000
/** High words between these belong to microseconds that a double holds exactly: 1684 to 2255. */
const EXACT_HIGH_WORD = 2 ** 21

function timestampReader(micros: BigInt64Array, zoned: boolean, format: RowFormat): ValueReader {
  if (format.timestamps === 'micros') return format.json ? (i) => jsonLong(micros[i]!) : (i) => micros[i]
  if (format.json) return (i) => formatTimestamp(micros[i]!, zoned)
  // Two words instead of a bigint for each value, which would have to be allocated.
  const words = new Int32Array(micros.buffer, micros.byteOffset, micros.length * 2)
  return (i) => {
    const high = words[2 * i + 1]!
    if (high < EXACT_HIGH_WORD && high >= -EXACT_HIGH_WORD) {
      return new Date(Math.floor((high * 2 ** 32 + (words[2 * i]! >>> 0)) / MICROS_PER_MS))
    }
    return dateOf(micros[i]!)
  }
}

/** Whole milliseconds, rounded down also before 1970. */
function dateOf(micros: bigint): Date {
  const ms = Number((micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n)
  if (Math.abs(ms) <= MAX_TIME_MS) return new Date(ms)
  return unsupported(
    `the timestamp ${formatTimestamp(micros, false)} is beyond what a Date can be; read it with { timestamps: 'micros' }`,
  )
}

function structReader(column: StructColumn, type: StructType, format: RowFormat, isDense: boolean): ValueReader {
  return objectMaker(
    type.fields.map(({ name }) => name),
    type.fields.map((field) => valueReader(columnOf(column.children, field.id), field.type, format, isDense)),
  )
}

function listReader(
  { offsets, element }: ListColumn,
  type: ListType,
  format: RowFormat,
  isDense: boolean,
): ValueReader {
  const read = valueReader(element, type.element, format, isDense)
  return (i) => {
    const values: unknown[] = []
    for (let k = offsets[i]!; k < offsets[i + 1]!; k++) values.push(read(k))
    return values
  }
}

function mapReader(column: MapColumn, type: MapType, format: RowFormat, isDense: boolean): ValueReader {
  const { offsets } = column
  const key = valueReader(column.key, type.key, format, isDense)
  const value = valueReader(column.value, type.value, format, isDense)
  const entries = (i: number): [unknown, unknown][] => {
    const pairs: [unknown, unknown][] = []
    for (let k = offsets[i]!; k < offsets[i + 1]!; k++) pairs.push([key(k), value(k)])
    return pairs
  }
  return format.json ? entries : (i) => new Map(entries(i))
}
