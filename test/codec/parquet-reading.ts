/** Parquet files in memory, read with our reader. */
import { keepColumns } from '../../src/codec/arrow-rows-keep.ts'
import type { Row, RowFormat } from '../../src/codec/arrow-rows.ts'
import { appendRows } from '../../src/codec/arrow-rows.ts'
import { createBuilder } from '../../src/codec/column-builder.ts'
import type { ColumnBatch } from '../../src/codec/columns.ts'
import { decodeRowGroup } from '../../src/codec/parquet-reader-decode.ts'
import { decodePlan } from '../../src/codec/parquet-reader-plan.ts'
import type { SourceOptions } from '../../src/codec/parquet-reader-fields.ts'
import { sourcesOf } from '../../src/codec/parquet-reader-fields.ts'
import type { ParquetHandle } from '../../src/codec/parquet-reader.ts'
import { fetchChunks, openParquet } from '../../src/codec/parquet-reader.ts'
import type { ParquetOptions } from '../../src/codec/parquet-writer.ts'
import { encodeParquet } from '../../src/codec/parquet-writer.ts'
import type { Field, Schema } from '../../src/spec/types.ts'

export function open(bytes: Uint8Array, where = 'file.parquet'): Promise<ParquetHandle> {
  return openParquet({ size: bytes.length, read: async (start, end) => bytes.subarray(start, end) }, where)
}

/** A file of these rows. */
export async function fileOf(schema: Schema, rows: readonly unknown[], options?: ParquetOptions): Promise<Uint8Array> {
  return encodeParquet(schema, [columnsOf(schema, rows)], options)
}

export function columnsOf(schema: Schema, rows: readonly unknown[]): ColumnBatch {
  const builder = createBuilder(schema)
  builder.appendRows(rows, 0, rows.length, 0)
  return builder.finish()
}

export async function readColumns(
  bytes: Uint8Array,
  fields: readonly Field[],
  options: Partial<SourceOptions> & { readonly dictionaries?: boolean } = {},
): Promise<ColumnBatch[]> {
  const batches: ColumnBatch[] = []
  await decode(bytes, fields, options, (batch) => batches.push(keepColumns(batch, fields, undefined)))
  return batches
}

export async function readRowsOf(
  bytes: Uint8Array,
  fields: readonly Field[],
  options: Partial<SourceOptions> & { readonly dictionaries?: boolean } & RowFormat = {},
): Promise<Row[]> {
  const rows: Row[] = []
  await decode(bytes, fields, options, (batch) => appendRows(batch, fields, options, undefined, rows))
  return rows
}

async function decode(
  bytes: Uint8Array,
  fields: readonly Field[],
  options: Partial<SourceOptions> & { readonly dictionaries?: boolean },
  consume: Parameters<typeof decodeRowGroup>[3],
): Promise<void> {
  const handle = await open(bytes)
  const { footer, where } = handle
  const plan = decodePlan(footer, sourcesOf(fields, footer.root, { where, ...options }), where, options.dictionaries)
  for (const group of footer.rowGroups.keys()) {
    const chunks = await fetchChunks(handle, [group], plan.leaves)
    await decodeRowGroup(plan, group, (leaf) => chunks.bytesOf(group, leaf), consume)
  }
}
