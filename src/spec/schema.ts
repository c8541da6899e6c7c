/** Schemas: from and to JSON (spec: appendix C), and looked up by id and by name. */
import { DataShardError, invalid } from '../errors.ts'
import { nearMisses } from './describe.ts'
import { asArray, asObject, atKey, has, idField, unknownFields, wrong } from './json-reader.ts'
import type { At } from './json-reader.ts'
import { fieldToJson, parseFields, typeName } from './type-json.ts'
import type { Field, Schema, Type } from './types.ts'

export { typeName }

const SCHEMA_KEYS = new Set(['type', 'schema-id', 'identifier-field-ids', 'fields'])

/**
 * A schema from the spec's JSON. Types of later formats become `unsupported` and survive by name.
 *
 * @throws `invalid-argument` naming the place: missing or mistyped parts, ids or sibling names used twice.
 */
export function parseSchema(json: unknown): Schema {
  return parseSchemaAt(json, { path: '', fail: (message) => invalid(`not an Iceberg schema: ${message}`) })
}

/** As {@link parseSchema}, for a schema inside another document, reporting errors as `at` says. */
export function parseSchemaAt(json: unknown, at: At): Schema {
  const object = asObject(json, at)
  if (has(object, 'type') && object.type !== 'struct') wrong(atKey(at, 'type'), object.type, "'struct'")
  const unknown = unknownFields(object, SCHEMA_KEYS)
  const fields = parseFields(object.fields, atKey(at, 'fields'))
  const schema: Schema = {
    schemaId: has(object, 'schema-id') ? idField(object, 'schema-id', at) : 0,
    fields,
    ...(has(object, 'identifier-field-ids') && { identifierFieldIds: parseIdentifiers(object, at) }),
    ...(unknown && { unknown }),
  }
  checkFieldIds(schema, at)
  return schema
}

function parseIdentifiers(object: Readonly<Record<string, unknown>>, at: At): number[] {
  const here = atKey(at, 'identifier-field-ids')
  return asArray(object['identifier-field-ids'], here).map((id) =>
    typeof id === 'number' && Number.isSafeInteger(id) ? id : wrong(here, id, 'an integer'),
  )
}

/** Fails if two fields of a schema, at whatever depth, have the same id. */
export function checkFieldIds(schema: Schema, at: At): void {
  const seen = new Map<number, string>()
  visitFields(schema.fields, (field, name) => {
    const other = seen.get(field.id)
    if (other !== undefined)
      at.fail(`${at.path === '' ? '' : `${at.path}: `}fields '${other}' and '${name}' have the same id ${field.id}`)
    seen.set(field.id, name)
  })
}

/**
 * Fails if two fields have one full name, as a column `a.b` beside a column `a` with a field `b` would. Spark and
 * pyiceberg refuse a table with such a schema altogether.
 */
export function checkFullNames(schema: Schema, at: At): void {
  const seen = new Set<string>()
  visitFields(schema.fields, (_, name) => {
    if (seen.has(name))
      at.fail(`two fields have the full name '${name}': a column, and a field of a struct; rename one`)
    seen.add(name)
  })
}

/** The spec's JSON of a schema. */
export function schemaToJson(schema: Schema): unknown {
  return {
    type: 'struct',
    'schema-id': schema.schemaId,
    ...(schema.identifierFieldIds && { 'identifier-field-ids': schema.identifierFieldIds }),
    fields: schema.fields.map(fieldToJson),
    ...schema.unknown,
  }
}

export type ParentKind = 'struct' | 'list' | 'map'

/** A field with its place in the schema. */
export interface IndexedField {
  /** List elements, map keys and values appear as fields called `element`, `key` and `value`. */
  readonly field: Field
  /** The ids of the fields around it, outermost first, and its own. */
  readonly path: readonly number[]
  /** Dotted: `address.city`, `tags.element`. */
  readonly name: string
  /** True if it and all fields around it are required. */
  readonly required: boolean
  /** What it is inside of, outermost first; empty for a column. */
  readonly parentKinds: readonly ParentKind[]
}

