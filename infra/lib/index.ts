/** The constructs. */
export { accessStatements, versionsAreCreatedOnce } from './access.ts'
export type { AccessStatement, Role, TablePlace } from './access.ts'
export { bundleFunction } from './bundle.ts'
export { Ingest } from './ingest.ts'
export { DataShardLake } from './lake.ts'
export type { DataShardLakeProps, LakeTableProps } from './lake.ts'
export type { FirehoseSource, IngestProps, KafkaSource, MskSource, ObjectSource, Source } from './sources/source.ts'
export { LakeTable } from './table-access.ts'
