/**
 * Dates, times and timestamps between text, Date and their stored integers. Texts are ISO 8601: `2026-01-31`,
 * `12:00:00.000001`, `2026-01-31T12:00:00Z`; years outside 0000 to 9999 have a sign (`+12026`, `-0044`).
 * The parsers run once for each value of a column, hence character codes instead of regular expressions.
 */
import { invalid } from '../errors.ts'
import { civilFromDays, daysFromCivil, daysInMonth } from './calendar.ts'
import { describeValue } from './describe.ts'

const MICROS_PER_DAY = 86_400_000_000
const NANOS_PER_DAY = 86_400_000_000_000n
const MS_PER_DAY = 86_400_000
/** Within this many days of the epoch, microseconds are exact in a double: 1686 to 2254. */
const EXACT_MICROS_DAYS = 104_000
/** Offsets beyond these do not exist (java.time has the same limit). */
const MAX_OFFSET_MINUTES = 18 * 60
const MAX_INT = 0x7fff_ffff

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

const isSign = (code: number): boolean => code === 0x2b || code === 0x2d

/** The number that the digits of `text[from, to)` spell; NaN if they are not all digits, or none. */
function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return NaN
    value = value * 10 + code - 0x30
  }
  return from < to && to <= text.length ? value : NaN
}

/** Day number of the date that `text[0, end)` spells, or NaN. */
function scanDate(text: string, end: number): number {
  const dash = end - 6
  if (dash < 4 || text.charCodeAt(dash) !== 0x2d || text.charCodeAt(dash + 3) !== 0x2d) return NaN
  const year = scanYear(text, dash)
  const month = digits(text, dash + 1, dash + 3)
  const day = digits(text, dash + 4, end)
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return NaN
  return daysFromCivil(year, month, day)
}

function scanYear(text: string, end: number): number {
  const sign = text.charCodeAt(0)
  if (isDigit(sign)) return end === 4 ? digits(text, 0, 4) : NaN
  if ((sign !== 0x2b && sign !== 0x2d) || end < 5 || end > 8) return NaN
  const year = digits(text, 1, end)
  return sign === 0x2d ? 0 - year : year
}

/** Nanoseconds in the last of n fraction digits. */
const FRACTION_UNIT = [0, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1]

/** Nanoseconds since midnight of the `HH:MM[:SS[.fraction]]` in `text[from, to)`, or NaN; at most 9 fraction digits. */
function scanTime(text: string, from: number, to: number): number {
  const hour = digits(text, from, from + 2)
  const minute = digits(text, from + 3, from + 5)
  if (!(hour < 24 && minute < 60) || text.charCodeAt(from + 2) !== 0x3a || to < from + 5) return NaN
  let second = 0
  let nanos = 0
  if (to > from + 5) {
    second = digits(text, from + 6, from + 8)
    if (!(second < 60) || text.charCodeAt(from + 5) !== 0x3a || to < from + 8) return NaN
    if (to > from + 8) {
      if (text.charCodeAt(from + 8) !== 0x2e || to > from + 18) return NaN
      nanos = digits(text, from + 9, to) * FRACTION_UNIT[to - from - 9]!
    }
  }
  return ((hour * 60 + minute) * 60 + second) * 1e9 + nanos
}

/** Where the `Z` or offset at the end of a timestamp begins; the text's length if there is none. */
function zoneStart(text: string, from: number): number {
  const end = text.length
  const last = text.charCodeAt(end - 1)
  if (last === 0x5a || last === 0x7a) return end - 1
  if (isSign(text.charCodeAt(end - 6)) && end - 6 > from) return end - 6
  if (isSign(text.charCodeAt(end - 5)) && end - 5 > from) return end - 5
  if (isSign(text.charCodeAt(end - 3)) && end - 3 > from) return end - 3
  return end
}

/** Minutes east of UTC of `Z`, `+HH`, `+HHMM` or `+HH:MM`, or NaN. */
function scanOffset(text: string, start: number): number {
  const length = text.length - start
  if (length === 1) return 0
  const hours = digits(text, start + 1, start + 3)
  if (length === 6 && text.charCodeAt(start + 3) !== 0x3a) return NaN
  const minutes = length === 3 ? 0 : digits(text, text.length - 2, text.length)
  if (!(minutes < 60) || !(hours * 60 + minutes <= MAX_OFFSET_MINUTES)) return NaN
  return text.charCodeAt(start) === 0x2d ? -(hours * 60 + minutes) : hours * 60 + minutes
}

