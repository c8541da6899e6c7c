/** Manifest lists: the manifests of one snapshot (spec: "Manifest Lists"). */
import { assert, corrupt } from '../errors.ts'
import type { FieldSummary, ManifestContent, ManifestFile } from '../spec/data-file.ts'
import type { AvroValue } from './avro-decode.ts'
import { compileEncoder } from './avro-encode.ts'
import type { AvroInput } from './avro-encode.ts'
import * as fields from './avro-fields.ts'
import type { FieldReader, RecordSource } from './avro-fields.ts'
import { listType, optionalField, requiredField } from './avro-iceberg.ts'
import { parseAvroSchema } from './avro-schema.ts'
import type { AvroRecordType, AvroType } from './avro-schema.ts'
import { openAvro, writeAvro } from './avro.ts'
import type { AvroFile, AvroWriteSchema } from './avro.ts'
import { stringifyJson } from './lossless-json.ts'
import type { JsonObject } from './lossless-json.ts'
import type { FormatVersion } from './manifest-schema.ts'

/**
 * A count of files or rows that a v1 manifest list leaves out: "when null this is assumed to be non-zero". It is the
 * largest int, so that code which asks for zero, or for more than zero, is right without knowing of it; no manifest
 * has as many files. For rows, as a bigint, it can be a real count: then it is only taken for unknown in vain.
 */
export const UNKNOWN_COUNT = 2 ** 31 - 1

/** Positions are the numbers in the file. */
const CONTENTS: readonly ManifestContent[] = ['data', 'deletes']

/** `[id, name, Avro type]` of the counts: optional in v1, required since. */
const COUNTS = [
  [504, 'added_files_count', 'int'],
  [505, 'existing_files_count', 'int'],
  [506, 'deleted_files_count', 'int'],
  [512, 'added_rows_count', 'long'],
  [513, 'existing_rows_count', 'long'],
  [514, 'deleted_rows_count', 'long'],
] as const

const FIELD_SUMMARY: JsonObject = {
  type: 'record',
  name: 'r508',
  fields: [
    requiredField(509, 'contains_null', 'boolean'),
    optionalField(518, 'contains_nan', 'boolean'),
    optionalField(510, 'lower_bound', 'bytes'),
    optionalField(511, 'upper_bound', 'bytes'),
  ],
}

function schemaJson(version: FormatVersion): JsonObject {
  const count = version === 1 ? optionalField : requiredField
  const since2 = [
    requiredField(517, 'content', 'int'),
    requiredField(515, 'sequence_number', 'long'),
    requiredField(516, 'min_sequence_number', 'long'),
  ]
  return {
    type: 'record',
    name: 'manifest_file',
    fields: [
      requiredField(500, 'manifest_path', 'string'),
      requiredField(501, 'manifest_length', 'long'),
      requiredField(502, 'partition_spec_id', 'int'),
      ...(version > 1 ? since2 : []),
      requiredField(503, 'added_snapshot_id', 'long'),
      ...COUNTS.map(([id, name, type]) => count(id, name, type)),
      optionalField(507, 'partitions', listType(508, FIELD_SUMMARY)),
      optionalField(519, 'key_metadata', 'bytes'),
      ...(version > 2 ? [optionalField(520, 'first_row_id', 'long')] : []),
    ],
  }
}

const schemas = new Map<FormatVersion, AvroWriteSchema>()

function writeSchema(version: FormatVersion): AvroWriteSchema {
  let schema = schemas.get(version)
  if (schema === undefined) {
    const json = schemaJson(version)
    schema = { text: stringifyJson(json), encode: compileEncoder(parseAvroSchema(json)) }
    schemas.set(version, schema)
  }
  return schema
}

export interface ManifestListInput {
  readonly manifests: readonly ManifestFile[]
  readonly snapshotId: bigint
  readonly parentSnapshotId?: bigint | undefined
  readonly sequenceNumber: bigint
  readonly formatVersion: FormatVersion
  /** v3: of the snapshot. */
  readonly firstRowId?: bigint | undefined
}

/** Encodes a manifest list. */
export function encodeManifestList(list: ManifestListInput): Uint8Array {
  const { manifests, formatVersion } = list
  for (const manifest of manifests) checkManifest(manifest, list)
  const header = {
    'snapshot-id': String(list.snapshotId),
    // Java writes the word too, and reads it.
    'parent-snapshot-id': String(list.parentSnapshotId ?? null),
    ...(formatVersion > 1 && { 'sequence-number': String(list.sequenceNumber) }),
    ...(list.firstRowId !== undefined && { 'first-row-id': String(list.firstRowId) }),
    'format-version': String(formatVersion),
  }
  return writeAvro(
    writeSchema(formatVersion),
    header,
    manifests.map((manifest) => record(manifest, formatVersion)),
  )
}

