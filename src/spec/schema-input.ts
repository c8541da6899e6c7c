/** Schemas as people write them: Iceberg's JSON, the same in camelCase or snake_case, with or without ids. */
import { invalid, unsupported } from '../errors.ts'
import { describeValue, nearMisses } from './describe.ts'
import { isObject, unknownFields } from './json-reader.ts'
import type { At, JsonObject } from './json-reader.ts'
import { isWellFormed } from './literal.ts'
import { MAX_FIELD_ID, NO_ID, refuseNesting } from './schema-ids.ts'
import { MAX_NESTING, PRIMITIVE_NAMES, parsePrimitive } from './type-json.ts'
import type { Field, Schema, Type } from './types.ts'

const LATER_TYPES = ['unknown', 'variant', 'geometry', 'geography']
const FIELD_KEYS = ['id', 'name', 'type', 'required', 'doc', 'initialDefault', 'writeDefault', 'unknown']
/** What people write instead of `required`; taken for an unknown field it would silently change the column. */
const NOT_REQUIRED_KEYS = new Set(['nullable', 'optional', 'require', 'requried', 'mandatory'])
const STRUCT_KEYS = ['type', 'fields']
const LIST_KEYS = ['type', 'element-id', 'element', 'element-required']
const MAP_KEYS = ['type', 'key-id', 'key', 'value-id', 'value', 'value-required']

/** A field's value under its name in any of the three spellings; null counts as absent. */
export function loose(object: JsonObject, kebab: string): unknown {
  const [asIs, snake, camel] = spellings(kebab)
  return object[asIs] ?? object[snake] ?? object[camel] ?? undefined
}

