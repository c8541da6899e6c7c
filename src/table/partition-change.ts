/** Changing the partition spec of a table (spec: "Partition Evolution"). */
import { nextId } from '../spec/metadata-limits.ts'
import { invalid } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, defaultSpec } from '../spec/metadata.ts'
import type { PartitionField, PartitionSpec } from '../spec/partition.ts'
import type { PartitionInput } from '../spec/partition-builder.ts'
import { resolvePartitionSpec } from '../spec/partition-builder.ts'
import { indexSchema } from '../spec/schema.ts'
import { transformName } from '../spec/transforms.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { describeChange } from './describe-change.ts'

export interface PartitionChange {
  /** Adds a field, as in `partitionBy`. */
  add(field: PartitionInput | string): PartitionChange
  /** Removes a field by its name, such as `at_day`. */
  remove(name: string): PartitionChange
}

/** The updates that a change comes to on one base; none if the spec stays as it is. */
export function changePartitionSpec(
  base: TableMetadata,
  change: (spec: PartitionChange) => unknown,
): readonly TableUpdate[] {
  const removed = new Set<string>()
  const added: (PartitionInput | string)[] = []
  const current = defaultSpec(base)
  const recorder: PartitionChange = {
    add: (field) => (added.push(field), recorder),
    remove: (name) => {
      if (!current.fields.some((field) => field.name === name)) {
        const names = current.fields.map((field) => field.name).join(', ') || 'none'
        invalid(`the table has no partition field '${name}' to remove; its fields: ${names}`)
      }
      removed.add(name)
      return recorder
    },
  }
  describeChange('updatePartitionSpec', change, recorder)
  const kept = current.fields.filter((field) => !removed.has(field.name))
  const spec = resolveSpec(base, kept, added)
  if (sameFields(spec, current)) return []
  const known = base.partitionSpecs.find((one) => sameFields(one, spec))
  return [{ action: 'set-spec', spec: known ?? spec }]
}

/** Fields that stay keep their ids; a field that an older spec had gets the id that it had there (spec, v2). */
function resolveSpec(
  base: TableMetadata,
  kept: readonly PartitionField[],
  added: readonly (PartitionInput | string)[],
): PartitionSpec {
  const schema = currentSchema(base)
  const index = indexSchema(schema)
  const inputs = kept.map((field): PartitionInput => {
    const column = index.byId.get(field.sourceId)?.name
    if (column === undefined)
      invalid(`the source column of partition field '${field.name}' is not in the schema; remove it`)
    return { column, transform: field.transform, name: field.name }
  })
  return resolvePartitionSpec([...inputs, ...added], schema, {
    specId: nextId(
      base.partitionSpecs.map((spec) => spec.specId),
      'partition spec',
    ),
    lastPartitionId: base.lastPartitionId,
    reuse: base.partitionSpecs,
  })
}

function sameFields(one: PartitionSpec, other: PartitionSpec): boolean {
  return describe(one) === describe(other)
}

function describe(spec: PartitionSpec): string {
  return JSON.stringify(spec.fields.map((f) => [f.sourceId, f.fieldId, f.name, transformName(f.transform)]))
}
