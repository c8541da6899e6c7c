/** Snapshots and the names for them (spec: "Snapshots", "Snapshot References"). */

/** Plain JSON that this version does not model and hands on as it found it. */
export type Unknown = Readonly<Record<string, unknown>>

export interface Snapshot {
  readonly snapshotId: bigint
  readonly parentSnapshotId?: bigint
  /** 0 in v1. */
  readonly sequenceNumber: bigint
  readonly timestampMs: number
  /** Location of the manifest list; v1 tables may list `manifests` instead. */
  readonly manifestList?: string
  readonly manifests?: readonly string[]
  /** `operation` and the counters; all values are strings. */
  readonly summary?: Readonly<Record<string, string>>
  readonly schemaId?: number
  /** v3 */
  readonly firstRowId?: bigint
  readonly addedRows?: bigint
  readonly unknown?: Unknown
}

export interface SnapshotRef {
  readonly snapshotId: bigint
  readonly type: 'branch' | 'tag'
  readonly minSnapshotsToKeep?: number
  readonly maxSnapshotAgeMs?: bigint
  readonly maxRefAgeMs?: bigint
  readonly unknown?: Unknown
}

export interface SnapshotLogEntry {
  readonly timestampMs: number
  readonly snapshotId: bigint
  readonly unknown?: Unknown
}

export interface MetadataLogEntry {
  readonly timestampMs: number
  readonly metadataFile: string
  readonly unknown?: Unknown
}

export const MAIN_BRANCH = 'main'
