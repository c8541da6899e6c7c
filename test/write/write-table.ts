/** A table's writing side without a table: a context with readable file names. */
import { createBuilder } from '../../src/codec/column-builder.ts'
import type { ColumnBatch } from '../../src/codec/columns.ts'
import { resolvePartitionSpec, resolveSortOrder } from '../../src/spec/partition-builder.ts'
import type { Schema } from '../../src/spec/types.ts'
import { createWriteContext, type WriteContext } from '../../src/write/write-context.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

export interface WriteTableOptions {
  readonly partitionBy?: readonly string[]
  readonly sortBy?: Parameters<typeof resolveSortOrder>[0]
  readonly properties?: Record<string, string>
}

export function writeContext(schema: Schema, options: WriteTableOptions = {}): WriteContext {
  let count = 0
  return createWriteContext({
    schema,
    spec: resolvePartitionSpec(options.partitionBy ?? [], schema, { specId: 0, lastPartitionId: 999, reuse: [] }),
    sortOrder: resolveSortOrder(options.sortBy ?? [], schema, 1),
    properties: options.properties ?? {},
    newFile: (partition) => {
      const name = `data/${partition === '' ? '' : `${partition}/`}${count++}.parquet`
      return { key: name, path: `/table/${name}` }
    },
    runtime: virtualRuntime(),
  })
}

export function columnsOf(schema: Schema, rows: readonly unknown[]): ColumnBatch {
  const builder = createBuilder(schema)
  builder.appendRows(rows, 0, rows.length, 0)
  return builder.finish()
}