function checkManifest(manifest: ManifestFile, { sequenceNumber, formatVersion }: ManifestListInput): void {
  const { path } = manifest
  assert(path !== '' && manifest.length > 0n, `manifest ${JSON.stringify(path)} has a path and a length`)
  const counts = [manifest.addedFilesCount, manifest.existingFilesCount, manifest.deletedFilesCount]
  const rows = [manifest.addedRowsCount, manifest.existingRowsCount, manifest.deletedRowsCount]
  assert(
    [...counts, ...rows].every((count) => count >= 0),
    `the files and rows of ${path} are counts`,
  )
  const counted = !counts.includes(UNKNOWN_COUNT)
  assert(counted || formatVersion === 1, `the files of ${path} are not counted`)
  assert(formatVersion > 1 || manifest.content === 'data', 'v1 has no delete files')
  const ordered = manifest.minSequenceNumber <= manifest.sequenceNumber && manifest.sequenceNumber <= sequenceNumber
  assert(ordered || formatVersion === 1, `the sequence numbers of ${path} are above those of the list`)
}

const countOrNull = <T extends number | bigint>(count: T): T | null => (Number(count) === UNKNOWN_COUNT ? null : count)

function record(manifest: ManifestFile, version: FormatVersion): AvroInput {
  const count = version === 1 ? countOrNull : (known: number | bigint) => known
  const since2 = [CONTENTS.indexOf(manifest.content), manifest.sequenceNumber, manifest.minSequenceNumber]
  return [
    manifest.path,
    manifest.length,
    manifest.partitionSpecId,
    ...(version > 1 ? since2 : []),
    manifest.addedSnapshotId,
    count(manifest.addedFilesCount),
    count(manifest.existingFilesCount),
    count(manifest.deletedFilesCount),
    count(manifest.addedRowsCount),
    count(manifest.existingRowsCount),
    count(manifest.deletedRowsCount),
    manifest.partitions?.map((field) => [field.containsNull, field.containsNan, field.lowerBound, field.upperBound]),
    manifest.keyMetadata,
    ...(version > 2 ? [manifest.firstRowId] : []),
  ]
}

const LIST_FIELDS = {
  path: [500, 'manifest_path'],
  length: [501, 'manifest_length'],
  partitionSpecId: [502, 'partition_spec_id'],
  content: [517, 'content'],
  sequenceNumber: [515, 'sequence_number'],
  minSequenceNumber: [516, 'min_sequence_number'],
  addedSnapshotId: [503, 'added_snapshot_id'],
  addedFilesCount: [504, 'added_files_count'],
  existingFilesCount: [505, 'existing_files_count'],
  deletedFilesCount: [506, 'deleted_files_count'],
  addedRowsCount: [512, 'added_rows_count'],
  existingRowsCount: [513, 'existing_rows_count'],
  deletedRowsCount: [514, 'deleted_rows_count'],
  partitions: [507, 'partitions'],
  keyMetadata: [519, 'key_metadata'],
  firstRowId: [520, 'first_row_id'],
} as const

const SUMMARY_FIELDS = {
  containsNull: [509, 'contains_null'],
  containsNan: [518, 'contains_nan'],
  lowerBound: [510, 'lower_bound'],
  upperBound: [511, 'upper_bound'],
} as const

type Readers<T> = Readonly<Record<keyof T, FieldReader>>

interface ListFields {
  readonly line: Readers<typeof LIST_FIELDS>
  readonly summary: Readers<typeof SUMMARY_FIELDS> | undefined
}

function readersOf<T extends Readonly<Record<string, readonly [number, string]>>>(
  table: T,
  type: AvroRecordType,
): Readers<T> {
  const entries = Object.entries(table).map(([key, [id, name]]) => [key, fields.fieldReader(type, id, name)])
  return Object.fromEntries(entries) as Readers<T>
}

const listFieldsOf = new WeakMap<AvroType, ListFields>()

