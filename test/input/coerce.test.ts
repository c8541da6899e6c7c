import { describe, expect, test } from 'vitest'
import { type CoerceOptions, csvRowCoercer, jsonRowCoercer } from '../../src/input/coerce.ts'
import { parseExactJson } from '../../src/input/exact-json.ts'
import { parseSchemaText } from '../../src/cli/schema-text.ts'

function fromCell(type: string, text: string, options: CoerceOptions = {}): unknown {
  return csvRowCoercer(parseSchemaText(`x ${type}`), options)({ x: text })['x']
}

function fromJson(type: string, json: string, options: CoerceOptions = {}): unknown {
  const row = parseExactJson(`{"x":${json}}`) as Record<string, unknown>
  return jsonRowCoercer(parseSchemaText(`x ${type}`), options)(row)['x']
}

describe('cells of CSV', () => {
  test.each([
    ['long', '12', 12],
    ['long', ' -9223372036854775808 ', -9223372036854775808n],
    ['int', '+5', 5],
    ['double', '1e-3', 0.001],
    ['double', '.5', 0.5],
    ['double', '-Infinity', -Infinity],
    ['double', 'NaN', Number.NaN],
    ['float', 'inf', Infinity],
    ['boolean', 'TRUE', true],
    ['boolean', '0', false],
    ['decimal(12,2)', '12.50', '12.50'],
    ['string', ' kept ', ' kept '],
    ['date', ' 2026-01-31', '2026-01-31'],
    ['timestamptz', '2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['binary', 'AAEC', new Uint8Array([0, 1, 2])],
    ['list<long>', '[1, 9007199254740993]', [1, 9007199254740993n]],
    ['struct<a long, b binary>', '{"a":"5","b":"AA=="}', { a: 5n, b: new Uint8Array([0]) }],
    ['map<string, double>', '{"k":"NaN"}', new Map([['k', Number.NaN]])],
    ['map<int, string>', '[[1,"a"]]', [[1, 'a']]],
  ])('%s: %j', (type, text, value) => {
    expect(fromCell(type, text)).toEqual(value)
  })

  test.each(['double', 'float'])('a number that is too large for a %s is not infinity', (type) => {
    expect(() => fromCell(type, '1e400')).toThrow(/column 'x': found '1e400'/)
    expect(() => fromJson(type, '-1e999')).toThrow(/column 'x': found '-1e999'/)
    expect(() => fromJson('decimal(12,2)', '1e-400')).not.toThrow()
    expect(fromJson('decimal(12,2)', '1e-400')).toBe('1e-400')
  })

  test('an empty field is null where the column may be null, an empty text where it is a required text', () => {
    expect(fromCell('long', '')).toBeNull()
    expect(fromCell('string', '')).toBeNull()
    expect(fromCell('string not null', '')).toBe('')
    expect(() => fromCell('long not null', '')).toThrow("column 'x': found 'nothing', expected a value: long not null")
  })

  test('another text for null leaves empty texts alone', () => {
    expect(fromCell('string', '', { nullText: '\\N' })).toBe('')
    expect(fromCell('string', '\\N', { nullText: '\\N' })).toBeNull()
    expect(() => fromCell('string not null', '\\N', { nullText: '\\N' })).toThrow(/expected a value/)
  })

  test.each([
    ['long', '1.5'],
    ['long', 'abc'],
    ['int', '0x10'],
    ['double', '1,5'],
    ['boolean', 'yes'],
    ['binary', 'not base64!'],
    ['list<long>', '[1'],
    ['timestamptz', '1767225600'],
  ])('%s refuses %j and names the column', (type, text) => {
    expect(() => fromCell(type, text)).toThrow(/^column 'x': found '/)
  })
})

describe('values of JSON', () => {
  test('texts of digits and exact numbers become 64-bit integers', () => {
    expect(fromJson('long', '"9223372036854775807"')).toBe(9223372036854775807n)
    expect(fromJson('long', '9007199254740993')).toBe(9007199254740993n)
    expect(fromJson('long', '7')).toBe(7)
  })

  test('a decimal keeps the digits that it was written with', () => {
    expect(fromJson('decimal(38,10)', '-2566191876373715453971.6496550669')).toBe('-2566191876373715453971.6496550669')
    expect(fromJson('decimal(12,2)', '12.5')).toBe(12.5)
  })

  test('what JSON has no number for is a text: NaN and infinities', () => {
    expect(fromJson('double', '"NaN"')).toBeNaN()
    expect(fromJson('float', '"-Infinity"')).toBe(-Infinity)
    expect(fromJson('double', '12345678901234567890123')).toBe(1.2345678901234568e22)
  })

  test('bare numbers are times only when it is said what they count', () => {
    const at = 1767225600000000n
    expect(fromJson('timestamptz', '1767225600', { timestamps: 'seconds' })).toBe(at)
    expect(fromJson('timestamptz', '1767225600000', { timestamps: 'millis' })).toBe(at)
    expect(fromJson('timestamp', '"1767225600000000"', { timestamps: 'micros' })).toBe(at)
    expect(() => fromJson('timestamptz', '1767225600')).toThrow(/a bare number does not say what it counts/)
    expect(() => fromJson('timestamptz', '1.5', { timestamps: 'seconds' })).toThrow(/found '1.5'/)
  })

  test('what a column cannot be is left for the table to refuse; exact numbers are refused here', () => {
    expect(fromJson('string', '5')).toBe(5)
    expect(fromJson('long', 'true')).toBe(true)
    expect(() => fromJson('string', '12345678901234567890')).toThrow(
      "column 'x': found '12345678901234567890', expected string",
    )
    expect(() => fromJson('list<string>', '[12345678901234567890]')).toThrow(/expected string/)
  })

  test('nested values are converted where they are', () => {
    expect(fromJson('struct<a binary, b list<struct<c long>>>', '{"a":"AA==","b":[{"c":"5"},null]}')).toEqual({
      a: new Uint8Array([0]),
      b: [{ c: 5n }, null],
    })
  })
})
