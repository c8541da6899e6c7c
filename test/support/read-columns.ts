/** Columns back into rows, the slow and obvious way: what tests compare with. */
import { isPresent } from '../../src/codec/column-nulls.ts'
import { presentReader } from '../../src/codec/column-values.ts'
import type { Column, ColumnBatch } from '../../src/codec/columns.ts'
import type { Schema, StructType } from '../../src/spec/types.ts'

export type Row = Record<string, unknown>

/** Canonical values; structs as objects, lists as arrays, maps as arrays of entries. */
export function readRows(schema: Schema, batches: readonly ColumnBatch[]): Row[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.length }, (_, row) =>
      Object.fromEntries(schema.fields.map((field, i) => [field.name, valueAt(batch.columns[i]!, row)])),
    ),
  )
}

export function valueAt(column: Column, row: number): unknown {
  if (!isPresent(column.validity, row)) return null
  switch (column.kind) {
    case 'struct': {
      const { fields } = column.type as StructType
      return Object.fromEntries(fields.map((field, i) => [field.name, valueAt(column.children[i]!, row)]))
    }
    case 'list':
      return range(column.offsets, row).map((i) => valueAt(column.element, i))
    case 'map':
      return range(column.offsets, row).map((i) => [valueAt(column.key, i), valueAt(column.value, i)])
    default:
      return presentReader(column)(row)
  }
}

function range(offsets: Int32Array, row: number): number[] {
  const from = offsets[row]!
  return Array.from({ length: offsets[row + 1]! - from }, (_, i) => from + i)
}
