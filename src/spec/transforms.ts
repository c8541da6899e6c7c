/** Partition and sort transforms (spec: "Partition Transforms"). */
import { assert, invalid } from '../errors.ts'
import { civilFromDays } from './calendar.ts'
import { maxUnscaled } from './decimal.ts'
import { hashValue } from './hash.ts'
import { typeName } from './type-json.ts'
import { isPrimitive } from './types.ts'
import type { Type, Value } from './types.ts'

export type Transform =
  | { readonly transform: 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' }
  | { readonly transform: 'bucket'; readonly buckets: number }
  | { readonly transform: 'truncate'; readonly width: number }
  /** A transform that this version does not know (spec: readers ignore such a field when pruning). */
  | { readonly transform: 'unknown'; readonly name: string }

/** The largest bucket count and truncation width: both are Java ints in the reference implementation. */
export const MAX_TRANSFORM_PARAMETER = 0x7fff_ffff

const PARAMETRIC = /^(bucket|truncate)\[(\d{1,10})\]$/i

/** A transform from its JSON text; one that is not known is kept as `unknown`, by its exact name. */
export function parseTransform(text: string): Transform {
  const name = text.toLowerCase()
  switch (name) {
    case 'identity':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
    case 'void':
      return { transform: name }
  }
  const match = PARAMETRIC.exec(text)
  const parameter = Number(match?.[2])
  if (!(parameter >= 1 && parameter <= MAX_TRANSFORM_PARAMETER)) return { transform: 'unknown', name: text }
  return match![1]!.toLowerCase() === 'bucket'
    ? { transform: 'bucket', buckets: parameter }
    : { transform: 'truncate', width: parameter }
}

/** A transform as JSON spells it: `day`, `bucket[16]`. */
export function transformName(transform: Transform): string {
  switch (transform.transform) {
    case 'bucket':
      return `bucket[${transform.buckets}]`
    case 'truncate':
      return `truncate[${transform.width}]`
    case 'unknown':
      return transform.name
    default:
      return transform.transform
  }
}

const TIMESTAMPS: readonly string[] = ['timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns']
const NOT_BUCKETED: readonly string[] = ['boolean', 'float', 'double']
const TRUNCATED: readonly string[] = ['int', 'long', 'decimal', 'string', 'binary']

/**
 * Checks that a transform can be applied to a column.
 *
 * @throws `invalid-argument` naming column, transform and type; unknown transforms are refused too.
 */
export function checkTransform(transform: Transform, type: Type, columnName: string): void {
  const name = transformName(transform)
  if (transform.transform === 'unknown') invalid(`the transform '${name}' on column '${columnName}' is not known`)
  checkParameter(transform)
  const allowed = allowedTypes(transform)
  if (!fits(transform, type))
    invalid(`the transform ${name} cannot be applied to column '${columnName}' of type ${typeName(type)}: ${allowed}`)
}

function checkParameter(transform: Transform): void {
  const parameter =
    transform.transform === 'bucket' ? transform.buckets : transform.transform === 'truncate' ? transform.width : 1
  if (!Number.isInteger(parameter) || parameter < 1 || parameter > MAX_TRANSFORM_PARAMETER)
    invalid(`${transform.transform} takes an integer from 1 to ${MAX_TRANSFORM_PARAMETER}, found ${parameter}`)
}

function fits(transform: Transform, type: Type): boolean {
  if (transform.transform === 'void') return true
  if (!isPrimitive(type) || type.type === 'unsupported') return false
  switch (transform.transform) {
    case 'bucket':
      return !NOT_BUCKETED.includes(type.type)
    case 'truncate':
      return TRUNCATED.includes(type.type)
    case 'year':
    case 'month':
    case 'day':
      return type.type === 'date' || TIMESTAMPS.includes(type.type)
    case 'hour':
      return TIMESTAMPS.includes(type.type)
    default:
      return true
  }
}

function allowedTypes(transform: Transform): string {
  switch (transform.transform) {
    case 'bucket':
      return 'it takes any primitive but boolean, float and double'
    case 'truncate':
      return 'it takes int, long, decimal, string and binary'
    case 'hour':
      return 'it takes timestamps'
    case 'identity':
      return 'it takes primitive types'
    default:
      return 'it takes dates and timestamps'
  }
}

/** The type of a transform's results. `day` gives a date; an unknown transform's values are of no use, and text. */
export function transformResultType(transform: Transform, type: Type): Type {
  switch (transform.transform) {
    case 'bucket':
    case 'year':
    case 'month':
    case 'hour':
      return { type: 'int' }
    case 'day':
      return { type: 'date' }
    case 'unknown':
      return { type: 'string' }
    default:
      return type
  }
}

/** Whether a <= b implies transform(a) <= transform(b). */
export function preservesOrder(transform: Transform): boolean {
  return transform.transform !== 'bucket' && transform.transform !== 'void' && transform.transform !== 'unknown'
}

/**
 * The function of a transform on the canonical values of a type; null gives null. The pair must have passed
 * {@link checkTransform}.
 */
export function bindTransform(transform: Transform, type: Type): (value: Value | null) => Value | null {
  switch (transform.transform) {
    case 'identity':
      return (value) => value
    case 'void':
      return () => null
    case 'bucket': {
      const { buckets } = transform
      return (value) => (value === null ? null : (hashValue(type, value) & 0x7fff_ffff) % buckets)
    }
    case 'truncate': {
      const truncate = truncateTo(transform.width, type)
      return (value) => (value === null ? null : truncate(value))
    }
    case 'unknown':
      return invalid(`the transform '${transform.name}' is not known, so its values cannot be computed`)
    case 'hour': {
      const hourUnits = unitsPerDay(type) / 24
      return (value) => (value === null ? null : clampInt(floorDivide(value as bigint, hourUnits)))
    }
    default: {
      const days = dayOf(type)
      const granularity = transform.transform
      if (granularity === 'day') return (value) => (value === null ? null : days(value))
      if (granularity === 'year') return (value) => (value === null ? null : civilFromDays(days(value)).year - 1970)
      return (value) => (value === null ? null : monthsFrom1970(days(value)))
    }
  }
}

/** Hours of the last centuries that 64 bits reach do not fit the result type; the nearest that does keeps the order. */
function clampInt(value: number): number {
  return Math.max(-0x8000_0000, Math.min(0x7fff_ffff, value))
}

function monthsFrom1970(days: number): number {
  const { year, month } = civilFromDays(days)
  return (year - 1970) * 12 + month - 1
}

function unitsPerDay(type: Type): number {
  return type.type === 'timestamp_ns' || type.type === 'timestamptz_ns' ? 86_400_000_000_000 : 86_400_000_000
}

function dayOf(type: Type): (value: Value) => number {
  if (type.type === 'date') return (value) => value as number
  const units = unitsPerDay(type)
  return (value) => floorDivide(value as bigint, units)
}

/** Rounds towards the past, also before 1970. The quotient of a 64-bit time by hours or days is a safe integer. */
function floorDivide(value: bigint, units: number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) {
    // The division rounds, so that a value just below a boundary may come out above it: look at the remainder.
    const quotient = Math.floor(number / units)
    return number < quotient * units ? quotient - 1 : quotient
  }
  const divisor = BigInt(units)
  const quotient = value / divisor
  return Number(value < 0n && quotient * divisor !== value ? quotient - 1n : quotient)
}

