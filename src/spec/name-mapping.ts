/**
 * The name mapping (spec: "Column Projection"): field ids for data files that have none, kept as JSON in the table
 * property `schema.name-mapping.default`.
 */
import { DataShardError, invalid } from '../errors.ts'
import { asArray, asObject, atIndex, atKey, has, integerField, unknownFields, wrong } from './json-reader.ts'
import type { At } from './json-reader.ts'
import { childFields } from './schema.ts'
import type { Unknown } from './snapshot.ts'
import type { Field, Schema } from './types.ts'

/** The property that holds a table's mapping. */
export const NAME_MAPPING_PROPERTY = 'schema.name-mapping.default'

/** A field of data files: by which names it goes there, and which id it has in the table. */
export interface MappedField {
  /** Literal names: a dot in one is part of it. */
  readonly names: readonly string[]
  /** Absent for a field that files have and the table has not. */
  readonly fieldId?: number
  /** Inside a struct; `element` inside a list; `key` and `value` inside a map. */
  readonly fields: readonly MappedField[]
  readonly unknown?: Unknown
}

export type NameMapping = readonly MappedField[]

const KEYS = new Set(['names', 'field-id', 'fields'])

/**
 * A mapping from the text of the property.
 *
 * @throws `invalid-argument` saying where the text is wrong, also when a name stands twice at one level.
 */
export function parseNameMapping(text: string): NameMapping {
  const at: At = {
    path: '',
    fail: (message) => invalid(`the property ${NAME_MAPPING_PROPERTY} is damaged: ${message}`),
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return at.fail('it is not JSON')
  }
  return parseFields(json, at)
}

function parseFields(json: unknown, at: At): MappedField[] {
  const seen = new Set<string>()
  return asArray(json, at).map((entry, index) => {
    const here = atIndex(at, index)
    const field = parseField(entry, here)
    for (const name of field.names) {
      if (seen.has(name)) here.fail(`${here.path}: a second field has the name '${name}'`)
      seen.add(name)
    }
    return field
  })
}

function parseField(value: unknown, at: At): MappedField {
  const json = asObject(value, at)
  const namesAt = atKey(at, 'names')
  const unknown = unknownFields(json, KEYS)
  return {
    names: asArray(json.names, namesAt).map((name) =>
      typeof name === 'string' ? name : wrong(namesAt, name, 'a string'),
    ),
    ...(has(json, 'field-id') && { fieldId: integerField(json, 'field-id', at) }),
    fields: has(json, 'fields') ? parseFields(json.fields, atKey(at, 'fields')) : [],
    ...(unknown && { unknown }),
  }
}

/** The text for the property. */
export function formatNameMapping(mapping: NameMapping): string {
  return JSON.stringify(mapping.map(fieldToJson))
}

function fieldToJson(field: MappedField): unknown {
  return {
    ...(field.fieldId !== undefined && { 'field-id': field.fieldId }),
    names: field.names,
    ...(field.fields.length > 0 && { fields: field.fields.map(fieldToJson) }),
    ...field.unknown,
  }
}

/** The mapping in which every field of a schema has the name that it has there. */
export function nameMappingOf(schema: Schema): NameMapping {
  return schema.fields.map(mapField)
}

function mapField(field: Field): MappedField {
  return { names: [field.name], fieldId: field.id, fields: childFields(field.type).map(mapField) }
}

/**
 * The mapping after a schema has changed: names that it had stay, renamed fields go by both names, new ones by theirs.
 * A name that a new or renamed field takes over is taken from the field that had it before.
 */
export function extendNameMapping(mapping: NameMapping, schema: Schema): NameMapping {
  return extendLevel(mapping, schema.fields)
}

function extendLevel(mapped: readonly MappedField[], fields: readonly Field[]): MappedField[] {
  const owners = new Map(fields.map((field) => [field.name, field.id]))
  const kept = mapped
    .map((entry) => ({
      ...entry,
      names: entry.names.filter((n) => (owners.get(n) ?? entry.fieldId) === entry.fieldId),
    }))
    .map((entry) => {
      const field = fields.find(({ id }) => id === entry.fieldId)
      if (field === undefined) return entry
      const names = entry.names.includes(field.name) ? entry.names : [...entry.names, field.name]
      return { ...entry, names, fields: extendLevel(entry.fields, childFields(field.type)) }
    })
  const known = new Set(kept.map((entry) => entry.fieldId))
  return [...kept, ...fields.filter((field) => !known.has(field.id)).map(mapField)]
}

/**
 * Both mappings together: each field goes by the names that it has in either.
 *
 * @throws `commit-conflict` where one name means two fields.
 */
export function mergeNameMappings(first: NameMapping, second: NameMapping): NameMapping {
  const owners = new Map(first.flatMap(({ names, fieldId }) => names.map((name) => [name, fieldId] as const)))
  const merged = first.map((entry) => ({ ...entry }))
  for (const entry of second) {
    const clash = entry.names.find((name) => owners.has(name) && owners.get(name) !== entry.fieldId)
    if (clash !== undefined) {
      throw new DataShardError(
        'commit-conflict',
        `in data files without field ids the name '${clash}' means field ${owners.get(clash) ?? 'none'} by the property ` +
          `${NAME_MAPPING_PROPERTY} as it is now, and field ${entry.fieldId ?? 'none'} by the table as it was when it was loaded; nothing was ` +
          `committed. Load the table again`,
      )
    }
    const at = merged.findIndex((one) => one.fieldId === entry.fieldId)
    const known = merged[at]
    if (!known || entry.fieldId === undefined) {
      const names = entry.names.filter((name) => !owners.has(name))
      if (names.length > 0) merged.push({ ...entry, names })
    } else {
      const names = [...known.names, ...entry.names.filter((name) => !known.names.includes(name))]
      merged[at] = { ...known, names, fields: mergeNameMappings(known.fields, entry.fields) }
    }
  }
  return merged
}

/** The entry of a field by its path of names in a data file: `['points', 'element', 'x']`; undefined if there is none. */
export function findMappedField(mapping: NameMapping, path: readonly string[]): MappedField | undefined {
  let level = mapping
  let found: MappedField | undefined
  for (const name of path) {
    found = level.find((entry) => entry.names.includes(name))
    if (found === undefined) return undefined
    level = found.fields
  }
  return found
}

/** The table's field id for a path of names in a data file; undefined if the mapping gives it none. */
export function mappedFieldId(mapping: NameMapping, path: readonly string[]): number | undefined {
  return findMappedField(mapping, path)?.fieldId
}
