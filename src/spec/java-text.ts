/** Numbers as Java prints them, which is how they appear in the paths of partitions. */

/** `Double.toString`: always a point, an exponent outside of [1e-3, 1e7). */
export function doubleToText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return shortestToText(value, String(Math.abs(value)))
}

/** `Float.toString`: the shortest digits that name the 32-bit value. */
export function floatToText(value: number): string {
  if (!Number.isFinite(value)) return doubleToText(value)
  const magnitude = Math.abs(value)
  for (let digits = 1; digits <= 9; digits++) {
    const text = magnitude.toPrecision(digits)
    if (Math.fround(Number(text)) === Math.fround(magnitude)) return shortestToText(value, String(Number(text)))
  }
  return shortestToText(value, String(magnitude))
}

/** Lays out JavaScript's shortest digits of a magnitude as Java does. */
function shortestToText(value: number, text: string): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const magnitude = Math.abs(value)
  if (magnitude === 0) return `${sign}0.0`
  const { digits, exponent } = scientific(text)
  if (magnitude >= 1e-3 && magnitude < 1e7) {
    if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
    return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
  }
  return `${sign}${digits[0]!}.${digits.slice(1) || '0'}E${exponent}`
}

/** The significant digits of a number's text, and the power of ten of the first. */
function scientific(text: string): { digits: string; exponent: number } {
  const [mantissa = '', power = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const all = whole + fraction
  const leading = all.length - all.replace(/^0+/, '').length
  return {
    digits: all.slice(leading).replace(/0+$/, ''),
    exponent: whole.length - 1 - leading + Number(power),
  }
}

/** `BigDecimal.toString`: an exponent only for values that would begin with more than five zeros after the point. */
export function decimalToText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString()
  if (scale === 0) return sign + digits
  const exponent = digits.length - 1 - scale
  if (exponent < -6) return `${sign}${digits[0]!}${digits.length > 1 ? `.${digits.slice(1)}` : ''}E${exponent}`
  const padded = digits.padStart(scale + 1, '0')
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}
