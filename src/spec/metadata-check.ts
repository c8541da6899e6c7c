/** What must hold between the parts of table metadata: everything that readers and writers follow exists. */
import { wrong } from './json-reader.ts'
import type { At } from './json-reader.ts'
import type { TableMetadata } from './metadata.ts'
import type { PartitionSpec } from './partition.ts'
import { MAIN_BRANCH } from './snapshot.ts'

/** Fails through `at` at the first contradiction. Costs one pass over the snapshots. */
export function checkMetadata(metadata: TableMetadata, at: At): void {
  const { schemas, partitionSpecs, sortOrders } = metadata
  checkIds(
    at,
    'schemas',
    'current-schema-id',
    metadata.currentSchemaId,
    schemas.map((s) => s.schemaId),
  )
  checkIds(
    at,
    'partition-specs',
    'default-spec-id',
    metadata.defaultSpecId,
    partitionSpecs.map((s) => s.specId),
  )
  checkIds(
    at,
    'sort-orders',
    'default-sort-order-id',
    metadata.defaultSortOrderId,
    sortOrders.map((o) => o.orderId),
  )
  for (const spec of partitionSpecs) checkPartitionFields(spec, at)
  checkSnapshots(metadata, at)
  if (metadata.location === '') wrong({ ...at, path: 'location' }, '', 'the location of the table')
}

function checkIds(at: At, list: string, key: string, current: number, ids: readonly number[]): void {
  const seen = new Set<number>()
  for (const id of ids) {
    if (seen.has(id)) at.fail(`${list}: two entries have the id ${id}`)
    seen.add(id)
  }
  if (!seen.has(current)) at.fail(`${key} is ${current}, but ${list} has only ${[...seen].join(', ') || 'no entries'}`)
}

/** Two fields of one id would be one value in a file's partition. */
function checkPartitionFields({ specId, fields }: PartitionSpec, at: At): void {
  const seen = new Set<number>()
  for (const { fieldId } of fields) {
    if (seen.has(fieldId)) at.fail(`partition-specs: two fields of spec ${specId} have the id ${fieldId}`)
    seen.add(fieldId)
  }
}

function checkSnapshots(metadata: TableMetadata, at: At): void {
  const ids = new Set<bigint>()
  for (const { snapshotId, sequenceNumber } of metadata.snapshots) {
    if (ids.has(snapshotId)) at.fail(`snapshots: two entries have the id ${snapshotId}`)
    ids.add(snapshotId)
    if (metadata.formatVersion > 1 && sequenceNumber > metadata.lastSequenceNumber)
      at.fail(
        `snapshot ${snapshotId} has sequence number ${sequenceNumber}, ` +
          `above last-sequence-number ${metadata.lastSequenceNumber}`,
      )
  }
  const current = metadata.currentSnapshotId
  if (current !== undefined && !ids.has(current))
    at.fail(`current-snapshot-id is ${current}, which is not in snapshots`)
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (!ids.has(ref.snapshotId))
      at.fail(`refs.${name} points to snapshot ${ref.snapshotId}, which is not in snapshots`)
    if (name === MAIN_BRANCH && ref.snapshotId !== current)
      at.fail(`refs.main points to snapshot ${ref.snapshotId}, but current-snapshot-id is ${current ?? 'not set'}`)
  }
}
