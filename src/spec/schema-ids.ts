/**
 * Field ids of a new schema. Ids that are given stay; the others are handed out as Iceberg's reference implementation
 * does, a struct's fields before what is inside of them.
 */
import { invalid } from '../errors.ts'
import type { At } from './json-reader.ts'
import { checkFieldIds, checkFullNames, childFields, highestFieldId } from './schema.ts'
import { MAX_NESTING } from './type-json.ts'
import type { Field, Schema, Type } from './types.ts'

/** Ids above are for metadata columns (spec: "Reserved Field IDs"). */
export const MAX_FIELD_ID = 2_147_483_447

/** Stands for "to be assigned". */
export const NO_ID = 0

/** A schema whose fields are those of schema-input.ts and whose ids are complete. @throws `invalid-argument` */
export function completeSchema(schemaId: number, fields: readonly Field[], identifiers?: readonly number[]): Schema {
  const at: At = { path: '', fail: (message) => invalid(`this schema cannot be used: ${message}`) }
  const given: Schema = { schemaId, fields }
  for (const { name, type } of fields) if (isDeeperThan(type, MAX_NESTING)) refuseNesting(name)
  checkGivenIds(fields, at)
  const schema: Schema = {
    ...given,
    fields: assignIds(fields),
    ...(identifiers && identifiers.length > 0 && { identifierFieldIds: identifiers }),
  }
  checkFieldIds(schema, at)
  checkFullNames(schema, at)
  return schema
}

/** Whether a type has more levels than that, itself counted: a table of such a schema could not be opened again. */
function isDeeperThan(type: Type, levels: number): boolean {
  return levels === 0 || childFields(type).some((child) => isDeeperThan(child.type, levels - 1))
}

/** @throws `invalid-argument` */
export function refuseNesting(column: string): never {
  return invalid(`column '${column}': types are nested more than ${MAX_NESTING} deep`)
}

function checkGivenIds(fields: readonly Field[], at: At): void {
  const seen = new Set<string>()
  for (const field of fields) {
    if (seen.has(field.name)) at.fail(`two fields are called '${field.name}'`)
    seen.add(field.name)
    for (const type of innerTypes(field.type)) if (type.type === 'struct') checkGivenIds(type.fields, at)
  }
}

/** The type itself or, through lists and maps, the structs in it. */
function innerTypes(type: Type): Type[] {
  if (type.type === 'list') return innerTypes(type.element)
  if (type.type === 'map') return [...innerTypes(type.key), ...innerTypes(type.value)]
  return [type]
}

/** Gives an id above `floor` and all ids that are there to every field, element, key and value that has none. */
export function assignIds(fields: readonly Field[], floor = 0): Field[] {
  let last = Math.max(floor, highestFieldId({ fields }))
  const take = (id: number): number => (id === NO_ID ? ++last : id)
  const inType = (type: Type): Type => {
    switch (type.type) {
      case 'struct':
        return { ...type, fields: inStruct(type.fields) }
      case 'list': {
        const elementId = take(type.elementId)
        return { ...type, elementId, element: inType(type.element) }
      }
      case 'map': {
        const keyId = take(type.keyId)
        const valueId = take(type.valueId)
        return { ...type, keyId, valueId, key: inType(type.key), value: inType(type.value) }
      }
      default:
        return type
    }
  }
  const inStruct = (struct: readonly Field[]): Field[] =>
    struct
      .map((field) => Object.assign({}, field, { id: take(field.id) }))
      .map((field) => Object.assign(field, { type: inType(field.type) }))
  const assigned = inStruct(fields)
  if (last > MAX_FIELD_ID) invalid(`there are no field ids left: ${MAX_FIELD_ID} is the highest that columns may have`)
  return assigned
}