function spellings(kebab: string): readonly [kebab: string, snake: string, camel: string] {
  return [kebab, kebab.replaceAll('-', '_'), kebab.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
}

/** Fields from a user's list. Ids that are missing are {@link NO_ID}. @throws `invalid-argument`, `unsupported` */
export function parseLooseFields(fields: unknown, inside = '', depth = 0): Field[] {
  if (!Array.isArray(fields))
    return invalid(
      `${inside === '' ? 'the schema' : `'${inside}'`}: fields must be a list, found ${describeValue(fields)}`,
    )
  return fields.map((field: unknown, index) => parseLooseField(field, index, inside, depth))
}

function parseLooseField(field: unknown, index: number, inside: string, depth: number): Field {
  const place = `field ${index + 1}${inside === '' ? '' : ` of '${inside}'`}`
  if (!isObject(field)) return invalid(`${place}: found ${describeValue(field)}, expected { name, type, required }`)
  const name = checkName(field.name, place)
  const fullName = inside === '' ? name : `${inside}.${name}`
  const wrongKey = Object.keys(field).find((key) => NOT_REQUIRED_KEYS.has(key))
  if (wrongKey !== undefined)
    invalid(`column '${fullName}': '${wrongKey}' means nothing here; say required: true or false`)
  const { required = false } = field
  if (typeof required !== 'boolean')
    return invalid(`column '${fullName}': found required ${describeValue(required)}, expected true or false`)
  const doc = field.doc ?? undefined
  if (doc !== undefined && typeof doc !== 'string')
    return invalid(`column '${fullName}': found doc ${describeValue(doc)}, expected a string`)
  const initialDefault = loose(field, 'initial-default')
  const writeDefault = loose(field, 'write-default')
  return {
    id: checkId(field.id, `column '${fullName}'`),
    name,
    required,
    type: parseLooseType(field.type, fullName, depth + 1),
    ...(doc !== undefined && { doc }),
    ...(initialDefault !== undefined && { initialDefault }),
    ...(writeDefault !== undefined && { writeDefault }),
    ...unknownPart(field),
  }
}

function unknownPart(field: JsonObject): Pick<Field, 'unknown'> {
  if (isObject(field.unknown)) return { unknown: field.unknown }
  const rest = Object.entries(field).filter(
    ([key]) => !FIELD_KEYS.includes(key) && !/^(initial|write)[-_]default$/.test(key),
  )
  return rest.length === 0 ? {} : { unknown: Object.fromEntries(rest) }
}

/** @throws `invalid-argument` if it cannot be the name of a column. */
export function checkName(name: unknown, place: string): string {
  if (typeof name !== 'string') return invalid(`${place}: found name ${describeValue(name)}, expected a string`)
  if (name === '') return invalid(`${place}: the name is empty`)
  if (!isWellFormed(name)) return invalid(`${place}: the name has an unpaired surrogate, which UTF-8 cannot hold`)
  // Arrow hands names on as C strings: files with such a column could be written, and never read again.
  return name.includes('\0') ? invalid(`${place}: the name ${JSON.stringify(name)} has a NUL in it; take it out`) : name
}

function checkId(id: unknown, what: string): number {
  if (id === undefined || id === null) return NO_ID
  if (typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= MAX_FIELD_ID) return id
  return invalid(`${what}: found id ${describeValue(id)}, expected an integer from 1 to ${MAX_FIELD_ID}`)
}

/** A type as a name, as JSON, or as this library's own objects. `column` is for messages. */
export function parseLooseType(type: unknown, column: string, depth = 0): Type {
  if (depth > MAX_NESTING) refuseNesting(column)
  if (typeof type === 'string') return parseTypeText(type, column)
  if (!isObject(type))
    return invalid(`column '${column}': found type ${describeValue(type)}, expected the name of a type`)
  const what = `column '${column}'`
  switch (type.type) {
    case 'struct':
      return {
        type: 'struct',
        fields: parseLooseFields(type.fields, column, depth),
        ...unknownOfType(type, STRUCT_KEYS),
      }
    case 'list':
      return {
        type: 'list',
        elementId: checkId(loose(type, 'element-id') || undefined, `${what}, element`),
        element: parseLooseType(type.element, `${column}.element`, depth + 1),
        elementRequired: looseBoolean(type, 'element-required', what),
        ...unknownOfType(type, LIST_KEYS, { what, instead: 'element-required' }),
      }
    case 'map':
      return {
        type: 'map',
        keyId: checkId(loose(type, 'key-id') || undefined, `${what}, key`),
        key: parseLooseType(type.key, `${column}.key`, depth + 1),
        valueId: checkId(loose(type, 'value-id') || undefined, `${what}, value`),
        value: parseLooseType(type.value, `${column}.value`, depth + 1),
        valueRequired: looseBoolean(type, 'value-required', what),
        ...unknownOfType(type, MAP_KEYS, { what, instead: 'value-required' }),
      }
    case 'decimal':
      return parseTypeText(`decimal(${String(type.precision)},${String(type.scale)})`, column)
    case 'fixed':
      return parseTypeText(`fixed[${String(type.length)}]`, column)
    case 'unsupported':
      return refuseLaterType(String(type.name), column)
    default:
      // A primitive as an object is no deeper than its bare name.
      return parseLooseType(typeof type.type === 'string' ? type.type : undefined, column, depth)
  }
}

/** What a nested type has besides what this version knows, as fields keep it too. */
function unknownOfType(
  type: JsonObject,
  known: readonly string[],
  required?: { readonly what: string; readonly instead: string },
): { readonly unknown?: Readonly<Record<string, unknown>> } {
  if (isObject(type.unknown)) return { unknown: type.unknown }
  const unknown = unknownFields(type, new Set(known.flatMap(spellings))) ?? {}
  const wrongKey = Object.keys(unknown).find((key) => key === 'required' || NOT_REQUIRED_KEYS.has(key))
  if (required !== undefined && wrongKey !== undefined)
    invalid(
      `${required.what}: '${wrongKey}' means nothing on a ${type.type as string}; say ${required.instead}: true or false`,
    )
  return Object.keys(unknown).length === 0 ? {} : { unknown }
}

/** False if it is not there. As text it would silently mean the other thing. */
function looseBoolean(object: JsonObject, kebab: string, what: string): boolean {
  const value = loose(object, kebab) ?? false
  return typeof value === 'boolean'
    ? value
    : invalid(`${what}: found ${kebab} ${describeValue(value)}, expected true or false`)
}

function parseTypeText(text: string, column: string): Type {
  const at: At = { path: `column '${column}'`, fail: (message) => invalid(message) }
  const type = parsePrimitive(text.replace(/^fixed\((.*)\)$/, 'fixed[$1]'), at)
  if (type !== undefined) return type
  if (LATER_TYPES.some((later) => text === later || text.startsWith(`${later}(`))) refuseLaterType(text, column)
  const names = [...PRIMITIVE_NAMES, 'decimal(P,S)', 'fixed[L]', 'struct', 'list', 'map']
  const near = nearMisses(text, names)
  return invalid(
    `column '${column}' has the type '${text}', which does not exist; ` +
      (near.length > 0 ? `did you mean '${near[0]}'?` : `the types are ${names.join(', ')}`),
  )
}

function refuseLaterType(name: string, column: string): never {
  return unsupported(
    `column '${column}' has the type ${name} of Iceberg v3, which this version of DataShard cannot store`,
  )
}

/** The schema id of a user's object, 0 if it has none. */
export function looseSchemaId(object: JsonObject): number {
  const id = loose(object, 'schema-id') ?? 0
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0) return id
  return invalid(`the schema: found schemaId ${describeValue(id)}, expected an integer, 0 or more`)
}

/** Identifier fields: required primitives, no floats, not inside lists or maps (spec: "Identifier Field IDs"). */
export function looseIdentifiers(object: JsonObject): readonly number[] | undefined {
  const ids = loose(object, 'identifier-field-ids')
  if (ids === undefined) return undefined
  if (Array.isArray(ids) && ids.every((id): id is number => typeof id === 'number')) return ids
  return invalid(`the schema: found identifier-field-ids ${describeValue(ids)}, expected a list of field ids`)
}

/** @throws `invalid-argument` if a field that shall identify rows cannot. */
export function checkIdentifiers(
  schema: Schema,
  find: (id: number) => { field: Field; required: boolean; parentKinds: readonly string[] } | undefined,
): void {
  for (const id of schema.identifierFieldIds ?? []) {
    const found = find(id)
    if (found === undefined) return invalid(`the identifier field ${id} is not in the schema`)
    const { field, required, parentKinds } = found
    const kind = field.type.type
    const nested = kind === 'struct' || kind === 'list' || kind === 'map' || parentKinds.some((k) => k !== 'struct')
    if (!required || nested || kind === 'float' || kind === 'double')
      invalid(
        `'${field.name}' cannot be an identifier field: such fields are required, primitive, ` +
          'neither float nor double, and not inside a list or map',
      )
  }
}
