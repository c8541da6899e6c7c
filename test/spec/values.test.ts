import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { parseLiteral, toValue } from '../../src/spec/literal.ts'
import { parseType } from '../../src/spec/type-json.ts'
import type { Type, Value } from '../../src/spec/types.ts'
import {
  compareValues,
  decodeValue,
  encodeValue,
  truncateLowerBound,
  truncateUpperBound,
} from '../../src/spec/values.ts'
import { caught } from './caught.ts'

const typeOf = (name: string): Type => parseType(name, { path: '', fail: (message) => expect.unreachable(message) })
const uuid = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'

describe('values that are accepted', () => {
  const cases: [type: string, input: unknown, value: Value][] = [
    ['boolean', true, true],
    ['int', -(2 ** 31), -(2 ** 31)],
    ['int', -0, 0],
    ['long', 5, 5n],
    ['long', -0, 0n],
    ['long', 2 ** 53 - 1, 2n ** 53n - 1n],
    ['long', -(2n ** 63n), -(2n ** 63n)],
    ['float', 0.1, Math.fround(0.1)],
    ['float', NaN, NaN],
    ['float', -Infinity, -Infinity],
    ['float', 1e-50, 0],
    ['double', -0, -0],
    ['double', NaN, NaN],
    ['double', 1e308, 1e308],
    ['decimal(12,2)', '12.5', 1250n],
    ['decimal(12,2)', 12.5, 1250n],
    ['decimal(12,2)', { unscaled: -1n }, -1n],
    ['date', '2017-11-16', 17486],
    ['date', new Date('2017-11-16'), 17486],
    ['time', '22:31:08', 81_068_000_000n],
    ['timestamp', new Date(1), 1000n],
    ['timestamp', '1970-01-01T00:00:00.000001', 1n],
    ['timestamp', -(2n ** 63n), -(2n ** 63n)],
    ['timestamptz', new Date(-1), -1000n],
    ['timestamptz', '1970-01-01T01:00:00+01:00', 0n],
    ['timestamptz', new Date(8.64e15), 8_640_000_000_000_000_000n],
    ['timestamp_ns', '1970-01-01T00:00:00.000000001', 1n],
    ['timestamptz_ns', 7n, 7n],
    ['string', 'a\u{1f600}', 'a\u{1f600}'],
    ['string', '', ''],
    ['uuid', uuid.toUpperCase(), uuid],
    ['fixed[2]', new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    ['binary', Buffer.from('x'), Buffer.from('x')],
  ]
  test.each(cases)('%s: %s', (type, input, value) => {
    expect(toValue(typeOf(type), input)).toEqual(value)
  })
})

describe('values that are refused, with what was found and what is expected', () => {
  const cases: [type: string, input: unknown, message: string][] = [
    ['boolean', 1, 'found 1 (number), expected boolean; true or false'],
    ['boolean', 'true', "found 'true' (string), expected boolean; true or false"],
    ['int', 1.5, 'found 1.5 (number), expected int; an integer number'],
    ['int', 2 ** 31, 'found 2147483648 (number), expected int; from -2147483648 to 2147483647; use long for more'],
    ['int', 5n, 'found 5n (bigint), expected int; an integer number'],
    ['int', '5', "found '5' (string), expected int; an integer number"],
    ['int', true, 'found true (boolean), expected int; an integer number'],
    ['int', NaN, 'found NaN (number), expected int; an integer number'],
    ['long', 1.5, 'found 1.5 (number), expected long; a bigint, or an integer number within 2^53'],
    ['long', 2 ** 53, 'found 9007199254740992 (number), expected long; a bigint, or an integer number within 2^53'],
    ['long', 2n ** 63n, 'found 9223372036854775808n (bigint), expected long; it is outside what 64 bits hold'],
    ['long', Infinity, 'found Infinity (number), expected long; a bigint, or an integer number within 2^53'],
    [
      'float',
      1e39,
      'found 1e+39 (number), expected float; a float reaches 3.4028234663852886e+38; use double for more',
    ],
    ['float', 1n, 'found 1n (bigint), expected float; a number'],
    ['double', true, 'found true (boolean), expected double; a number'],
    ['double', '1', "found '1' (string), expected double; a number"],
    ['decimal(12,2)', 'abc', "found 'abc' (string), expected decimal(12,2); it is no decimal number"],
    ['decimal(2,0)', { unscaled: 100n }, 'found 100n (bigint), expected decimal(2,0); it has more than 2 digits'],
    [
      'decimal(2,0)',
      1n,
      'found 1n (bigint), expected decimal(2,0); a decimal string, a number that is exact at that scale, or { unscaled: bigint }',
    ],
    ['date', 0, "found 0 (number), expected date; a string such as '2026-01-31', or a Date"],
    ['time', new Date(0), "found 1970-01-01T00:00:00.000Z (Date), expected time; a string such as '12:00:00.000001'"],
    ['timestamp', 0, 'found 0 (number), expected timestamp; a Date, an ISO string, or a bigint of microseconds'],
    ['timestamptz', new Date(NaN), 'found an invalid Date, expected timestamptz; the Date holds no time'],
    [
      'timestamptz',
      2n ** 63n,
      'found 9223372036854775808n (bigint), expected timestamptz; it is outside what 64 bits hold',
    ],
    [
      'timestamp_ns',
      new Date(0),
      'found 1970-01-01T00:00:00.000Z (Date), expected timestamp_ns; an ISO string, or a bigint of nanoseconds',
    ],
    [
      'timestamp_ns',
      2n ** 63n,
      'found 9223372036854775808n (bigint), expected timestamp_ns; it is outside what 64 bits hold',
    ],
    ['string', 5, 'found 5 (number), expected string; a string'],
    [
      'string',
      'a\ud800',
      "found 'a\ud800' (string), expected string; it has an unpaired surrogate, which UTF-8 cannot hold",
    ],
    ['uuid', 'f79c3e09', `found 'f79c3e09' (string), expected uuid; a string such as '${uuid}'`],
    ['uuid', `g${uuid.slice(1)}`, `found 'g${uuid.slice(1)}' (string), expected uuid; a string such as '${uuid}'`],
    [
      'uuid',
      uuid.replace('-', '_'),
      `found '${uuid.replace('-', '_')}' (string), expected uuid; a string such as '${uuid}'`,
    ],
    ['fixed[2]', new Uint8Array(3), 'found 3 bytes (Uint8Array), expected fixed[2]; exactly 2 bytes'],
    ['binary', 'text', "found 'text' (string), expected binary; a Uint8Array"],
    ['binary', [1, 2], 'found an array of 2, expected binary; a Uint8Array'],
    ['string', null, 'found null, expected string; a string'],
    ['string', {}, 'found an object without keys, expected string; a string'],
    ['string', { a: 1, b: 2 }, 'found an object with keys a, b, expected string; a string'],
    ['string', new Map(), 'found a Map of 0, expected string; a string'],
    ['string', undefined, 'found undefined, expected string; a string'],
    ['string', Symbol.iterator, 'found a symbol, expected string; a string'],
  ]
  test.each(cases)('%s: %s', (type, input, message) => {
    const error = caught(() => toValue(typeOf(type), input))
    expect(error?.message).toBe(message)
    expect(error?.code).toBe('invalid-argument')
  })

  test('a long value is shown in part', () => {
    expect(() => toValue(typeOf('int'), 'x'.repeat(100_000))).toThrow(/^found 'x{60}\.\.\.' \(string\)/)
  })

  test('parseLiteral names the column first', () => {
    expect(() => parseLiteral(typeOf('int'), 'a', "column 'n'")).toThrow(
      /^column 'n': found 'a' \(string\), expected int/,
    )
  })

  test('types of later formats are refused by name', () => {
    for (const run of [
      () => toValue(typeOf('variant'), 1),
      () => encodeValue(typeOf('variant'), 1),
      () => decodeValue(typeOf('variant'), new Uint8Array(1)),
      () => compareValues(typeOf('variant')),
    ]) {
      expect(run).toThrow(/variant/)
      expect(run).toThrow(DataShardError)
    }
  })
})

/** Canonical values of each type, extremes among them. */
const arbitraries: Record<string, fc.Arbitrary<Value>> = {
  boolean: fc.boolean(),
  int: fc.integer(),
  date: fc.integer(),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  time: fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  timestamptz: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  timestamp_ns: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  timestamptz_ns: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float: fc.float(),
  double: fc.double(),
  'decimal(38,4)': fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
  string: fc.string({ unit: 'binary' }),
  uuid: fc.uuid(),
  'fixed[3]': fc.uint8Array({ minLength: 3, maxLength: 3 }),
  binary: fc.uint8Array(),
}

describe('bytes of a value (appendix D)', () => {
  test.each(Object.entries(arbitraries))('%s: every value survives', (name, values) => {
    const type = typeOf(name)
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeValue(type, encodeValue(type, value))).toEqual(value)
      }),
    )
  })

  test.each([
    ['boolean', true, [1]],
    ['int', 34, [34, 0, 0, 0]],
    ['long', -2n, [254, 255, 255, 255, 255, 255, 255, 255]],
    ['float', 1, [0, 0, 0x80, 0x3f]],
    ['double', 1, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]],
    ['date', 1, [1, 0, 0, 0]],
    ['time', 1n, [1, 0, 0, 0, 0, 0, 0, 0]],
    ['decimal(9,2)', 1420n, [5, 0x8c]],
    ['string', 'é', [0xc3, 0xa9]],
    ['uuid', uuid, [0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbd, 0xa4, 0x79, 0x3f, 0x34, 0x9c, 0xb7, 0x85, 0xe7]],
  ] as [string, Value, number[]][])('%s %s', (name, value, bytes) => {
    expect([...encodeValue(typeOf(name), value)]).toEqual(bytes)
  })

  test('bytes from before a column was widened are read as what they were', () => {
    expect(decodeValue(typeOf('long'), encodeValue(typeOf('int'), -7))).toBe(-7n)
    expect(decodeValue(typeOf('double'), encodeValue(typeOf('float'), 1.5))).toBe(1.5)
    expect(decodeValue(typeOf('timestamp'), encodeValue(typeOf('date'), -1))).toBe(-86_400_000_000n)
    expect(decodeValue(typeOf('timestamp_ns'), encodeValue(typeOf('date'), 1))).toBe(86_400_000_000_000n)
  })

  test('a view into a larger buffer is read from its own start', () => {
    const bytes = new Uint8Array([9, 9, 34, 0, 0, 0, 9]).subarray(2, 6)
    expect(decodeValue(typeOf('int'), bytes)).toBe(34)
  })

  test.each([
    ['int', 3],
    ['long', 5],
    ['float', 8],
    ['double', 0],
    ['timestamptz', 4],
    ['timestamp', 7],
    ['time', 4],
    ['uuid', 15],
    ['boolean', 2],
    ['decimal(9,2)', 0],
  ])('%s of %i bytes is damage', (name, length) => {
    expect(() => decodeValue(typeOf(name), new Uint8Array(length))).toThrow(
      `${length} bytes cannot be a value of type ${name}`,
    )
  })

  test('a string of broken UTF-8 is damage', () => {
    expect(() => decodeValue(typeOf('string'), new Uint8Array([0xff]))).toThrow(/not valid UTF-8/)
  })

  test('a string that starts with a byte order mark keeps it', () => {
    const text = '\ufeffa'
    expect(decodeValue(typeOf('string'), encodeValue(typeOf('string'), text))).toBe(text)
  })
})

