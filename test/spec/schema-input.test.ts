import { describe, expect, test } from 'vitest'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { ColumnType, SchemaInput } from '../../src/spec/builder.ts'
import { MAX_FIELD_ID } from '../../src/spec/schema-ids.ts'
import { loose, parseLooseFields } from '../../src/spec/schema-input.ts'
import { indexSchema, parseSchema, schemaToJson } from '../../src/spec/schema.ts'
import type { Schema } from '../../src/spec/types.ts'
import { caught } from './caught.ts'

const resolve = (input: unknown): Schema => resolveSchema(input as SchemaInput)
const refused = (input: unknown) => caught(() => resolve(input))
/** The one column of a schema as it comes out, without what every column has. */
const extras = (column: object) => {
  const {
    id: _,
    name: __,
    type: ___,
    required: ____,
    ...rest
  } = resolve({
    fields: [{ name: 'a', type: 'int', ...column }],
  }).fields[0]!
  return rest
}
const struct = (...fields: unknown[]) => ({ type: 'struct', fields })
const list = (element: unknown, more: object = {}) => ({ type: 'list', element, ...more })
const map = (key: unknown, value: unknown, more: object = {}) => ({ type: 'map', key, value, ...more })

describe('what a column may have besides name and type', () => {
  test.for<[string, object, object]>([
    ['nothing', {}, {}],
    ['a doc', { doc: 'why' }, { doc: 'why' }],
    ['an empty doc', { doc: '' }, { doc: '' }],
    ['nulls, which count as absent', { id: null, doc: null, 'initial-default': null, writeDefault: null }, {}],
    ['defaults as in JSON', { 'initial-default': 1, 'write-default': 2 }, { initialDefault: 1, writeDefault: 2 }],
    ['defaults in snake_case', { initial_default: 1, write_default: 2 }, { initialDefault: 1, writeDefault: 2 }],
    ['defaults in camelCase', { initialDefault: 1, writeDefault: 2 }, { initialDefault: 1, writeDefault: 2 }],
    ['a default that is false', { 'initial-default': false }, { initialDefault: false }],
    ['only a write default', { 'write-default': 'x' }, { writeDefault: 'x' }],
    ['fields of a later format', { codec: 'z', 'a-b': [1] }, { unknown: { codec: 'z', 'a-b': [1] } }],
    ['fields of later formats, parsed before', { unknown: { codec: 'z' } }, { unknown: { codec: 'z' } }],
    [
      'fields that are called nearly like a default',
      { 'x-initial-default': 1, 'write-defaults': 2, 'write.default': 3, doc: 'd' },
      { doc: 'd', unknown: { 'x-initial-default': 1, 'write-defaults': 2, 'write.default': 3 } },
    ],
  ])('%s', ([, column, expected]) => {
    expect(extras(column)).toStrictEqual(expected)
  })

  test('all of it comes out again as JSON', () => {
    const column = {
      id: 4,
      name: 'a',
      required: true,
      type: 'int',
      doc: 'why',
      'initial-default': 1,
      'write-default': 2,
      codec: 'z',
    }
    expect(schemaToJson(resolve({ fields: [column] }))).toStrictEqual({
      type: 'struct',
      'schema-id': 0,
      fields: [column],
    })
  })

  test('the spelling of the spec comes before the others', () => {
    expect(loose({ 'a-b-c': 1, a_b_c: 2, aBC: 3 }, 'a-b-c')).toBe(1)
    expect(loose({ 'a-b-c': null, a_b_c: 2, aBC: 3 }, 'a-b-c')).toBe(2)
    expect(loose({ aBC: null }, 'a-b-c')).toBeUndefined()
  })
})

