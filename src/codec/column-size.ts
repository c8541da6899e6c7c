/** How much memory columns take. */
import type { Column, ColumnBatch } from './columns.ts'

/** Bytes of all buffers of a batch. */
export function batchBytes(batch: ColumnBatch): number {
  return batch.columns.reduce((sum, column) => sum + columnBytes(column), 0)
}

function columnBytes(column: Column): number {
  const own = column.validity?.byteLength ?? 0
  switch (column.kind) {
    case 'fixed':
      return own + column.values.byteLength
    case 'bytes':
      return own + column.offsets.byteLength + column.data.byteLength
    case 'struct':
      return own + column.children.reduce((sum, child) => sum + columnBytes(child), 0)
    case 'list':
      return own + column.offsets.byteLength + columnBytes(column.element)
    case 'map':
      return own + column.offsets.byteLength + columnBytes(column.key) + columnBytes(column.value)
  }
}
