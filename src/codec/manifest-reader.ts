/** Data files and entries from the records of a manifest, by field id, whoever wrote it. */
import { decimalFromBytes } from '../spec/decimal.ts'
import type { DataFile, FileFormat, ManifestEntry } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import { typeName } from '../spec/schema.ts'
import type { Schema, Type, Value } from '../spec/types.ts'
import { uuidFromBytes } from '../spec/uuid-bytes.ts'
import type { AvroValue } from './avro-decode.ts'
import * as fields from './avro-fields.ts'
import type { FieldReader, RecordSource } from './avro-fields.ts'
import type { AvroRecordType } from './avro-schema.ts'
import { CONTENTS, partitionFieldType, STATUSES } from './manifest-schema.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const FORMATS: ReadonlySet<string> = new Set<FileFormat>(['parquet', 'avro', 'orc', 'puffin'])

/** Where the fields of an entry and of its data file are, in one file's schema. */
export interface EntryFields {
  readonly status: FieldReader
  readonly snapshotId: FieldReader
  readonly sequenceNumber: FieldReader
  readonly fileSequenceNumber: FieldReader
  readonly dataFile: FieldReader
  readonly file: DataFileFields
  readonly partition: AvroRecordType
}

type DataFileFields = Readonly<Record<keyof typeof DATA_FILE_FIELDS, FieldReader>>

const DATA_FILE_FIELDS = {
  content: [134, 'content'],
  path: [100, 'file_path'],
  format: [101, 'file_format'],
  partition: [102, 'partition'],
  recordCount: [103, 'record_count'],
  fileSizeBytes: [104, 'file_size_in_bytes'],
  columnSizes: [108, 'column_sizes'],
  valueCounts: [109, 'value_counts'],
  nullValueCounts: [110, 'null_value_counts'],
  nanValueCounts: [137, 'nan_value_counts'],
  lowerBounds: [125, 'lower_bounds'],
  upperBounds: [128, 'upper_bounds'],
  keyMetadata: [131, 'key_metadata'],
  splitOffsets: [132, 'split_offsets'],
  equalityIds: [135, 'equality_ids'],
  sortOrderId: [140, 'sort_order_id'],
  firstRowId: [142, 'first_row_id'],
  referencedDataFile: [143, 'referenced_data_file'],
  contentOffset: [144, 'content_offset'],
  contentSizeBytes: [145, 'content_size_in_bytes'],
} as const

/** @returns undefined if the record is no manifest entry. */
export function entryFields(entry: AvroRecordType): EntryFields | undefined {
  const dataFile = fields.fieldReader(entry, 2, 'data_file')
  const file = fields.recordInside(entry.fields[dataFile.position]?.type)
  if (file === undefined) return undefined
  const readers = Object.fromEntries(
    Object.entries(DATA_FILE_FIELDS).map(([key, [id, name]]) => [key, fields.fieldReader(file, id, name)]),
  ) as unknown as DataFileFields
  const partition = fields.recordInside(file.fields[readers.partition.position]?.type)
  if (partition === undefined) return undefined
  return {
    status: fields.fieldReader(entry, 0, 'status'),
    snapshotId: fields.fieldReader(entry, 1, 'snapshot_id'),
    sequenceNumber: fields.fieldReader(entry, 3, 'sequence_number'),
    fileSequenceNumber: fields.fieldReader(entry, 4, 'file_sequence_number'),
    dataFile,
    file: readers,
    partition,
  }
}

/** Whether the file knows sequence numbers at all; those of v1 do not. */
export function hasSequenceNumbers(entry: EntryFields): boolean {
  return entry.sequenceNumber.position >= 0
}

/** An entry as it stands in the file: nothing inherited yet. */
export function readEntry(
  source: RecordSource,
  at: EntryFields,
  specId: number,
  readPartition: (source: RecordSource) => (Value | null)[],
): ManifestEntry {
  const status = fields.requiredInt(source, at.status)
  const record = source.values[at.dataFile.position]
  if (!Array.isArray(record)) source.fail('there is no data file')
  return {
    status: STATUSES[status] ?? source.fail(`status is ${status}, possible are 0 to 2`),
    snapshotId: fields.optionalLong(source, at.snapshotId),
    sequenceNumber: fields.optionalLong(source, at.sequenceNumber),
    fileSequenceNumber: fields.optionalLong(source, at.fileSequenceNumber),
    dataFile: readDataFile(
      { values: record as readonly AvroValue[], fail: source.fail },
      at.file,
      specId,
      readPartition,
    ),
  }
}