describe('ids', () => {
  test('given ones stay, and new ones are above all of them, however deep', () => {
    const nests: [unknown, number][] = [
      [list('int', { 'element-id': 50 }), 50],
      [list(list('int', { elementId: 70 }), { element_id: 5 }), 70],
      [list(list('int', { elementId: 5 }), { element_id: 70 }), 70],
      [map('int', 'int', { 'key-id': 60, 'value-id': 6 }), 60],
      [map('int', 'int', { 'key-id': 6, 'value-id': 60 }), 60],
      [map(struct({ id: 80, name: 'x', type: 'int' }), 'int', { keyId: 5, valueId: 6 }), 80],
      [map('int', list('int', { elementId: 80 }), { keyId: 5, valueId: 6 }), 80],
      [struct({ id: 90, name: 'x', type: 'int' }, { id: 9, name: 'y', type: 'int' }), 90],
      [struct({ id: 9, name: 'x', type: list('int', { elementId: 90 }) }), 90],
    ]
    for (const [type, highest] of nests) {
      const { fields } = resolve({
        fields: [
          { id: 2, name: 'a', type },
          { id: 3, name: 'b', type: 'int' },
          { name: 'new', type: 'int' },
        ],
      })
      expect(fields.map(({ id }) => id)).toEqual([2, 3, highest + 1])
    }
  })

  test('an id of 0 inside of a list or map, as the builder writes it, is none', () => {
    const { fields } = resolve({
      fields: [
        { name: 'a', type: list('int', { elementId: 0 }) },
        { name: 'b', type: map('int', 'int', { keyId: 0, valueId: 0, 'value-required': true }) },
      ],
    })
    expect(fields.map(({ type }) => type)).toEqual([
      { type: 'list', elementId: 3, element: { type: 'int' }, elementRequired: false },
      { type: 'map', keyId: 4, key: { type: 'int' }, valueId: 5, value: { type: 'int' }, valueRequired: true },
    ])
  })

  test('the highest one that is not for metadata columns is given to a column', () => {
    expect(resolve({ fields: [{ id: MAX_FIELD_ID, name: 'a', type: 'int' }] }).fields[0]!.id).toBe(MAX_FIELD_ID)
  })

  test.for<[unknown, string]>([
    [
      { id: 1.5, name: 'a', type: 'int' },
      "column 'a': found id 1.5 (number), expected an integer from 1 to 2147483447",
    ],
    [{ id: NaN, name: 'a', type: 'int' }, "column 'a': found id NaN (number)"],
    [{ id: MAX_FIELD_ID + 1, name: 'a', type: 'int' }, "column 'a': found id 2147483448 (number)"],
    [{ name: 'a', type: list('int', { elementId: -1 }) }, "column 'a', element: found id -1 (number)"],
    [{ name: 'a', type: map('int', 'int', { keyId: '1' }) }, "column 'a', key: found id '1' (string)"],
    [{ name: 'a', type: map('int', 'int', { valueId: 2.5 }) }, "column 'a', value: found id 2.5 (number)"],
    [
      { name: 'a', type: list(struct({ id: 'x', name: 'b', type: 'int' })) },
      "column 'a.element.b': found id 'x' (string)",
    ],
  ])('%j is refused', ([field, message]) => {
    expect(refused({ fields: [field] })?.message).toContain(message)
  })
})

