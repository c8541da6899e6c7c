/** Columns as an Arrow table without a copy: the typed arrays become its buffers. */
import type { Data, DataType, Table } from 'apache-arrow'
import type { Schema } from '../spec/types.ts'
import { arrowSchema, toArrowTable } from './arrow.ts'
import type { Column, ColumnBatch } from './columns.ts'

/** Starts loading apache-arrow's hundred files, while the first bytes are still on their way. */
export function prepareArrow(): void {
  import('apache-arrow').catch(() => undefined)
}

/** A table with one record batch for each batch; it takes the arrays over. */
export async function asArrowTable(schema: Schema, batches: readonly ColumnBatch[]): Promise<Table> {
  if (batches.length === 0) return toArrowTable(schema, batches)
  const { makeData, RecordBatch, Struct, Table } = await import('apache-arrow')
  const arrow = await arrowSchema(schema)

  const dataOf = (column: Column, type: DataType): Data => {
    const { length, nullCount } = column
    const nulls = { length, nullCount, ...(column.validity && { nullBitmap: column.validity }) }
    switch (column.kind) {
      case 'fixed':
        return makeData({ type, ...nulls, data: valuesOf(column.values, type) } as never)
      case 'bytes':
        return makeData({ type, ...nulls, valueOffsets: column.offsets, data: column.data } as never)
      case 'struct': {
        const children = column.children.map((child, i) => dataOf(child, type.children![i]!.type as DataType))
        return makeData({ type, ...nulls, children } as never)
      }
      case 'list': {
        const child = dataOf(column.element, type.children![0]!.type as DataType)
        return makeData({ type, ...nulls, valueOffsets: column.offsets, child } as never)
      }
      default: {
        const entries = type.children![0]!.type as DataType
        const pair = [column.key, column.value].map((child, i) => dataOf(child, entries.children![i]!.type as DataType))
        const child = makeData({ type: entries, length: column.key.length, nullCount: 0, children: pair } as never)
        return makeData({ type, ...nulls, valueOffsets: column.offsets, child } as never)
      }
    }
  }
  const root = new Struct(arrow.fields)
  const recordBatches = batches.map(({ length, columns }) => {
    const children = columns.map((column, i) => dataOf(column, arrow.fields[i]!.type as DataType))
    return new RecordBatch(arrow, makeData({ type: root, length, nullCount: 0, children } as never) as never)
  })
  return new Table(arrow, recordBatches)
}

/** apache-arrow keeps dates of days in 32 bits and decimals as 32-bit words. */
function valuesOf(values: ArrayBufferView, type: DataType): ArrayBufferView {
  const isDecimal = type.typeId === 7
  return isDecimal ? new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4) : values
}
