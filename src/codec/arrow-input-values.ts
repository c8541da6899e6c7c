/**
 * Single columns out of Arrow. Where the layout is ours already the buffers are used as they are; anything else that
 * fits without loss goes through the same checks as the values of rows.
 */
import { isUtf8 } from 'node:buffer'
import { formatDecimal } from '../spec/decimal.ts'
import { formatTime, formatTimestampNs } from '../spec/temporal.ts'
import type { Type } from '../spec/types.ts'
import type { ArrowData } from './arrow-data.ts'
import { ARROW, bitsFrom, bytesOf, bytesReader, longsOf, validityOf } from './arrow-data.ts'
import type { ColumnSpec } from './column-appender.ts'
import type { BytesColumn, Column, FixedColumn } from './columns.ts'

/** The column in Arrow's own buffers, if they are exactly what the type needs. */
export function sameLayout(data: ArrowData, spec: ColumnSpec): Column | undefined {
  const { type } = spec
  if (type.type === 'string' || type.type === 'binary') return sameBytes(data, spec)
  const values = sameValues(data, type)
  if (values === undefined) return undefined
  return { kind: 'fixed', fieldId: spec.fieldId, type, length: data.length, ...validityOf(data), values }
}

function sameValues(data: ArrowData, type: Type): FixedColumn['values'] | undefined {
  const { values, length, type: arrow } = data
  const { typeId } = arrow
  switch (type.type) {
    case 'boolean':
      return typeId === ARROW.bool ? bitsFrom(values as Uint8Array, data.offset, length) : undefined
    case 'int':
      return typeId === ARROW.int && values instanceof Int32Array ? values.subarray(0, length) : undefined
    case 'date':
      return typeId === ARROW.date && arrow.unit === 0 ? (values as Int32Array).subarray(0, length) : undefined
    case 'long':
      return typeId === ARROW.int && arrow.bitWidth === 64 && arrow.isSigned === true ? longsOf(data) : undefined
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return fitsZone(data, type) && arrow.unit === (type.type.endsWith('_ns') ? 3 : 2) ? longsOf(data) : undefined
    case 'float':
      return values instanceof Float32Array ? values.subarray(0, length) : undefined
    case 'double':
      return values instanceof Float64Array ? values.subarray(0, length) : undefined
    case 'decimal':
      return typeId === ARROW.decimal &&
        widthOf(data) === 16 &&
        arrow.scale === type.scale &&
        arrow.precision! <= type.precision
        ? bytesOf(data).subarray(0, length * 16)
        : undefined
    case 'uuid':
    case 'fixed': {
      const width = type.type === 'fixed' ? type.length : 16
      return typeId === ARROW.fixedBinary && arrow.byteWidth === width
        ? bytesOf(data).subarray(0, length * width)
        : undefined
    }
    default:
      return undefined
  }
}

/** Bytes of a decimal: 16, or what else Arrow has (4, 8, 32). */
const widthOf = (data: ArrowData): number => (data.type.bitWidth ?? 128) / 8

/** A timestamp with a zone is a moment, one without is none: neither may pass for the other. */
function fitsZone(data: ArrowData, type: Type): boolean {
  const zoned = (data.type.timezone ?? '') !== ''
  return data.type.typeId === ARROW.timestamp && zoned === type.type.startsWith('timestamptz')
}

function sameBytes(data: ArrowData, spec: ColumnSpec): BytesColumn | undefined {
  const { length, type: arrow, valueOffsets } = data
  if (arrow.typeId !== (spec.type.type === 'string' ? ARROW.utf8 : ARROW.binary)) return undefined
  const base = { kind: 'bytes', fieldId: spec.fieldId, type: spec.type, length, ...validityOf(data) } as const
  if (length === 0) return { ...base, offsets: new Int32Array(1), data: new Uint8Array(0) }
  const from = Number(valueOffsets[0])
  const bytes = bytesOf(data).subarray(from, Number(valueOffsets[length]))
  const same = (valueOffsets as Int32Array).subarray(0, length + 1)
  const offsets = from === 0 ? same : same.map((offset) => offset - from)
  if (spec.type.type === 'string' && !isText(bytes, offsets)) return undefined
  return { ...base, offsets, data: bytes }
}

/** Whether every value is UTF-8: all of it is, and no value begins inside a character. */
function isText(bytes: Uint8Array, offsets: Int32Array): boolean {
  if (!isUtf8(bytes)) return false
  for (const offset of offsets) if ((bytes[offset]! & 0xc0) === 0x80) return false
  return true
}

/**
 * The function that gives value `i` as a user could have put it in a row; undefined if Arrow's type can never fit.
 * What fits only sometimes is left to the checks of {@link toValue}.
 */
