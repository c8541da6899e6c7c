/** Decimals as unscaled bigints: never through floating point, so every digit survives. */
import { invalid } from '../errors.ts'
import { describeValue } from './describe.ts'

/** A double holds every integer of this many decimal digits. */
const EXACT_DIGITS = 15
/** Longer than any decimal(38, s) with an exponent; keeps hostile input from costing time. */
const MAX_TEXT_CHARS = 400
const MAX_EXPONENT = 400

const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, n) => 10 ** n)
const BIG_POWERS = Array.from({ length: 39 }, (_, n) => 10n ** BigInt(n))

/** Whether an unscaled value has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = BIG_POWERS[precision]!
  return unscaled < limit && unscaled > -limit
}

/** The largest unscaled value of a precision. */
export function maxUnscaled(precision: number): bigint {
  return BIG_POWERS[precision]! - 1n
}

/**
 * The unscaled value of a decimal text (`12.5`, `-.25`, `1e3`) at a scale.
 *
 * @throws `invalid-argument` if it is no decimal, needs more fraction digits than `scale`, or more digits than `precision`.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint {
  const length = text.length
  let at = 0
  const first = text.charCodeAt(0)
  if (first === 0x2d || first === 0x2b) at = 1
  const start = at
  let value = 0
  let digits = 0
  let point = -1
  for (; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x30 && code <= 0x39) {
      value = value * 10 + (code - 0x30)
      digits++
    } else if (code === 0x2e && point < 0) point = at
    else break
  }
  if (digits === 0 || length > MAX_TEXT_CHARS) refuse(text, precision, scale, 'it is no decimal number')
  const fraction = point < 0 ? 0 : at - point - 1
  const shift = scale - fraction
  if (at === length && shift >= 0 && digits + shift <= EXACT_DIGITS && digits + shift <= precision) {
    value *= POWERS[shift]!
    return BigInt(first === 0x2d ? -value : value)
  }
  const exponent = at === length ? 0 : parseExponent(text, at, precision, scale)
  const mantissa = point < 0 ? text.slice(start, at) : text.slice(start, point) + text.slice(point + 1, at)
  const magnitude = rescale(BigInt(mantissa), shift + exponent, text, precision, scale)
  if (!fitsPrecision(magnitude, precision))
    refuse(text, precision, scale, `it has more than ${precision - scale} digits before the point`)
  return first === 0x2d ? -magnitude : magnitude
}

function parseExponent(text: string, at: number, precision: number, scale: number): number {
  const code = text.charCodeAt(at)
  const exponent = Number(text.slice(at + 1))
  const isExponent = (code === 0x65 || code === 0x45) && /^[+-]?\d+$/.test(text.slice(at + 1))
  if (!isExponent || Math.abs(exponent) > MAX_EXPONENT) refuse(text, precision, scale, 'it is no decimal number')
  return exponent
}

function rescale(value: bigint, shift: number, text: string, precision: number, scale: number): bigint {
  if (shift >= 0) return value * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  if (value % divisor !== 0n) refuse(text, precision, scale, `it has more than ${scale} digits after the point`)
  return value / divisor
}

function refuse(text: string, precision: number, scale: number, why: string): never {
  return invalid(`found ${describeValue(text)}, expected decimal(${precision},${scale}); ${why}`)
}

/**
 * The unscaled value of a number, taken as the shortest text that names it (0.1 is one tenth).
 *
 * @throws `invalid-argument` if it is not finite, is too large for a double to be exact, or does not fit.
 */
export function decimalFromNumber(value: number, precision: number, scale: number): bigint {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
    invalid(
      `found ${describeValue(value)}, expected decimal(${precision},${scale}); ` +
        'a number is exact only up to 2^53: give a decimal string',
    )
  return parseDecimal(String(value), precision, scale)
}

/** A decimal with exactly `scale` digits after the point: `12.50`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString()
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Two's-complement, big-endian, as few bytes as hold the value (spec: appendices B and D). At most 128 bits. */
export function decimalToBytes(unscaled: bigint): Uint8Array {
  const short = BigInt.asIntN(64, unscaled) === unscaled
  const bytes = new Uint8Array(short ? 8 : 16)
  const view = new DataView(bytes.buffer)
  if (short) view.setBigInt64(0, unscaled)
  else {
    view.setBigInt64(0, unscaled >> 64n)
    view.setBigUint64(8, BigInt.asUintN(64, unscaled))
  }
  const sign = unscaled < 0n ? 0xff : 0
  let start = 0
  // A leading byte is redundant if it is only sign, and the next byte carries the same sign.
  while (start < bytes.length - 1 && bytes[start] === sign && (bytes[start + 1]! & 0x80) === (sign & 0x80)) start++
  return bytes.slice(start)
}

/** The inverse of {@link decimalToBytes}; takes padded bytes too, such as those of an Avro or Parquet fixed. */
export function decimalFromBytes(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(bytes.length * 8, value)
}
