/** What planning hands to reading: which files, and what is still to be checked in their rows. */
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { Field, Schema } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'

/** One data file to be read. Parquet, unencrypted, and without deletes: planning refuses everything else. */
export interface FileScanTask {
  readonly dataFile: DataFile
  /** By which the file was written; identity fields give the values of columns that the file itself lacks. */
  readonly spec: PartitionSpec
  /**
   * What a row must still satisfy to be part of the result. `true` if partition and metrics prove that every row of the
   * file does: its `recordCount` can be counted without reading it.
   */
  readonly residual: BoundPredicate
  /** The snapshot that added the file. */
  readonly snapshotId: bigint
  /** Data sequence number; null only where the writer of an old table left none. */
  readonly sequenceNumber: bigint | null
}

/** How much there was and how much of it was ruled out. Complete once the last task was taken. */
export interface ScanStats {
  /** Manifests of data files in the snapshots that are read. */
  manifestsTotal: number
  manifestsRead: number
  /** Live files; those of manifests that were not read as their list counts them (v1 lists need not: then they are left out). */
  filesTotal: number
  filesMatched: number
  /** Rows in the matching files: an upper bound of the result. */
  rowsMatched: bigint
  bytesMatched: bigint
}

export interface ScanPlan {
  readonly tasks: readonly FileScanTask[]
  readonly stats: Readonly<ScanStats>
}

/** Tasks in the order of the manifest lists, planned as they are asked for: a huge table is never held at once. */
export interface TaskStream extends AsyncIterable<FileScanTask> {
  /** Counts up while the tasks are taken. */
  readonly stats: Readonly<ScanStats>
}

/** Where manifest lists come from, if somebody keeps them; by default each is read. */
export interface ManifestLists {
  get(snapshot: Snapshot, signal?: AbortSignal): Promise<readonly ManifestFile[]>
}

export interface PlanRequest {
  readonly files: TableFiles
  readonly metadata: TableMetadata
  /** The state to read; undefined: a table that has none, and no rows. */
  readonly snapshot: Snapshot | undefined
  /** The schema of this read, all of its columns: `predicate` is bound to it. */
  readonly schema: Schema
  /** The columns that will be read, which may be parts of structs; default all of `schema`. */
  readonly columns?: readonly Field[] | undefined
  /** Default: all rows. */
  readonly predicate?: BoundPredicate | undefined
  /** Only rows that were appended after this snapshot, an ancestor of `snapshot`. */
  readonly since?: Snapshot | undefined
  /** Manifests in flight; default 16. */
  readonly concurrency?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly cache?: ManifestLists | undefined
}
