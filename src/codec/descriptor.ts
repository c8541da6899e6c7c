/**
 * What an intent's name says about the object that it names, in as few bytes as possible: a data file as the spec's
 * `data_file` record without path, or the counts of a manifest. Avro without a container: the layout is fixed by the
 * format number at the beginning and by the partition spec, which the reader looks up by its id.
 *
 * Names are logged unencrypted by stores and proxies, so bounds of texts and bytes are left out unless asked for. A column
 * has bounds only together with counts, as everywhere (faults: engines take a missing count for zero).
 */
import { assert, DataShardError } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import { indexSchema } from '../spec/schema.ts'
import type { Schema, Type } from '../spec/types.ts'
import { AvroReader, AvroWriter } from './avro-bytes.ts'
import { compileDecoder } from './avro-decode.ts'
import type { AvroDecoder, AvroValue } from './avro-decode.ts'
import { compileEncoder } from './avro-encode.ts'
import type { AvroEncoder } from './avro-encode.ts'
import { listType, mapType, optionalField, requiredField } from './avro-iceberg.ts'
import { parseAvroSchema } from './avro-schema.ts'
import type { AvroRecordType } from './avro-schema.ts'
import { partitionReader } from './manifest-reader.ts'
import { partitionRecord } from './manifest-schema.ts'

const DATA_FILE_FORMAT = 1
const MANIFEST_FORMAT = 2

/** What cannot be said in a name is said by a manifest instead. */
export type FileDescriptor = Pick<
  DataFile,
  | 'partition'
  | 'specId'
  | 'recordCount'
  | 'fileSizeBytes'
  | 'sortOrderId'
  | 'valueCounts'
  | 'nullValueCounts'
  | 'nanValueCounts'
  | 'lowerBounds'
  | 'upperBounds'
  | 'splitOffsets'
> & {
  /** The schema that the rows were written with. */
  readonly schemaId: number
}

export interface ManifestDescriptor {
  readonly schemaId: number
  readonly specId: number
  readonly files: number
  readonly rows: bigint
  readonly lengthBytes: number
}

/** Types whose bounds say nothing that a log should not see. */
const OPEN_BOUNDS: ReadonlySet<Type['type']> = new Set<Type['type']>([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'decimal',
  'date',
  'time',
  'timestamp',
  'timestamptz',
])

interface Layout {
  readonly type: AvroRecordType
  readonly encode: AvroEncoder
  readonly decode: AvroDecoder
}

const layouts = new WeakMap<Schema, WeakMap<PartitionSpec, Layout>>()

function layoutOf(schema: Schema, spec: PartitionSpec): Layout {
  let bySpec = layouts.get(schema)
  if (!bySpec) layouts.set(schema, (bySpec = new WeakMap()))
  let layout = bySpec.get(spec)
  if (!layout) {
    const type = parseAvroSchema({
      type: 'record',
      name: 'intent',
      fields: [
        requiredField(102, 'partition', partitionRecord(schema, spec)),
        requiredField(103, 'record_count', 'long'),
        requiredField(104, 'file_size_in_bytes', 'long'),
        optionalField(140, 'sort_order_id', 'int'),
        requiredField(132, 'split_offsets', listType(133, 'long')),
        requiredField(121, 'null_value_counts', mapType(121, 'int', 122, 'long')),
        requiredField(119, 'other_value_counts', mapType(119, 'int', 120, 'long')),
        requiredField(138, 'nan_value_counts', mapType(138, 'int', 139, 'long')),
        requiredField(126, 'lower_bounds', mapType(126, 'int', 127, 'bytes')),
        requiredField(129, 'other_upper_bounds', mapType(129, 'int', 130, 'bytes')),
      ],
    }) as AvroRecordType
    layout = { type, encode: compileEncoder(type), decode: compileDecoder(type) }
    bySpec.set(spec, layout)
  }
  return layout
}

/**
 * The descriptor of a data file; undefined where a name cannot say everything that is known (a column with half of its
 * counts, an encrypted file).
 *
 * @param withTexts bounds of texts and bytes too
 */
export function encodeFileDescriptor(
  file: DataFile,
  schema: Schema,
  spec: PartitionSpec,
  withTexts: boolean,
): Uint8Array | undefined {
  assert(file.specId === spec.specId, `a file of spec ${file.specId} is described by spec ${spec.specId}`)
  if (file.content !== 'data' || file.format !== 'parquet' || file.keyMetadata !== undefined) return undefined
  if (file.valueCounts.size !== file.nullValueCounts.size) return undefined
  const otherCounts = new Map<number, bigint>()
  for (const [id, count] of file.valueCounts) {
    if (!file.nullValueCounts.has(id)) return undefined
    if (count !== file.recordCount) otherCounts.set(id, count)
  }
  const { lower, upper } = openBounds(file, schema, withTexts)
  const writer = new AvroWriter(512)
  writer.int(DATA_FILE_FORMAT)
  writer.int(schema.schemaId)
  writer.int(spec.specId)
  layoutOf(schema, spec).encode(writer, [
    file.partition,
    file.recordCount,
    file.fileSizeBytes,
    file.sortOrderId,
    file.splitOffsets ?? [],
    file.nullValueCounts,
    otherCounts,
    file.nanValueCounts,
    lower,
    upper,
  ])
  return writer.finish()
}