export interface SchemaIndex {
  readonly byId: ReadonlyMap<number, IndexedField>
  /** By full name. A column whose own name has dots wins over a nested field of the same full name. */
  readonly byName: ReadonlyMap<string, IndexedField>
}

const indexes = new WeakMap<Schema, SchemaIndex>()

/** All fields of a schema by id and by full name; computed once for each schema object. */
export function indexSchema(schema: Schema): SchemaIndex {
  let index = indexes.get(schema)
  if (index === undefined) indexes.set(schema, (index = buildIndex(schema)))
  return index
}

function buildIndex(schema: Schema): SchemaIndex {
  const byId = new Map<number, IndexedField>()
  const byName = new Map<string, IndexedField>()
  visitFields(schema.fields, (field, name, parents) => {
    const outer = parents.at(-1)
    const around = outer === undefined ? undefined : byId.get(outer.field.id)
    const entry: IndexedField = {
      field,
      path: [...(around?.path ?? []), field.id],
      name,
      required: field.required && (around?.required ?? true),
      parentKinds: parents.map((parent) => parent.kind),
    }
    byId.set(field.id, entry)
    if (parents.length === 0 || !byName.has(name)) byName.set(name, entry)
  })
  return { byId, byName }
}

interface Parent {
  readonly field: Field
  readonly kind: ParentKind
}

/** Calls `visit` for each field, parents before children; elements, keys and values included. */
function visitFields(
  fields: readonly Field[],
  visit: (field: Field, name: string, parents: readonly Parent[]) => void,
  prefix = '',
  parents: readonly Parent[] = [],
): void {
  for (const field of fields) {
    const name = prefix === '' ? field.name : `${prefix}.${field.name}`
    visit(field, name, parents)
    const { type } = field
    if (type.type === 'struct' || type.type === 'list' || type.type === 'map')
      visitFields(childFields(type), visit, name, [...parents, { field, kind: type.type }])
  }
}

/** The fields directly inside a type: a struct's own; `element`; `key` and `value`. Empty for a primitive. */
export function childFields(type: Type): readonly Field[] {
  switch (type.type) {
    case 'struct':
      return type.fields
    case 'list':
      return [{ id: type.elementId, name: 'element', required: type.elementRequired, type: type.element }]
    case 'map':
      return [
        { id: type.keyId, name: 'key', required: true, type: type.key },
        { id: type.valueId, name: 'value', required: type.valueRequired, type: type.value },
      ]
    default:
      return []
  }
}

/**
 * The field of a full name.
 *
 * @throws `invalid-argument` naming columns that may have been meant.
 */
export function findColumn(schema: Schema, name: string): IndexedField {
  const { byName } = indexSchema(schema)
  const found = byName.get(name)
  if (found !== undefined) return found
  // A list of structs looks like a struct to who writes the name.
  const through = [...byName.keys()].filter((full) => full.replaceAll(/\.(?:element|value)(?=\.)/g, '') === name)
  const near = through.length > 0 ? through : nearMisses(name, byName.keys())
  const hint =
    near.length > 0
      ? `did you mean ${near.map((n) => `'${n}'`).join(' or ')}?`
      : `it has ${schema.fields.length === 0 ? 'no columns' : listNames(schema)}`
  throw new DataShardError('invalid-argument', `the table has no column '${name}'; ${hint}`, {
    details: { column: name },
  })
}

function listNames(schema: Schema): string {
  const shown = schema.fields.slice(0, 20).map((field) => `'${field.name}'`)
  return `${shown.join(', ')}${schema.fields.length > shown.length ? ', ...' : ''}`
}

/** The largest field id of a schema, nested ones included; 0 if it has none. */
export function highestFieldId({ fields }: Partial<Schema> & Pick<Schema, 'fields'>): number {
  let highest = 0
  visitFields(fields, (field) => {
    if (field.id > highest) highest = field.id
  })
  return highest
}
