/**
 * Changes of a schema that keep every file readable (spec: "Schema Evolution"), as functions from one schema to the
 * next. Field ids never change and are never used again. The schema id is the caller's business.
 */
import { invalid, unsupported } from '../errors.ts'
import type { ColumnType } from './builder.ts'
import { describeValue } from './describe.ts'
import { isObject } from './json-reader.ts'
import { NO_ID, assignIds } from './schema-ids.ts'
import { checkName, parseLooseType } from './schema-input.ts'
import { checkFullNames, findColumn, highestFieldId, indexSchema, schemaToJson } from './schema.ts'
import type { IndexedField } from './schema.ts'
import { typeName } from './type-json.ts'
import type { Field, Schema, Type } from './types.ts'

/** A schema and the highest field id that its table ever had. */
export interface EvolvingSchema {
  readonly schema: Schema
  readonly lastColumnId: number
}

/** A type from `t`, or the name or JSON of one. */
export type TypeInput = ColumnType | string | object

/**
 * Adds an optional column at the end; `place.zip` adds the field `zip` to the struct `place`.
 *
 * @param type `t.optional(t.string)`; a bare name such as `'string'` is optional too.
 * @throws `invalid-argument` if the name is taken, the struct is not there, or the column is required: rows that the
 * table has already would have no value for it.
 */
export function addColumn(from: EvolvingSchema, name: string, type: TypeInput, doc?: string): EvolvingSchema {
  const { parent, leaf } = splitName(from.schema, checkName(name, 'the new column'))
  if (parent !== undefined) refuseInKey(from.schema, parent, `add '${name}'`)
  if (doc !== undefined && typeof doc !== 'string')
    invalid(`cannot add '${name}': found doc ${describeValue(doc)}, expected a string`)
  const optional = isColumnType(type) ? type.optional : true
  if (!optional)
    invalid(
      `cannot add the required column '${name}': rows that are there have no value for it; wrap its type in t.optional`,
    )
  const bare: Field = {
    id: NO_ID,
    name: leaf,
    required: false,
    type: withoutIds(isColumnType(type) ? type.type : parseLooseType(type, name)),
    ...(doc !== undefined && { doc }),
  }
  const [field] = assignIds([bare], Math.max(from.lastColumnId, highestFieldId(from.schema)))
  const schema = changeSiblings(from.schema, parent, (fields) => {
    refuseTaken(fields, leaf, name)
    return [...fields, field!]
  })
  checkFullNames(schema, { path: '', fail: (message) => invalid(`cannot add '${name}': ${message}`) })
  return { schema, lastColumnId: highestFieldId({ fields: [field!] }) }
}

/** The struct that a new field goes into, and its name there. Without such a struct the name is a column's, dots and all. */
function splitName(schema: Schema, name: string): { parent: IndexedField | undefined; leaf: string } {
  const dot = name.lastIndexOf('.')
  if (dot <= 0 || dot === name.length - 1) return { parent: undefined, leaf: name }
  const parent = indexSchema(schema).byName.get(name.slice(0, dot))
  return parent?.field.type.type === 'struct'
    ? { parent, leaf: name.slice(dot + 1) }
    : findParentOrFail(schema, name, name.slice(0, dot))
}

function findParentOrFail(schema: Schema, name: string, parentName: string): never {
  const { field } = findColumn(schema, parentName)
  return invalid(`cannot add '${name}': '${parentName}' is no struct but ${typeName(field.type)}`)
}

/** Renames a column; for a field of a struct, `newName` is its name there, without the struct's. */
export function renameColumn(schema: Schema, name: string, newName: string): Schema {
  const column = findEvolvable(schema, name, 'rename')
  checkName(newName, `the new name of '${name}'`)
  const renamed = changeSiblings(schema, parentOf(schema, column), (fields) => {
    if (newName !== column.field.name) refuseTaken(fields, newName, newName)
    return fields.map((field) => (field.id === column.field.id ? { ...field, name: newName } : field))
  })
  checkFullNames(renamed, { path: '', fail: (message) => invalid(`cannot rename '${name}': ${message}`) })
  return renamed
}

/**
 * Gives a column a type that holds more: int to long, float to double, a decimal more digits before the point.
 *
 * @throws `invalid-argument` for any other change: files that are there could not be read as that.
 */
export function widenColumn(schema: Schema, name: string, type: TypeInput): Schema {
  const column = findNamed(schema, name, 'widen')
  const to = isColumnType(type) ? type.type : parseLooseType(type, name)
  const from = column.field.type
  if (typeName(from) === typeName(to)) return schema
  if (!canWiden(from, to))
    invalid(
      `cannot widen column '${name}' from ${typeName(from)} to ${typeName(to)}; ` +
        'int becomes long, float becomes double, a decimal gets more digits at the same scale',
    )
  return changeType(schema, column, to)
}

/** Whether every value of one type is one of the other, and files need not be rewritten. */
export function canWiden(from: Type, to: Type): boolean {
  if (from.type === 'int') return to.type === 'long'
  if (from.type === 'float') return to.type === 'double'
  return from.type === 'decimal' && to.type === 'decimal' && from.scale === to.scale && from.precision <= to.precision
}

/** Allows null in a column that was required. */
export function makeOptional(schema: Schema, name: string): Schema {
  const column = findEvolvable(schema, name, 'make optional')
  refuseIdentifier(schema, column, 'become optional')
  return changeSiblings(schema, parentOf(schema, column), (fields) =>
    fields.map((field) => (field.id === column.field.id ? { ...field, required: false } : field)),
  )
}

/**
 * Removes a column. Files keep its values, but nobody reads them any more: a new column of that name gets a new id.
 *
 * @param inUse What else of the table needs a field, by field id: `partition field 'at_day'`.
 */
