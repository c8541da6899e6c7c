import { describe, expect, test } from 'vitest'
import { parseExactJson } from '../../src/input/exact-json.ts'
import { createInference } from '../../src/input/infer.ts'
import { schemaToText } from '../../src/cli/schema-text.ts'

function inferJson(...lines: string[]): string {
  const inference = createInference()
  lines.forEach((line, i) => inference.addJson(parseExactJson(line) as Record<string, unknown>, `in:${i + 1}`))
  return schemaToText(inference.schema('in'))
}

function inferTexts(...values: string[]): string {
  const inference = createInference()
  for (const x of values) inference.addTexts({ x }, '')
  return schemaToText(inference.schema('in')).replace(/^x /, '')
}

describe('inference from JSON', () => {
  test('each kind of value gives its type, and all columns are optional', () => {
    expect(
      inferJson(
        '{"b":true,"l":1,"d":1.5,"t":"2026-01-31T12:00:00.5Z","n":"2026-01-31 12:00:00","day":"2026-01-31","s":"x","z":null}',
      ),
    ).toBe('b boolean, l long, d double, t timestamptz, n timestamp, day date, s string, z string')
  })

  test('kinds that have a common type meet there', () => {
    expect(inferJson('{"x":1}', '{"x":2.5}', '{"x":null}')).toBe('x double')
    expect(inferJson('{"x":"2026-01-31"}', '{"x":"2026-01-31T00:00:00Z"}')).toBe('x string')
    expect(inferJson('{"x":1}', '{"x":92233720368547758080}')).toBe('x decimal(38,0)')
    expect(inferJson('{"x":9223372036854775807}')).toBe('x long')
  })

  test('keys that appear later are columns too, in order of appearance', () => {
    expect(inferJson('{"a":1}', '{"b":2,"a":3}')).toBe('a long, b long')
  })

  test('objects are structs of all their keys, arrays lists of what is in them', () => {
    expect(inferJson('{"who":{"name":"x"},"tags":["a"]}', '{"who":{"age":5},"tags":[]}')).toBe(
      'who struct<name string, age long>, tags list<string>',
    )
    expect(inferJson('{"a":[{"x":1},{"y":[1.5]}]}')).toBe('a list<struct<x long, y list<double>>>')
    expect(inferJson('{"a":[],"b":{}}')).toBe('a list<string>, b map<string, string>')
  })

  test('kinds without a common type are an error that names both places', () => {
    expect(() => inferJson('{"x":1}', '{"y":1}', '{"x":"a"}')).toThrow(
      /no type fits column 'x': it holds a number in in:1 and a text in in:3; give --schema, or --mixed-as-text/,
    )
    expect(() => inferJson('{"x":{"y":[1]}}', '{"x":{"y":{}}}')).toThrow(/column 'x.y': it holds an array/)
  })

  test('with --mixed-as-text such columns are strings', () => {
    const inference = createInference(true)
    for (const [i, row] of [
      { x: 1, y: { a: 1 } },
      { x: 'a', y: { a: [1] } },
      { x: {}, y: { a: true, b: 1 } },
    ].entries()) {
      inference.addJson(row, `in:${i + 1}`)
    }
    expect(schemaToText(inference.schema('in'))).toBe('x string, y struct<a string, b long>')
  })

  test('ids used as keys of objects do not become a schema', () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, i]))
    expect(() => inferJson(JSON.stringify({ byId: many }))).toThrow(/more than 2000 different keys/)
  })

  test('no rows, no schema', () => {
    expect(() => inferJson()).toThrow(/in has no rows to infer a schema from/)
  })
})

describe('inference from CSV', () => {
  test.each([
    [['1', '-2', ''], 'long'],
    [['1', '2.5'], 'double'],
    [['1e3', 'NaN'], 'double'],
    [['007'], 'string'],
    [['true', 'FALSE'], 'boolean'],
    [['true', '1'], 'string'],
    [['2026-01-31', ''], 'date'],
    [['2026-01-31T00:00:00+01:00'], 'timestamptz'],
    [['2026-01-31 00:00:00'], 'timestamp'],
    [['2026-02-31'], 'string'],
    [['99999999999999999999'], 'decimal(38,0)'],
    [['', ''], 'string'],
  ])('%j is %s', (values, type) => {
    expect(inferTexts(...values)).toBe(type)
  })
})
