import { describe, expect, test } from 'vitest'
import type { Literal } from '../../src/spec/expressions.ts'
import { placeLiteral } from '../../src/spec/literal-place.ts'
import type { LiteralPlace } from '../../src/spec/literal-place.ts'
import { parseType } from '../../src/spec/type-json.ts'
import type { Value } from '../../src/spec/types.ts'
import { caught } from './caught.ts'

const place = (type: string, literal: unknown): LiteralPlace =>
  placeLiteral(parseType(type, { path: '', fail: (message) => expect.unreachable(message) }), literal as Literal)
const at = (value: Value): LiteralPlace => ({ kind: 'value', value })
const between = (below: Value | undefined, above: Value | undefined): LiteralPlace => ({
  kind: 'between',
  below,
  above,
})

const MIN_INT = -(2 ** 31)
const MAX_INT = 2 ** 31 - 1
const MAX_LONG = 2n ** 63n - 1n
const MAX_FLOAT = 3.4028234663852886e38
const HUGE = 10n ** 400n

describe('the place of a literal among the values of a column', () => {
  test.for<[string, unknown, LiteralPlace]>([
    // At, between and beyond the last values of an integer column.
    ['int', MAX_INT, at(MAX_INT)],
    ['int', MIN_INT, at(MIN_INT)],
    ['int', MAX_INT + 1, between(MAX_INT, undefined)],
    ['int', MIN_INT - 1, between(undefined, MIN_INT)],
    ['int', MAX_INT - 0.5, between(MAX_INT - 1, MAX_INT)],
    ['int', MAX_INT + 0.5, between(MAX_INT, undefined)],
    ['int', MIN_INT + 0.5, between(MIN_INT, MIN_INT + 1)],
    ['int', MIN_INT - 0.5, between(undefined, MIN_INT)],
    ['int', Infinity, between(MAX_INT, undefined)],
    ['int', -Infinity, between(undefined, MIN_INT)],
    ['int', 2.5, between(2, 3)],
    ['int', -2.5, between(-3, -2)],
    ['int', -0.5, between(-1, 0)],
    ['int', { unscaled: -200n, scale: 2 }, at(-2)],
    ['int', { unscaled: -201n, scale: 2 }, between(-3, -2)],
    ['int', { unscaled: 2n, scale: -3 }, at(2000)],
    ['int', { unscaled: 1n, scale: 400 }, between(0, 1)],
    ['int', { unscaled: -1n, scale: -400 }, between(undefined, MIN_INT)],
    ['long', MAX_LONG + 1n, between(MAX_LONG, undefined)],
    ['long', -MAX_LONG - 2n, between(undefined, -MAX_LONG - 1n)],
    // Every integer up to here is exact in a number.
    ['long', 2 ** 53 - 1, at(2n ** 53n - 1n)],
    ['long', 1 - 2 ** 53, at(1n - 2n ** 53n)],
    ['long', 1e300, between(MAX_LONG, undefined)],
    // Decimals: exact at the scale of the column, whatever scale the literal is written in.
    ['decimal(5,2)', '-1.990', at(-199n)],
    ['decimal(5,2)', '-1.991', between(-200n, -199n)],
    ['decimal(5,2)', '+1.5', at(150n)],
    ['decimal(5,2)', '1.', at(100n)],
    ['decimal(5,2)', '.5', at(50n)],
    ['decimal(5,2)', '25e-1', at(250n)],
    ['decimal(5,2)', '1E+2', at(10_000n)],
    ['decimal(5,2)', '1e9', between(99_999n, undefined)],
    ['decimal(5,2)', '-1e400', between(undefined, -99_999n)],
    ['decimal(5,2)', '1e-400', between(0n, 1n)],
    ['decimal(5,2)', '999.99', at(99_999n)],
    ['decimal(5,2)', '1'.repeat(400), between(99_999n, undefined)],
    ['decimal(5,2)', -0.001, between(-1n, 0n)],
    ['decimal(5,2)', { unscaled: 99_999n }, at(99_999n)],
    ['decimal(5,2)', { unscaled: 100_000n }, between(99_999n, undefined)],
    ['decimal(5,2)', { unscaled: -100_000n }, between(undefined, -99_999n)],
    ['decimal(5,2)', { unscaled: 100_000n, scale: 3 }, at(10_000n)],
    ['decimal(5,2)', -Infinity, between(undefined, -99_999n)],
    // Floats: the nearest one; beyond the largest are only the infinities.
    ['float', MAX_FLOAT, at(MAX_FLOAT)],
    ['float', Infinity, at(Infinity)],
    ['float', -1e39, between(-Infinity, -MAX_FLOAT)],
    ['float', 1e39, between(MAX_FLOAT, Infinity)],
    ['float', -1e-60, at(0)],
    ['double', -HUGE, between(-Infinity, -Number.MAX_VALUE)],
    ['double', HUGE, between(Number.MAX_VALUE, Infinity)],
    ['double', -0, at(0)],
    ['double', { unscaled: 5n, scale: 400 }, at(0)],
    ['double', NaN, { kind: 'nan' }],
    // Days, and what is within one.
    ['date', new Date('1969-12-31T12:00:00Z'), between(-1, 0)],
    ['date', new Date('1970-01-01T00:00:00.001Z'), between(0, 1)],
    ['date', new Date('1969-12-31T00:00:00Z'), at(-1)],
    ['date', '1970-01-02', at(1)],
    // More digits of a second than the column holds.
    ['timestamp', '1969-12-31T23:59:59.9999995', between(-1n, 0n)],
    ['timestamp', `1970-01-01T00:00:00.000000${'0'.repeat(399)}1`, between(0n, 1n)],
    ['timestamp', '+294247-01-10T04:00:54.775807', at(MAX_LONG)],
    ['timestamp', '+294247-01-10T04:00:54.7758061', between(MAX_LONG - 1n, MAX_LONG)],
    ['timestamp', '+294247-01-10T04:00:54.7758071', between(MAX_LONG, undefined)],
    ['timestamptz', '1970-01-01T00:00:00.0000011', between(1n, 2n)],
    ['timestamptz', '1970-01-01t01:00:00.0000011+0100', between(1n, 2n)],
    ['timestamp_ns', '2262-04-11T23:47:16.8547758071', between(MAX_LONG, undefined)],
    ['timestamptz_ns', '1970-01-01T00:00:00.000000001', at(1n)],
    ['timestamptz', new Date(5), at(5000n)],
  ])('%s: %o', ([type, literal, expected]) => {
    expect(place(type, literal)).toStrictEqual(expected)
  })

  test.for<[string, unknown, string]>([
    ['int', '5', "found '5' (string), expected int; a number or bigint"],
    ['int', true, 'found true (boolean), expected int'],
    ['int', { scale: 2 }, 'found an object with keys scale, expected int'],
    ['int', NaN, 'found NaN (number), expected int'],
    ['long', 2 ** 53, 'a number is exact only up to 2^53: use a bigint'],
    ['long', -(2 ** 53), 'a number is exact only up to 2^53: use a bigint'],
    ['long', { unscaled: 5, scale: 0 }, 'expected { unscaled: bigint, scale: an integer up to 400 }'],
    ['long', { unscaled: 5n, scale: 0.5 }, 'expected { unscaled: bigint, scale: an integer up to 400 }'],
    ['long', { unscaled: 5n, scale: '1' }, 'expected { unscaled: bigint, scale: an integer up to 400 }'],
    ['long', { unscaled: 5n, scale: 401 }, 'expected { unscaled: bigint, scale: an integer up to 400 }'],
    ['double', { unscaled: 5n, scale: -401 }, 'expected { unscaled: bigint, scale: an integer up to 400 }'],
    ['double', '1.5', "found '1.5' (string), expected double; a number"],
    ['decimal(5,2)', '', 'it is no decimal number'],
    ['decimal(5,2)', '.', 'it is no decimal number'],
    ['decimal(5,2)', '-', 'it is no decimal number'],
    ['decimal(5,2)', 'e5', 'it is no decimal number'],
    ['decimal(5,2)', 'EUR 1.50', 'it is no decimal number'],
    ['decimal(5,2)', '1.50 EUR', 'it is no decimal number'],
    ['decimal(5,2)', '1e401', 'it is no decimal number'],
    ['decimal(5,2)', '1'.repeat(401), 'it is no decimal number'],
    ['decimal(5,2)', NaN, 'expected decimal(5,2)'],
    ['decimal(5,2)', { unscaled: 5 }, 'expected decimal(5,2)'],
    ['decimal(5,2)', true, 'found true (boolean), expected decimal(5,2)'],
    ['timestamp', `1970-01-01T00:00:00.000000${'0'.repeat(400)}1`, 'more than 6 digits of a second'],
    ['timestamp', '1970-01-01T00:00:00.0000011Z', 'the column has no zone'],
    ['timestamptz', '1970-13-01T00:00:00.0000011', 'a timestamptz looks like'],
  ])('%s: %o is refused', ([type, literal, message]) => {
    const error = caught(() => place(type, literal))
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toContain(message)
  })
})
