/**
 * Where the literal of a comparison lies among the values of a column. A row must fit its column; a comparison need not:
 * `n < 5000000000` makes sense for an int, and `price = 1.999` for a decimal of two digits, though neither is a value
 * of the column. Such a literal lies between two values, or beyond the last.
 */
import { invalid } from '../errors.ts'
import { maxUnscaled } from './decimal.ts'
import { describeValue } from './describe.ts'
import type { Literal } from './expressions.ts'
import { mismatch, toValue } from './literal.ts'
import { parseTimestamp, parseTimestampNs } from './temporal.ts'
import type { Type, Value } from './types.ts'

export type LiteralPlace =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'nan' }
  /** No value of the column equals it. The nearest ones below and above; undefined: there is none on that side. */
  | { readonly kind: 'between'; readonly below: Value | undefined; readonly above: Value | undefined }

/** `unscaled / 10^scale`; the scale is not negative. */
interface ExactNumber {
  readonly unscaled: bigint
  readonly scale: number
}

const MIN_INT = -0x8000_0000n
const MAX_INT = 0x7fff_ffffn
const MIN_LONG = -0x8000_0000_0000_0000n
const MAX_LONG = 0x7fff_ffff_ffff_ffffn
const MAX_FLOAT = 3.4028234663852886e38
const MS_PER_DAY = 86_400_000
/** More digits than any double or decimal has; keeps a hostile literal from costing time. */
const MAX_SCALE = 400

/**
 * Finds the place of a literal. Accepted is what a row accepts (see {@link toValue}), and besides: numbers, bigints and
 * exact decimals of any size and fraction for every numeric type (for float and double the nearest value is taken, as an
 * SQL cast does); for `timestamptz` a date or a time without zone, which is UTC; for timestamps more digits of a second
 * than they hold; for `date` a Date that is not midnight.
 *
 * @throws `invalid-argument`: "found 'abc' (string), expected long; ..."
 */
export function placeLiteral(type: Type, literal: Literal): LiteralPlace {
  switch (type.type) {
    case 'int':
      return placeInteger(type, literal, MIN_INT, MAX_INT, Number)
    case 'long':
      return placeInteger(type, literal, MIN_LONG, MAX_LONG, (value) => value)
    case 'decimal':
      return placeDecimal(type, literal)
    case 'float':
      return placeFloat(type, literal, MAX_FLOAT, Math.fround)
    case 'double':
      return placeFloat(type, literal, Number.MAX_VALUE, (value) => value)
    case 'date':
      return literal instanceof Date ? placeDate(type, literal) : exactly(toValue(type, literal))
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return typeof literal === 'string' ? placeTimestamp(type.type, literal) : exactly(toValue(type, literal))
    default:
      return exactly(toValue(type, literal))
  }
}

const exactly = (value: Value): LiteralPlace => ({ kind: 'value', value })

function placeInteger(
  type: Type,
  literal: Literal,
  min: bigint,
  max: bigint,
  toColumn: (value: bigint) => Value,
): LiteralPlace {
  if (isInfinite(literal)) return beyond(literal, toColumn(min), toColumn(max))
  const exact = exactNumber(literal) ?? mismatch(type, literal, 'a number or bigint')
  return among(type, literal, exact, 0, min, max, toColumn)
}

function placeDecimal(type: Type & { readonly type: 'decimal' }, literal: Literal): LiteralPlace {
  const max = maxUnscaled(type.precision)
  if (isInfinite(literal)) return beyond(literal, -max, max)
  // Without a scale of its own it is what a row accepts: in the scale of the column.
  if (
    typeof literal === 'object' &&
    'unscaled' in literal &&
    literal.scale === undefined &&
    typeof literal.unscaled === 'bigint'
  )
    return among(type, literal, { unscaled: literal.unscaled, scale: type.scale }, type.scale, -max, max, (v) => v)
  const exact = typeof literal === 'string' ? exactText(literal) : exactNumber(literal)
  if (exact === undefined) return exactly(toValue(type, literal))
  return among(type, literal, exact, type.scale, -max, max, (value) => value)
}

const isInfinite = (literal: Literal): literal is number =>
  typeof literal === 'number' && Math.abs(literal) === Infinity

const beyond = (infinity: number, min: Value, max: Value): LiteralPlace =>
  infinity > 0 ? { kind: 'between', below: max, above: undefined } : { kind: 'between', below: undefined, above: min }