/** Where the date ends: before the `T` or blank. */
function dateEnd(text: string): number {
  if (isDigit(text.charCodeAt(0))) return 10
  for (let i = 5; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x54 || code === 0x74 || code === 0x20) return i
  }
  return text.length
}

function refuse(found: unknown, expected: string, why: string): never {
  return invalid(`found ${describeValue(found)}, expected ${expected}; ${why}`)
}

/**
 * Days since 1970-01-01 of `2026-01-31`.
 *
 * @throws `invalid-argument` if it is no date of the calendar.
 */
export function parseDate(text: string): number {
  const days = scanDate(text, text.length)
  if (days >= -MAX_INT - 1 && days <= MAX_INT) return days
  return refuse(text, 'date', "a date looks like '2026-01-31' and is in the calendar")
}

/** Days since 1970-01-01 of a Date, which must be midnight UTC: any other is a moment, not a day. */
export function dateFromDate(date: Date): number {
  const days = date.getTime() / MS_PER_DAY
  if (Number.isInteger(days)) return days + 0
  return refuse(date, 'date', "a Date must be midnight UTC; a string such as '2026-01-31' has no zone to go wrong")
}

export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days)
  return `${formatYear(year)}-${pad2(month)}-${pad2(day)}`
}

function formatYear(year: number): string {
  if (year > 9999) return `+${year}`
  return year < 0 ? `-${String(-year).padStart(4, '0')}` : String(year).padStart(4, '0')
}

const pad2 = (value: number): string => (value < 10 ? `0${value}` : String(value))

/**
 * Microseconds since midnight of `12:00:00.000001`.
 *
 * @throws `invalid-argument` if it is no time of day, or finer than microseconds.
 */
export function parseTime(text: string): bigint {
  const nanos = scanTime(text, 0, text.length)
  if (nanos % 1000 === 0) return BigInt(nanos / 1000)
  return refuse(text, 'time', Number.isNaN(nanos) ? "a time looks like '12:00:00.000001'" : TOO_FINE)
}

const TOO_FINE = 'it has more than 6 digits of a second, and the type holds microseconds'

export function formatTime(micros: bigint): string {
  return timeOfDay(micros, 6)
}

/** `HH:MM:SS` and, unless it is zero, the fraction in full. */
function timeOfDay(units: bigint, fractionDigits: 6 | 9): string {
  const perSecond = fractionDigits === 6 ? 1_000_000 : 1_000_000_000
  const value = Number(units)
  const seconds = Math.floor(value / perSecond)
  const fraction = value - seconds * perSecond
  const clock = `${pad2(Math.floor(seconds / 3600))}:${pad2(Math.floor(seconds / 60) % 60)}:${pad2(seconds % 60)}`
  return fraction === 0 ? clock : `${clock}.${String(fraction).padStart(fractionDigits, '0')}`
}

/**
 * Microseconds since 1970-01-01T00:00:00 of an ISO text. With `zoned` the text must name its zone (`Z`, `+01:00`);
 * without, it must not, and a date alone is its midnight.
 *
 * @throws `invalid-argument` saying what is wrong: no timestamp, zone missing or in the way, too fine, out of range.
 */
export function parseTimestamp(text: string, zoned: boolean): bigint {
  const end = dateEnd(text)
  const days = scanDate(text, end)
  const zone = zoneStart(text, end)
  if (Number.isNaN(days) || zone < text.length !== zoned) return refuseTimestamp(text, zoned, 6)
  const nanos = zone > end ? scanTime(text, end + 1, zone) : 0
  const offset = zoned ? scanOffset(text, zone) : 0
  const rest = nanos / 1000 - offset * 60_000_000
  if (!Number.isInteger(rest) || !isSeparator(text, end)) return refuseTimestamp(text, zoned, 6)
  if (days > -EXACT_MICROS_DAYS && days < EXACT_MICROS_DAYS) return BigInt(days * MICROS_PER_DAY + rest)
  return inRange(BigInt(days) * 86_400_000_000n + BigInt(rest), text, zoned ? 'timestamptz' : 'timestamp')
}