describe('order of values', () => {
  test.each(Object.entries(arbitraries))('%s: total, and sorting is stable under it', (name, values) => {
    const compare = compareValues(typeOf(name))
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        expect(compare(a, a)).toBe(0)
        expect(Math.sign(compare(a, b))).toBe(0 - Math.sign(compare(b, a)))
        const [x, y, z] = [a, b, c].sort(compare) as [Value, Value, Value]
        expect(compare(x, y) <= 0 && compare(y, z) <= 0 && compare(x, z) <= 0).toBe(true)
      }),
    )
  })

  test('strings are ordered as their UTF-8 bytes are', () => {
    const compare = compareValues(typeOf('string'))
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}') })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compare(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })

  test('uuids are ordered as their bytes are', () => {
    const compare = compareValues(typeOf('uuid'))
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (a, b) => {
        const [x, y] = [encodeValue(typeOf('uuid'), a), encodeValue(typeOf('uuid'), b)]
        expect(Math.sign(compare(a, b))).toBe(Buffer.compare(x, y))
      }),
    )
  })

  test('floats: -Infinity, -1, -0, 0, 1, Infinity, NaN', () => {
    const ordered = [-Infinity, -1, -0, 0, 1, Infinity, NaN]
    expect([...ordered].reverse().sort(compareValues(typeOf('double')))).toEqual(ordered)
  })
})

