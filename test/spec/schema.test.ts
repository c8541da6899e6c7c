import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { findColumn, highestFieldId, indexSchema, parseSchema, schemaToJson, typeName } from '../../src/spec/schema.ts'
import type { Field, Schema, Type } from '../../src/spec/types.ts'

const nested = schema({
  id: t.long,
  place: t.optional(t.struct({ city: t.string, at: t.struct({ lat: t.double }) })),
  points: t.list(t.struct({ x: t.optional(t.int) })),
  'a.b': t.string,
  a: t.struct({ c: t.int }),
  m: t.map(t.string, t.optional(t.list(t.long))),
}).schema

describe('index of a schema', () => {
  test('nested fields by full name, with path, requiredness and surroundings', () => {
    const lat = findColumn(nested, 'place.at.lat')
    expect(lat.required).toBe(false)
    expect(lat.path.map((id) => indexSchema(nested).byId.get(id)!.field.name)).toEqual(['place', 'at', 'lat'])
    expect(lat.parentKinds).toEqual(['struct', 'struct'])
    expect(findColumn(nested, 'points.element.x')).toMatchObject({ required: false, parentKinds: ['list', 'struct'] })
    expect(findColumn(nested, 'points.element')).toMatchObject({ required: true, parentKinds: ['list'] })
    expect(findColumn(nested, 'm.key')).toMatchObject({ required: true, parentKinds: ['map'] })
    expect(findColumn(nested, 'm.value.element')).toMatchObject({ required: false, parentKinds: ['map', 'list'] })
  })

  test('a column whose name has a dot wins over a nested field of that name', () => {
    // We refuse to make such a table, but others may have.
    const b: Field = { id: 3, name: 'b', required: true, type: { type: 'int' } }
    const fields: readonly Field[] = [
      { id: 1, name: 'a.b', required: true, type: { type: 'string' } },
      { id: 2, name: 'a', required: true, type: { type: 'struct', fields: [b] } },
    ]
    expect(findColumn({ schemaId: 0, fields }, 'a.b').field.type).toEqual({ type: 'string' })
    const turned: Schema = { schemaId: 0, fields: [...fields].reverse() }
    expect(findColumn(turned, 'a.b').field.type).toEqual({ type: 'string' })
  })

  test('it is made once for each schema', () => {
    expect(indexSchema(nested)).toBe(indexSchema(nested))
    expect(highestFieldId(nested)).toBe(indexSchema(nested).byId.size)
    expect(highestFieldId({ schemaId: 0, fields: [] })).toBe(0)
  })

  test.each([
    ['Id', /no column 'Id'; did you mean 'id'\?/],
    ['plcae.city', /did you mean 'place.city'\?/],
    ['city', /did you mean 'place.city'\?/],
    ['points.x', /did you mean 'points\.element\.x'\?/],
    ['nothing_like_it', /it has 'id', 'place', 'points', 'a.b', 'a', 'm'/],
    ['', /it has 'id'/],
  ])("an unknown column '%s' is refused with what may have been meant", (name, message) => {
    expect(() => findColumn(nested, name)).toThrow(message)
    expect(() => findColumn(nested, name)).toThrow(DataShardError)
  })

  test('an empty schema says so', () => {
    expect(() => findColumn({ schemaId: 0, fields: [] }, 'a')).toThrow(/it has no columns/)
  })
})

const leafTypes: Type[] = [
  { type: 'long' },
  { type: 'timestamptz_ns' },
  { type: 'decimal', precision: 38, scale: 0 },
  { type: 'fixed', length: 16 },
  { type: 'unsupported', name: 'geography(srid:4326, spherical)' },
]

