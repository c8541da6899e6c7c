/**
 * How manifests are laid out (spec: "Manifests", tables "Manifest Entry Fields" and "Data File Fields"): one table of
 * fields, from which come the Avro schema of each format version and the values of an entry.
 */
import { assert } from '../errors.ts'
import type { DataFile, EntryStatus, FileContent, ManifestEntry } from '../spec/data-file.ts'
import type { PartitionField, PartitionSpec } from '../spec/partition.ts'
import { indexSchema } from '../spec/schema.ts'
import { transformResultType } from '../spec/transforms.ts'
import type { Schema, Type } from '../spec/types.ts'
import { compileEncoder } from './avro-encode.ts'
import type { AvroInput } from './avro-encode.ts'
import { avroName, listType, mapType, optionalField, primitiveType, requiredField } from './avro-iceberg.ts'
import { parseAvroSchema } from './avro-schema.ts'
import type { AvroWriteSchema } from './avro.ts'
import { stringifyJson } from './lossless-json.ts'
import type { JsonObject } from './lossless-json.ts'

export type FormatVersion = 1 | 2 | 3

/** Positions are the numbers in the file. */
export const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted']
export const CONTENTS: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes']

/** v1 requires the field and nobody reads it (spec: "Always write a default in v1"); Java's default. */
const V1_BLOCK_SIZE_BYTES = 64n * 1024n * 1024n

interface FieldOf<T> {
  readonly field: JsonObject
  readonly value: (source: T) => AvroInput
  /** Format versions that have it; default all. */
  readonly from?: FormatVersion
  readonly to?: FormatVersion
}

const COUNTS = (keyId: number, valueId: number) => mapType(keyId, 'int', valueId, 'long')
const BOUNDS = (keyId: number, valueId: number) => mapType(keyId, 'int', valueId, 'bytes')
/** Metrics that are not known are null, not empty. */
const unlessEmpty = (map: ReadonlyMap<number, bigint | Uint8Array>): AvroInput => (map.size === 0 ? null : map)

function dataFileFields(partition: JsonObject): readonly FieldOf<DataFile>[] {
  return [
    { field: requiredField(134, 'content', 'int'), value: (file) => CONTENTS.indexOf(file.content), from: 2 },
    { field: requiredField(100, 'file_path', 'string'), value: (file) => file.path },
    { field: requiredField(101, 'file_format', 'string'), value: (file) => file.format.toUpperCase() },
    { field: requiredField(102, 'partition', partition), value: (file) => file.partition },
    { field: requiredField(103, 'record_count', 'long'), value: (file) => file.recordCount },
    { field: requiredField(104, 'file_size_in_bytes', 'long'), value: (file) => file.fileSizeBytes },
    { field: requiredField(105, 'block_size_in_bytes', 'long'), value: () => V1_BLOCK_SIZE_BYTES, to: 1 },
    { field: optionalField(108, 'column_sizes', COUNTS(117, 118)), value: (file) => unlessEmpty(file.columnSizes) },
    { field: optionalField(109, 'value_counts', COUNTS(119, 120)), value: (file) => unlessEmpty(file.valueCounts) },
    {
      field: optionalField(110, 'null_value_counts', COUNTS(121, 122)),
      value: (file) => unlessEmpty(file.nullValueCounts),
    },
    {
      field: optionalField(137, 'nan_value_counts', COUNTS(138, 139)),
      value: (file) => unlessEmpty(file.nanValueCounts),
    },
    { field: optionalField(125, 'lower_bounds', BOUNDS(126, 127)), value: (file) => unlessEmpty(file.lowerBounds) },
    { field: optionalField(128, 'upper_bounds', BOUNDS(129, 130)), value: (file) => unlessEmpty(file.upperBounds) },
    { field: optionalField(131, 'key_metadata', 'bytes'), value: (file) => file.keyMetadata },
    { field: optionalField(132, 'split_offsets', listType(133, 'long')), value: (file) => file.splitOffsets },
    { field: optionalField(135, 'equality_ids', listType(136, 'int')), value: (file) => file.equalityIds, from: 2 },
    { field: optionalField(140, 'sort_order_id', 'int'), value: (file) => file.sortOrderId },
    { field: optionalField(142, 'first_row_id', 'long'), value: (file) => file.firstRowId, from: 3 },
    { field: optionalField(143, 'referenced_data_file', 'string'), value: (file) => file.referencedDataFile, from: 2 },
    { field: optionalField(144, 'content_offset', 'long'), value: (file) => file.contentOffset, from: 3 },
    { field: optionalField(145, 'content_size_in_bytes', 'long'), value: (file) => file.contentSizeBytes, from: 3 },
  ]
}

