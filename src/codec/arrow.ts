/** Columns as the tables and schemas of apache-arrow, which is loaded only here and only when asked for. */
import type { Schema as ArrowSchema, Table } from 'apache-arrow'
import type { Schema } from '../spec/types.ts'
import { encodeArrowStream } from './arrow-ipc.ts'
import type { ColumnBatch } from './columns.ts'

export { fromArrow, isArrow, type ArrowInput } from './arrow-input.ts'

/** An Arrow table with one record batch for each batch; field ids are metadata of its fields, as in Parquet files. */
export async function toArrowTable(schema: Schema, batches: readonly ColumnBatch[]): Promise<Table> {
  const { tableFromIPC } = await import('apache-arrow')
  return tableFromIPC(encodeArrowStream(schema, batches))
}

/** The Arrow schema of an Iceberg schema. */
export async function arrowSchema(schema: Schema): Promise<ArrowSchema> {
  return (await toArrowTable(schema, [])).schema
}