describe('wrong shapes are refused with their place', () => {
  const inner = [
    { name: 'x', type: 'int' },
    { name: 'x', type: 'long' },
  ]
  test.for<[string, unknown, string]>([
    ['a column that is text', 'int', "field 1: found 'int' (string), expected { name, type, required }"],
    ['a column that is null', null, 'field 1: found null, expected'],
    ['a column that is a list', ['a', 'int'], 'field 1: found an array of 2, expected'],
    ['a field that is text', { name: 's', type: struct('x') }, "field 1 of 's': found 'x' (string)"],
    [
      'a field without a name',
      { name: 's', type: struct(inner[0], { type: 'int' }) },
      "field 2 of 's': found name undefined",
    ],
    ['a struct without fields', { name: 's', type: { type: 'struct' } }, "'s': fields must be a list, found undefined"],
    [
      'a struct deep inside without fields',
      { name: 's', type: struct({ name: 'x', type: list({ type: 'struct', fields: {} }) }) },
      "'s.x.element': fields must be a list, found an object without keys",
    ],
    [
      'required of a field as text',
      { name: 's', type: struct({ name: 'x', type: 'int', required: 'no' }) },
      "column 's.x': found required 'no' (string)",
    ],
    [
      'a doc that is a number',
      { name: 'a', type: 'int', doc: 5 },
      "column 'a': found doc 5 (number), expected a string",
    ],
    [
      'whether elements are required, as text',
      { name: 'a', type: list('int', { 'element-required': 'true' }) },
      "column 'a': found element-required 'true' (string), expected true or false",
    ],
    [
      'whether values are required, as a number',
      { name: 'a', type: { ...map('string', 'int'), valueRequired: 1 } },
      "column 'a': found value-required 1 (number), expected true or false",
    ],
    ['a list without an element', { name: 'a', type: { type: 'list' } }, "column 'a.element': found type undefined"],
    ['a map without a value', { name: 'a', type: map('int', undefined) }, "column 'a.value': found type undefined"],
    ['a map without a key', { name: 'a', type: map(5, 'int') }, "column 'a.key': found type 5 (number)"],
    ['a type of a type', { name: 'a', type: { type: { type: 'int' } } }, "column 'a': found type undefined"],
    ['a decimal without a scale', { name: 'a', type: { type: 'decimal', precision: 9 } }, "'decimal(9,undefined)'"],
    ['a type unlike any', { name: 'a', type: 'frobnicate' }, 'the types are boolean, int, long, '],
    ['a name used twice in a struct', { name: 's', type: struct(...inner) }, "two fields are called 'x'"],
    ['a name used twice in a list', { name: 's', type: list(list(struct(...inner))) }, "two fields are called 'x'"],
    ['a name used twice in a key', { name: 's', type: map(struct(...inner), 'int') }, "two fields are called 'x'"],
    ['a name used twice in a value', { name: 's', type: map('int', struct(...inner)) }, "two fields are called 'x'"],
  ])('%s', ([, field, message]) => {
    const error = refused({ fields: [field] })
    expect(error?.message).toContain(message)
    expect(error?.code).toBe('invalid-argument')
  })

  test('fields that are no list', () => {
    expect(caught(() => parseLooseFields({ a: 'int' }))?.message).toBe(
      'the schema: fields must be a list, found an object with keys a',
    )
  })

  test('a type of v3, whether it is named or parsed before, is unsupported', () => {
    for (const type of ['geography', 'geometry(srid:4326)', { type: 'unsupported', name: 'variant' }]) {
      const error = refused({ fields: [{ name: 'a', type: list(type) }] })
      expect(error?.code).toBe('unsupported')
      expect(error?.message).toMatch(/^column 'a.element' has the type (geography|geometry\(srid:4326\)|variant) of/)
    }
  })

  test.for<[string, object]>([
    ['schema-id', { 'schema-id': 1.5 }],
    ['schema-id', { 'schema-id': -1 }],
    ['schema-id', { schemaId: '1' }],
    ['schema-id', { schema_id: NaN }],
    ['identifier-field-ids', { 'identifier-field-ids': 1 }],
    ['identifier-field-ids', { identifierFieldIds: '1' }],
    ['identifier-field-ids', { identifier_field_ids: [1, '2'] }],
    ['identifier-field-ids', { identifier_field_ids: ['1', 2] }],
  ])('%s: %j', ([, part]) => {
    const error = refused({ fields: [{ id: 1, name: 'a', type: 'int', required: true }], ...part })
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toMatch(
      /^the schema: found (schemaId .*, expected an integer|identifier-field-ids .*, expected a list)/,
    )
  })
})

describe('nesting', () => {
  const wraps: [string, (type: unknown) => unknown][] = [
    ['structs', (type) => struct({ name: 'x', type })],
    ['lists', (type) => list(type)],
    ['map keys', (type) => map(type, 'int')],
    ['map values', (type) => map('int', type)],
  ]
  test.for(wraps)('%s may be nested 64 deep, the type of the column counted', ([, wrap]) => {
    const nested = (levels: number): unknown => (levels === 1 ? 'int' : wrap(nested(levels - 1)))
    const fields = (levels: number) => ({ fields: [{ name: 'a', type: nested(levels) }] })
    expect(indexSchema(resolve(fields(64))).byId.size).toBeGreaterThanOrEqual(64)
    expect(refused(fields(65))?.message).toContain('types are nested more than 64 deep')
  })

  test.for(wraps)('%s that were parsed before may be nested as deep, and no deeper', ([, wrap]) => {
    const nested = (levels: number): unknown => (levels === 1 ? 'int' : wrap(nested(levels - 1)))
    const parsed = resolve({ fields: [{ name: 'a', type: nested(64) }] })
    expect(resolve(parsed)).toStrictEqual(parsed)
    const deeper = wrap(parsed.fields[0]!.type)
    expect(refused({ fields: [{ name: 'a', type: deeper }] })?.message).toContain('types are nested more than 64 deep')
  })

  test('the builder goes as deep, since a deeper schema could not be read from its table', () => {
    const nested = (levels: number): ColumnType => (levels === 1 ? t.int : t.list(nested(levels - 1)))
    const deepest = schema({ a: nested(64) }).schema
    expect(parseSchema(schemaToJson(deepest))).toStrictEqual(deepest)
    for (const levels of [65, 2000]) {
      expect(caught(() => schema({ b: nested(levels) }))?.message).toBe(
        "column 'b': types are nested more than 64 deep",
      )
    }
  })
})

