import { describe, expect, expectTypeOf, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { RowOf, RowOut, SchemaInput } from '../../src/spec/builder.ts'
import { parseSchema, schemaToJson, typeName } from '../../src/spec/schema.ts'
import { caught } from './caught.ts'

const events = schema({
  id: t.string,
  n: t.long,
  at: t.optional(t.timestamptz),
  amount: t.optional(t.decimal(12, 2)),
  tags: t.list(t.string),
  gaps: t.optional(t.list(t.optional(t.int))),
  attributes: t.map(t.string, t.optional(t.double)),
  place: t.optional(t.struct({ city: t.string, zip: t.optional(t.string) })),
})

describe('schema builder', () => {
  test('ids are assigned as Iceberg does: the columns first, then what is inside of them', () => {
    const columns = events.schema.fields.map((field) => `${field.id} ${field.name} ${field.required}`)
    expect(columns).toEqual([
      '1 id true',
      '2 n true',
      '3 at false',
      '4 amount false',
      '5 tags true',
      '6 gaps false',
      '7 attributes true',
      '8 place false',
    ])
    expect(events.schema.fields[4]!.type).toMatchObject({ elementId: 9, elementRequired: true })
    expect(events.schema.fields[5]!.type).toMatchObject({ elementId: 10, elementRequired: false })
    expect(events.schema.fields[6]!.type).toMatchObject({ keyId: 11, valueId: 12, valueRequired: false })
    expect(typeName(events.schema.fields[7]!.type)).toBe('struct<13: city: required string, 14: zip: optional string>')
  })

  test('every type has its Iceberg name', () => {
    const all = schema({
      a: t.boolean,
      b: t.int,
      c: t.long,
      d: t.float,
      e: t.double,
      f: t.date,
      g: t.time,
      h: t.timestamp,
      i: t.timestamptz,
      j: t.timestampNs,
      k: t.timestamptzNs,
      l: t.string,
      m: t.uuid,
      n: t.binary,
      o: t.fixed(16),
      p: t.decimal(38, 10),
      q: t.map(t.uuid, t.list(t.long)),
    })
    expect(all.schema.fields.map((field) => typeName(field.type)).join(' ')).toBe(
      'boolean int long float double date time timestamp timestamptz timestamp_ns timestamptz_ns string uuid binary ' +
        'fixed[16] decimal(38,10) map<uuid, list<long>>',
    )
  })

  test('rows are typed: what may be appended', () => {
    expectTypeOf<RowOf<typeof events>>().toEqualTypeOf<{
      readonly id: string
      readonly n: bigint | number
      readonly tags: readonly string[]
      readonly attributes:
        | ReadonlyMap<string, number | null | undefined>
        | readonly (readonly [string, number | null | undefined])[]
        | Readonly<Record<string, number | null | undefined>>
      readonly at?: Date | string | bigint | null | undefined
      readonly amount?: string | number | { readonly unscaled: bigint } | null | undefined
      readonly gaps?: readonly (number | null | undefined)[] | null | undefined
      readonly place?: { readonly city: string; readonly zip?: string | null | undefined } | null | undefined
    }>()
    const row: RowOf<typeof events> = { id: 'a', n: 1, tags: [], attributes: { x: 1 }, place: { city: 'x' } }
    expect(row.id).toBe('a')
    // @ts-expect-error a required column cannot be left out
    const missing: RowOf<typeof events> = { id: 'a', n: 1, tags: [] }
    // @ts-expect-error a decimal is no Date
    const mistyped: RowOf<typeof events> = { id: 'a', n: 1, tags: [], attributes: [], amount: new Date() }
    expect([missing, mistyped]).toHaveLength(2)
  })

  test('rows are typed: what a scan gives back', () => {
    expectTypeOf<RowOut<typeof events>>().toEqualTypeOf<{
      id: string
      n: bigint
      at: Date | null
      amount: string | null
      tags: string[]
      gaps: (number | null)[] | null
      attributes: Map<string, number | null>
      place: { city: string; zip: string | null } | null
    }>()
    expectTypeOf<RowOut<{ fields: [] }>>().toEqualTypeOf<Record<string, unknown>>()
  })

  test('a list of fields works too, with ids kept and missing ones assigned above', () => {
    const built = schema([
      { name: 'a', type: 'long', required: true },
      { id: 7, name: 'b', type: { type: 'list', element: 'string' } },
    ])
    expect(built.schema.fields).toEqual([
      { id: 8, name: 'a', required: true, type: { type: 'long' } },
      {
        id: 7,
        name: 'b',
        required: false,
        type: { type: 'list', elementId: 9, element: { type: 'string' }, elementRequired: false },
      },
    ])
  })

  test('a column is required unless it says otherwise, in a struct too', () => {
    const { fields } = schema({
      a: t.int,
      b: t.optional(t.int),
      s: t.struct({ c: t.int, d: t.optional(t.int) }),
    }).schema
    expect(fields.map((field) => field.required)).toEqual([true, false, true])
    expect(typeName(fields[2]!.type)).toBe('struct<4: c: required int, 5: d: optional int>')
    expect(t.map(t.string, t.int).type).toMatchObject({ valueRequired: true })
    expect(t.list(t.optional(t.int)).type).toMatchObject({ elementRequired: false })
  })

  test('no columns at all is a schema', () => {
    expect(schema({}).schema).toEqual({ schemaId: 0, fields: [] })
    expect(resolveSchema({ fields: [] })).toEqual({ schemaId: 0, fields: [] })
  })
})

describe('the schema forms that are taken', () => {
  const fields = [
    { id: 1, name: 'task_id', type: 'string', required: true },
    { id: 2, name: 'cost', type: 'decimal(12, 2)' },
    { id: 3, name: 'key', type: 'fixed(16)', required: false },
  ]
  test.each([[{ schemaId: 3, fields }], [{ schema_id: 3, fields }], [{ 'schema-id': 3, type: 'struct', fields }]])(
    '%#: %j',
    (input) => {
      expect(resolveSchema(input)).toEqual({
        schemaId: 3,
        fields: [
          { id: 1, name: 'task_id', required: true, type: { type: 'string' } },
          { id: 2, name: 'cost', required: false, type: { type: 'decimal', precision: 12, scale: 2 } },
          { id: 3, name: 'key', required: false, type: { type: 'fixed', length: 16 } },
        ],
      })
    },
  )

  test('Iceberg JSON with nested types comes out as it is', () => {
    const json = schemaToJson(events.schema) as SchemaInput
    expect(resolveSchema(json)).toEqual(events.schema)
    expect(parseSchema(json)).toEqual(events.schema)
    expect(resolveSchema(events.schema)).toEqual(events.schema)
  })

  test('identifier fields are kept, and refused when they cannot identify a row', () => {
    const id = { id: 1, name: 'id', type: 'long', required: true }
    expect(resolveSchema({ fields: [id], 'identifier-field-ids': [1] } as SchemaInput).identifierFieldIds).toEqual([1])
    const optional = { fields: [{ ...id, required: false }], 'identifier-field-ids': [1] }
    expect(() => resolveSchema(optional as SchemaInput)).toThrow(/'id' cannot be an identifier field/)
    expect(() => resolveSchema({ fields: [id], 'identifier-field-ids': [9] } as SchemaInput)).toThrow(
      /not in the schema/,
    )
  })
})

describe('schemas that are refused', () => {
  const a = { id: 1, name: 'a', type: 'long', required: true }
  const cases: [name: string, input: unknown, message: RegExp][] = [
    ['a name used twice', { fields: [a, { ...a, id: 2 }] }, /two fields are called 'a'/],
    [
      'a column called like a field of another',
      {
        fields: [
          { name: 's.x', type: 'int' },
          { name: 's', type: { type: 'struct', fields: [{ name: 'x', type: 'int' }] } },
        ],
      },
      /two fields have the full name 's\.x'/,
    ],
    ['an id used twice', { fields: [a, { ...a, name: 'b' }] }, /fields 'a' and 'b' have the same id 1/],
    [
      'an id used again inside',
      { fields: [a, { id: 2, name: 'b', type: { type: 'list', 'element-id': 1, element: 'int' } }] },
      /fields 'a' and 'b.element' have the same id 1/,
    ],
    ['an id below 1', { fields: [{ ...a, id: 0 }] }, /column 'a': found id 0 \(number\), expected an integer from 1/],
    ['an id of metadata columns', { fields: [{ ...a, id: 2147483546 }] }, /expected an integer from 1 to 2147483447/],
    ['an id that is text', { fields: [{ ...a, id: '1' }] }, /found id '1' \(string\)/],
    ['an empty name', { fields: [{ ...a, name: '' }] }, /field 1: the name is empty/],
    ['no name', { fields: [{ id: 1, type: 'long' }] }, /field 1: found name undefined, expected a string/],
    ['no type', { fields: [{ id: 1, name: 'a' }] }, /column 'a': found type undefined/],
    [
      'a type that does not exist',
      { fields: [{ ...a, type: 'strnig' }] },
      /'strnig', which does not exist; did you mean 'string'/,
    ],
    ['a decimal too long', { fields: [{ ...a, type: 'decimal(39,2)' }] }, /precision of 1 to 38/],
    ['a scale above the precision', { fields: [{ ...a, type: 'decimal(2,3)' }] }, /scale of 0 to the precision/],
    ['a fixed of nothing', { fields: [{ ...a, type: 'fixed[0]' }] }, /a length of 1 byte or more/],
    [
      'required as text',
      { fields: [{ ...a, required: 'yes' }] },
      /found required 'yes' \(string\), expected true or false/,
    ],
    ['nullable instead of required', { fields: [{ ...a, nullable: true }] }, /'nullable' means nothing here/],
    ['a lone surrogate in a name', { fields: [{ ...a, name: '\ud800' }] }, /unpaired surrogate/],
    ['fields that are no list', { fields: {} }, /the schema has no list of fields/],
    ['bare columns', { a: t.string }, /wrap columns in schema\(\{ \.\.\. \}\)/],
    ['nothing', undefined, /found undefined as the schema/],
    ['text', 'id long', /found 'id long' \(string\) as the schema/],
  ]
  test.each(cases)('%s', (_, input, message) => {
    const error = caught(() => resolveSchema(input as SchemaInput))
    expect(error?.message).toMatch(message)
    expect(error?.code).toBe('invalid-argument')
  })

  test('names that differ in case only are two columns', () => {
    expect(resolveSchema({ fields: [a, { ...a, id: 2, name: 'A' }] }).fields).toHaveLength(2)
  })

  test.each(['variant', 'geometry(srid:4326)', 'unknown'])('the v3 type %s is refused by name', (type) => {
    const error = caught(() => resolveSchema({ fields: [{ ...a, type }] }))
    expect(error?.code).toBe('unsupported')
    expect(error?.message).toContain(type)
  })

  test('a type that `t` does not know is refused where it is used', () => {
    expect(() => schema({ a: 'string' as unknown as typeof t.string })).toThrow(
      /column 'a': found 'string' \(string\), expected a type such as t\.string/,
    )
    expect(() => t.map(t.optional(t.string) as unknown as typeof t.string, t.long)).toThrow(/key of a map/)
    expect(() => t.decimal(40, 2)).toThrow(/precision of 1 to 38/)
    expect(() => t.fixed(-1)).toThrow(DataShardError)
  })

  const noTypes = [undefined, null, 'long', 5, [], {}, { type: 'long' }, { type: 'long', optional: true }]
  test.each([...noTypes, { type: { type: 'long' } }, { type: { type: 'long' }, optional: 'no' }])(
    '%j is no type of a column, wherever it stands',
    (found) => {
      const type = found as typeof t.long
      const places: [() => unknown, string][] = [
        [() => schema({ a: type }), "column 'a'"],
        [() => t.struct({ b: type }), "column 'b'"],
        [() => t.list(type), 'the element of a list'],
        [() => t.map(type, t.int), 'the key of a map'],
        [() => t.map(t.int, type), 'the value of a map'],
        [() => t.optional(type), 't.optional'],
      ]
      for (const [build, where] of places)
        expect(caught(build)).toMatchObject({
          code: 'invalid-argument',
          message: expect.stringMatching(`^${where}: found .*, expected a type such as t.string`),
        })
    },
  )

  test('what is no object has no columns', () => {
    for (const columns of [undefined, null, 5, 'a int'])
      for (const build of [schema, t.struct] as ((columns: unknown) => unknown)[])
        expect(caught(() => build(columns))?.message).toMatch(/^found .*, expected an object of columns$/)
    expect(caught(() => t.struct([t.int] as never))?.message).toBe('found an array of 1, expected an object of columns')
    expect(caught(() => schema({ '': t.int }))?.message).toBe('a column: the name is empty')
  })
})
