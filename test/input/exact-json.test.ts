import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExactNumber, parseExactJson } from '../../src/input/exact-json.ts'

describe('JSON with all digits', () => {
  test('numbers that a double cannot hold keep their text, others are numbers', () => {
    expect(parseExactJson('{"a":9007199254740993,"b":[1.5,12345678901234567.25],"c":42}')).toEqual({
      a: new ExactNumber('9007199254740993'),
      b: [1.5, new ExactNumber('12345678901234567.25')],
      c: 42,
    })
    expect(parseExactJson('{"safe":9007199254740991}')).toEqual({ safe: 9007199254740991 })
  })

  test('digits inside texts and names stay text', () => {
    const text = '{"12345678901234567890":"12345678901234567890 \\" 98765432109876543210"}'
    expect(parseExactJson(text)).toEqual(JSON.parse(text))
  })

  test('malformed numbers are refused as JSON.parse refuses them', () => {
    for (const text of ['{"a":12345678901234567890.}', '{"a":01234567890123456789}', '{"a":-}']) {
      expect(() => parseExactJson(text)).toThrow(SyntaxError)
    }
  })

  test('of a key that an object has twice the last value counts, exact or not', () => {
    expect(parseExactJson('{"a":1,"b":0,"a":2}')).toEqual(JSON.parse('{"a":1,"b":0,"a":2}'))
    expect(parseExactJson('{"a":12345678901234567890,"a":2}')).toEqual({ a: 2 })
    expect(parseExactJson('{"a":2,"a":12345678901234567890}')).toEqual({ a: new ExactNumber('12345678901234567890') })
  })

  test('a text of ten megabytes with many escapes is no problem', () => {
    const long = JSON.stringify({ n: 1, s: 'ab"\\\n'.repeat(2_000_000), big: 1 }).replace(
      '"big":1',
      '"big":12345678901234567890',
    )
    expect((parseExactJson(long) as { big: ExactNumber }).big.text).toBe('12345678901234567890')
  })

  test.each(['1e999', '-1e400', '1e-400', '0.5E-330'])('%s, which no double holds, stays as it was written', (text) => {
    expect(parseExactJson(`{"a":${text},"b":1e300,"c":0e999}`)).toEqual({ a: new ExactNumber(text), b: 1e300, c: 0 })
  })

  test('whatever JSON.stringify prints is read as JSON.parse reads it, exact numbers aside', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(rounded(parseExactJson(text))).toEqual(JSON.parse(text))
      }),
    )
  })
})

function rounded(value: unknown): unknown {
  if (value instanceof ExactNumber) return Number(value.text)
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, rounded(v)]))
}