export function userValueReader(data: ArrowData, type: Type): ((index: number) => unknown) | undefined {
  const { typeId } = data.type
  if (typeId === ARROW.null) return () => null
  switch (type.type) {
    case 'boolean':
      return undefined
    case 'int':
    case 'long':
      return typeId === ARROW.int ? integerReader(data, type.type === 'int') : undefined
    case 'float':
    case 'double':
      return numberReader(data, type.type === 'double')
    case 'decimal':
      return decimalReader(data)
    case 'date':
      return typeId === ARROW.date ? dateReader(data) : undefined
    case 'time':
      return typeId === ARROW.time ? timeReader(data) : undefined
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return fitsZone(data, type) ? timestampReader(data, type) : undefined
    case 'string':
      return isTextType(typeId) ? textReader(data) : undefined
    case 'uuid':
      return isTextType(typeId) ? textReader(data) : undefined
    case 'binary':
    case 'fixed':
      return isTextType(typeId) ? undefined : bytesReader(data)
    default:
      return undefined
  }
}

function integerReader(data: ArrowData, small: boolean): (index: number) => unknown {
  const { values } = data
  const is64 = data.type.bitWidth === 64
  const at: (index: number) => number | bigint = is64 ? longReader(data) : (index) => values[index]!
  if (!small || !is64) return at
  return (index) => {
    const value = at(index)
    return BigInt.asIntN(32, value as bigint) === value ? Number(value) : value
  }
}

function longReader(data: ArrowData): (index: number) => bigint {
  const longs = longsOf(data)
  return data.type.isSigned === false ? (index) => BigInt.asUintN(64, longs[index]!) : (index) => longs[index]!
}

/** Integers of up to 32 bits are exact in a double; those of 64 bits, and doubles in a float column, are not. */
function numberReader(data: ArrowData, isDouble: boolean): ((index: number) => unknown) | undefined {
  const { values, type } = data
  if (type.typeId === ARROW.float && type.precision === 0) return (index) => halfFloat(values[index] as number)
  const exact = isDouble && (values instanceof Float32Array || (type.typeId === ARROW.int && type.bitWidth! <= 32))
  return exact ? (index) => values[index] : undefined
}

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function decimalReader(data: ArrowData): ((index: number) => unknown) | undefined {
  if (data.type.typeId === ARROW.int) {
    const read = integerReader(data, false)
    return (index) => String(read(index))
  }
  const width = widthOf(data)
  if (data.type.typeId !== ARROW.decimal || width > 16) return undefined
  const view = new DataView(data.values.buffer, data.values.byteOffset, data.values.byteLength)
  const scale = data.type.scale!
  const unscaled = (at: number): bigint => {
    if (width === 4) return BigInt(view.getInt32(at, true))
    if (width === 8) return view.getBigInt64(at, true)
    return (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true)
  }
  return (index) => {
    const value = unscaled(index * width)
    return scale >= 0 ? formatDecimal(value, scale) : String(value * 10n ** BigInt(-scale))
  }
}

function dateReader(data: ArrowData): (index: number) => unknown {
  const longs = longsOf(data)
  return (index) => new Date(Number(longs[index]!))
}

/** Units of a second, by Arrow's `TimeUnit`. */
const UNITS_PER_SECOND = [1n, 1_000n, 1_000_000n, 1_000_000_000n]

function timeReader(data: ArrowData): (index: number) => unknown {
  const nanos = 1_000_000_000n / UNITS_PER_SECOND[data.type.unit!]!
  const read: (index: number) => bigint =
    data.type.bitWidth === 32 ? (index) => BigInt(data.values[index]!) : longReader(data)
  return (index) => {
    const value = read(index) * nanos
    const text = formatTime(value / 1000n)
    return value % 1000n === 0n ? text : `${text} and ${value % 1000n} ns`
  }
}

function timestampReader(data: ArrowData, type: Type): (index: number) => unknown {
  const longs = longsOf(data)
  const perSecond = UNITS_PER_SECOND[data.type.unit!]!
  const wanted = type.type.endsWith('_ns') ? 1_000_000_000n : 1_000_000n
  if (wanted >= perSecond) return (index) => longs[index]! * (wanted / perSecond)
  const zoned = type.type === 'timestamptz'
  return (index) => {
    const value = longs[index]!
    // Text, because only text can be too fine: the check then says so.
    return value % 1000n === 0n ? value / 1000n : formatTimestampNs(value, zoned).replace('+00:00', 'Z')
  }
}

const isTextType = (typeId: number): boolean =>
  typeId === ARROW.utf8 || typeId === ARROW.largeUtf8 || typeId === ARROW.utf8View

function textReader(data: ArrowData): (index: number) => unknown {
  const read = bytesReader(data)!
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return (index) => decoder.decode(read(index))
}