export function dropColumn(schema: Schema, name: string, inUse: ReadonlyMap<number, string> = new Map()): Schema {
  const column = findEvolvable(schema, name, 'drop')
  for (const entry of indexSchema(schema).byId.values()) {
    if (!entry.path.includes(column.field.id)) continue
    const user = inUse.get(entry.field.id)
    if (user !== undefined) invalid(`cannot drop column '${name}': ${user} needs it`)
    refuseIdentifier(schema, entry, 'be dropped')
  }
  const parent = parentOf(schema, column)
  return changeSiblings(schema, parent, (fields) => {
    if (parent !== undefined && fields.length === 1)
      invalid(
        `cannot drop '${name}', the only field of '${parent.name}': a struct needs a field; drop '${parent.name}'`,
      )
    return fields.filter((field) => field.id !== column.field.id)
  })
}

/** Whether two schemas are the same but for their ids. */
export function sameSchema(one: Schema, other: Schema): boolean {
  return one.fields.length === other.fields.length && textOf(one) === textOf(other)
}

const texts = new WeakMap<Schema, string>()

/** All of a schema but its id; computed once for each schema object, since one is compared with all that a table has. */
function textOf(schema: Schema): string {
  let text = texts.get(schema)
  if (text === undefined) {
    text = JSON.stringify(schemaToJson({ ...schema, schemaId: 0 }), tellApart)
    texts.set(schema, text)
  }
  return text
}

/** Integers are the same as JSON has them, whichever type holds them, and are no texts: texts begin with a quote here. */
function tellApart(_: string, value: unknown): unknown {
  if (typeof value === 'string') return `'${value}`
  return typeof value === 'bigint' ? (Number.isSafeInteger(Number(value)) ? Number(value) : `${value}n`) : value
}

function isColumnType(type: TypeInput): type is ColumnType {
  return isObject(type) && isObject(type.type) && typeof type.optional === 'boolean'
}

function withoutIds(type: Type): Type {
  switch (type.type) {
    case 'struct':
      return { ...type, fields: type.fields.map((f) => Object.assign({}, f, { id: NO_ID, type: withoutIds(f.type) })) }
    case 'list':
      return { ...type, elementId: NO_ID, element: withoutIds(type.element) }
    case 'map':
      return { ...type, keyId: NO_ID, valueId: NO_ID, key: withoutIds(type.key), value: withoutIds(type.value) }
    case 'unsupported':
      return unsupported(`type ${type.name} cannot be stored by this version of DataShard`)
    default:
      return type
  }
}

function findNamed(schema: Schema, name: string, action: string): IndexedField {
  if (typeof name !== 'string') invalid(`found ${describeValue(name)}, expected the name of a column to ${action}`)
  const column = findColumn(schema, name)
  refuseInKey(schema, column, `${action} '${name}'`)
  return column
}

/** Keys that are there would no longer be those that are looked for (Iceberg docs, "Schema evolution"). */
function refuseInKey(schema: Schema, column: IndexedField, what: string): void {
  const { byId } = indexSchema(schema)
  const isInKey = column.path.some((id, i) => {
    const around = i === 0 ? undefined : byId.get(column.path[i - 1]!)?.field.type
    return around?.type === 'map' && around.keyId === id
  })
  if (isInKey) invalid(`cannot ${what}: the keys of a map cannot be changed`)
}

/** Elements, keys and values have no name of their own and cannot be left out. */
function findEvolvable(schema: Schema, name: string, action: string): IndexedField {
  const column = findNamed(schema, name, action)
  const around = column.parentKinds.at(-1)
  if (around === 'list' || around === 'map') invalid(`cannot ${action} '${name}', a part of a ${around}`)
  return column
}

function refuseIdentifier(schema: Schema, column: IndexedField, action: string): void {
  if (schema.identifierFieldIds?.includes(column.field.id))
    invalid(`column '${column.name}' cannot ${action}: it is an identifier field of the table`)
}

function refuseTaken(fields: readonly Field[], name: string, shown: string): void {
  if (fields.some((field) => field.name === name)) invalid(`there is a column '${shown}' already`)
}

function parentOf(schema: Schema, column: IndexedField): IndexedField | undefined {
  const id = column.path.at(-2)
  return id === undefined ? undefined : indexSchema(schema).byId.get(id)
}

type FieldsChange = (fields: readonly Field[]) => readonly Field[]

/** Changes the fields of a struct, or the columns if `parent` is undefined. */
function changeSiblings(schema: Schema, parent: IndexedField | undefined, change: FieldsChange): Schema {
  if (parent === undefined) return { ...schema, fields: change(schema.fields) }
  const { type } = parent.field
  return type.type === 'struct' ? changeType(schema, parent, { ...type, fields: change(type.fields) }) : schema
}

function changeType(schema: Schema, column: IndexedField, to: Type): Schema {
  const { id } = column.field
  const inType = (type: Type): Type => {
    switch (type.type) {
      case 'struct':
        return { ...type, fields: inFields(type.fields) }
      case 'list':
        return { ...type, element: type.elementId === id ? to : inType(type.element) }
      case 'map':
        return {
          ...type,
          key: type.keyId === id ? to : inType(type.key),
          value: type.valueId === id ? to : inType(type.value),
        }
      default:
        return type
    }
  }
  const inFields = (fields: readonly Field[]): Field[] =>
    fields.map((field) => {
      if (field.id === id) return { ...field, type: to }
      return column.path.includes(field.id) ? { ...field, type: inType(field.type) } : field
    })
  return { ...schema, fields: inFields(schema.fields) }
}
