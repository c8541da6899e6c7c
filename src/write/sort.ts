/** Rows in a table's sort order (spec: "Sorting"). */
import { take } from '../codec/column-ops.ts'
import { columnAt, columnReader } from '../codec/column-values.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import { indexSchema } from '../spec/schema.ts'
import type { SortField, SortOrder } from '../spec/sort-order.ts'
import { bindTransform, transformResultType } from '../spec/transforms.ts'
import type { Schema, Value } from '../spec/types.ts'
import { compareValues } from '../spec/values.ts'

/** Compares row `a` of one batch with row `b` of another, or the same. */
type RowComparator = (a: number, b: number) => number

interface SortKey {
  readonly field: SortField
  readonly read: (batch: ColumnBatch) => (row: number) => Value | null
  readonly compare: (a: Value | null, b: Value | null) => number
}

/** Sorts batches by one order. */
export interface Sorter {
  /** The rows in order; rows that compare equal keep theirs. The same batch if it was in order already. */
  sort(batch: ColumnBatch): ColumnBatch
  /** Whether the last row of `before` may stand before the first of `after`. */
  follows(before: ColumnBatch, after: ColumnBatch): boolean
}

/** Undefined for an order that orders nothing: unsorted, or all its columns dropped or of unknown transforms. */
export function createSorter(order: SortOrder, schema: Schema): Sorter | undefined {
  if (order.fields.length === 0) return undefined
  const keys = order.fields.map((field) => sortKey(field, schema))
  if (keys.some((key) => key === undefined)) return undefined
  const present = keys as SortKey[]
  return {
    sort: (batch) => sortBatch(batch, present),
    follows: (before, after) => before.length === 0 || after.length === 0 || precedes(before, after, present),
  }
}

function sortKey(field: SortField, schema: Schema): SortKey | undefined {
  const source = indexSchema(schema).byId.get(field.sourceId)
  if (source === undefined || field.transform.transform === 'unknown') return undefined
  const sourceType = source.field.type
  const transform = bindTransform(field.transform, sourceType)
  const byValue = compareValues(transformResultType(field.transform, sourceType))
  const direction = field.direction === 'asc' ? 1 : -1
  const nullFirst = field.nullOrder === 'nulls-first' ? -1 : 1
  return {
    field,
    read: (batch) => {
      const placed = columnAt(batch, source.path)
      if (placed === undefined) return () => null
      const read = columnReader(placed.column, placed.around)
      return field.transform.transform === 'identity' ? read : (row) => transform(read(row))
    },
    compare: (a, b) => {
      if (a === null || b === null) return a === b ? 0 : a === null ? nullFirst : -nullFirst
      return byValue(a, b) * direction
    },
  }
}

function sortBatch(batch: ColumnBatch, keys: readonly SortKey[]): ColumnBatch {
  const compare = rowComparator(batch, keys)
  let sorted = true
  for (let row = 1; sorted && row < batch.length; row++) sorted = compare(row - 1, row) <= 0
  if (sorted) return batch
  const indices = Int32Array.from({ length: batch.length }, (_, row) => row)
  return take(
    batch,
    indices.sort((a, b) => compare(a, b) || a - b),
  )
}

/** Reads each key once per row, not once per comparison. */
function rowComparator(batch: ColumnBatch, keys: readonly SortKey[]): RowComparator {
  const columns = keys.map(({ read, compare }) => {
    const value = read(batch)
    const values = Array.from({ length: batch.length }, (_, row) => value(row))
    return (a: number, b: number) => compare(values[a]!, values[b]!)
  })
  const [first] = columns
  if (columns.length === 1) return first!
  return (a, b) => {
    for (const column of columns) {
      const difference = column(a, b)
      if (difference !== 0) return difference
    }
    return 0
  }
}

function precedes(before: ColumnBatch, after: ColumnBatch, keys: readonly SortKey[]): boolean {
  for (const { read, compare } of keys) {
    const difference = compare(read(before)(before.length - 1), read(after)(0))
    if (difference !== 0) return difference < 0
  }
  return true
}
