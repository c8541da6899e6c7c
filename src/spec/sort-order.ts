/** Sort orders (spec: "Sorting"). */
import type { Unknown } from './snapshot.ts'
import type { Transform } from './transforms.ts'

export interface SortField {
  readonly sourceId: number
  readonly transform: Transform
  readonly direction: 'asc' | 'desc'
  readonly nullOrder: 'nulls-first' | 'nulls-last'
  /** v3: the arguments of a transform with several, whose `transform` is then unknown to this version. */
  readonly sourceIds?: readonly number[]
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

/** Order 0 is "unsorted", always. */
export interface SortOrder {
  readonly orderId: number
  readonly fields: readonly SortField[]
  /** JSON fields that this version does not model. */
  readonly unknown?: Unknown
}

export const UNSORTED: SortOrder = { orderId: 0, fields: [] }