describe('what a nested type has besides', () => {
  const types: [string, object][] = [
    ['a struct', struct({ id: 2, name: 'x', type: 'int' })],
    ['a list', list('int', { 'element-id': 2 })],
    ['a map', map('int', 'int', { key_id: 2, valueId: 3 })],
  ]
  test.for(types)('%s keeps fields of a later format, also when it was parsed before', ([, type]) => {
    const later = { codec: 'z', 'a-b': [1] }
    const once = resolve({ fields: [{ id: 1, name: 'a', type: { ...type, ...later } }] })
    expect(once.fields[0]!.type).toMatchObject({ unknown: later })
    expect(resolve(once)).toStrictEqual(once)
    expect((schemaToJson(once) as { fields: { type: object }[] }).fields[0]!.type).toMatchObject(later)
    expect(parseSchema(schemaToJson(once))).toStrictEqual(once)
  })

  test.for(types)('%s of known fields, however they are spelled, has nothing besides', ([, type]) => {
    expect(resolve({ fields: [{ id: 1, name: 'a', type }] }).fields[0]!.type).not.toHaveProperty('unknown')
  })

  test.for<[string, object, string]>([
    ['required', list('int', { required: true }), "'required' means nothing on a list; say element-required: true or"],
    ['nullable', list('int', { nullable: false }), "'nullable' means nothing on a list; say element-required: true or"],
    [
      'optional',
      map('int', 'int', { optional: true }),
      "'optional' means nothing on a map; say value-required: true or",
    ],
  ])('%s, which would silently mean nothing, is refused', ([, type, message]) => {
    const error = refused({ fields: [{ name: 'a', type }] })
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toContain(`column 'a': ${message}`)
  })
})

describe('identifier fields', () => {
  const field = (id: number, type: unknown, required = true) => ({ id, name: `f${id}`, type, required })
  const fields = [
    field(1, 'long'),
    field(2, 'float'),
    field(3, 'double'),
    field(4, struct(field(5, 'string'), field(6, struct(field(7, 'int'))))),
    field(8, list(struct(field(9, 'int')), { elementId: 10, elementRequired: true })),
    field(11, map('string', struct(field(12, 'int')), { keyId: 13, valueId: 14, valueRequired: true })),
    field(15, struct(field(16, 'int')), false),
    field(17, 'int', false),
    field(18, 'uuid'),
  ]
  const identified = (ids: unknown) => ({ fields, identifierFieldIds: ids })

  test('are required primitives, also inside required structs', () => {
    expect(resolve(identified([1, 5, 7, 18])).identifierFieldIds).toEqual([1, 5, 7, 18])
  })

  test.for<[string, number]>([
    ['a float', 2],
    ['a double', 3],
    ['a struct', 4],
    ['a list', 8],
    ['a field inside a list', 9],
    ['an element', 10],
    ['a map', 11],
    ['a field inside a map', 12],
    ['a key', 13],
    ['a value', 14],
    ['a required field of an optional struct', 16],
    ['an optional field', 17],
  ])('%s cannot be one', ([, id]) => {
    const error = refused(identified([1, id]))
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toMatch(
      /^'\w+' cannot be an identifier field: such fields are required, primitive, neither float/,
    )
  })

  test('none is the same as no list of them', () => {
    for (const ids of [[], null, undefined]) expect(resolve(identified(ids))).not.toHaveProperty('identifierFieldIds')
  })
})
