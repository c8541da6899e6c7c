import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonSyntaxError, MAX_JSON_DEPTH, parseJson, stringifyJson } from '../../src/codec/lossless-json.ts'

const accepts = (parse: (text: string) => unknown, text: string) => {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}

const failure = (text: string) => {
  try {
    return parseJson(text)
  } catch (error) {
    return error as JsonSyntaxError
  }
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

/** A double that is printed as an integer beyond 2^53 is read as a bigint. */
const exactInteger = (_key: string, value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21
    ? BigInt(String(value))
    : value

describe('parseJson', () => {
  test('integers beyond 2^53 become bigint, the others stay numbers', () => {
    expect(parseJson('[9007199254740991,9007199254740992,-9223372036854775808,1234567890123456789]')).toEqual([
      9007199254740991,
      9007199254740992n,
      -9223372036854775808n,
      1234567890123456789n,
    ])
    expect(parseJson('[1e3,1.5,-0.25,1E-7,0,-0]')).toEqual([1000, 1.5, -0.25, 1e-7, 0, -0])
    expect(parseJson('123456789012345678901234567890')).toBe(123456789012345678901234567890n)
  })

  test('equals JSON.parse for every document, but for integers beyond 2^53', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text, exactInteger))
      }),
    )
  })

  test('accepts and refuses exactly what JSON.parse does', () => {
    const shards = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '\\',
      '\\u12',
      '1',
      '-',
      '.',
      'e5',
      '01',
      'true',
      'nul',
      ' ',
      '\n',
      '\u0001',
      'x',
    )
    fc.assert(
      fc.property(fc.array(shards, { maxLength: 8 }), (parts) => {
        const text = parts.join('')
        // Beyond the range of a double, where JSON.parse answers Infinity.
        fc.pre(!/e5\d/.test(text))
        expect(accepts(parseJson, text)).toBe(accepts(JSON.parse, text))
      }),
      { numRuns: 3000 },
    )
  })

  test('__proto__ is an ordinary key: no prototype changes', () => {
    const value = parseJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(stringifyJson(value)).toBe('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
  })

  test('errors say what was found, and where', () => {
    expect(failure('{"a": 1,}')).toMatchObject({
      position: 8,
      message: 'expected a key in quotes, found "}" at position 8',
    })
    expect(failure('{"a": [1, 2')).toMatchObject({
      position: 11,
      message: 'expected "," or "]", found end at position 11',
    })
    expect(failure('{} x')).toMatchObject({ position: 3 })
    expect(failure('"abc')).toMatchObject({ message: 'string without end at position 4' })
    expect(failure('"abc\\')).toBeInstanceOf(JsonSyntaxError)
    expect(failure('"\\q"')).toBeInstanceOf(JsonSyntaxError)
    expect(failure('1e999')).toMatchObject({ message: 'number out of range at position 0' })
    expect(failure('')).toMatchObject({ message: 'expected a value, found end at position 0' })
  })

  test('nesting has a limit instead of a stack overflow', () => {
    expect(() => parseJson(nested(MAX_JSON_DEPTH))).not.toThrow()
    expect(() => parseJson(nested(MAX_JSON_DEPTH + 1))).toThrow(JsonSyntaxError)
    expect(() => parseJson('['.repeat(10_000_000))).toThrow(JsonSyntaxError)
  })

  test('the last of duplicate keys wins', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 })
  })
})

describe('stringifyJson', () => {
  test('what it writes is read back equal, bigints exactly', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'binary' }),
        fc
          .double({ noNaN: true, noDefaultInfinity: true })
          .filter((x) => exactInteger('', x) === x && !Object.is(x, -0)),
        fc.bigInt().filter((x) => !Number.isSafeInteger(Number(x)) || BigInt(Number(x)) !== x),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value')),
      ),
    }))
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (value, indent) => {
        const text = stringifyJson(value, { indent })
        expect(parseJson(text)).toEqual(value)
      }),
    )
  })

  test('writes the same text as JSON.stringify where that is exact', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
        expect(stringifyJson(value, { indent })).toBe(JSON.stringify(value, null, indent))
      }),
    )
  })

  test('leaves undefined properties out and refuses what JSON cannot say', () => {
    expect(stringifyJson({ a: undefined, b: 1n, c: { d: undefined } })).toBe('{"b":1,"c":{}}')
    expect(() => stringifyJson({ a: Number.NaN })).toThrow(/no number NaN/)
    expect(() => stringifyJson([() => 1])).toThrow(/no function/)
    expect(stringifyJson('\ud800')).toBe('"\\ud800"')
  })
})
