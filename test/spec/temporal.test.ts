import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { civilFromDays, daysFromCivil } from '../../src/spec/calendar.ts'
import {
  dateFromDate,
  formatDate,
  formatTime,
  formatTimestamp,
  formatTimestampNs,
  parseDate,
  parseTime,
  parseTimestamp,
  parseTimestampNs,
  timestampFromDate,
} from '../../src/spec/temporal.ts'
import { caught } from './caught.ts'

const MAX = 2n ** 63n - 1n
const micros = fc.oneof(fc.bigInt({ min: -MAX - 1n, max: MAX }), fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }))

describe('dates', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2017-11-16', 17486],
    ['2000-02-29', 11016],
    ['1900-03-01', -25508],
    ['0001-01-01', -719162],
    ['0000-02-29', -719469],
    ['-0001-12-31', -719529],
    ['9999-12-31', 2932896],
    ['+10000-01-01', 2932897],
    ['+5881580-07-11', 2147483647],
    ['-5877641-06-23', -2147483648],
  ])('%s is day %i, both ways', (text, days) => {
    expect(parseDate(text)).toBe(days)
    expect(formatDate(days)).toBe(text)
  })

  test.each([
    '',
    '2026',
    '2026-1-1',
    '2026-02-30',
    '2023-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-01-32',
    '20260101',
    '2026-01-01T00:00:00',
    ' 2026-01-01',
    '2026-01-01 ',
    '2026/01/01',
    '12026-01-01',
    '+202-01-01',
    '+5881580-07-12',
    '٢٠٢٦-01-01',
  ])("'%s' is refused", (text) => {
    expect(() => parseDate(text)).toThrow(/^found '.*' \(string\), expected date; /)
  })

  test('the calendar agrees with Date', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        const { year, month, day } = civilFromDays(days)
        const date = new Date(days * 86_400_000)
        expect([year, month, day]).toEqual([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()])
        expect(daysFromCivil(year, month, day)).toBe(days)
      }),
    )
  })

  test('every 32-bit day survives text', () => {
    fc.assert(
      fc.property(fc.integer(), (days) => {
        expect(parseDate(formatDate(days))).toBe(days)
      }),
    )
  })

  test('a Date is a day at midnight UTC only', () => {
    expect(dateFromDate(new Date('2017-11-16'))).toBe(17486)
    expect(Object.is(dateFromDate(new Date(-0)), 0)).toBe(true)
    expect(() => dateFromDate(new Date('2017-11-16T01:00:00Z'))).toThrow(
      /^found 2017-11-16T01:00:00.000Z \(Date\), expected date; a Date must be midnight UTC/,
    )
    expect(() => dateFromDate(new Date(NaN))).toThrow(/found an invalid Date/)
  })
})

describe('times', () => {
  test.each([
    ['00:00:00', 0n],
    ['12:00:00.000001', 43_200_000_001n],
    ['23:59:59.999999', 86_399_999_999n],
  ])('%s, both ways', (text, value) => {
    expect(parseTime(text)).toBe(value)
    expect(formatTime(value)).toBe(text)
  })

  test('seconds and the end of the fraction may be left out; zeros below a microsecond lose nothing', () => {
    expect(parseTime('12:34')).toBe(45_240_000_000n)
    expect(parseTime('12:34:56.7')).toBe(45_296_700_000n)
    expect(parseTime('12:34:56.700000000')).toBe(45_296_700_000n)
  })

  test.each(['24:00:00', '12:60:00', '12:00:60', '12', '12:00:', '12:00:00.', '1:00:00', '12:00:00Z', '12.00.00', ''])(
    "'%s' is refused",
    (text) => {
      expect(() => parseTime(text)).toThrow(/expected time; a time looks like/)
    },
  )

  test('more digits than microseconds are refused', () => {
    expect(() => parseTime('12:00:00.0000001')).toThrow(/more than 6 digits of a second/)
  })
})