/** Places a number among the multiples of 10^-scale from min to max. */
function among(
  type: Type,
  literal: Literal,
  { unscaled, scale }: ExactNumber,
  columnScale: number,
  min: bigint,
  max: bigint,
  toColumn: (value: bigint) => Value,
): LiteralPlace {
  const divisor = 10n ** BigInt(Math.max(0, scale - columnScale))
  const scaled = unscaled * 10n ** BigInt(Math.max(0, columnScale - scale))
  const quotient = scaled / divisor
  const floor = scaled < 0n && quotient * divisor !== scaled ? quotient - 1n : quotient
  const ceiling = floor * divisor === scaled ? floor : floor + 1n
  if (floor === ceiling && floor >= min && floor <= max) {
    if (typeof literal === 'number' && Math.abs(literal) > Number.MAX_SAFE_INTEGER)
      mismatch(type, literal, 'a number is exact only up to 2^53: use a bigint')
    return exactly(toColumn(floor))
  }
  return {
    kind: 'between',
    below: floor < min ? undefined : toColumn(floor > max ? max : floor),
    above: ceiling > max ? undefined : toColumn(ceiling < min ? min : ceiling),
  }
}

function placeFloat(type: Type, literal: Literal, max: number, round: (value: number) => number): LiteralPlace {
  const number = typeof literal === 'number' ? literal : nearestDouble(type, literal)
  if (Number.isNaN(number)) return { kind: 'nan' }
  const rounded = round(number)
  // Adding 0 makes 0 of -0: they are equal to every comparison.
  if (!isInfinite(rounded) || isInfinite(literal)) return exactly(rounded + 0)
  return rounded > 0
    ? { kind: 'between', below: max, above: Infinity }
    : { kind: 'between', below: -Infinity, above: -max }
}

function nearestDouble(type: Type, literal: Literal): number {
  const exact = exactNumber(literal) ?? mismatch(type, literal, 'a number')
  return Number(`${exact.unscaled}e-${exact.scale}`)
}

/** Undefined if the literal is no number. A double counts as the shortest text that names it: 0.1 is one tenth. */
function exactNumber(literal: Literal): ExactNumber | undefined {
  if (typeof literal === 'bigint') return { unscaled: literal, scale: 0 }
  if (typeof literal === 'number') return exactText(String(literal))
  if (typeof literal !== 'object' || !('unscaled' in literal) || literal.scale === undefined) return undefined
  const { unscaled, scale } = literal
  if (typeof unscaled !== 'bigint' || !Number.isInteger(scale) || Math.abs(scale) > MAX_SCALE)
    invalid(`found ${describeValue(literal)}, expected { unscaled: bigint, scale: an integer up to ${MAX_SCALE} }`)
  return withScale(unscaled, scale)
}

function exactText(text: string): ExactNumber | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,4}))?$/i.exec(text)
  const [, sign, whole = '', fraction = '', exponent = '0'] = match ?? []
  const scale = fraction.length - Number(exponent)
  if (match === null || whole + fraction === '' || text.length > MAX_SCALE || Math.abs(scale) > MAX_SCALE)
    return undefined
  const magnitude = BigInt(whole + fraction)
  return withScale(sign === '-' ? -magnitude : magnitude, scale)
}

const withScale = (unscaled: bigint, scale: number): ExactNumber =>
  scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 }

function placeDate(type: Type, date: Date): LiteralPlace {
  const days = date.getTime() / MS_PER_DAY
  if (Number.isInteger(days) || Number.isNaN(days)) return exactly(toValue(type, date))
  return { kind: 'between', below: Math.floor(days), above: Math.ceil(days) + 0 }
}

type TimestampName = 'timestamp' | 'timestamptz' | 'timestamp_ns' | 'timestamptz_ns'

function placeTimestamp(type: TimestampName, text: string): LiteralPlace {
  const digits = type.endsWith('_ns') ? 9 : 6
  const finer = new RegExp(`^(.*\\.\\d{${digits}})(\\d*[1-9]\\d*)(z|[+-][\\d:]*)?$`, 'is').exec(text)
  if (finer === null || finer[2]!.length > MAX_SCALE) return exactly(parseMoment(type, text))
  const below = parseMoment(type, `${finer[1]!}${finer[3] ?? ''}`)
  return { kind: 'between', below, above: below === MAX_LONG ? undefined : below + 1n }
}

/** A text without zone is UTC for a column with zone; a zone for a column without one stays an error. */
function parseMoment(type: TimestampName, text: string): bigint {
  const parse = type.endsWith('_ns') ? parseTimestampNs : parseTimestamp
  const zoned = type.startsWith('timestamptz')
  try {
    return parse(text, zoned)
  } catch (error) {
    if (!zoned) throw error
    try {
      return parse(text, false)
    } catch {
      throw error
    }
  }
}