/** Nanoseconds since 1970-01-01T00:00:00 of an ISO text; as {@link parseTimestamp}, with up to nine fraction digits. */
export function parseTimestampNs(text: string, zoned: boolean): bigint {
  const end = dateEnd(text)
  const days = scanDate(text, end)
  const zone = zoneStart(text, end)
  if (Number.isNaN(days) || zone < text.length !== zoned) return refuseTimestamp(text, zoned, 9)
  const nanos = zone > end ? scanTime(text, end + 1, zone) : 0
  const offset = zoned ? scanOffset(text, zone) : 0
  if (!Number.isInteger(nanos + offset) || !isSeparator(text, end)) return refuseTimestamp(text, zoned, 9)
  const value = BigInt(days) * NANOS_PER_DAY + BigInt(nanos) - BigInt(offset) * 60_000_000_000n
  return inRange(value, text, zoned ? 'timestamptz_ns' : 'timestamp_ns')
}

function isSeparator(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 0x54 || code === 0x74 || code === 0x20 || at === text.length
}

function inRange(value: bigint, found: unknown, expected: string): bigint {
  if (BigInt.asIntN(64, value) === value) return value
  return refuse(found, expected, 'it is outside what 64 bits hold')
}

/** Finds out, after the fact, why a timestamp was refused: the fast path only knows that it was. */
function refuseTimestamp(text: string, zoned: boolean, fractionDigits: 6 | 9): never {
  const name = `timestamp${zoned ? 'tz' : ''}${fractionDigits === 9 ? '_ns' : ''}`
  const end = dateEnd(text)
  const zone = zoneStart(text, end)
  const example = `2026-01-31T12:00:00.${'1'.padStart(fractionDigits, '0')}${zoned ? 'Z' : ''}`
  if (!Number.isNaN(scanDate(text, end)) && isSeparator(text, end)) {
    const nanos = zone > end ? scanTime(text, end + 1, zone) : 0
    if (/\.\d{7,}/.test(text) && (nanos % 1000 !== 0 || /\.\d{10}/.test(text)))
      refuse(text, name, fractionDigits === 6 ? TOO_FINE : 'it has more than 9 digits of a second')
    if (!Number.isNaN(nanos) && zoned && zone === text.length)
      refuse(text, name, "the text names no zone: add 'Z' or an offset such as '+01:00'")
    if (!Number.isNaN(nanos) && !zoned && zone < text.length)
      refuse(text, name, 'the column has no zone and would drop that of the text: leave it out, or use timestamptz')
  }
  return refuse(text, name, `a ${name} looks like '${example}'`)
}

/** Microseconds since the epoch of a Date. `expected` names the column's type in the error for an invalid one. */
export function timestampFromDate(date: Date, expected = 'timestamp'): bigint {
  const ms = date.getTime()
  if (Number.isNaN(ms)) refuse(date, expected, 'the Date holds no time')
  return ms > -EXACT_MICROS_DAYS * MS_PER_DAY && ms < EXACT_MICROS_DAYS * MS_PER_DAY
    ? BigInt(ms * 1000)
    : BigInt(ms) * 1000n
}

/** ISO text of microseconds since the epoch; the fraction has six digits, or is left out when zero. `+00:00` if zoned. */
export function formatTimestamp(micros: bigint, zoned: boolean): string {
  return formatMoment(micros, 86_400_000_000n, 6, zoned)
}

/** ISO text of nanoseconds since the epoch, as {@link formatTimestamp}; the fraction has nine digits. */
export function formatTimestampNs(nanos: bigint, zoned: boolean): string {
  return formatMoment(nanos, NANOS_PER_DAY, 9, zoned)
}

function formatMoment(units: bigint, perDay: bigint, fractionDigits: 6 | 9, zoned: boolean): string {
  const remainder = units % perDay
  const timeUnits = remainder < 0n ? remainder + perDay : remainder
  const days = Number((units - timeUnits) / perDay)
  return `${formatDate(days)}T${timeOfDay(timeUnits, fractionDigits)}${zoned ? '+00:00' : ''}`
}
