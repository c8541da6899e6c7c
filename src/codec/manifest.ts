/** Manifests: which data files (or delete files) a snapshot has (spec: "Manifests"). */
import { assert, corrupt } from '../errors.ts'
import type { ManifestContent, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import { partitionFieldToJson } from '../spec/partition-json.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import { schemaToJson } from '../spec/schema.ts'
import type { Schema } from '../spec/types.ts'
import type { AvroValue } from './avro-decode.ts'
import type { AvroType } from './avro-schema.ts'
import { openAvro, writeAvro } from './avro.ts'
import type { AvroFile } from './avro.ts'
import { stringifyJson } from './lossless-json.ts'
import { UNKNOWN_COUNT } from './manifest-list.ts'
import { entryFields, hasSequenceNumbers, partitionReader, readEntry } from './manifest-reader.ts'
import type { EntryFields } from './manifest-reader.ts'
import { CONTENTS, manifestLayout, STATUSES } from './manifest-schema.ts'
import type { FormatVersion } from './manifest-schema.ts'

export { describeManifest, manifestSummary } from './manifest-summary.ts'

export interface ManifestInput {
  readonly entries: readonly ManifestEntry[]
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly content: ManifestContent
  readonly formatVersion: FormatVersion
}

/**
 * Encodes a manifest. Entries that are `added` may leave snapshot id and sequence numbers null: readers take them from
 * the manifest list, so that the file need not be written again when a commit is retried.
 */
export function encodeManifest({ entries, schema, spec, content, formatVersion }: ManifestInput): Uint8Array {
  for (const entry of entries) checkEntry(entry, spec, content, formatVersion)
  const layout = manifestLayout(schema, spec, formatVersion)
  const header = {
    schema: stringifyJson(schemaToJson(schema)),
    'schema-id': String(schema.schemaId),
    'partition-spec': stringifyJson(spec.fields.map(partitionFieldToJson)),
    'partition-spec-id': String(spec.specId),
    'format-version': String(formatVersion),
    ...(formatVersion > 1 && { content }),
  }
  return writeAvro(layout.avro, header, entries.map(layout.record))
}

/** The rules of "Manifest Entry Fields" and "Sequence Number Inheritance"; breaking one would be our own mistake. */
function checkEntry(entry: ManifestEntry, spec: PartitionSpec, content: ManifestContent, version: FormatVersion): void {
  const { status, dataFile: file } = entry
  assert(STATUSES.includes(status) && CONTENTS.includes(file.content), 'an entry has a status and a content')
  assert(file.path !== '' && file.recordCount >= 0n && file.fileSizeBytes >= 0n, 'a data file has a path and sizes')
  assert(file.specId === spec.specId, `${file.path} is of spec ${file.specId}, its manifest of spec ${spec.specId}`)
  const arity = file.partition.length
  assert(arity === spec.fields.length, `${file.path} has ${arity} partition values, its spec ${spec.fields.length}`)
  assert((file.content === 'data') === (content === 'data'), `${file.path} is in a manifest of ${content}`)
  assert(version > 1 || content === 'data', 'v1 has no delete files')
  assert(version > 1 || entry.snapshotId !== null, 'v1 entries have a snapshot id')
  if (status === 'added' || version === 1) return
  const known = entry.snapshotId !== null && entry.sequenceNumber !== null && entry.fileSequenceNumber !== null
  assert(known, `${file.path} is ${status} without snapshot id and sequence numbers`)
}

/** What the header of a manifest says; undefined where an old writer says nothing. */
export interface ManifestHeader {
  readonly formatVersion: FormatVersion
  readonly content: ManifestContent
  readonly partitionSpecId: number | undefined
}

/**
 * The header of a manifest: for v1 tables that list manifests without a manifest list.
 *
 * @throws `corrupt`
 */
export function readManifestHeader(bytes: Uint8Array, where: string): ManifestHeader {
  return headerOf(openAvro(bytes, where), where)
}

function headerOf(file: AvroFile, where: string): ManifestHeader {
  const version = file.header.get('format-version') ?? '1'
  if (version !== '1' && version !== '2' && version !== '3') {
    corrupt(`${where} is damaged: format version ${JSON.stringify(version)} in its header`)
  }
  const content = file.header.get('content') ?? 'data'
  if (content !== 'data' && content !== 'deletes') {
    corrupt(`${where} is damaged: content ${JSON.stringify(content)} in its header`)
  }
  const specId = file.header.get('partition-spec-id')
  if (specId !== undefined && !/^\d{1,9}$/.test(specId)) {
    corrupt(`${where} is damaged: partition spec id ${JSON.stringify(specId)} in its header`)
  }
  const partitionSpecId = specId === undefined ? undefined : Number(specId)
  return { formatVersion: Number(version) as FormatVersion, content, partitionSpecId }
}

export interface ManifestSource {
  /** The line of the manifest list, from which entries inherit. */
  readonly manifest: ManifestFile
  /** The spec that the line names, and a schema with its columns (the table's current one will do). */
  readonly spec: PartitionSpec
  readonly schema: Schema
  /** Names the object in errors. */
  readonly where: string
}

/**
 * Decodes a manifest of format v1, v2 or v3. Snapshot ids, sequence numbers and first row ids that entries inherit are
 * filled in (spec: "Sequence Number Inheritance", "First Row ID Inheritance"); sequence numbers stay null only if the
 * writer broke the rules. Partition tuples are in the order of `spec.fields`, in the types of `schema`.
 *
 * @throws `corrupt` if the file is damaged or is not what the manifest list says it is.
 */
export function decodeManifest(bytes: Uint8Array, { manifest, spec, schema, where }: ManifestSource): ManifestEntry[] {
  assert(spec.specId === manifest.partitionSpecId, `a manifest of spec ${manifest.partitionSpecId}, not ${spec.specId}`)
  if (BigInt(bytes.length) < manifest.length) {
    corrupt(`${where} is damaged: it has ${bytes.length} bytes, and the manifest list says ${manifest.length}`)
  }
  const file = openAvro(bytes, where)
  const header = headerOf(file, where)
  // ClickHouse leaves it out of manifests of deletes: then the list's word counts, and what the entries say.
  checkHeader(file.header.has('content') ? header : { ...header, content: manifest.content }, manifest, where)
  const at = fieldsOf(file.type) ?? corrupt(`${where} is no manifest: it has no data files in its schema`)
  const readPartition = partitionReader(at.partition, spec, schema)
  if (typeof readPartition === 'string') {
    corrupt(`${where} is damaged: it has no partition field ${readPartition} of spec ${spec.specId}`)
  }
  const entries = file.readRecords((record, index) => {
    const fail = (message: string): never => corrupt(`${where} is damaged: entry ${index}: ${message}`)
    return readEntry({ values: record as readonly AvroValue[], fail }, at, spec.specId, readPartition)
  })
  checkEntries(entries, manifest, where)
  return inherit(entries, manifest, hasSequenceNumbers(at))
}

const entryFieldsOf = new WeakMap<AvroType, EntryFields>()

function fieldsOf(type: AvroType): EntryFields | undefined {
  let fields = entryFieldsOf.get(type)
  if (fields === undefined && type.kind === 'record') {
    fields = entryFields(type)
    if (fields !== undefined) entryFieldsOf.set(type, fields)
  }
  return fields
}

function checkHeader(header: ManifestHeader, manifest: ManifestFile, where: string): void {
  const { partitionSpecId, content } = header
  if (partitionSpecId !== undefined && partitionSpecId !== manifest.partitionSpecId) {
    const listed = manifest.partitionSpecId
    corrupt(`${where} is damaged: it is of partition spec ${partitionSpecId}, and the manifest list says ${listed}`)
  }
  if (content !== manifest.content) {
    corrupt(`${where} is damaged: it holds ${content}, and the manifest list says ${manifest.content}`)
  }
}

function checkEntries(entries: readonly ManifestEntry[], manifest: ManifestFile, where: string): void {
  const counts = { existing: 0, added: 0, deleted: 0 }
  for (const { status, dataFile } of entries) {
    counts[status]++
    if ((dataFile.content === 'data') !== (manifest.content === 'data')) {
      corrupt(`${where} is damaged: ${dataFile.path} (${dataFile.content}) is in a manifest of ${manifest.content}`)
    }
  }
  const { existingFilesCount, addedFilesCount, deletedFilesCount } = manifest
  const known = existingFilesCount !== UNKNOWN_COUNT && addedFilesCount !== UNKNOWN_COUNT
  // ClickHouse lists a manifest that a later snapshot took over as if its files were existing ones: they are as live.
  const live = known ? existingFilesCount + addedFilesCount : UNKNOWN_COUNT
  checkCount(counts.existing + counts.added, 'live', live, where)
  checkCount(counts.deleted, 'deleted', deletedFilesCount, where)
}

function checkCount(found: number, what: string, listed: number, where: string): void {
  if (listed === UNKNOWN_COUNT || listed === found) return
  corrupt(`${where} is damaged: ${found} entries are ${what}, and the manifest list says ${listed}`)
}

function inherit(entries: readonly ManifestEntry[], manifest: ManifestFile, numbered: boolean): ManifestEntry[] {
  // Spec: "When reading v1 manifests with no sequence number column, sequence numbers for all files must default to 0."
  const inherited = numbered ? manifest.sequenceNumber : 0n
  let nextRowId = manifest.firstRowId
  return entries.map((entry) => {
    const inherits = entry.status === 'added' || inherited === 0n
    let { dataFile } = entry
    if (nextRowId !== undefined && entry.status !== 'deleted' && dataFile.firstRowId === undefined) {
      dataFile = { ...dataFile, firstRowId: nextRowId }
      nextRowId += dataFile.recordCount
    }
    return {
      status: entry.status,
      snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
      sequenceNumber: entry.sequenceNumber ?? (inherits ? inherited : null),
      fileSequenceNumber: entry.fileSequenceNumber ?? (inherits ? inherited : null),
      dataFile,
    }
  })
}