/**
 * Truncation rounds down, so it can leave the type at its lowest values. There the reference implementation wraps
 * around (int, long) or fails (decimal); the type's minimum keeps the order that pruning relies on.
 */
function truncateTo(width: number, type: Type): (value: Value) => Value {
  switch (type.type) {
    case 'int':
      return (value) => Math.max(-0x8000_0000, Math.floor((value as number) / width) * width)
    case 'long':
      return (value) => truncateInteger(value as bigint, BigInt(width), -0x8000_0000_0000_0000n)
    case 'decimal': {
      const lowest = -maxUnscaled(type.precision)
      return (value) => truncateInteger(value as bigint, BigInt(width), lowest)
    }
    case 'string':
      return (value) => firstCodePoints(value as string, width)
    case 'binary':
      return (value) => ((value as Uint8Array).length <= width ? value : (value as Uint8Array).slice(0, width))
    default:
      assert(false, `truncate on ${typeName(type)}`)
  }
}

function truncateInteger(value: bigint, width: bigint, lowest: bigint): bigint {
  const remainder = value % width
  const truncated = remainder < 0n ? value - remainder - width : value - remainder
  return truncated < lowest ? lowest : truncated
}

/** The first `count` code points of a text: a surrogate pair is never cut. */
export function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text
  let end = 0
  for (let taken = 0; taken < count && end < text.length; taken++) {
    const code = text.charCodeAt(end)
    end += code >= 0xd800 && code < 0xdc00 && end + 1 < text.length ? 2 : 1
  }
  return text.slice(0, end)
}