/** Types of any shape, with ids from a counter so that they differ. */
function arbitrarySchema(): fc.Arbitrary<Schema> {
  const { tree } = fc.letrec<{ tree: Type; field: Omit<Field, 'id'> }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(...leafTypes),
      fc.uniqueArray(tie('field'), { selector: (f) => f.name, maxLength: 3 }).map((fields) => ({
        type: 'struct' as const,
        fields: fields.map((field) => Object.assign({ id: 0 }, field)),
      })),
      fc.record({
        type: fc.constant('list' as const),
        elementId: fc.constant(0),
        element: tie('tree'),
        elementRequired: fc.boolean(),
      }),
      fc.record({
        type: fc.constant('map' as const),
        keyId: fc.constant(0),
        key: tie('tree'),
        valueId: fc.constant(0),
        value: tie('tree'),
        valueRequired: fc.boolean(),
      }),
    ),
    field: fc.record(
      {
        name: fc.string({ minLength: 1, unit: 'grapheme' }),
        required: fc.boolean(),
        type: tie('tree'),
        doc: fc.string(),
        initialDefault: fc.constantFrom<unknown>(1, 'x', { a: 1 }),
        unknown: fc.constant({ 'x-other': [1, { y: 2 }] }),
      },
      { requiredKeys: ['name', 'required', 'type'] },
    ),
  }))
  return tree
    .filter((type) => type.type === 'struct')
    .map((type) => {
      let id = 0
      const numberFields = (fields: readonly Field[]): Field[] =>
        fields.map((field) => Object.assign({}, field, { id: ++id, type: number(field.type) }))
      const number = (inner: Type): Type => {
        if (inner.type === 'struct') return { ...inner, fields: numberFields(inner.fields) }
        if (inner.type === 'list') return { ...inner, elementId: ++id, element: number(inner.element) }
        if (inner.type === 'map')
          return { ...inner, keyId: ++id, valueId: ++id, key: number(inner.key), value: number(inner.value) }
        return inner
      }
      return { schemaId: 3, fields: numberFields(type.fields), unknown: { later: true } }
    })
}

const oneField = (type: unknown) => ({ fields: [{ id: 1, name: 'a', required: true, type }] })

describe('JSON of a schema', () => {
  test('every schema survives, unknown parts too', () => {
    fc.assert(
      fc.property(arbitrarySchema(), (one) => {
        const json: unknown = JSON.parse(JSON.stringify(schemaToJson(one)))
        expect(parseSchema(json)).toEqual(one)
      }),
    )
  })

  test('the spellings of the spec are read', () => {
    expect(typeName(parseSchema(oneField('decimal(9, 2)')).fields[0]!.type)).toBe('decimal(9,2)')
    expect(typeName(parseSchema(oneField('decimal( 9,2 )')).fields[0]!.type)).toBe('decimal(9,2)')
    expect(typeName(parseSchema(oneField('fixed[ 16 ]')).fields[0]!.type)).toBe('fixed[16]')
  })

  test('a type that is not known survives by name or in full', () => {
    for (const type of ['variant', 'quaternion(4)', { type: 'union', of: ['int', 'string'] }]) {
      const json = { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'a', required: false, type }] }
      const parsed = parseSchema(json)
      expect(parsed.fields[0]!.type.type).toBe('unsupported')
      expect(schemaToJson(parsed)).toEqual(json)
    }
  })

  const a = { id: 1, name: 'a', required: true, type: 'int' }
  test.each([
    [null, /^not an Iceberg schema: found null, expected an object/],
    [{ type: 'list', fields: [] }, /type: found 'list' \(string\), expected 'struct'/],
    [{}, /fields: found undefined, expected an array/],
    [{ fields: [5] }, /fields\[0\]: found 5 \(number\), expected an object/],
    [{ fields: [{ ...a, id: 'x' }] }, /fields\[0\]\.id: found 'x' \(string\), expected an integer/],
    [{ fields: [{ ...a, id: -1 }] }, /fields\[0\]\.id: found -1/],
    [{ fields: [{ ...a, name: '' }] }, /fields\[0\]\.name: a field needs a name/],
    [{ fields: [{ ...a, required: undefined }] }, /fields\[0\]\.required: found undefined, expected a boolean/],
    [{ fields: [{ ...a, type: 7 }] }, /fields\[0\]\.type: found 7/],
    [
      { fields: [{ ...a, type: { type: 'list', element: 'int', 'element-required': true } }] },
      /fields\[0\]\.type\.element-id/,
    ],
    [{ fields: [{ ...a, type: 'decimal(50,2)' }] }, /fields\[0\]\.type: found 'decimal\(50,2\)'/],
    [{ fields: [a, { ...a, id: 2 }] }, /fields\[1\]: a second field is called 'a'/],
    [{ fields: [a, { ...a, name: 'b' }] }, /fields 'a' and 'b' have the same id 1/],
    [{ fields: [a], 'schema-id': '0' }, /schema-id: found '0'/],
    [{ fields: [a], 'identifier-field-ids': ['a'] }, /identifier-field-ids: found 'a'/],
  ])('%j is refused, naming the place', (json, message) => {
    expect(() => parseSchema(json)).toThrow(message)
    expect(() => parseSchema(json)).toThrow(DataShardError)
  })

  test('types nested without end are refused, not a stack overflow', () => {
    let type: unknown = 'int'
    for (let i = 2; i < 100_000; i++) type = { type: 'list', 'element-id': i, 'element-required': true, element: type }
    expect(() => parseSchema({ fields: [{ ...a, type }] })).toThrow(/nested more than 64 deep/)
  })
})
