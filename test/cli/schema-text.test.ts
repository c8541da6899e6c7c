import { describe, expect, test } from 'vitest'
import { parseSchemaText, schemaToText } from '../../src/cli/schema-text.ts'

describe('schemas as text', () => {
  test('columns are optional unless they say not null, and get ids', () => {
    const schema = parseSchemaText('id long not null, at timestamptz, tags list<string>')
    expect(schema.fields.map(({ id, name, required }) => ({ id, name, required }))).toEqual([
      { id: 1, name: 'id', required: true },
      { id: 2, name: 'at', required: false },
      { id: 3, name: 'tags', required: false },
    ])
    expect(schema.fields[2]!.type).toEqual({
      type: 'list',
      elementId: 4,
      element: { type: 'string' },
      elementRequired: false,
    })
  })

  test('every type survives printing and reading', () => {
    const text =
      'a boolean, b int, c long, d float, e double, f decimal(12,2) not null, g date, h time, i timestamp, j timestamptz, ' +
      'k string, l uuid, m binary, n fixed(16), o list<list<int not null>>, p map<string, struct<x int, "odd name" string not null>>, ' +
      'q struct<r map<int, string not null> not null, s list<decimal(38,0)>> comment \'it\'\'s nested\', "o""dd" int'
    expect(schemaToText(parseSchemaText(text))).toBe(text)
  })

  test("other systems' names of types are understood, a colon too", () => {
    expect(schemaToText(parseSchemaText('a: bigint, b: VARCHAR, c numeric(5), d array<int8>, e bool'))).toBe(
      'a long, b string, c decimal(5,0), d list<long>, e boolean',
    )
  })

  test.each([
    ['id lng', /no type 'lng'; did you mean long/],
    ['id', /expected a type, the text ends/],
    ['id long,', /expected the name of a column, the text ends/],
    ['id long; x int', /';' cannot be read/],
    ['id long not', /expected 'null' after 'not'/],
    ['id long, id int', /'id'/],
    ['a decimal(39,2)', /precision/],
    ['a list<string', /expected '>'/],
    ['', /expected the name of a column/],
  ])('%j is refused with the place', (text, message) => {
    expect(() => parseSchemaText(text)).toThrow(message)
  })
})
