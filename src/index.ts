/**
 * DataShard: append to one real Apache Iceberg table from many stateless writers, on plain object storage or a directory.
 */
export { DataShardError } from './errors.ts'
export type { DataShardErrorOptions, ErrorCode, ErrorDetails } from './errors.ts'
export type { Runtime } from './runtime.ts'

export { schema, t } from './spec/builder.ts'
export type { AnyRow, ColumnType, FieldInput, RowOf, RowOut, SchemaDefinition, SchemaInput } from './spec/builder.ts'
export {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gte,
  isIn,
  isNan,
  isNull,
  lt,
  lte,
  not,
  notEq,
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from './spec/expressions.ts'
export type { Literal, Predicate } from './spec/expressions.ts'
export { bucket, day, hour, identity, month, truncate, year } from './spec/partition-builder.ts'
export type { PartitionInput, SortInput } from './spec/partition-builder.ts'
export type { DataFile, ManifestEntry, ManifestFile } from './spec/data-file.ts'
export type { TableMetadata } from './spec/metadata.ts'
export type { PartitionField, PartitionSpec } from './spec/partition.ts'
export type { Snapshot, SnapshotRef } from './spec/snapshot.ts'
export type { SortField, SortOrder } from './spec/sort-order.ts'
export type { Field, Schema, Type } from './spec/types.ts'

export { createTable } from './table/create.ts'
export type { CreateTableOptions } from './table/create.ts'
export { dropTable } from './table/drop.ts'
export type { DropTableOptions } from './table/drop.ts'
export { loadTable } from './table/load.ts'
export type { OpenOptions } from './table/open-place.ts'
export type { AppendOptions, AppendResult } from './table/append.ts'
export type { AsOf, Timestamp } from './table/as-of.ts'
export type { FilesOptions, Table, TableState } from './table/table.ts'
export type { CommitTransactionOptions, SetTagOptions, Transaction } from './table/transaction.ts'
export type { ChangeResult, DeleteOptions, OverwriteOptions } from './table/overwrite.ts'
export type { AppendEvent, AppendTrace } from './table/telemetry.ts'
export type { CommitStats } from './commit/stats.ts'
export type { RequestCounts } from './store/request-counter.ts'
export type { PartitionChange } from './table/partition-change.ts'
export type { SchemaChange } from './table/schema-change.ts'
export type { ManifestView, SnapshotView } from './table/views.ts'
