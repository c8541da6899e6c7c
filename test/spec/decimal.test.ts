import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decimalFromBytes,
  decimalFromNumber,
  decimalToBytes,
  fitsPrecision,
  formatDecimal,
  parseDecimal,
} from '../../src/spec/decimal.ts'

const unscaled38 = fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })
const scales = fc.integer({ min: 0, max: 38 })

describe('decimals as text', () => {
  test.each([
    ['12.5', 12, 2, 1250n],
    ['12.50', 12, 2, 1250n],
    ['12.5000', 12, 2, 1250n],
    ['-.5', 12, 2, -50n],
    ['+5.', 12, 2, 500n],
    ['0', 1, 0, 0n],
    ['-0', 1, 0, 0n],
    ['000012', 2, 0, 12n],
    ['1e3', 12, 2, 100_000n],
    ['1.5E-1', 12, 2, 15n],
    ['2E+20', 21, 0, 2n * 10n ** 20n],
    ['9999999999.99', 12, 2, 999_999_999_999n],
    ['-256619187876373715453971649.6550669089', 38, 10, -2566191878763737154539716496550669089n],
    ['99999999999999999999999999999999999999', 38, 0, 10n ** 38n - 1n],
  ])('%s as decimal(%i,%i)', (text, precision, scale, unscaled) => {
    expect(parseDecimal(text, precision, scale)).toBe(unscaled)
  })

  test.each([
    ['abc', /it is no decimal number/],
    ['', /it is no decimal number/],
    ['.', /it is no decimal number/],
    ['-', /it is no decimal number/],
    ['1,5', /it is no decimal number/],
    [' 1', /it is no decimal number/],
    ['1 ', /it is no decimal number/],
    ['1.2.3', /it is no decimal number/],
    ['0x10', /it is no decimal number/],
    ['1e', /it is no decimal number/],
    ['1e1.5', /it is no decimal number/],
    ['1e99999', /it is no decimal number/],
    ['NaN', /it is no decimal number/],
    ['Infinity', /it is no decimal number/],
    ['1.005', /more than 2 digits after the point/],
    ['1e-3', /more than 2 digits after the point/],
    ['10000000000', /more than 10 digits before the point/],
    ['1e10', /more than 10 digits before the point/],
    ['9'.repeat(500), /it is no decimal number/],
  ])("'%s' is refused as decimal(12,2)", (text, message) => {
    expect(() => parseDecimal(text, 12, 2)).toThrow(message)
    expect(() => parseDecimal(text, 12, 2)).toThrow(/^found '.*' \(string\), expected decimal\(12,2\); /)
  })

  test('every decimal survives text', () => {
    fc.assert(
      fc.property(unscaled38, scales, (unscaled, scale) => {
        expect(parseDecimal(formatDecimal(unscaled, scale), 38, scale)).toBe(unscaled)
      }),
    )
  })

  test('the fast way and the exact way agree', () => {
    const text = fc.tuple(fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }), fc.integer({ min: 0, max: 6 }))
    fc.assert(
      fc.property(text, ([unscaled, digits]) => {
        const exact = unscaled * 10n ** BigInt(8 - digits)
        expect(parseDecimal(formatDecimal(unscaled, digits), 38, 8)).toBe(exact)
      }),
    )
  })

  test('has exactly as many digits after the point as the scale', () => {
    expect(formatDecimal(1250n, 2)).toBe('12.50')
    expect(formatDecimal(-5n, 2)).toBe('-0.05')
    expect(formatDecimal(0n, 3)).toBe('0.000')
    expect(formatDecimal(7n, 0)).toBe('7')
  })
})

describe('decimals as numbers', () => {
  test.each([
    [12.5, 1250n],
    [0.1, 10n],
    [-1e-2, -1n],
    [-0, 0n],
    [9007199254, 900719925400n],
  ])('%d', (value, unscaled) => {
    expect(decimalFromNumber(value, 12, 2)).toBe(unscaled)
  })

  test.each([1.005, 0.1 + 0.2, 1e-7, 1e10, NaN, Infinity, 2 ** 53, -(2 ** 60)])(
    '%d is refused as decimal(12,2)',
    (value) => {
      expect(() => decimalFromNumber(value, 12, 2)).toThrow(/expected decimal\(12,2\)/)
    },
  )
})

describe('decimals as bytes', () => {
  test.each([
    [0n, [0]],
    [1420n, [0x05, 0x8c]],
    [127n, [0x7f]],
    [128n, [0, 0x80]],
    [-128n, [0x80]],
    [-129n, [0xff, 0x7f]],
    [-1n, [0xff]],
    [2n ** 63n, [0, 0x80, 0, 0, 0, 0, 0, 0, 0]],
  ])('%s takes as few as hold it', (unscaled, bytes) => {
    expect([...decimalToBytes(unscaled)]).toEqual(bytes)
  })

  test('every decimal survives, padded or not', () => {
    fc.assert(
      fc.property(unscaled38, (unscaled) => {
        const bytes = decimalToBytes(unscaled)
        expect(decimalFromBytes(bytes)).toBe(unscaled)
        const padded = new Uint8Array(20).fill(unscaled < 0n ? 0xff : 0)
        padded.set(bytes, 20 - bytes.length)
        expect(decimalFromBytes(padded)).toBe(unscaled)
      }),
    )
  })

  test('a precision is a number of digits', () => {
    expect([fitsPrecision(99n, 2), fitsPrecision(100n, 2), fitsPrecision(-99n, 2), fitsPrecision(-100n, 2)]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })
})