describe('bounds cut to a length', () => {
  const string = typeOf('string')
  const binary = typeOf('binary')

  test.each([
    [string, 'iceberg', 3, 'ice', 'icf'],
    [string, 'ice', 3, 'ice', 'ice'],
    [string, '\u{1f600}\u{1f600}', 1, '\u{1f600}', '\u{1f601}'],
    [string, 'a\u{10ffff}b', 2, 'a\u{10ffff}', 'b'],
    [string, '\u{10ffff}\u{10ffff}', 1, '\u{10ffff}', undefined],
    [string, '\ud7ffx', 1, '\ud7ff', '\ue000'],
    [binary, new Uint8Array([1, 2, 3]), 2, new Uint8Array([1, 2]), new Uint8Array([1, 3])],
    [binary, new Uint8Array([1, 255, 3]), 2, new Uint8Array([1, 255]), new Uint8Array([2])],
    [binary, new Uint8Array([255, 255, 3]), 2, new Uint8Array([255, 255]), undefined],
    [typeOf('long'), 5n, 1, 5n, 5n],
  ] as [Type, Value, number, Value, Value | undefined][])('%j %s to %i', (type, value, n, lower, upper) => {
    expect(truncateLowerBound(type, value, n)).toEqual(lower)
    expect(truncateUpperBound(type, value, n)).toEqual(upper)
  })

  test('the value is always between its bounds', () => {
    const lengths = fc.integer({ min: 1, max: 20 })
    for (const [type, values] of [
      [string, fc.string({ unit: 'binary' })],
      [binary, fc.uint8Array()],
    ] as [Type, fc.Arbitrary<Value>][]) {
      const compare = compareValues(type)
      fc.assert(
        fc.property(values, lengths, (value, n) => {
          expect(compare(truncateLowerBound(type, value, n), value)).toBeLessThanOrEqual(0)
          const upper = truncateUpperBound(type, value, n)
          expect(upper === undefined || compare(upper, value) >= 0).toBe(true)
        }),
      )
    }
  })
})
