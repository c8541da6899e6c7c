import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toValue } from '../../src/spec/literal.ts'
import {
  bindTransform,
  checkTransform,
  firstCodePoints,
  parseTransform,
  preservesOrder,
  transformName,
  transformResultType,
} from '../../src/spec/transforms.ts'
import { PRIMITIVE_NAMES, parseType, typeName } from '../../src/spec/type-json.ts'
import type { Type, Value } from '../../src/spec/types.ts'
import { compareValues } from '../../src/spec/values.ts'
import { caught } from './caught.ts'

const typeOf = (name: string): Type => parseType(name, { path: '', fail: (message) => expect.unreachable(message) })
const apply = (transform: string, type: string, input: unknown): Value | null =>
  bindTransform(parseTransform(transform), typeOf(type))(input === null ? null : toValue(typeOf(type), input))

describe('names of transforms', () => {
  test.each(['identity', 'year', 'month', 'day', 'hour', 'void', 'bucket[16]', 'truncate[4]', 'zorder', 'bucket[0]'])(
    '%s survives',
    (name) => {
      expect(transformName(parseTransform(name))).toBe(name)
    },
  )

  test('one that is not known is kept by its exact name', () => {
    expect(parseTransform('Zorder[3]')).toEqual({ transform: 'unknown', name: 'Zorder[3]' })
    expect(parseTransform('bucket[99999999999]')).toEqual({ transform: 'unknown', name: 'bucket[99999999999]' })
    expect(parseTransform('DAY')).toEqual({ transform: 'day' })
  })
})

describe('results of transforms', () => {
  const cases: [transform: string, type: string, input: unknown, result: Value | null][] = [
    ['identity', 'string', 'a', 'a'],
    ['void', 'string', 'a', null],
    ['bucket[16]', 'int', 34, (2017239379 & 0x7fffffff) % 16],
    ['bucket[7]', 'decimal(9,2)', '14.20', (-500754589 & 0x7fffffff) % 7],
    ['bucket[100]', 'string', 'iceberg', 1210000089 % 100],
    ['year', 'date', '2017-11-16', 47],
    ['year', 'date', '1969-12-31', -1],
    ['year', 'date', '1970-01-01', 0],
    ['year', 'date', '0000-03-01', -1970],
    ['month', 'date', '2017-11-16', 574],
    ['month', 'date', '1969-12-31', -1],
    ['month', 'date', '1969-01-01', -12],
    ['month', 'timestamptz', '1969-11-30T23:00:00-01:00', -1],
    ['day', 'date', '2017-11-16', 17486],
    ['day', 'timestamp', '2017-11-16T22:31:08', 17486],
    ['day', 'timestamp', '1969-12-31T23:59:59.999999', -1],
    ['day', 'timestamp', '1969-12-31T00:00:00', -1],
    ['day', 'timestamp', '1969-12-30T23:59:59.999999', -2],
    ['day', 'timestamp', '+290000-01-01T00:00:00', 105_200_797],
    ['day', 'timestamp_ns', '1969-12-31T23:59:59.999999999', -1],
    ['day', 'timestamptz_ns', '2017-11-16T22:31:08Z', 17486],
    ['year', 'timestamptz', '1970-01-01T00:00:00+01:00', -1],
    ['hour', 'timestamp', '2017-11-16T22:31:08', 17486 * 24 + 22],
    ['hour', 'timestamp', '1969-12-31T23:59:59.999999', -1],
    ['hour', 'timestamp', '1969-12-31T22:59:59.999999', -2],
    ['hour', 'timestamp', 2n ** 63n - 1n, 2 ** 31 - 1],
    ['hour', 'timestamp_ns', -1n, -1],
    ['truncate[10]', 'int', 1, 0],
    ['truncate[10]', 'int', -1, -10],
    ['truncate[10]', 'int', -10, -10],
    ['truncate[10]', 'int', -(2 ** 31), -(2 ** 31)],
    ['truncate[10]', 'long', -1n, -10n],
    ['truncate[10]', 'long', 19n, 10n],
    ['truncate[10]', 'long', -(2n ** 63n), -(2n ** 63n)],
    ['truncate[50]', 'decimal(9,2)', '10.65', 1050n],
    ['truncate[50]', 'decimal(9,2)', '-0.01', -50n],
    ['truncate[1000]', 'decimal(2,0)', '-99', -99n],
    ['truncate[3]', 'string', 'iceberg', 'ice'],
    ['truncate[3]', 'string', 'ic', 'ic'],
    ['truncate[2]', 'string', '\u{1f600}\u{1f601}\u{1f602}', '\u{1f600}\u{1f601}'],
    ['truncate[3]', 'binary', new Uint8Array([1, 2, 3, 4, 5]), new Uint8Array([1, 2, 3])],
  ]
  test.each(cases)('%s of %s %s', (transform, type, input, result) => {
    expect(apply(transform, type, input)).toEqual(result)
    expect(apply(transform, type, null)).toBeNull()
  })

  test('an unknown transform computes nothing', () => {
    expect(() => bindTransform(parseTransform('zorder'), typeOf('int'))).toThrow(/'zorder' is not known/)
  })

  test('days and hours agree with Date, before 1970 too', () => {
    const day = bindTransform({ transform: 'day' }, typeOf('timestamptz'))
    const hour = bindTransform({ transform: 'hour' }, typeOf('timestamptz'))
    const month = bindTransform({ transform: 'month' }, typeOf('timestamptz'))
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), fc.integer({ min: 0, max: 999 }), (date, extra) => {
        const micros = BigInt(date.getTime()) * 1000n + BigInt(extra)
        expect(day(micros)).toBe(Math.floor(date.getTime() / 86_400_000))
        const hours = Math.floor(date.getTime() / 3_600_000)
        expect(hour(micros)).toBe(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, hours)))
        expect(month(micros)).toBe((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth())
      }),
    )
  })

  test('boundaries of hours and days are exact to the microsecond', () => {
    const day = bindTransform({ transform: 'day' }, typeOf('timestamp'))
    const hour = bindTransform({ transform: 'hour' }, typeOf('timestamp'))
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (hours) => {
        const start = BigInt(hours) * 3_600_000_000n
        expect(hour(start)).toBe(hours)
        expect(hour(start + 3_599_999_999n)).toBe(hours)
        expect(hour(start - 1n)).toBe(Math.max(-(2 ** 31), hours - 1))
        expect(day(start)).toBe(Math.floor(hours / 24))
      }),
    )
  })
})

