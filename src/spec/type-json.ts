/** Types as JSON and as text (spec: appendix C, "Schemas"). */
import { wrong, asArray, asObject, atIndex, atKey, booleanField, has, idField, isObject } from './json-reader.ts'
import { stringField, unknownFields } from './json-reader.ts'
import type { At } from './json-reader.ts'
import type { Field, ListType, MapType, PrimitiveName, StructType, Type } from './types.ts'

/** All primitive types without parameters, in the order of the spec. */
export const PRIMITIVE_NAMES: readonly PrimitiveName[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'binary',
]

/** The largest precision of a decimal (spec: "Primitive Types"). */
export const MAX_DECIMAL_PRECISION = 38

/** Deeper than any real schema, and far from the end of the stack. */
export const MAX_NESTING = 64

const PRIMITIVES: ReadonlyMap<string, Type> = new Map(PRIMITIVE_NAMES.map((type) => [type, { type }]))
const DECIMAL = /^decimal\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/
const FIXED = /^fixed\[\s*(\d{1,10})\s*\]$/

const FIELD_KEYS = new Set(['id', 'name', 'required', 'type', 'doc', 'initial-default', 'write-default'])
const STRUCT_KEYS = new Set(['type', 'fields'])
const LIST_KEYS = new Set(['type', 'element-id', 'element', 'element-required'])
const MAP_KEYS = new Set(['type', 'key-id', 'key', 'value-id', 'value', 'value-required'])

/** A type's name as Iceberg prints it: `decimal(12,2)`, `fixed[16]`, `list<string>`, `struct<1: a: required int>`. */
export function typeName(type: Type): string {
  switch (type.type) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'fixed':
      return `fixed[${type.length}]`
    case 'unsupported':
      return type.name
    case 'struct':
      return `struct<${type.fields
        .map((f) => `${f.id}: ${f.name}: ${f.required ? 'required' : 'optional'} ${typeName(f.type)}`)
        .join(', ')}>`
    case 'list':
      return `list<${typeName(type.element)}>`
    case 'map':
      return `map<${typeName(type.key)}, ${typeName(type.value)}>`
    default:
      return type.type
  }
}

/** The primitive type of this name, with its parameters checked; undefined if there is none in formats v1 to v3's core. */
export function parsePrimitive(text: string, at: At): Type | undefined {
  const name = text.trim()
  const primitive = PRIMITIVES.get(name)
  if (primitive !== undefined) return primitive
  const decimal = DECIMAL.exec(name)
  if (decimal !== null) {
    const precision = Number(decimal[1])
    const scale = Number(decimal[2])
    if (precision < 1 || precision > MAX_DECIMAL_PRECISION || scale > precision)
      wrong(at, text, `a decimal with a precision of 1 to ${MAX_DECIMAL_PRECISION} and a scale of 0 to the precision`)
    return { type: 'decimal', precision, scale }
  }
  const fixed = FIXED.exec(name)
  if (fixed !== null) {
    const length = Number(fixed[1])
    if (length < 1 || length > 0x7fff_ffff) wrong(at, text, 'a fixed with a length of 1 byte or more')
    return { type: 'fixed', length }
  }
  return undefined
}

/** A type from its JSON. What is not known is kept as `unsupported` by its exact name. */
export function parseType(json: unknown, at: At, depth = 0): Type {
  if (depth > MAX_NESTING) at.fail(`${at.path}: types are nested more than ${MAX_NESTING} deep`)
  if (typeof json === 'string') return parsePrimitive(json, at) ?? { type: 'unsupported', name: json }
  const object = asObject(json, at)
  const name = stringField(object, 'type', at)
  if (name === 'struct') {
    const unknown = unknownFields(object, STRUCT_KEYS)
    return {
      type: 'struct',
      fields: parseFields(object.fields, atKey(at, 'fields'), depth),
      ...(unknown && { unknown }),
    }
  }
  if (name === 'list') {
    const unknown = unknownFields(object, LIST_KEYS)
    const elementId = idField(object, 'element-id', at)
    const elementRequired = booleanField(object, 'element-required', at)
    const element = parseType(object.element, atKey(at, 'element'), depth + 1)
    return { type: 'list', elementId, element, elementRequired, ...(unknown && { unknown }) }
  }
  if (name === 'map') {
    const unknown = unknownFields(object, MAP_KEYS)
    const keyId = idField(object, 'key-id', at)
    const valueId = idField(object, 'value-id', at)
    const valueRequired = booleanField(object, 'value-required', at)
    const key = parseType(object.key, atKey(at, 'key'), depth + 1)
    const value = parseType(object.value, atKey(at, 'value'), depth + 1)
    return { type: 'map', keyId, key, valueId, value, valueRequired, ...(unknown && { unknown }) }
  }
  return { type: 'unsupported', name, json: object }
}

/** The fields of a struct, with names that differ from each other. */
export function parseFields(json: unknown, at: At, depth = 0): Field[] {
  const names = new Set<string>()
  return asArray(json, at).map((entry, index) => {
    const here = atIndex(at, index)
    const field = parseField(asObject(entry, here), here, depth)
    if (names.has(field.name)) here.fail(`${here.path}: a second field is called '${field.name}'`)
    names.add(field.name)
    return field
  })
}

function parseField(object: Readonly<Record<string, unknown>>, at: At, depth: number): Field {
  const unknown = unknownFields(object, FIELD_KEYS)
  const id = idField(object, 'id', at)
  const name = stringField(object, 'name', at)
  if (name === '') at.fail(`${at.path}.name: a field needs a name`)
  return {
    id,
    name,
    required: booleanField(object, 'required', at),
    type: parseType(object.type, atKey(at, 'type'), depth + 1),
    ...(has(object, 'doc') && { doc: stringField(object, 'doc', at) }),
    ...(has(object, 'initial-default') && { initialDefault: object['initial-default'] }),
    ...(has(object, 'write-default') && { writeDefault: object['write-default'] }),
    ...(unknown && { unknown }),
  }
}

/** The inverse of {@link parseType}. */
export function typeToJson(type: Type): unknown {
  switch (type.type) {
    case 'struct':
      return structToJson(type)
    case 'list':
      return listToJson(type)
    case 'map':
      return mapToJson(type)
    case 'unsupported':
      return isObject(type.json) ? type.json : type.name
    case 'decimal':
      // The spec shows both spellings; with the blank is what Iceberg's own writers store.
      return `decimal(${type.precision}, ${type.scale})`
    default:
      return typeName(type)
  }
}

function structToJson(type: StructType): unknown {
  return { type: 'struct', fields: type.fields.map(fieldToJson), ...type.unknown }
}

function listToJson(type: ListType): unknown {
  return {
    type: 'list',
    'element-id': type.elementId,
    element: typeToJson(type.element),
    'element-required': type.elementRequired,
    ...type.unknown,
  }
}

function mapToJson(type: MapType): unknown {
  return {
    type: 'map',
    'key-id': type.keyId,
    key: typeToJson(type.key),
    'value-id': type.valueId,
    value: typeToJson(type.value),
    'value-required': type.valueRequired,
    ...type.unknown,
  }
}

export function fieldToJson(field: Field): unknown {
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: typeToJson(field.type),
    ...(field.doc !== undefined && { doc: field.doc }),
    ...(field.initialDefault !== undefined && { 'initial-default': field.initialDefault }),
    ...(field.writeDefault !== undefined && { 'write-default': field.writeDefault }),
    ...field.unknown,
  }
}
