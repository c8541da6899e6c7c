/** Partition specs (spec: "Partitioning"). */
import type { Unknown } from './snapshot.ts'
import type { Transform } from './transforms.ts'
import type { Value } from './types.ts'

export interface PartitionField {
  readonly sourceId: number
  /** Unique over all specs of a table; the first is 1000. */
  readonly fieldId: number
  readonly name: string
  readonly transform: Transform
  /** v3: the arguments of a transform with several, whose `transform` is then unknown to this version. */
  readonly sourceIds?: readonly number[]
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

export interface PartitionSpec {
  readonly specId: number
  readonly fields: readonly PartitionField[]
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

/** The values of a spec's fields for one file, in the order of `spec.fields`. */
export type PartitionTuple = readonly (Value | null)[]

/** The spec of an unpartitioned table. */
export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] }

/** The highest partition field id of a table that never had one (spec: `last-partition-id`). */
export const LAST_UNASSIGNED_PARTITION_ID = 999
