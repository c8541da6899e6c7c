import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import {
  addColumn,
  canWiden,
  dropColumn,
  makeOptional,
  renameColumn,
  sameSchema,
  widenColumn,
} from '../../src/spec/schema-evolution.ts'
import type { TypeInput } from '../../src/spec/schema-evolution.ts'
import { MAX_FIELD_ID } from '../../src/spec/schema-ids.ts'
import { findColumn, indexSchema, typeName } from '../../src/spec/schema.ts'
import type { Schema } from '../../src/spec/types.ts'
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
const withDefault = (initialDefault: unknown): Schema => ({
  schemaId: 1,
  fields: [{ id: 1, name: 'a', required: false, type: { type: 'long' }, initialDefault }],
})
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
    ['a\0b', t.optional(t.string), /the name "a\\u0000b" has a NUL in it/],
    ['x', 'strin', /'strin', which does not exist/],
    ['x', 'variant', /variant/],
  ])("'%s' is refused", (name, type, message) => {
    expect(() => addColumn(from, name, type)).toThrow(message)
    expect(() => addColumn(from, name, type)).toThrow(DataShardError)
  })

  test('a dot at an end is part of the name', () => {
    expect(addColumn(from, 'a.', 'int').schema.fields.at(-1)!.name).toBe('a.')
    expect(addColumn(from, '.a', 'int').schema.fields.at(-1)!.name).toBe('.a')
  })

  test('ids that its type has are not taken over, however deep', () => {
    const field = { id: 1, name: 'x', type: 'int' }
    const inner = { type: 'struct', fields: [field, { ...field, id: 2, name: 'y', doc: 'why' }] }
    const type = {
      type: 'struct',
      fields: [{ id: 3, name: 's', type: { type: 'list', 'element-id': 4, element: inner } }],
    }
    const { schema: next, lastColumnId } = addColumn(from, 'new', type)
    expect(
      ['new', 'new.s', 'new.s.element', 'new.s.element.x', 'new.s.element.y'].map((name) => idOf(name, next)),
    ).toEqual([31, 32, 33, 34, 35])
    expect(findColumn(next, 'new.s.element.y').field).toEqual({
      id: 35,
      name: 'y',
      required: false,
      type: { type: 'int' },
      doc: 'why',
    })
    expect(lastColumnId).toBe(35)
  })

  test('without a doc it has none, and a type of JSON is one whatever else it says', () => {
    for (const type of ['long', { type: 'long' }, { type: 'long', optional: false }, t.optional(t.long)] as TypeInput[])
      expect(addColumn(from, 'new', type).schema.fields.at(-1)).toStrictEqual({
        id: 31,
        name: 'new',
        required: false,
        type: { type: 'long' },
      })
  })

  test('a full name that a column with dots has is refused', () => {
    const dotted = schema({ 's.x': t.int, s: t.struct({ y: t.int }) }).schema
    expect(() => addColumn({ schema: dotted, lastColumnId: 3 }, 's.x', 'int')).toThrow(
      /^cannot add 's.x': two fields have the full name 's.x'/,
    )
  })

  test.for<[unknown, string]>([
    [{ type: { type: 'long' } }, 'found type undefined'],
    [null, 'found type null'],
    [undefined, 'found type undefined'],
    [5, 'found type 5 (number)'],
  ])('the type %j is refused', ([type, message]) => {
    for (const change of [() => addColumn(from, 'new', type as string), () => widenColumn(base, 'n', type as string)])
      expect(caught(change)).toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(message) })
  })

  test('a type of a later format, as parsed from metadata, cannot be added', () => {
    const type = { type: { type: 'list', element: { type: 'unsupported', name: 'variant' } }, optional: true }
    expect(caught(() => addColumn(from, 'new', type as TypeInput))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('variant'),
    })
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
    ['f', 'string'],
    ['f', 'long'],
    ['d', 'string'],
    ['id', 'decimal(9,2)'],
  ])('%s to %s is refused', (name, type) => {
    expect(() => widenColumn(base, name, type)).toThrow(/cannot widen column/)
  })

  test('a decimal may keep its digits, and gets no other scale', () => {
    const decimal = (precision: number, scale: number) => ({ type: 'decimal', precision, scale }) as const
    expect(canWiden(decimal(9, 2), decimal(9, 2))).toBe(true)
    expect(canWiden(decimal(9, 2), decimal(10, 3))).toBe(false)
    expect(canWiden({ type: 'string' }, { type: 'binary' })).toBe(false)
  })

  test('the value of a map grows, an element of a list does, a key does not', () => {
    const both = schema({ m: t.map(t.int, t.int), l: t.list(t.float) }).schema
    const shown = (name: string, type: string) => widenColumn(both, name, type).fields.map((f) => typeName(f.type))
    expect(() => shown('m.key', 'long')).toThrow("cannot widen 'm.key': the keys of a map cannot be changed")
    expect(shown('m.value', 'long')).toEqual(['map<int, long>', 'list<float>'])
    expect(shown('l.element', 'double')).toEqual(['map<int, int>', 'list<double>'])
  })

  test('a required column becomes optional, and no other', () => {
    expect(findColumn(makeOptional(base, 'n'), 'n').required).toBe(false)
    expect(
      makeOptional(base, 'n')
        .fields.filter((f) => !f.required)
        .map((f) => f.name),
    ).toEqual(['n', 'f', 'place'])
    expect(findColumn(makeOptional(base, 'place.city'), 'place.city').field.required).toBe(false)
    expect(() => makeOptional({ ...base, identifierFieldIds: [1] }, 'id')).toThrow(/it is an identifier field/)
    expect(() => makeOptional(base, 'counts.key')).toThrow(/keys of a map/)
    expect(() => makeOptional(base, 'counts.value')).toThrow(/a part of a map/)
  })

  test('nothing in the key of a map changes, however deep: keys that are there would be others', () => {
    const key = t.struct({ x: t.int, inner: t.struct({ y: t.optional(t.int), z: t.int }) })
    const deep = schema({ l: t.list(t.map(key, t.struct({ v: t.int, w: t.int }))) }).schema
    const evolving = { schema: deep, lastColumnId: 20 }
    const refused = [
      () => addColumn(evolving, 'l.element.key.n', 'int'),
      () => addColumn(evolving, 'l.element.key.inner.n', 'int'),
      () => dropColumn(deep, 'l.element.key.x'),
      () => dropColumn(deep, 'l.element.key.inner.y'),
      () => renameColumn(deep, 'l.element.key.x', 'xx'),
      () => widenColumn(deep, 'l.element.key.inner.z', 'long'),
      () => makeOptional(deep, 'l.element.key.x'),
    ]
    for (const change of refused) expect(change).toThrow(/the keys of a map cannot be changed/)
    expect(findColumn(widenColumn(deep, 'l.element.value.v', 'long'), 'l.element.value.v').field.type.type).toBe('long')
    const added = addColumn(evolving, 'l.element.value.n', 'int').schema
    expect(findColumn(added, 'l.element.value.n').field.required).toBe(false)
  })

  test('what is no name, or no text, is refused', () => {
    expect(() => widenColumn(base, 5 as never, 'long')).toThrow(
      /found 5 \(number\), expected the name of a column to widen/,
    )
    expect(() => addColumn(from, 'note', 'string', 5 as never)).toThrow("cannot add 'note': found doc 5")
    expect(() => addColumn({ ...from, lastColumnId: MAX_FIELD_ID }, 'note', 'string')).toThrow(/no field ids left/)
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

  test('only what is dropped is asked whether something needs it', () => {
    const used = new Map([[idOf('id'), 'the sort order']])
    const names = dropColumn({ ...base, identifierFieldIds: [idOf('id')] }, 'n', used).fields.map((f) => f.name)
    expect(names).toEqual(['id', 'f', 'd', 'place', 'points', 'counts'])
  })

  test('the last column can be dropped, the last field of a struct cannot', () => {
    expect(dropColumn(schema({ a: t.int }).schema, 'a').fields).toEqual([])
    expect(() => dropColumn(schema({ s: t.struct({ a: t.int }) }).schema, 's.a')).toThrow(/drop 's'$/)
  })

  test.each([
    ['drop', (name: string) => dropColumn(base, name)],
    ['rename', (name: string) => renameColumn(base, name, 'x')],
    ['make optional', (name: string) => makeOptional(base, name)],
  ])('%s wants the name of a column', (action, change) => {
    for (const name of [5, undefined, null, ['n']])
      expect(caught(() => change(name as unknown as string))).toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(`^found .*, expected the name of a column to ${action}$`),
      })
  })

  test('schemas are the same if they differ in the schema id only', () => {
    expect(sameSchema(base, { ...base, schemaId: 7 })).toBe(true)
    expect(sameSchema(base, renameColumn(base, 'n', 'm'))).toBe(false)
    expect(sameSchema(base, makeOptional(base, 'n'))).toBe(false)
    expect(sameSchema(base, { ...base, identifierFieldIds: [1] })).toBe(false)
    expect(sameSchema(withDefault(2n ** 60n), { ...withDefault(2n ** 60n), schemaId: 2 })).toBe(true)
    expect(sameSchema(withDefault(2n ** 60n), withDefault(2n ** 60n + 1n))).toBe(false)
    expect(sameSchema(withDefault(5), withDefault(6))).toBe(false)
  })

  test.each<[unknown, unknown, boolean]>([
    [2n ** 60n, `${2n ** 60n}n`, false],
    [2n ** 60n, `${2n ** 60n}`, false],
    [5, '5', false],
    [5, "'5", false],
    [5n, '5n', false],
    [5n, 5, true],
    ['5n', '5n', true],
  ])('a default %o and a default %o: the same is %s', (one, other, same) => {
    expect(sameSchema(withDefault(one), withDefault(other))).toBe(same)
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

test('a schema that is compared with many others is written out once', () => {
  let looks = 0
  const fields = base.fields.map((field) => ({
    ...field,
    get name() {
      looks++
      return field.name
    },
  }))
  const counted: Schema = { ...base, fields }
  expect(sameSchema(counted, base)).toBe(true)
  const once = looks
  for (let i = 0; i < 50; i++) expect(sameSchema(renameColumn(base, 'n', `n${i}`), counted)).toBe(false)
  expect(looks).toBe(once)
})