function inVersion<T>(fields: readonly FieldOf<T>[], version: FormatVersion): readonly FieldOf<T>[] {
  return fields.filter(({ from = 1, to = 3 }) => from <= version && version <= to)
}

/** Values of all fields of one record, in their order. */
function valuesOf<T>(fields: readonly FieldOf<T>[]): (source: T) => readonly AvroInput[] {
  const getters = fields.map((field) => field.value)
  return (source) => {
    const values: AvroInput[] = []
    for (let i = 0; i < getters.length; i++) values.push(getters[i]!(source))
    return values
  }
}

/** Everything about the manifests of one schema, spec and version that does not depend on the entries. */
export interface ManifestLayout {
  readonly avro: AvroWriteSchema
  readonly record: (entry: ManifestEntry) => AvroInput
}

const layouts = new WeakMap<Schema, WeakMap<PartitionSpec, Map<FormatVersion, ManifestLayout>>>()

/** Built once for each schema and spec object. */
export function manifestLayout(schema: Schema, spec: PartitionSpec, version: FormatVersion): ManifestLayout {
  let ofSchema = layouts.get(schema)
  if (!ofSchema) layouts.set(schema, (ofSchema = new WeakMap()))
  let ofSpec = ofSchema.get(spec)
  if (!ofSpec) ofSchema.set(spec, (ofSpec = new Map()))
  let layout = ofSpec.get(version)
  if (!layout) ofSpec.set(version, (layout = buildLayout(schema, spec, version)))
  return layout
}

function buildLayout(schema: Schema, spec: PartitionSpec, version: FormatVersion): ManifestLayout {
  const fileFields = inVersion(dataFileFields(partitionRecord(schema, spec)), version)
  const fileRecord = { type: 'record', name: 'r2', fields: fileFields.map(({ field }) => field) }
  const fileValues = valuesOf(fileFields)
  const entryFields: readonly FieldOf<ManifestEntry>[] = [
    { field: requiredField(0, 'status', 'int'), value: (entry) => STATUSES.indexOf(entry.status) },
    { field: optionalField(1, 'snapshot_id', 'long'), value: (entry) => entry.snapshotId },
    { field: optionalField(3, 'sequence_number', 'long'), value: (entry) => entry.sequenceNumber, from: 2 },
    { field: optionalField(4, 'file_sequence_number', 'long'), value: (entry) => entry.fileSequenceNumber, from: 2 },
    { field: requiredField(2, 'data_file', fileRecord), value: (entry) => fileValues(entry.dataFile) },
  ]
  const fields = inVersion(entryFields, version)
  const json = { type: 'record', name: 'manifest_entry', fields: fields.map(({ field }) => field) }
  return {
    avro: { text: stringifyJson(json), encode: compileEncoder(parseAvroSchema(json)) },
    record: valuesOf(fields),
  }
}

export function partitionRecord(schema: Schema, spec: PartitionSpec): JsonObject {
  const names = new Set<string>()
  const fields = spec.fields.map((field) => {
    let name = avroName(field.name)
    // Two names of the table can be one to Avro.
    while (names.has(name)) name = `${name}_${field.fieldId}`
    names.add(name)
    const type = partitionFieldType(field, schema)
    assert(
      type !== undefined,
      `partition field ${field.name} has no type: column ${field.sourceId} is not in the schema`,
    )
    const json = optionalField(field.fieldId, name, primitiveType(type, String(field.fieldId)))
    return name === field.name ? json : { ...json, 'iceberg-field-name': field.name }
  })
  return { type: 'record', name: 'r102', fields }
}

/** The transforms whose results have one type, whatever the column. */
const RESULT_ONLY: ReadonlySet<string> = new Set(['bucket', 'year', 'month', 'day', 'hour'])

/** The type of a partition field's values; undefined if it depends on a column that the schema no longer has. */
export function partitionFieldType(field: PartitionField, schema: Schema): Type | undefined {
  const source = indexSchema(schema).byId.get(field.sourceId)?.field.type
  if (source !== undefined) return transformResultType(field.transform, source)
  const { transform } = field.transform
  if (RESULT_ONLY.has(transform)) return transformResultType(field.transform, { type: 'timestamp' })
  // Always null, so that any type will do.
  return transform === 'void' ? { type: 'int' } : undefined
}
