/** What a writer of data files has to know about its table, gathered once per append. */
import { parseCodec, type ParquetOptions } from '../codec/parquet-writer.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import { integerProperty } from '../spec/properties-read.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import type { Runtime } from '../runtime.ts'
import type { NewFile } from './location.ts'
import { metricsModes, type MetricsModes } from './metrics-modes.ts'

export interface WriteContext {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  /** A file is ended when it has reached about this size. */
  readonly targetFileSizeBytes: number
  readonly parquet: ParquetOptions
  readonly metricsModes: MetricsModes
  readonly newFile: NewFile
  readonly runtime: Runtime
}

/** Large enough for scans, small enough to be written again by compaction in one go; Iceberg's own default is 512 MiB. */
const TARGET_FILE_SIZE_BYTES = 128 * 1024 * 1024

export interface WriteContextInput {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  /** Of the table. */
  readonly properties: Readonly<Record<string, string>>
  readonly newFile: NewFile
  readonly runtime: Runtime
}

/**
 * Reads `write.target-file-size-bytes` (default 128 MiB), `write.parquet.compression-codec` (default zstd),
 * `write.parquet.row-group-size-bytes` (taken as an upper limit), `write.parquet.page-size-bytes` and
 * `write.metadata.metrics.*`. A compression level cannot be chosen: parquet-wasm has one per codec.
 *
 * @throws `invalid-argument` for a property with a value that makes no sense.
 */
export function createWriteContext(input: WriteContextInput): WriteContext {
  const { properties, schema, spec, sortOrder, newFile, runtime } = input
  const optional = (name: string) =>
    properties[name] === undefined ? undefined : integerProperty(properties, name, 0, 1)
  return {
    schema,
    spec,
    sortOrder,
    targetFileSizeBytes: integerProperty(properties, 'write.target-file-size-bytes', TARGET_FILE_SIZE_BYTES, 1),
    parquet: {
      codec: parseCodec(properties['write.parquet.compression-codec'] ?? 'zstd'),
      rowGroupBytes: optional('write.parquet.row-group-size-bytes'),
      pageBytes: optional('write.parquet.page-size-bytes'),
    },
    metricsModes: metricsModes(schema, properties, sortOrder),
    newFile,
    runtime,
  }
}
