/** Random schemas with rows that fit them, canonical values, for property tests. */
import * as fc from 'fast-check'
import type { Field, Schema, Type } from '../../src/spec/types.ts'

const I64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Strings of whole characters, some of them beyond the basic plane. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.string({ maxLength: 90 }),
  fc.constant('\u{10ffff}'.repeat(20)),
)

const PRIMITIVES: readonly Type[] = [
  ...(['boolean', 'int', 'long', 'float', 'double', 'date', 'string', 'uuid', 'binary'] as const).map((type) => ({
    type,
  })),
  ...(['time', 'timestamp', 'timestamptz', 'timestamp_ns'] as const).map((type) => ({ type })),
  { type: 'decimal', precision: 38, scale: 6 },
  { type: 'decimal', precision: 9, scale: 2 },
  { type: 'fixed', length: 5 },
]

export const anyType: fc.Arbitrary<Type> = fc.letrec<{ type: Type }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.constantFrom(...PRIMITIVES),
    fc
      .tuple(tie('type'), fc.boolean())
      .map(([element, elementRequired]): Type => ({ type: 'list', elementId: 0, element, elementRequired })),
    fc
      .tuple(fc.constantFrom<Type>({ type: 'string' }, { type: 'int' }), tie('type'), fc.boolean())
      .map(([key, value, valueRequired]): Type => ({ type: 'map', keyId: 0, key, valueId: 0, value, valueRequired })),
    fc.array(fc.tuple(tie('type'), fc.boolean()), { minLength: 1, maxLength: 3 }).map((fields): Type => ({
      type: 'struct',
      fields: fields.map(([type, required], i) => ({ id: 0, name: `f${i}`, required, type })),
    })),
  ),
})).type

export const anySchema: fc.Arbitrary<Schema> = fc
  .array(fc.tuple(anyType, fc.boolean()), { minLength: 1, maxLength: 5 })
  .map((columns) => numberFields(columns.map(([type, required], i) => ({ id: 0, name: `c${i}`, required, type }))))

/** Gives all fields ids from 1 on. */
function numberFields(fields: readonly Field[]): Schema {
  let next = 1
  const number = (type: Type): Type => {
    if (type.type === 'struct') return { ...type, fields: type.fields.map(numberField) }
    if (type.type === 'list') return { ...type, elementId: next++, element: number(type.element) }
    if (type.type === 'map')
      return { ...type, keyId: next++, key: number(type.key), valueId: next++, value: number(type.value) }
    return type
  }
  const numberField = (field: Field): Field => ({ ...field, id: next++, type: number(field.type) })
  return { schemaId: 0, fields: fields.map(numberField) }
}

/** Values as a row may hold them; also what comes out, but for structs of nulls and the like. */
export function valueOf(type: Type): fc.Arbitrary<unknown> {
  switch (type.type) {
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.integer()
    case 'date':
      return fc.integer({ min: -100_000, max: 100_000 }).map((days) => new Date(days * 86_400_000))
    case 'long':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
      return fc.bigInt(I64)
    case 'time':
      return fc.integer({ min: 0, max: 86_399 }).map((s) => new Date(s * 1000).toISOString().slice(11, 19))
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'decimal':
      return fc
        .bigInt({ min: 1n - 10n ** BigInt(type.precision), max: 10n ** BigInt(type.precision) - 1n })
        .map((unscaled) => ({ unscaled }))
    case 'string':
      return text
    case 'uuid':
      return fc.uuid()
    case 'fixed':
      return fc.uint8Array({ minLength: type.length, maxLength: type.length })
    case 'binary':
      return fc.uint8Array({ maxLength: 40 })
    case 'list':
      return fc.array(orNull(type.element, type.elementRequired), { maxLength: 4 })
    case 'map':
      return fc
        .uniqueArray(fc.tuple(valueOf(type.key), orNull(type.value, type.valueRequired)), {
          maxLength: 4,
          selector: ([key]) => key,
        })
        .map((entries) => entries.map(([key, value]) => [key, value]))
    case 'struct':
      return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, orNull(field.type, field.required)])))
    default:
      throw new Error(`no values of type ${type.type}`)
  }
}

function orNull(type: Type, required: boolean): fc.Arbitrary<unknown> {
  return required ? valueOf(type) : fc.option(valueOf(type), { freq: 4 })
}

/** Rows of a schema. */
export function rowsOf(schema: Schema, maxLength = 40): fc.Arbitrary<Record<string, unknown>[]> {
  return fc.array(
    fc.record(Object.fromEntries(schema.fields.map((field) => [field.name, orNull(field.type, field.required)]))),
    {
      maxLength,
    },
  )
}
