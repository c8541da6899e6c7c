/** From the names that a user selects to the fields that are read, parts of structs included. */
import { invalid } from '../errors.ts'
import { leavesOf } from '../spec/bound-logic.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import { findColumn, indexSchema } from '../spec/schema.ts'
import type { Field, Schema, Type } from '../spec/types.ts'

/** Which fields of a group are wanted, by id, in the order in which they were first named; `all`: everything below. */
type Wanted = 'all' | Map<number, Wanted>

/**
 * The fields of the rows that a scan gives, in the order of `select`; all columns without it. A dotted name gives the
 * struct with that field in it.
 *
 * @throws `invalid-argument` naming near misses if a column does not exist.
 */
export function selectFields(schema: Schema, select: readonly string[] | undefined): readonly Field[] {
  if (select === undefined) return schema.fields
  if (!Array.isArray(select)) return invalid(`select must be an array of column names; found ${typeof select}`)
  const wanted: Wanted = new Map()
  for (const name of select as readonly unknown[]) {
    if (typeof name !== 'string') return invalid(`select must be an array of column names; found ${String(name)} in it`)
    want(wanted, findColumn(schema, name).path)
  }
  return prune(schema.fields, wanted)
}

/** The fields that are read: `fields`, and after them what `predicate` looks at and is not among them. */
export function fieldsToRead(schema: Schema, fields: readonly Field[], predicate: BoundPredicate): readonly Field[] {
  const leaves = leavesOf(predicate)
  if (leaves.length === 0 || fields === schema.fields) return fields
  const wanted: Wanted = new Map()
  for (const field of fields) wantField(wanted, field)
  for (const { term } of leaves) want(wanted, term.path)
  return prune(schema.fields, wanted)
}

function want(wanted: Map<number, Wanted>, path: readonly number[]): void {
  let level = wanted
  for (const [depth, id] of path.entries()) {
    const inner = level.get(id)
    if (inner === 'all') return
    if (depth === path.length - 1) level.set(id, 'all')
    else {
      const next = inner ?? new Map<number, Wanted>()
      level.set(id, next)
      level = next
    }
  }
}

/** All that a field which is itself a selection has in it. */
function wantField(wanted: Map<number, Wanted>, field: Field): void {
  const inner: Wanted = new Map()
  const visit = (level: Map<number, Wanted>, { id, type }: Field): void => {
    if (type.type !== 'struct') {
      level.set(id, 'all')
      return
    }
    const below: Wanted = new Map()
    level.set(id, below)
    for (const child of type.fields) visit(below, child)
  }
  visit(inner, field)
  for (const [id, below] of inner) wanted.set(id, below)
}

function prune(fields: readonly Field[], wanted: Wanted): readonly Field[] {
  if (wanted === 'all') return fields
  return Array.from(wanted, ([id, below]) =>
    pruneField(
      fields.find((field) => field.id === id)!,
      below,
    ),
  )
}

function pruneField(field: Field, wanted: Wanted): Field {
  const type = pruneType(field.type, wanted)
  return type === field.type ? field : { ...field, type }
}

/** A map's key is never left out; an element or value is pruned like a field. */
function pruneType(type: Type, wanted: Wanted): Type {
  if (wanted === 'all') return type
  switch (type.type) {
    case 'struct':
      return { ...type, fields: prune(type.fields, wanted) }
    case 'list':
      return { ...type, element: pruneType(type.element, wanted.get(type.elementId) ?? 'all') }
    case 'map':
      return { ...type, value: pruneType(type.value, wanted.get(type.valueId) ?? 'all') }
    default:
      return type
  }
}

/** The schema of the rows that a scan gives. */
export function projectedSchema(schema: Schema, fields: readonly Field[]): Schema {
  if (fields === schema.fields) return schema
  const { identifierFieldIds, ...rest } = schema
  const projected: Schema = { ...rest, fields }
  const { byId } = indexSchema(projected)
  const kept = identifierFieldIds?.filter((id) => byId.has(id))
  return kept?.length === identifierFieldIds?.length && kept !== undefined
    ? { ...projected, identifierFieldIds: kept }
    : projected
}