const orderedInputs: [type: string, values: fc.Arbitrary<Value>][] = [
  ['int', fc.integer()],
  ['long', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['decimal(4,2)', fc.bigInt({ min: -9999n, max: 9999n })],
  ['decimal(38,2)', fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })],
  ['date', fc.integer()],
  ['timestamp', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['timestamp_ns', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['string', fc.string({ unit: 'binary' })],
  ['binary', fc.uint8Array()],
]

describe('properties of transforms', () => {
  for (const [typeText, values] of orderedInputs)
    for (const transform of ['truncate[1]', 'truncate[7]', 'truncate[2147483647]', 'year', 'month', 'day', 'hour']) {
      const type = typeOf(typeText)
      const parsed = parseTransform(transform)
      if (caught(() => checkTransform(parsed, type, 'c')) !== undefined) continue
      test(`${transform} of ${typeText} keeps the order, so ranges can be pruned`, () => {
        const bound = bindTransform(parsed, type)
        const compare = compareValues(type)
        const compareResults = compareValues(transformResultType(parsed, type))
        fc.assert(
          fc.property(values, values, (a, b) => {
            const [low, high] = compare(a, b) <= 0 ? [a, b] : [b, a]
            expect(compareResults(bound(low)!, bound(high)!)).toBeLessThanOrEqual(0)
          }),
        )
      })
    }

  test('buckets are from 0 to n - 1', () => {
    const bound = bindTransform({ transform: 'bucket', buckets: 5 }, typeOf('string'))
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([0, 1, 2, 3, 4]).toContain(bound(text))
      }),
    )
  })

  test('bucket and void do not keep the order, the others do', () => {
    const names = ['identity', 'year', 'month', 'day', 'hour', 'truncate[3]', 'bucket[3]', 'void', 'zorder']
    expect(names.filter((name) => preservesOrder(parseTransform(name)))).toEqual(names.slice(0, 6))
  })

  test('the first code points of a text never cut a pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 12 }), (text, n) => {
        expect(firstCodePoints(text, n)).toBe([...text].slice(0, n).join(''))
      }),
    )
  })
})

describe('which transform fits which type (the table of the spec)', () => {
  const types = [...PRIMITIVE_NAMES, 'decimal(9,2)', 'fixed[4]'].map((name) => typeOf(name))
  const allowed: Record<string, string> = {
    identity: types.map((type) => typeName(type)).join(' '),
    void: types.map((type) => typeName(type)).join(' '),
    'bucket[4]':
      'int long date time timestamp timestamptz timestamp_ns timestamptz_ns string uuid binary decimal(9,2) fixed[4]',
    'truncate[4]': 'int long string binary decimal(9,2)',
    year: 'date timestamp timestamptz timestamp_ns timestamptz_ns',
    month: 'date timestamp timestamptz timestamp_ns timestamptz_ns',
    day: 'date timestamp timestamptz timestamp_ns timestamptz_ns',
    hour: 'timestamp timestamptz timestamp_ns timestamptz_ns',
    zorder: '',
  }
  test.each(Object.entries(allowed))('%s', (transform, expected) => {
    const errors = types.map((type) => caught(() => checkTransform(parseTransform(transform), type, 'c')))
    expect(errors.every((error) => error === undefined || error.code === 'invalid-argument')).toBe(true)
    const fitting = types.filter((_, i) => errors[i] === undefined)
    expect(fitting.map((type) => typeName(type)).join(' ')).toBe(expected)
  })

  test('nested types and those of later formats take none but void', () => {
    const list: Type = { type: 'list', elementId: 2, element: { type: 'int' }, elementRequired: true }
    expect(() => checkTransform({ transform: 'identity' }, list, 'tags')).toThrow(
      /transform identity cannot be applied to column 'tags' of type list<int>: it takes primitive types/,
    )
    expect(() => checkTransform({ transform: 'identity' }, typeOf('variant'), 'v')).toThrow(/variant/)
    expect(() => checkTransform({ transform: 'void' }, list, 'tags')).not.toThrow()
  })

  test('parameters below 1 and beyond 32 bits are refused', () => {
    for (const buckets of [0, -1, 1.5, NaN, 2 ** 31])
      expect(() => checkTransform({ transform: 'bucket', buckets }, typeOf('int'), 'c')).toThrow(/an integer from 1/)
    expect(() => checkTransform({ transform: 'truncate', width: 0 }, typeOf('int'), 'c')).toThrow(
      /truncate takes an integer/,
    )
  })

  test('the types of the results', () => {
    const results = ['identity', 'void', 'bucket[4]', 'truncate[4]', 'year', 'month', 'day', 'hour', 'zorder'].map(
      (name) => typeName(transformResultType(parseTransform(name), typeOf('timestamptz'))),
    )
    expect(results.join(' ')).toBe('timestamptz timestamptz int timestamptz int int date int string')
  })
})
