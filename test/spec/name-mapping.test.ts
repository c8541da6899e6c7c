import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import {
  extendNameMapping,
  findMappedField,
  formatNameMapping,
  mappedFieldId,
  mergeNameMappings,
  nameMappingOf,
  parseNameMapping,
} from '../../src/spec/name-mapping.ts'
import type { Schema } from '../../src/spec/types.ts'

const table = schema({
  id: t.long,
  'a.b': t.string,
  points: t.list(t.struct({ x: t.int })),
  m: t.map(t.string, t.long),
}).schema

describe('two mappings of one table together', () => {
  const mapping = (...fields: object[]) => parseNameMapping(JSON.stringify(fields))

  test('a field goes by its names in either; what only one of them knows stays', () => {
    const first = mapping({ 'field-id': 1, names: ['id'] }, { 'field-id': 2, names: ['type'] }, { names: ['x'] })
    const second = mapping({ 'field-id': 2, names: ['kind'] }, { 'field-id': 3, names: ['more'] }, { names: ['x'] })
    expect(mergeNameMappings(first, second)).toEqual(
      mapping(
        { 'field-id': 1, names: ['id'] },
        { 'field-id': 2, names: ['type', 'kind'] },
        { names: ['x'] },
        { 'field-id': 3, names: ['more'] },
      ),
    )
    expect(mergeNameMappings([], second)).toEqual(second)
    expect(mergeNameMappings(first, first)).toEqual(first)
  })

  test('also below', () => {
    const below = (name: string) =>
      mapping({ 'field-id': 1, names: ['at'], fields: [{ 'field-id': 2, names: [name] }] })
    expect(mergeNameMappings(below('lat'), below('latitude'))).toEqual(
      mapping({ 'field-id': 1, names: ['at'], fields: [{ 'field-id': 2, names: ['lat', 'latitude'] }] }),
    )
  })

  test('names of fields that the table has not are there once', () => {
    const merged = mergeNameMappings(mapping({ names: ['x'] }), mapping({ names: ['x', 'y'] }))
    expect(merged).toEqual(mapping({ names: ['x'] }, { names: ['y'] }))
    expect(parseNameMapping(formatNameMapping(merged))).toEqual(merged)
  })

  test('a name that means two fields is a conflict', () => {
    const first = mapping({ 'field-id': 1, names: ['id'] })
    const second = mapping({ 'field-id': 2, names: ['id'] })
    expect(() => mergeNameMappings(first, second)).toThrow(expect.objectContaining({ code: 'commit-conflict' }))
  })
})

describe('name mapping', () => {
  test('the example of the spec', () => {
    const text = JSON.stringify([
      { 'field-id': 1, names: ['id', 'record_id'] },
      { 'field-id': 2, names: ['data'] },
      {
        'field-id': 3,
        names: ['location'],
        fields: [
          { 'field-id': 4, names: ['latitude', 'lat'] },
          { 'field-id': 5, names: ['longitude', 'long'] },
        ],
      },
    ])
    const mapping = parseNameMapping(text)
    expect(mappedFieldId(mapping, ['record_id'])).toBe(1)
    expect(mappedFieldId(mapping, ['location', 'lat'])).toBe(4)
    expect(mappedFieldId(mapping, ['location.lat'])).toBeUndefined()
    expect(mappedFieldId(mapping, ['lat'])).toBeUndefined()
    expect(mappedFieldId(mapping, [])).toBeUndefined()
    expect(JSON.parse(formatNameMapping(mapping))).toEqual(JSON.parse(text))
  })

  test('of a schema: every field, through lists and maps; a dot is part of a name', () => {
    const mapping = nameMappingOf(table)
    const idOf = (...path: string[]) => mappedFieldId(mapping, path)
    expect([idOf('id'), idOf('a.b'), idOf('points')]).toEqual([1, 2, 3])
    expect(idOf('a', 'b')).toBeUndefined()
    expect(idOf('points', 'element')).toBeDefined()
    expect(idOf('points', 'element', 'x')).toBeDefined()
    expect(idOf('m', 'key')).toBeDefined()
    expect(idOf('m', 'value')).toBeDefined()
    expect(parseNameMapping(formatNameMapping(mapping))).toEqual(mapping)
  })

  test('a field of files that the table has not keeps no id; unknown parts survive', () => {
    const mapping = parseNameMapping('[{"names":["extra"],"x":1},{"names":[],"field-id":2}]')
    expect(findMappedField(mapping, ['extra'])).toBeDefined()
    expect(mappedFieldId(mapping, ['extra'])).toBeUndefined()
    expect(JSON.parse(formatNameMapping(mapping))).toEqual([
      { names: ['extra'], x: 1 },
      { names: [], 'field-id': 2 },
    ])
  })

  test('after a schema change old names still lead to their fields', () => {
    const [id, dotted, points, m] = table.fields
    const changed: Schema = {
      schemaId: 1,
      fields: [
        { ...id!, name: 'key' },
        { ...dotted!, name: 'id' },
        points!,
        m!,
        { id: 20, name: 'new', required: false, type: { type: 'int' } },
      ],
    }
    const mapping = extendNameMapping(nameMappingOf(table), changed)
    expect(mappedFieldId(mapping, ['key'])).toBe(1)
    expect(mappedFieldId(mapping, ['id'])).toBe(2)
    expect(mappedFieldId(mapping, ['a.b'])).toBe(2)
    expect(mappedFieldId(mapping, ['new'])).toBe(20)
    expect(mappedFieldId(mapping, ['points', 'element', 'x'])).toBe(
      mappedFieldId(nameMappingOf(table), ['points', 'element', 'x']),
    )
    const dropped = extendNameMapping(mapping, { schemaId: 2, fields: [points!] })
    expect(mappedFieldId(dropped, ['key'])).toBe(1)
  })

  test.each([
    ['', /schema.name-mapping.default is damaged: it is not JSON/],
    ['{}', /found an object without keys, expected an array/],
    ['[1]', /\[0\]: found 1/],
    ['[{}]', /\[0\]\.names: found undefined/],
    ['[{"names":[1]}]', /\[0\]\.names: found 1/],
    ['[{"names":[],"field-id":"1"}]', /\[0\]\.field-id: found '1'/],
    ['[{"names":["a"]},{"names":["a"]}]', /\[1\]: a second field has the name 'a'/],
    ['[{"names":["a"],"fields":[{"names":5}]}]', /\[0\]\.fields\[0\]\.names: found 5/],
  ])('%s is refused', (text, message) => {
    expect(() => parseNameMapping(text)).toThrow(message)
  })
})
