/** Partition specs (spec: "Partitioning"). */
import type { Transform } from './transforms.ts'
import type { Value } from './types.ts'

export interface PartitionField {
  readonly sourceId: number
  /** Unique over all specs of a table; the first is 1000. */
  readonly fieldId: number
  readonly name: string
  readonly transform: Transform
}

export interface PartitionSpec {
  readonly specId: number
  readonly fields: readonly PartitionField[]
}

/** The values of a spec's fields for one file, in the order of `spec.fields`. */
export type PartitionTuple = readonly (Value | null)[]

/** The spec of an unpartitioned table. */
export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] }

/** The highest partition field id of a table that never had one (spec: `last-partition-id`). */
export const LAST_UNASSIGNED_PARTITION_ID = 999
