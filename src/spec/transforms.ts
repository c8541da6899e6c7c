/** Partition and sort transforms (spec: "Partition Transforms"). */

export type Transform =
  | { readonly transform: 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' }
  | { readonly transform: 'bucket'; readonly buckets: number }
  | { readonly transform: 'truncate'; readonly width: number }
  /** A transform that this version does not know (spec: readers ignore such a field when pruning). */
  | { readonly transform: 'unknown'; readonly name: string }
