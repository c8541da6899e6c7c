/**
 * What users may write where a value of a type is expected, in rows and in predicates alike (the table "Values" of the
 * documentation). Anything else is refused: no conversion that could lose something happens silently.
 */
import { DataShardError, invalid, unsupported } from '../errors.ts'
import { decimalFromNumber, fitsPrecision, parseDecimal } from './decimal.ts'
import { describeValue } from './describe.ts'
import { dateFromDate, parseDate, parseTime, parseTimestamp, parseTimestampNs, timestampFromDate } from './temporal.ts'
import { typeName } from './type-json.ts'
import type { Type, Value } from './types.ts'
import { parseUuid } from './uuid-bytes.ts'

const MIN_INT = -0x8000_0000
const MAX_INT = 0x7fff_ffff
const MAX_FLOAT = 3.4028234663852886e38

/** Whether a text has no lone surrogate, which UTF-8 cannot express. Part of ES2024; every Node from 20 has it. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}

/**
 * The canonical value of what a user wrote. Not for null.
 *
 * @param what Named first in the error: `column 'amount'`.
 * @throws `invalid-argument`: "column 'amount': found 'abc' (string), expected decimal(12,2); ...", or `unsupported`.
 */
export function parseLiteral(type: Type, literal: unknown, what: string): Value {
  try {
    return toValue(type, literal)
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    throw new DataShardError(error.code, `${what}: ${error.message}`, { details: error.details })
  }
}

/** As {@link parseLiteral}, with an error that starts at "found ...": the caller knows where. */
export function toValue(type: Type, found: unknown): Value {
  switch (type.type) {
    case 'boolean':
      return typeof found === 'boolean' ? found : mismatch(type, found, 'true or false')
    case 'int':
      return toInt(type, found)
    case 'long':
      return toLong(type, found)
    case 'float':
      return toFloat(type, found)
    case 'double':
      return typeof found === 'number' ? found : mismatch(type, found, 'a number')
    case 'decimal':
      return toDecimal(type.precision, type.scale, found)
    case 'date':
      if (typeof found === 'string') return parseDate(found)
      return found instanceof Date
        ? dateFromDate(found)
        : mismatch(type, found, "a string such as '2026-01-31', or a Date")
    case 'time':
      return typeof found === 'string' ? parseTime(found) : mismatch(type, found, "a string such as '12:00:00.000001'")
    case 'timestamp':
    case 'timestamptz':
      return toTimestamp(type, found, type.type === 'timestamptz')
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return toTimestampNs(type, found, type.type === 'timestamptz_ns')
    case 'string':
      return toText(type, found)
    case 'uuid':
      return toUuid(type, found)
    case 'fixed':
    case 'binary':
      return toBytes(type, found)
    default:
      return unsupported(`type ${typeName(type)} cannot be used as a single value by this version of DataShard`)
  }
}

/** "found 'abc' (string), expected long; a bigint, or ...". */
export function mismatch(type: Type, found: unknown, why: string): never {
  return invalid(`found ${describeValue(found)}, expected ${typeName(type)}; ${why}`)
}

function toInt(type: Type, found: unknown): number {
  if (typeof found !== 'number' || !Number.isInteger(found)) return mismatch(type, found, 'an integer number')
  if (found < MIN_INT || found > MAX_INT) mismatch(type, found, `from ${MIN_INT} to ${MAX_INT}; use long for more`)
  return found + 0
}

function toLong(type: Type, found: unknown): bigint {
  if (typeof found === 'bigint')
    return BigInt.asIntN(64, found) === found ? found : mismatch(type, found, 'it is outside what 64 bits hold')
  if (typeof found === 'number' && Number.isSafeInteger(found)) return BigInt(found)
  return mismatch(type, found, 'a bigint, or an integer number within 2^53')
}

/** A float column keeps 32 bits: a number is rounded to the nearest of them, but never to infinity. */
function toFloat(type: Type, found: unknown): number {
  if (typeof found !== 'number') return mismatch(type, found, 'a number')
  const rounded = Math.fround(found)
  if (Math.abs(rounded) === Infinity && Number.isFinite(found))
    mismatch(type, found, `a float reaches ${MAX_FLOAT}; use double for more`)
  return rounded
}

function toDecimal(precision: number, scale: number, found: unknown): bigint {
  if (typeof found === 'string') return parseDecimal(found, precision, scale)
  if (typeof found === 'number') return decimalFromNumber(found, precision, scale)
  const type: Type = { type: 'decimal', precision, scale }
  const unscaled = typeof found === 'object' && found !== null ? (found as { unscaled?: unknown }).unscaled : undefined
  if (typeof unscaled !== 'bigint')
    return mismatch(type, found, 'a decimal string, a number that is exact at that scale, or { unscaled: bigint }')
  return fitsPrecision(unscaled, precision)
    ? unscaled
    : mismatch(type, unscaled, `it has more than ${precision} digits`)
}

function toTimestamp(type: Type, found: unknown, zoned: boolean): bigint {
  if (typeof found === 'string') return parseTimestamp(found, zoned)
  if (found instanceof Date) return timestampFromDate(found, type.type)
  if (typeof found === 'bigint')
    return BigInt.asIntN(64, found) === found ? found : mismatch(type, found, 'it is outside what 64 bits hold')
  return mismatch(type, found, 'a Date, an ISO string, or a bigint of microseconds')
}

function toTimestampNs(type: Type, found: unknown, zoned: boolean): bigint {
  if (typeof found === 'string') return parseTimestampNs(found, zoned)
  if (typeof found === 'bigint')
    return BigInt.asIntN(64, found) === found ? found : mismatch(type, found, 'it is outside what 64 bits hold')
  return mismatch(type, found, 'an ISO string, or a bigint of nanoseconds')
}

function toText(type: Type, found: unknown): string {
  if (typeof found !== 'string') return mismatch(type, found, 'a string')
  return isWellFormed(found) ? found : mismatch(type, found, 'it has an unpaired surrogate, which UTF-8 cannot hold')
}

function toUuid(type: Type, found: unknown): string {
  if (typeof found !== 'string' || parseUuid(found) === undefined)
    return mismatch(type, found, "a string such as 'f79c3e09-677c-4bbd-a479-3f349cb785e7'")
  return found.toLowerCase()
}

function toBytes(type: Type, found: unknown): Uint8Array {
  if (!(found instanceof Uint8Array)) return mismatch(type, found, 'a Uint8Array')
  if (type.type === 'fixed' && found.length !== type.length) mismatch(type, found, `exactly ${type.length} bytes`)
  return found
}