describe('timestamps', () => {
  test.each([
    ['1970-01-01T00:00:00', 0n],
    ['1969-12-31T23:59:59.999999', -1n],
    ['2017-11-16T22:31:08.000001', 1_510_871_468_000_001n],
    ['0001-01-01T00:00:00', -62_135_596_800_000_000n],
    ['-0001-01-01T00:00:00', -62_198_755_200_000_000n],
    ['+294247-01-10T04:00:54.775807', MAX],
    ['-290308-12-21T19:59:05.224192', -MAX - 1n],
  ])('%s, both ways', (text, value) => {
    expect(parseTimestamp(text, false)).toBe(value)
    expect(formatTimestamp(value, false)).toBe(text)
    expect(parseTimestamp(`${text}Z`, true)).toBe(value)
    expect(formatTimestamp(value, true)).toBe(`${text}+00:00`)
  })

  test('any 64 bits of microseconds survive text', () => {
    fc.assert(
      fc.property(micros, fc.boolean(), (value, zoned) => {
        expect(parseTimestamp(formatTimestamp(value, zoned), zoned)).toBe(value)
        expect(parseTimestampNs(formatTimestampNs(value, zoned), zoned)).toBe(value)
      }),
    )
  })

  test('what Date writes is read as Date means it', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        // ISO strings of years outside 0 to 9999 have six digits.
        expect(parseTimestamp(date.toISOString(), true)).toBe(timestampFromDate(date))
        expect(timestampFromDate(date)).toBe(BigInt(date.getTime()) * 1000n)
      }),
    )
  })

  test.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00+00:00'],
    ['2026-01-31t12:00:00z', '2026-01-31T12:00:00+00:00'],
    ['2026-01-31 12:00:00.5+01:00', '2026-01-31T11:00:00.500000+00:00'],
    ['2026-01-31T12:00-0230', '2026-01-31T14:30:00+00:00'],
    ['2026-01-01T00:00:00+14', '2025-12-31T10:00:00+00:00'],
    ['2026-01-31T12:00:00-00:00', '2026-01-31T12:00:00+00:00'],
  ])('the zone of %s is honoured', (text, utc) => {
    expect(formatTimestamp(parseTimestamp(text, true), true)).toBe(utc)
  })

  test('a date alone is its midnight where no zone is needed', () => {
    expect(parseTimestamp('2017-11-16', false)).toBe(17486n * 86_400_000_000n)
  })

  test.each([
    ['2026-01-31T12:00:00', true, /the text names no zone: add 'Z'/],
    ['2026-01-31', true, /the text names no zone/],
    ['2026-01-31T12:00:00Z', false, /the column has no zone and would drop that of the text/],
    ['2026-01-31T12:00:00+01:00', false, /would drop that of the text/],
    ['2026-01-31T12:00:00.1234567Z', true, /more than 6 digits of a second/],
    ['2026-01-31T12:00:00.1234567', false, /more than 6 digits of a second/],
    ['2026-01-31T12:00:00.1234567890Z', true, /more than 6 digits of a second/],
    ['2026-02-30T12:00:00Z', true, /looks like/],
    ['2026-01-31T24:00:00Z', true, /looks like/],
    ['2026-01-31T12:00:60Z', true, /looks like/],
    ['2026-01-31T12:00:00+19:00', true, /looks like/],
    ['2026-01-31T12:00:00+01:60', true, /looks like/],
    ['2026-01-31T12:00:00 Z', true, /looks like/],
    ['2026-01-31TZ', true, /looks like/],
    ['2026-01-31Z', true, /looks like/],
    ['2026-01-31T', false, /looks like/],
    ['2026-01-31X12:00:00', false, /looks like/],
    ['2026-01-31T12:00:00[Europe/Berlin]', true, /looks like|no zone/],
    ['1738324800000', true, /looks like/],
    ['yesterday', true, /looks like/],
    ['', false, /looks like/],
    ['+294247-01-10T04:00:54.775808Z', true, /outside what 64 bits hold/],
    ['-290308-12-21T19:59:05.224191Z', true, /outside what 64 bits hold/],
  ])("'%s' is refused (zoned: %s)", (text, zoned, message) => {
    const start = zoned ? 'expected timestamptz; ' : 'expected timestamp; '
    expect(() => parseTimestamp(text, zoned)).toThrow(message)
    expect(() => parseTimestamp(text, zoned)).toThrow(start)
  })

  test('nanoseconds: nine digits, in their narrower range', () => {
    expect(parseTimestampNs('2017-11-16T22:31:08.000001001', false)).toBe(1_510_871_468_000_001_001n)
    expect(parseTimestampNs('2017-11-16T14:31:08.000001001-08:00', true)).toBe(1_510_871_468_000_001_001n)
    expect(formatTimestampNs(-1n, true)).toBe('1969-12-31T23:59:59.999999999+00:00')
    expect(() => parseTimestampNs('2017-11-16T22:31:08.0000010011', false)).toThrow(/more than 9 digits/)
    expect(() => parseTimestampNs('2300-01-01T00:00:00Z', true)).toThrow(/outside what 64 bits hold/)
    expect(() => parseTimestampNs('2017-11-16T22:31:08', true)).toThrow(/names no zone/)
    expect(() => parseTimestampNs('2017-11-16T22:31:08Z', false)).toThrow(/would drop that of the text/)
  })

  test('garbage is refused, never read as something', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.boolean(), (text, zoned) => {
        let value = 0n
        const error = caught(() => (value = parseTimestamp(text, zoned)))
        expect(error?.message ?? 'found ').toMatch(/^found /)
        expect(parseTimestamp(formatTimestamp(value, zoned), zoned)).toBe(value)
      }),
    )
  })
})