/** Upper bounds are left out where they are the lower ones: an append of one row has no others. */
function openBounds(file: DataFile, schema: Schema, withTexts: boolean) {
  const lower = new Map<number, Uint8Array>()
  const upper = new Map<number, Uint8Array>()
  const { byId } = indexSchema(schema)
  for (const [id, bound] of file.lowerBounds) {
    const type = byId.get(id)?.field.type.type
    const top = file.upperBounds.get(id)
    if (type === undefined || top === undefined || !file.nullValueCounts.has(id)) continue
    if (!withTexts && !OPEN_BOUNDS.has(type)) continue
    if ((type === 'float' || type === 'double') && file.nanValueCounts.get(id) !== 0n) continue
    lower.set(id, bound)
    if (!sameBytes(bound, top)) upper.set(id, top)
  }
  return { lower, upper }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

export function encodeManifestDescriptor(manifest: ManifestDescriptor): Uint8Array {
  const writer = new AvroWriter(64)
  writer.int(MANIFEST_FORMAT)
  writer.int(manifest.schemaId)
  writer.int(manifest.specId)
  writer.int(manifest.files)
  writer.long(manifest.rows)
  writer.int(manifest.lengthBytes)
  return writer.finish()
}

/** Which schema and spec a descriptor is about: enough to look them up and then to decode the rest. */
export interface DescriptorHead {
  readonly kind: 'file' | 'manifest'
  readonly schemaId: number
  readonly specId: number
}

/** The beginning of a descriptor; undefined if it is none: somebody else's file, or of a newer version. */
export function readDescriptorHead(bytes: Uint8Array): DescriptorHead | undefined {
  return orUndefined(() => {
    const reader = new AvroReader(bytes, 'the name of an intent')
    const format = reader.int()
    if (format !== DATA_FILE_FORMAT && format !== MANIFEST_FORMAT) return undefined
    const kind = format === DATA_FILE_FORMAT ? 'file' : 'manifest'
    return { kind, schemaId: reader.int(), specId: reader.int() }
  })
}

/** A descriptor made by {@link encodeFileDescriptor}; undefined if it is not what it must be. */
export function decodeFileDescriptor(
  bytes: Uint8Array,
  schema: Schema,
  spec: PartitionSpec,
): FileDescriptor | undefined {
  return orUndefined(() => {
    const reader = new AvroReader(bytes, 'the name of an intent')
    if (reader.int() !== DATA_FILE_FORMAT || reader.int() !== schema.schemaId || reader.int() !== spec.specId) {
      return undefined
    }
    const { type, decode } = layoutOf(schema, spec)
    const record = decode(reader) as readonly AvroValue[]
    if (reader.remaining > 0) return undefined
    return fileDescriptor(record, type, schema, spec)
  })
}

function fileDescriptor(
  record: readonly AvroValue[],
  type: AvroRecordType,
  schema: Schema,
  spec: PartitionSpec,
): FileDescriptor | undefined {
  const [tuple, recordCount, fileSizeBytes, sortOrderId, splits, nulls, others, nans, lower, upper] = record
  const readPartition = partitionReader(type.fields[0]!.type as AvroRecordType, spec, schema)
  if (typeof readPartition === 'string') return undefined
  const fail = (message: string): never => {
    throw new DataShardError('corrupt', message)
  }
  const nullValueCounts = nulls as ReadonlyMap<number, bigint>
  const valueCounts = new Map([...nullValueCounts.keys()].map((id) => [id, recordCount as bigint] as const))
  for (const [id, count] of others as ReadonlyMap<number, bigint>) valueCounts.set(id, count)
  const lowerBounds = lower as ReadonlyMap<number, Uint8Array>
  const upperBounds = new Map([...lowerBounds, ...(upper as ReadonlyMap<number, Uint8Array>)])
  const counts = [recordCount, fileSizeBytes, ...nullValueCounts.values(), ...valueCounts.values()] as bigint[]
  if (counts.some((count) => count < 0n) || upperBounds.size !== lowerBounds.size) return undefined
  if ([...lowerBounds.keys()].some((id) => !nullValueCounts.has(id))) return undefined
  const splitOffsets = splits as readonly bigint[]
  return {
    schemaId: schema.schemaId,
    specId: spec.specId,
    partition: readPartition({ values: tuple as readonly AvroValue[], fail }),
    recordCount: recordCount as bigint,
    fileSizeBytes: fileSizeBytes as bigint,
    ...(sortOrderId !== null && { sortOrderId: sortOrderId as number }),
    ...(splitOffsets.length > 0 && { splitOffsets }),
    valueCounts,
    nullValueCounts,
    nanValueCounts: nans as ReadonlyMap<number, bigint>,
    lowerBounds,
    upperBounds,
  }
}

/** A descriptor made by {@link encodeManifestDescriptor}; undefined if it is not what it must be. */
export function decodeManifestDescriptor(bytes: Uint8Array): ManifestDescriptor | undefined {
  return orUndefined(() => {
    const reader = new AvroReader(bytes, 'the name of an intent')
    if (reader.int() !== MANIFEST_FORMAT) return undefined
    const [schemaId, specId, files] = [reader.int(), reader.int(), reader.int()]
    const rows = reader.long()
    const lengthBytes = reader.int()
    if (reader.remaining > 0 || files < 1 || rows < 0n || lengthBytes < 1) return undefined
    return { schemaId, specId, files, rows, lengthBytes }
  })
}

/** Names come from whoever can write to the bucket: what does not decode is no descriptor, and no error. */
function orUndefined<T>(decode: () => T | undefined): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (DataShardError.is(error)) return undefined
    throw error
  }
}
