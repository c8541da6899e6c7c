/** Table metadata (spec: "Table Metadata"), one immutable value per version. */
import type { PartitionSpec } from './partition.ts'
import type { MetadataLogEntry, Snapshot, SnapshotLogEntry, SnapshotRef, Unknown } from './snapshot.ts'
import type { SortOrder } from './sort-order.ts'
import type { Schema } from './types.ts'

export interface TableMetadata {
  readonly formatVersion: 1 | 2 | 3
  readonly tableUuid: string
  readonly location: string
  readonly lastSequenceNumber: bigint
  readonly lastUpdatedMs: number
  readonly lastColumnId: number
  readonly schemas: readonly Schema[]
  readonly currentSchemaId: number
  readonly partitionSpecs: readonly PartitionSpec[]
  readonly defaultSpecId: number
  readonly lastPartitionId: number
  readonly sortOrders: readonly SortOrder[]
  readonly defaultSortOrderId: number
  readonly properties: Readonly<Record<string, string>>
  readonly currentSnapshotId?: bigint
  readonly snapshots: readonly Snapshot[]
  readonly snapshotLog: readonly SnapshotLogEntry[]
  readonly metadataLog: readonly MetadataLogEntry[]
  readonly refs: Readonly<Record<string, SnapshotRef>>
  /** v3 */
  readonly nextRowId?: bigint
  /** Top-level fields that this version does not model (statistics, encryption keys, those of other engines). */
  readonly unknown?: Unknown
}

/** The current snapshot: the head of `main`; undefined in a table that never had a commit of data. */
export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  return metadata.currentSnapshotId === undefined ? undefined : snapshotById(metadata, metadata.currentSnapshotId)
}

export function snapshotById(metadata: TableMetadata, snapshotId: bigint): Snapshot | undefined {
  return metadata.snapshots.find((snapshot) => snapshot.snapshotId === snapshotId)
}

export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata.currentSchemaId)!
}

export function schemaById(metadata: TableMetadata, schemaId: number): Schema | undefined {
  return metadata.schemas.find((schema) => schema.schemaId === schemaId)
}

export function specById(metadata: TableMetadata, specId: number): PartitionSpec | undefined {
  return metadata.partitionSpecs.find((spec) => spec.specId === specId)
}

export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return specById(metadata, metadata.defaultSpecId)!
}

export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  return metadata.sortOrders.find((order) => order.orderId === metadata.defaultSortOrderId)!
}