function readDataFile(
  source: RecordSource,
  at: DataFileFields,
  specId: number,
  readPartition: (source: RecordSource) => (Value | null)[],
): DataFile {
  const content = fields.optionalInt(source, at.content) ?? 0
  const partition = source.values[at.partition.position]
  if (!Array.isArray(partition)) source.fail('there is no partition')
  const file: Writable<DataFile> = {
    content: CONTENTS[content] ?? source.fail(`content is ${content}, possible are 0 to 2`),
    path: fields.requiredString(source, at.path),
    format: readFormat(source, fields.requiredString(source, at.format)),
    partition: readPartition({ values: partition as readonly AvroValue[], fail: source.fail }),
    specId,
    recordCount: fields.requiredCount(source, at.recordCount),
    fileSizeBytes: fields.requiredCount(source, at.fileSizeBytes),
    columnSizes: fields.longMap(source, at.columnSizes),
    valueCounts: fields.longMap(source, at.valueCounts),
    nullValueCounts: fields.longMap(source, at.nullValueCounts),
    nanValueCounts: fields.longMap(source, at.nanValueCounts),
    lowerBounds: fields.bytesMap(source, at.lowerBounds),
    upperBounds: fields.bytesMap(source, at.upperBounds),
  }
  if (file.path === '') source.fail('the path of a data file is empty')
  readOptional(source, at, file)
  return file
}

function readOptional(source: RecordSource, at: DataFileFields, file: Writable<DataFile>): void {
  const keyMetadata = fields.optionalBytes(source, at.keyMetadata)
  if (keyMetadata !== null) file.keyMetadata = keyMetadata
  const splitOffsets = fields.optionalList(source, at.splitOffsets)
  if (splitOffsets !== null)
    file.splitOffsets = splitOffsets.map((_, i) =>
      fields.requiredLong(item(source, splitOffsets), { position: i, name: at.splitOffsets.name }),
    )
  const equalityIds = fields.optionalList(source, at.equalityIds)
  if (equalityIds !== null)
    file.equalityIds = equalityIds.map((_, i) =>
      fields.requiredInt(item(source, equalityIds), { position: i, name: at.equalityIds.name }),
    )
  const sortOrderId = fields.optionalInt(source, at.sortOrderId)
  if (sortOrderId !== null) file.sortOrderId = sortOrderId
  const firstRowId = fields.optionalLong(source, at.firstRowId)
  if (firstRowId !== null) file.firstRowId = firstRowId
  const referencedDataFile = fields.optionalString(source, at.referencedDataFile)
  if (referencedDataFile !== null) file.referencedDataFile = referencedDataFile
  const contentOffset = fields.optionalLong(source, at.contentOffset)
  if (contentOffset !== null) file.contentOffset = contentOffset
  const contentSizeBytes = fields.optionalLong(source, at.contentSizeBytes)
  if (contentSizeBytes !== null) file.contentSizeBytes = contentSizeBytes
}

/** The items of a list, read like the fields of a record. */
function item(source: RecordSource, values: readonly AvroValue[]): RecordSource {
  return { values, fail: source.fail }
}

function readFormat(source: RecordSource, text: string): FileFormat {
  const format = text.toLowerCase()
  return FORMATS.has(format) ? (format as FileFormat) : source.fail(`${JSON.stringify(text)} is no file format`)
}

/**
 * Reads partition tuples in the order of the spec's fields, as canonical values of the types they have in this schema
 * (an `int` that was widened since is read as a `long`).
 *
 * @returns the name of the partition field that the file lacks, if it lacks one.
 */
export function partitionReader(
  record: AvroRecordType,
  spec: PartitionSpec,
  schema: Schema,
): ((source: RecordSource) => (Value | null)[]) | string {
  const readers: ((source: RecordSource) => Value | null)[] = []
  for (const field of spec.fields) {
    const position = fields.fieldPosition(record, field.fieldId, field.name)
    if (position < 0) return field.name
    const type = partitionFieldType(field, schema)
    readers.push((source) => partitionValue(source, source.values[position]!, type, field.name))
  }
  return (source) => {
    const tuple: (Value | null)[] = []
    for (let i = 0; i < readers.length; i++) tuple.push(readers[i]!(source))
    return tuple
  }
}

/** Without a type (its column was dropped) the value stays as the file has it. */
function partitionValue(source: RecordSource, value: AvroValue, type: Type | undefined, name: string): Value | null {
  if (value === null) return null
  const canonical = type === undefined ? plainValue(value) : canonicalValue(value, type)
  const expected = type === undefined ? 'a single value' : typeName(type)
  return canonical ?? source.fail(`partition value ${name}: found ${typeof value}, expected ${expected}`)
}

function plainValue(value: AvroValue): Value | undefined {
  return typeof value !== 'object' || value instanceof Uint8Array ? (value as Value) : undefined
}

/** Undefined if the value cannot be one of the type. */
function canonicalValue(value: AvroValue, type: Type): Value | undefined {
  const number = typeof value === 'number' || typeof value === 'bigint' ? value : undefined
  const bytes = value instanceof Uint8Array ? value : undefined
  switch (type.type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'int':
    case 'date':
    case 'float':
    case 'double':
      return number === undefined ? undefined : Number(number)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return Number.isInteger(number) || typeof number === 'bigint' ? BigInt(number!) : undefined
    case 'decimal':
      return typeof value === 'bigint' ? value : bytes && decimalFromBytes(bytes)
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'uuid':
      return typeof value === 'string' ? value : bytes?.length === 16 ? uuidFromBytes(bytes) : undefined
    case 'fixed':
      return bytes?.length === type.length ? bytes : undefined
    case 'binary':
      return bytes
    default:
      return plainValue(value)
  }
}
