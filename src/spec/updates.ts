/**
 * Changes of table metadata as values, and the pure function that applies them. The vocabulary is that of the Iceberg
 * REST catalog (`TableUpdate`), so that every way to change a table meets in one place.
 */
import { DataShardError, assert } from '../errors.ts'
import type { TableMetadata } from './metadata.ts'
import { snapshotById } from './metadata.ts'
import type { PartitionSpec } from './partition.ts'
import { LAST_UNASSIGNED_PARTITION_ID } from './partition.ts'
import { previousVersionsMax } from './properties.ts'
import { removeSnapshots } from './remove-snapshots.ts'
import { highestFieldId } from './schema.ts'
import type { Snapshot, SnapshotRef } from './snapshot.ts'
import { MAIN_BRANCH } from './snapshot.ts'
import type { SortOrder } from './sort-order.ts'
import type { Schema } from './types.ts'

export type TableUpdate =
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | { readonly action: 'set-snapshot-ref'; readonly name: string; readonly ref: SnapshotRef }
  | { readonly action: 'remove-snapshot-ref'; readonly name: string }
  /** Those that are gone already do not matter. */
  | { readonly action: 'remove-snapshots'; readonly snapshotIds: readonly bigint[] }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  /** Becomes the current schema. */
  | { readonly action: 'set-schema'; readonly schema: Schema }
  /** Becomes the default spec. */
  | { readonly action: 'set-spec'; readonly spec: PartitionSpec }
  /** Becomes the default sort order. */
  | { readonly action: 'set-sort-order'; readonly sortOrder: SortOrder }

export interface ApplyContext {
  readonly nowMs: number
  /** Path of the metadata file that `base` was read from. */
  readonly baseFile: string
}

/** The metadata of the next version. Pure; `base` is not changed. */
export function applyUpdates(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  context: ApplyContext,
): TableMetadata {
  const added = updates.flatMap((update) => (update.action === 'add-snapshot' ? [update.snapshot.timestampMs] : []))
  const lastUpdatedMs = Math.max(context.nowMs, base.lastUpdatedMs, ...added)
  let next: TableMetadata = { ...base, lastUpdatedMs }
  for (const update of updates) next = applyUpdate(next, update)
  const log = [...base.metadataLog, { timestampMs: base.lastUpdatedMs, metadataFile: context.baseFile }]
  return { ...next, metadataLog: log.slice(-previousVersionsMax(next.properties)) }
}

function applyUpdate(metadata: TableMetadata, update: TableUpdate): TableMetadata {
  switch (update.action) {
    case 'add-snapshot':
      return addSnapshot(metadata, update.snapshot)
    case 'set-snapshot-ref':
      return setRef(metadata, update.name, update.ref)
    case 'remove-snapshot-ref': {
      const { [update.name]: _removed, ...refs } = metadata.refs
      return { ...metadata, refs }
    }
    case 'remove-snapshots':
      return removeSnapshots(metadata, update.snapshotIds)
    case 'set-properties':
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } }
    case 'remove-properties':
      return {
        ...metadata,
        properties: Object.fromEntries(
          Object.entries(metadata.properties).filter(([name]) => !update.removals.includes(name)),
        ),
      }
    case 'set-schema':
      return {
        ...metadata,
        schemas: [...metadata.schemas.filter((one) => one.schemaId !== update.schema.schemaId), update.schema],
        currentSchemaId: update.schema.schemaId,
        lastColumnId: Math.max(metadata.lastColumnId, highestFieldId(update.schema)),
      }
    case 'set-spec':
      return {
        ...metadata,
        partitionSpecs: [...metadata.partitionSpecs.filter((one) => one.specId !== update.spec.specId), update.spec],
        defaultSpecId: update.spec.specId,
        lastPartitionId: Math.max(metadata.lastPartitionId, ...update.spec.fields.map((field) => field.fieldId)),
      }
    case 'set-sort-order':
      return {
        ...metadata,
        sortOrders: [
          ...metadata.sortOrders.filter((one) => one.orderId !== update.sortOrder.orderId),
          update.sortOrder,
        ],
        defaultSortOrderId: update.sortOrder.orderId,
      }
  }
}

function addSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  assert(snapshotById(metadata, snapshot.snapshotId) === undefined, `snapshot ${snapshot.snapshotId} exists already`)
  assert(
    metadata.formatVersion === 1 || snapshot.sequenceNumber > metadata.lastSequenceNumber,
    `sequence number ${snapshot.sequenceNumber} is not after ${metadata.lastSequenceNumber}`,
  )
  return {
    ...metadata,
    snapshots: [...metadata.snapshots, snapshot],
    lastSequenceNumber: snapshot.sequenceNumber,
  }
}

function setRef(metadata: TableMetadata, name: string, ref: SnapshotRef): TableMetadata {
  const snapshot = snapshotById(metadata, ref.snapshotId)
  if (!snapshot) {
    throw new DataShardError('commit-conflict', `snapshot ${ref.snapshotId}, which '${name}' shall name, is gone`)
  }
  const refs = { ...metadata.refs, [name]: ref }
  if (name !== MAIN_BRANCH || metadata.currentSnapshotId === ref.snapshotId) return { ...metadata, refs }
  // Spec, "Table Metadata": snapshot-log tells when main began to point where; a snapshot that was just made carries its
  // own time, one that main returns to (rollback) the time of this change.
  const isNew = snapshot.sequenceNumber === metadata.lastSequenceNumber && metadata.snapshots.at(-1) === snapshot
  const timestampMs = isNew ? snapshot.timestampMs : metadata.lastUpdatedMs
  return {
    ...metadata,
    refs,
    currentSnapshotId: ref.snapshotId,
    snapshotLog: [...metadata.snapshotLog, { timestampMs, snapshotId: ref.snapshotId }],
  }
}

export interface NewTable {
  readonly tableUuid: string
  readonly location: string
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly properties: Readonly<Record<string, string>>
  readonly nowMs: number
}

/** The first version of a table: format v2, no snapshot. */
export function newTableMetadata(table: NewTable): TableMetadata {
  return {
    formatVersion: 2,
    tableUuid: table.tableUuid,
    location: table.location,
    lastSequenceNumber: 0n,
    lastUpdatedMs: table.nowMs,
    lastColumnId: highestFieldId(table.schema),
    schemas: [table.schema],
    currentSchemaId: table.schema.schemaId,
    partitionSpecs: [table.spec],
    defaultSpecId: table.spec.specId,
    lastPartitionId: Math.max(LAST_UNASSIGNED_PARTITION_ID, ...table.spec.fields.map((field) => field.fieldId)),
    sortOrders: [table.sortOrder],
    defaultSortOrderId: table.sortOrder.orderId,
    properties: table.properties,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    refs: {},
  }
}