function fieldsOf(type: AvroType): ListFields | undefined {
  const known = listFieldsOf.get(type)
  if (known !== undefined || type.kind !== 'record') return known
  const line = readersOf(LIST_FIELDS, type)
  if (line.path.position < 0) return undefined
  const summary = fields.recordInside(type.fields[line.partitions.position]?.type)
  const found = { line, summary: summary && readersOf(SUMMARY_FIELDS, summary) }
  listFieldsOf.set(type, found)
  return found
}

/**
 * Decodes a manifest list of format v1, v2 or v3. What v1 does not have is filled in as the spec says: content `data`,
 * sequence numbers 0; counts that it leaves out are {@link UNKNOWN_COUNT}.
 *
 * @param where names the object in errors.
 * @throws `corrupt` if it is damaged or no manifest list.
 */
export function decodeManifestList(bytes: Uint8Array, where: string): ManifestFile[] {
  const file = openAvro(bytes, where)
  const at = fieldsOf(file.type) ?? corrupt(`${where} is no manifest list: it has no manifest paths in its schema`)
  checkOwner(file, where)
  return file.readRecords((values, index) => {
    const fail = (message: string): never => corrupt(`${where} is damaged: line ${index}: ${message}`)
    return readManifest({ values: values as readonly AvroValue[], fail }, at)
  })
}

/** A list in the place of another one is as sound as that, and shows the rows of another state. */
function checkOwner({ header, isOurs }: AvroFile, where: string): void {
  const named = /\/snap-(\d+)-[^/]*$/.exec(where)?.[1]
  const owner = header.get('snapshot-id')
  if (!isOurs || named === undefined || owner === named) return
  corrupt(`${where} is damaged: it holds the manifest list of snapshot ${owner}; put its own back, or restore a copy`)
}

function readManifest(source: RecordSource, { line, summary }: ListFields): ManifestFile {
  const content = fields.optionalInt(source, line.content) ?? 0
  const partitions = fields.optionalList(source, line.partitions)
  const keyMetadata = fields.optionalBytes(source, line.keyMetadata)
  const firstRowId = fields.optionalLong(source, line.firstRowId)
  const files = (field: FieldReader) => checkedCount(source, field, fields.optionalInt(source, field)) ?? UNKNOWN_COUNT
  const rows = (field: FieldReader) =>
    checkedCount(source, field, fields.optionalLong(source, field)) ?? BigInt(UNKNOWN_COUNT)
  return {
    path: fields.requiredString(source, line.path) || source.fail('the path of a manifest is empty'),
    length: fields.requiredCount(source, line.length),
    partitionSpecId: fields.requiredInt(source, line.partitionSpecId),
    content: CONTENTS[content] ?? source.fail(`content is ${content}, possible are 0 and 1`),
    sequenceNumber: fields.optionalLong(source, line.sequenceNumber) ?? 0n,
    minSequenceNumber: fields.optionalLong(source, line.minSequenceNumber) ?? 0n,
    addedSnapshotId: fields.requiredLong(source, line.addedSnapshotId),
    addedFilesCount: files(line.addedFilesCount),
    existingFilesCount: files(line.existingFilesCount),
    deletedFilesCount: files(line.deletedFilesCount),
    addedRowsCount: rows(line.addedRowsCount),
    existingRowsCount: rows(line.existingRowsCount),
    deletedRowsCount: rows(line.deletedRowsCount),
    ...(partitions !== null && { partitions: partitions.map((item) => readSummary(source, item, summary)) }),
    ...(keyMetadata !== null && { keyMetadata }),
    ...(firstRowId !== null && { firstRowId }),
  }
}

function checkedCount<T extends number | bigint>(source: RecordSource, field: FieldReader, count: T | null): T | null {
  return count === null || count >= 0 ? count : source.fail(`${field.name} is ${count}`)
}

function readSummary(line: RecordSource, item: AvroValue, at: ListFields['summary']): FieldSummary {
  if (!Array.isArray(item) || at === undefined) return line.fail('a field summary is no record')
  const source: RecordSource = { values: item as readonly AvroValue[], fail: line.fail }
  const containsNan = fields.optionalBoolean(source, at.containsNan)
  const lowerBound = fields.optionalBytes(source, at.lowerBound)
  const upperBound = fields.optionalBytes(source, at.upperBound)
  return {
    containsNull:
      fields.optionalBoolean(source, at.containsNull) ?? line.fail('a field summary does not say contains_null'),
    ...(containsNan !== null && { containsNan }),
    ...(lowerBound !== null && { lowerBound }),
    ...(upperBound !== null && { upperBound }),
  }
}
