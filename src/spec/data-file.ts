/** Data files, manifest entries and manifests (spec: "Manifests", "Manifest Lists"). */
import type { PartitionTuple } from './partition.ts'

/** Metrics of the columns of one file, by field id. Bounds only for columns that also have value and null counts. */
export interface ColumnMetrics {
  /** Bytes on disk. */
  readonly columnSizes: ReadonlyMap<number, bigint>
  /** All values, nulls and NaNs included. */
  readonly valueCounts: ReadonlyMap<number, bigint>
  readonly nullValueCounts: ReadonlyMap<number, bigint>
  readonly nanValueCounts: ReadonlyMap<number, bigint>
  /** In the spec's single-value serialization (appendix D), strings and binaries truncated. */
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>
  readonly upperBounds: ReadonlyMap<number, Uint8Array>
}

export type FileFormat = 'parquet' | 'avro' | 'orc' | 'puffin'
export type FileContent = 'data' | 'position-deletes' | 'equality-deletes'

export interface DataFile extends ColumnMetrics {
  readonly content: FileContent
  /** As the manifest says it: a full URL or an absolute path. */
  readonly path: string
  readonly format: FileFormat
  readonly partition: PartitionTuple
  /** Of the manifest that lists it. */
  readonly specId: number
  readonly recordCount: bigint
  readonly fileSizeBytes: bigint
  readonly keyMetadata?: Uint8Array
  readonly splitOffsets?: readonly bigint[]
  readonly equalityIds?: readonly number[]
  readonly sortOrderId?: number
  /** v3 */
  readonly firstRowId?: bigint
  readonly referencedDataFile?: string
  readonly contentOffset?: bigint
  readonly contentSizeBytes?: bigint
}

export type EntryStatus = 'existing' | 'added' | 'deleted'

/** A line of a manifest. `null`: to be inherited from the manifest list (spec: "Sequence Number Inheritance"). */
export interface ManifestEntry {
  readonly status: EntryStatus
  readonly snapshotId: bigint | null
  readonly sequenceNumber: bigint | null
  readonly fileSequenceNumber: bigint | null
  readonly dataFile: DataFile
}

export interface FieldSummary {
  readonly containsNull: boolean
  readonly containsNan?: boolean
  readonly lowerBound?: Uint8Array
  readonly upperBound?: Uint8Array
}

export type ManifestContent = 'data' | 'deletes'

/** A line of a manifest list. */
export interface ManifestFile {
  readonly path: string
  readonly length: bigint
  readonly partitionSpecId: number
  readonly content: ManifestContent
  readonly sequenceNumber: bigint
  readonly minSequenceNumber: bigint
  readonly addedSnapshotId: bigint
  readonly addedFilesCount: number
  readonly existingFilesCount: number
  readonly deletedFilesCount: number
  readonly addedRowsCount: bigint
  readonly existingRowsCount: bigint
  readonly deletedRowsCount: bigint
  readonly partitions?: readonly FieldSummary[]
  readonly keyMetadata?: Uint8Array
  /** v3 */
  readonly firstRowId?: bigint
}

/** Whether a manifest may have files that are there: a list need not count them in v1. */
export function hasLiveFiles({ addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  return addedFilesCount !== 0 || existingFilesCount !== 0
}
