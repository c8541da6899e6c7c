/** Statistics of Parquet columns as canonical values. Undefined: nothing is known. */
import { decimalFromBytes } from '../spec/decimal.ts'
import type { Type, Value } from '../spec/types.ts'
import { uuidFromBytes } from '../spec/uuid-bytes.ts'
import type { ParquetNode, TimeUnit } from './parquet-footer-schema.ts'
import { PHYSICAL } from './parquet-footer-schema.ts'

/** A value that is not above the smallest. `bytes` are in the `PLAIN` encoding of the column. */
export function minStatistic(node: ParquetNode, bytes: Uint8Array, type: Type): Value | undefined {
  const value = statistic(node, bytes, type, false)
  // Writers do not agree whether -0 is below 0: 0 stands for both (parquet.thrift, ColumnOrder).
  return value === 0 && isFloat(type) ? -0 : value
}

/** A value that is not below the largest. */
export function maxStatistic(node: ParquetNode, bytes: Uint8Array, type: Type): Value | undefined {
  const value = statistic(node, bytes, type, true)
  return value === 0 && isFloat(type) ? 0 : value
}

function isFloat(type: Type): boolean {
  return type.type === 'float' || type.type === 'double'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function statistic(node: ParquetNode, bytes: Uint8Array, type: Type, roundUp: boolean): Value | undefined {
  const number = numberOf(node, bytes)
  switch (type.type) {
    case 'boolean':
      return bytes.length === 1 ? bytes[0] !== 0 : undefined
    case 'int':
    case 'date':
      return number === undefined ? undefined : Number(number)
    case 'float':
    case 'double':
      return Number.isNaN(number) ? undefined : number
    case 'long':
      return number === undefined ? undefined : BigInt(number)
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return micros(node, number, roundUp)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return number
    case 'decimal':
      if (node.physical === PHYSICAL.int32 || node.physical === PHYSICAL.int64)
        return number === undefined ? undefined : BigInt(number)
      return bytes.length > 0 && bytes.length <= 16 ? decimalFromBytes(bytes) : undefined
    case 'string':
      return decode(bytes)
    case 'binary':
      return bytes
    case 'fixed':
      return bytes.length === type.length ? bytes : undefined
    case 'uuid':
      return bytes.length === 16 ? uuidFromBytes(bytes) : undefined
    default:
      return undefined
  }
}

/** The number that a fixed-width statistic holds; undefined if its length is wrong, or the column has no numbers. */
function numberOf(node: ParquetNode, bytes: Uint8Array): number | bigint | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isUnsigned = node.annotation?.kind === 'int' && !node.annotation.signed
  switch (node.physical) {
    case PHYSICAL.int32:
      if (bytes.length !== 4) return undefined
      return isUnsigned ? view.getUint32(0, true) : view.getInt32(0, true)
    case PHYSICAL.int64:
      if (bytes.length !== 8) return undefined
      return isUnsigned ? view.getBigUint64(0, true) : view.getBigInt64(0, true)
    case PHYSICAL.float:
      return bytes.length === 4 ? view.getFloat32(0, true) : undefined
    case PHYSICAL.double:
      return bytes.length === 8 ? view.getFloat64(0, true) : undefined
    default:
      return undefined
  }
}

const MICROS: Readonly<Record<TimeUnit, bigint>> = { millis: 1000n, micros: 1n, nanos: 1n }

/** Bounds of nanoseconds are rounded outwards. */
function micros(node: ParquetNode, value: number | bigint | undefined, roundUp: boolean): bigint | undefined {
  const { annotation } = node
  if (value === undefined || (annotation?.kind !== 'time' && annotation?.kind !== 'timestamp')) return undefined
  const units = BigInt(value) * MICROS[annotation.unit]
  if (annotation.unit !== 'nanos') return BigInt.asIntN(64, units) === units ? units : undefined
  const down = (units - (((units % 1000n) + 1000n) % 1000n)) / 1000n
  return roundUp && down * 1000n !== units ? down + 1n : down
}

/** Undefined if a writer cut a text inside a character. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
