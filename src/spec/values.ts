/** Canonical values (types.ts): compared as the spec orders them, and as bytes (spec: appendix D). */
import { corrupt, unsupported } from '../errors.ts'
import { decimalFromBytes, decimalToBytes } from './decimal.ts'
import { firstCodePoints } from './transforms.ts'
import { typeName } from './type-json.ts'
import type { Type, Value } from './types.ts'
import { uuidFromBytes, uuidToBytes } from './uuid-bytes.ts'

export { parseLiteral, toValue } from './literal.ts'

const utf8 = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Three-way comparison of two canonical values of a type. */
export type Comparator = (a: Value, b: Value) => number

/**
 * The order of a type's values. Floats: -0 < 0, NaN above everything (spec: "Sorting"). Strings: by code point, which
 * is the order of their UTF-8 bytes. Binary: by unsigned bytes.
 *
 * @throws `unsupported` for nested types and those of later formats.
 */
export function compareValues(type: Type): Comparator {
  switch (type.type) {
    case 'boolean':
    case 'int':
    case 'date':
      return (a, b) => Number(a) - Number(b)
    case 'float':
    case 'double':
      return (a, b) => compareDoubles(a as number, b as number)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
    case 'decimal':
    case 'uuid':
      return (a, b) => (a < b ? -1 : a > b ? 1 : 0)
    case 'string':
      return (a, b) => compareStrings(a as string, b as string)
    case 'fixed':
    case 'binary':
      return (a, b) => compareBytes(a as Uint8Array, b as Uint8Array)
    default:
      return unsupported(`values of type ${typeName(type)} have no order`)
  }
}

function compareDoubles(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return a !== 0 ? 0 : Number(Object.is(b, -0)) - Number(Object.is(a, -0))
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

/** By code point. UTF-16 puts surrogates (code points above U+FFFF) before U+E000 to U+FFFF; this does not. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) return rotateSurrogates(x) - rotateSurrogates(y)
    return x - y
  }
  return a.length - b.length
}

const rotateSurrogates = (code: number): number => (code < 0xe000 ? code + 0x2000 : code - 0x800)

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** A canonical value as bytes (appendix D). @throws `unsupported` for nested types and those of later formats. */
export function encodeValue(type: Type, value: Value): Uint8Array {
  switch (type.type) {
    case 'boolean':
      return new Uint8Array([value === true ? 1 : 0])
    case 'int':
    case 'date':
      return write(4, (view) => view.setInt32(0, value as number, true))
    case 'float':
      return write(4, (view) => view.setFloat32(0, value as number, true))
    case 'double':
      return write(8, (view) => view.setFloat64(0, value as number, true))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return write(8, (view) => view.setBigInt64(0, value as bigint, true))
    case 'decimal':
      return decimalToBytes(value as bigint)
    case 'string':
      return utf8.encode(value as string)
    case 'uuid':
      return uuidToBytes(value as string)
    case 'fixed':
    case 'binary':
      return value as Uint8Array
    default:
      return unsupported(`values of type ${typeName(type)} cannot be written`)
  }
}

function write(length: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length)
  fill(new DataView(bytes.buffer))
  return bytes
}

/**
 * The inverse of {@link encodeValue}. Bytes written before a column was widened are understood: four bytes for a long
 * (an int), a double (a float) or a timestamp without zone (a date).
 *
 * @throws `corrupt` if the bytes cannot be a value of the type.
 */
export function decodeValue(type: Type, bytes: Uint8Array): Value {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  switch (type.type) {
    case 'boolean':
      return length === 1 ? bytes[0] !== 0 : badLength(type, length)
    case 'int':
    case 'date':
      return length === 4 ? view.getInt32(0, true) : badLength(type, length)
    case 'float':
      return length === 4 ? view.getFloat32(0, true) : badLength(type, length)
    case 'double':
      if (length === 4) return view.getFloat32(0, true)
      return length === 8 ? view.getFloat64(0, true) : badLength(type, length)
    case 'long':
      if (length === 4) return BigInt(view.getInt32(0, true))
      return length === 8 ? view.getBigInt64(0, true) : badLength(type, length)
    case 'timestamp':
    case 'timestamp_ns':
      if (length === 4) return BigInt(view.getInt32(0, true)) * UNITS_PER_DAY[type.type]
      return length === 8 ? view.getBigInt64(0, true) : badLength(type, length)
    case 'time':
    case 'timestamptz':
    case 'timestamptz_ns':
      return length === 8 ? view.getBigInt64(0, true) : badLength(type, length)
    case 'decimal':
      return length > 0 ? decimalFromBytes(bytes) : badLength(type, length)
    case 'string':
      return decodeText(bytes)
    case 'uuid':
      return length === 16 ? uuidFromBytes(bytes) : badLength(type, length)
    case 'fixed':
    case 'binary':
      return bytes
    default:
      return unsupported(`values of type ${typeName(type)} cannot be read`)
  }
}

const UNITS_PER_DAY = { timestamp: 86_400_000_000n, timestamp_ns: 86_400_000_000_000n }

function badLength(type: Type, length: number): never {
  return corrupt(`${length} bytes cannot be a value of type ${typeName(type)}`)
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch (error) {
    return corrupt('a string is not valid UTF-8', undefined, error)
  }
}

/** A value that is not above `value` and holds at most `n` code points (strings) or bytes (binary, fixed). */
export function truncateLowerBound(type: Type, value: Value, n: number): Value {
  if (type.type === 'string') return firstCodePoints(value as string, n)
  if (type.type === 'binary' || type.type === 'fixed') return (value as Uint8Array).slice(0, n)
  return value
}

/**
 * A value that is not below `value` and holds at most `n` code points or bytes: the first `n` with the last one
 * raised, if anything was cut off. Undefined if there is none, because all of them are the highest there is.
 */
export function truncateUpperBound(type: Type, value: Value, n: number): Value | undefined {
  if (type.type === 'string') return raiseString(value as string, n)
  if (type.type === 'binary' || type.type === 'fixed') return raiseBytes(value as Uint8Array, n)
  return value
}

function raiseString(text: string, n: number): string | undefined {
  const cut = firstCodePoints(text, n)
  if (cut.length === text.length) return text
  const points = Array.from(cut, (char) => char.codePointAt(0)!)
  for (let i = points.length - 1; i >= 0; i--) {
    if (points[i] === 0x10_ffff) continue
    // The next code point that is a character: surrogates are none.
    const raised = points[i] === 0xd7ff ? 0xe000 : points[i]! + 1
    return String.fromCodePoint(...points.slice(0, i), raised)
  }
  return undefined
}

function raiseBytes(bytes: Uint8Array, n: number): Uint8Array | undefined {
  if (bytes.length <= n) return bytes
  for (let i = n - 1; i >= 0; i--) {
    if (bytes[i] === 0xff) continue
    const raised = bytes.slice(0, i + 1)
    raised[i]!++
    return raised
  }
  return undefined
}
