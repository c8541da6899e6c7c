/** Changing the schema of a table (spec: "Schema Evolution"); no file is rewritten. */
import { invalid } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { nextId } from '../spec/metadata-limits.ts'
import { currentSchema } from '../spec/metadata.ts'
import type { EvolvingSchema, TypeInput } from '../spec/schema-evolution.ts'
import { addColumn, dropColumn, makeOptional, renameColumn, sameSchema, widenColumn } from '../spec/schema-evolution.ts'
import { highestFieldId, indexSchema } from '../spec/schema.ts'
import type { Schema } from '../spec/types.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { describeChange } from './describe-change.ts'
import { checkStorable } from './storable-schema.ts'

/** Each call returns the same object, so that calls can be chained; names are dotted for fields of structs. */
export interface SchemaChange {
  /** Adds an optional column at the end. */
  addColumn(name: string, type: TypeInput, doc?: string): SchemaChange
  renameColumn(name: string, newName: string): SchemaChange
  /** int to long, float to double, or a decimal to more digits. */
  widenColumn(name: string, type: TypeInput): SchemaChange
  /** Allows null in a column that was required. */
  makeOptional(name: string): SchemaChange
  /** Nobody reads its values any more; a new column of that name is another one. */
  dropColumn(name: string): SchemaChange
}

/** The updates that a change comes to on one base; none if the schema stays as it is. */
export function changeSchema(base: TableMetadata, change: (schema: SchemaChange) => unknown): readonly TableUpdate[] {
  const current = currentSchema(base)
  // Files may hold columns of any of its schemas: an id that one of them has is never given to another column.
  const lastColumnId = Math.max(base.lastColumnId, ...base.schemas.map(highestFieldId))
  let state: EvolvingSchema = { schema: current, lastColumnId }
  const set = (schema: Schema) => ((state = { ...state, schema }), recorder)
  const recorder: SchemaChange = {
    addColumn: (name, type, doc) => ((state = addColumn(state, name, type, doc)), recorder),
    renameColumn: (name, newName) => set(renameColumn(state.schema, name, newName)),
    widenColumn: (name, type) => set(widenColumn(state.schema, name, type)),
    makeOptional: (name) => set(makeOptional(state.schema, name)),
    dropColumn: (name) => set(dropColumn(state.schema, name, fieldsInUse(base))),
  }
  describeChange('updateSchema', change, recorder)
  if (sameSchema(state.schema, current)) return []
  refuseUnstorable(base, state.schema)
  refusePartitionNames(base, state.schema)
  const known = base.schemas.find((one) => sameSchema(one, state.schema))
  if (known) return [{ action: 'set-schema', schema: known }]
  const schemaId = nextId(
    base.schemas.map((one) => one.schemaId),
    'schema',
  )
  return [{ action: 'set-schema', schema: { ...state.schema, schemaId } }]
}

/** Columns that stay as they are may be of others, who know more types than we can write. */
function refuseUnstorable(base: TableMetadata, schema: Schema): void {
  const before = currentSchema(base).fields
  const fields = schema.fields.filter((field) => !before.includes(field))
  if (fields.length > 0 || schema.fields.length === 0) checkStorable({ ...schema, fields }, base.formatVersion)
}

/**
 * Partition fields of all specs, old ones too, have names of their own, but that an identity field is called like its
 * column: Spark refuses a table in which another column has the name of one.
 */
function refusePartitionNames(base: TableMetadata, schema: Schema): void {
  const { byName } = indexSchema(schema)
  for (const spec of base.partitionSpecs) {
    for (const { name, sourceId, transform } of spec.fields) {
      const column = byName.get(name)
      const isSource = column?.field.id === sourceId && transform.transform === 'identity'
      if (column !== undefined && !isSource) {
        invalid(`no column can be called '${name}': a partition field of the table has, or had, that name`)
      }
    }
  }
}

/** Columns that partitions or the sort order are made from. */
function fieldsInUse(base: TableMetadata): ReadonlyMap<number, string> {
  const specs = base.partitionSpecs.flatMap((spec) =>
    spec.fields.map((f) => [f.sourceId, `partition field '${f.name}'`] as const),
  )
  const orders = base.sortOrders.flatMap((order) => order.fields.map((f) => [f.sourceId, 'the sort order'] as const))
  return new Map([...orders, ...specs])
}
