/** Decimals as text, digit by digit exact. */
import { formatDecimal } from '../spec/decimal.ts'

/** Unscaled values below this are exact as doubles. */
const EXACT_HIGH_WORD = 2 ** 21

/** Value `i` of 16-byte little-endian two's complements. Small ones, nearly all, go by way of a double; none is rounded. */
export function decimalReader(values: Uint8Array, scale: number): (i: number) => string {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  return (i) => {
    const at = i * 16
    const second = view.getInt32(at + 4, true)
    const sign = second < 0 ? -1 : 0
    const isSmall = view.getInt32(at + 8, true) === sign && view.getInt32(at + 12, true) === sign
    if (isSmall && second < EXACT_HIGH_WORD && second >= -EXACT_HIGH_WORD) {
      return formatSmall(second * 2 ** 32 + view.getUint32(at, true), scale)
    }
    return formatDecimal((view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true), scale)
  }
}

function formatSmall(unscaled: number, scale: number): string {
  if (scale === 0) return String(unscaled)
  const digits = String(Math.abs(unscaled)).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${unscaled < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}
