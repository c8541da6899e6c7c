import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import {
  addColumn,
  dropColumn,
  makeOptional,
  renameColumn,
  sameSchema,
  widenColumn,
} from '../../src/spec/schema-evolution.ts'
import { findColumn, indexSchema, typeName } from '../../src/spec/schema.ts'
import { caught } from './caught.ts'

const base = schema({
  id: t.long,
  n: t.int,
  f: t.optional(t.float),
  d: t.decimal(9, 2),
  place: t.optional(t.struct({ city: t.string, zip: t.int })),
  points: t.list(t.struct({ x: t.int })),
  counts: t.map(t.string, t.int),
}).schema
const from = { schema: base, lastColumnId: 30 }
const idOf = (name: string, of = base) => findColumn(of, name).field.id

describe('adding a column', () => {
  test('it gets an id that the table never had, and what is inside of it the next ones', () => {
    const { schema: next, lastColumnId } = addColumn(from, 'tags', t.optional(t.map(t.string, t.list(t.long))), 'why')
    expect(next.fields.at(-1)).toEqual({
      id: 31,
      name: 'tags',
      required: false,
      doc: 'why',
      type: {
        type: 'map',
        keyId: 32,
        key: { type: 'string' },
        valueId: 33,
        value: { type: 'list', elementId: 34, element: { type: 'long' }, elementRequired: true },
        valueRequired: true,
      },
    })
    expect(lastColumnId).toBe(34)
    expect(base.fields).toHaveLength(7)
  })

  test('into a struct, also inside a list', () => {
    const one = addColumn(from, 'place.country', 'string')
    expect(typeName(findColumn(one.schema, 'place').field.type)).toBe(
      `struct<${idOf('place.city')}: city: required string, ${idOf('place.zip')}: zip: required int, 31: country: optional string>`,
    )
    const two = addColumn(one, 'points.element.y', { type: 'list', 'element-id': 1, element: 'int' })
    expect(findColumn(two.schema, 'points.element.y')).toMatchObject({ field: { id: 32 }, required: false })
    expect(two.lastColumnId).toBe(33)
  })

  test.each([
    ['id', t.optional(t.string), /there is a column 'id' already/],
    ['place.zip', t.optional(t.string), /there is a column 'place.zip' already/],
    ['x', t.string, /cannot add the required column 'x'/],
    ['n.x', t.optional(t.string), /'n' is no struct but int/],
    ['nope.x', t.optional(t.string), /no column 'nope'/],
    ['', t.optional(t.string), /the name is empty/],
    ['x', 'strin', /'strin', which does not exist/],
    ['x', 'variant', /variant/],
  ])("'%s' is refused", (name, type, message) => {
    expect(() => addColumn(from, name, type)).toThrow(message)
    expect(() => addColumn(from, name, type)).toThrow(DataShardError)
  })

  test('a dot at an end is part of the name', () => {
    expect(addColumn(from, 'a.', 'int').schema.fields.at(-1)!.name).toBe('a.')
  })
})

describe('renaming, widening, dropping', () => {
  test('a renamed column keeps its id and place', () => {
    const next = renameColumn(base, 'place.zip', 'postcode')
    expect(idOf('place.postcode', next)).toBe(idOf('place.zip'))
    expect(renameColumn(base, 'n', 'm').fields[1]).toEqual({ ...base.fields[1], name: 'm' })
    expect(sameSchema(renameColumn(base, 'n', 'n'), base)).toBe(true)
    expect(() => renameColumn(base, 'n', 'id')).toThrow(/there is a column 'id' already/)
    expect(() => renameColumn(base, 'n', 'place.zip')).toThrow(/cannot rename 'n': two fields have the full name/)
    expect(() => renameColumn(base, 'n', '')).toThrow(/empty/)
    expect(() => renameColumn(base, 'points.element', 'item')).toThrow(
      /cannot rename 'points.element', a part of a list/,
    )
  })

  test('types grow as the spec allows, inside of nested types too', () => {
    const next = widenColumn(widenColumn(widenColumn(base, 'n', t.long), 'f', 'double'), 'd', t.decimal(38, 2))
    expect(['n', 'f', 'd'].map((name) => typeName(findColumn(next, name).field.type))).toEqual([
      'long',
      'double',
      'decimal(38,2)',
    ])
    const nested = widenColumn(
      widenColumn(widenColumn(base, 'points.element.x', t.long), 'counts.value', 'long'),
      'place.zip',
      'long',
    )
    expect(
      ['points.element.x', 'counts.value', 'place.zip'].map((name) => typeName(findColumn(nested, name).field.type)),
    ).toEqual(['long', 'long', 'long'])
    expect(widenColumn(base, 'n', t.int)).toBe(base)
  })

  test.each([
    ['id', 'int'],
    ['n', 'double'],
    ['n', 'string'],
    ['d', 'decimal(8,2)'],
    ['d', 'decimal(12,3)'],
    ['place', 'string'],
  ])('%s to %s is refused', (name, type) => {
    expect(() => widenColumn(base, name, type)).toThrow(/cannot widen column/)
  })

  test('a required column becomes optional', () => {
    expect(findColumn(makeOptional(base, 'n'), 'n').required).toBe(false)
    expect(findColumn(makeOptional(base, 'place.city'), 'place.city').field.required).toBe(false)
    expect(() => makeOptional({ ...base, identifierFieldIds: [1] }, 'id')).toThrow(/it is an identifier field/)
    expect(() => makeOptional(base, 'counts.key')).toThrow(/a part of a map/)
  })

  test('a dropped column is gone, with all that is in it', () => {
    const next = dropColumn(base, 'place')
    expect(indexSchema(next).byName.has('place.city')).toBe(false)
    expect(indexSchema(dropColumn(base, 'place.city')).byName.has('place.zip')).toBe(true)
    expect(() => dropColumn(base, 'points.element.x')).toThrow(/the only field of 'points.element'/)
    expect(() => dropColumn(base, 'place', new Map([[idOf('place.zip'), "partition field 'zip'"]]))).toThrow(
      /cannot drop column 'place': partition field 'zip' needs it/,
    )
    expect(() => dropColumn({ ...base, identifierFieldIds: [1] }, 'id')).toThrow(/it is an identifier field/)
  })

  test('a column that comes back gets another id', () => {
    const next = addColumn({ schema: dropColumn(base, 'counts'), lastColumnId: 30 }, 'counts', t.optional(t.int))
    expect(idOf('counts', next.schema)).toBe(31)
  })

  test('whatever the changes, ids stay unique and unchanged for what stays', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), name: fc.constantFrom('a', 'b', 'place.c', 'points.element.z') }),
      fc.record({
        do: fc.constant('rename' as const),
        name: fc.constantFrom('n', 'a', 'place.city'),
        to: fc.constantFrom('q', 'r'),
      }),
      fc.record({ do: fc.constant('drop' as const), name: fc.constantFrom('n', 'a', 'b', 'place', 'place.c') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let state = from
        const given = new Set(indexSchema(base).byId.keys())
        for (const one of steps) {
          const before = indexSchema(state.schema).byId
          const error = caught(() => {
            if (one.do === 'add') state = addColumn(state, one.name, t.optional(t.list(t.int)))
            else if (one.do === 'rename') state = { ...state, schema: renameColumn(state.schema, one.name, one.to) }
            else state = { ...state, schema: dropColumn(state.schema, one.name) }
          })
          expect(error?.code ?? 'invalid-argument').toBe('invalid-argument')
          const after = [...indexSchema(state.schema).byId.keys()]
          expect(after.filter((id) => !before.has(id) && given.has(id))).toEqual([])
          for (const id of after) given.add(id)
          expect(state.lastColumnId).toBeGreaterThanOrEqual(Math.max(...given))
        }
      }),
    )
  })
})
