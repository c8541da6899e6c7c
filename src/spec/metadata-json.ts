/**
 * Table metadata from and to JSON (spec: "Table Metadata", appendix C). Wire names live here and in the other `-json`
 * files only. What this version does not model is kept at every level and written again.
 */
import { corrupt, unsupported } from '../errors.ts'
import { asArray, asObject, atIndex, atKey, has, idField, longField, longToJson, setOwn } from './json-reader.ts'
import { stringField, timeField, unknownFields, wrong } from './json-reader.ts'
import type { At, JsonObject } from './json-reader.ts'
import { checkMetadata } from './metadata-check.ts'
import type { TableMetadata } from './metadata.ts'
import {
  parsePartitionFields,
  parsePartitionSpec,
  partitionFieldToJson,
  partitionSpecToJson,
} from './partition-json.ts'
import { parseSortOrder, sortOrderToJson } from './partition-json.ts'
import { LAST_UNASSIGNED_PARTITION_ID } from './partition.ts'
import type { PartitionSpec } from './partition.ts'
import { parseSchemaAt, schemaToJson } from './schema.ts'
import {
  logEntryToJson,
  parseMetadataLogEntry,
  parseRef,
  parseSnapshot,
  parseSnapshotLogEntry,
} from './snapshot-json.ts'
import { parseStringMap, refToJson, snapshotToJson } from './snapshot-json.ts'
import { MAIN_BRANCH } from './snapshot.ts'
import type { Snapshot, SnapshotRef } from './snapshot.ts'
import { UNSORTED } from './sort-order.ts'
import type { SortOrder } from './sort-order.ts'
import type { Schema } from './types.ts'

/** The newest format whose metadata this version understands. */
export const NEWEST_FORMAT_VERSION = 3

const KNOWN = new Set([
  'format-version',
  'table-uuid',
  'location',
  'last-sequence-number',
  'last-updated-ms',
  'last-column-id',
  'schema',
  'schemas',
  'current-schema-id',
  'partition-spec',
  'partition-specs',
  'default-spec-id',
  'last-partition-id',
  'sort-orders',
  'default-sort-order-id',
  'properties',
  'current-snapshot-id',
  'snapshots',
  'snapshot-log',
  'metadata-log',
  'refs',
  'next-row-id',
])

const ROOT: At = { path: '', fail: (message) => corrupt(`the table metadata is damaged: ${message}`) }

/**
 * Table metadata from parsed JSON (64-bit integers as bigint where a number would not be exact).
 *
 * @param snapshots those of the table, where they were read already; `value` has none then
 * @throws `corrupt` naming the place and what is wrong there, `unsupported` for a format newer than v3.
 */
export function metadataFromJson(value: unknown, snapshots?: readonly Snapshot[]): TableMetadata {
  const json = asObject(value, ROOT)
  const formatVersion = parseFormatVersion(json)
  const { schemas, currentSchemaId } = parseSchemas(json, formatVersion)
  const { partitionSpecs, defaultSpecId } = parsePartitionSpecs(json, formatVersion)
  const { sortOrders, defaultSortOrderId } = parseSortOrders(json, formatVersion)
  const currentSnapshotId = parseCurrentSnapshotId(json)
  const unknown = unknownFields(json, KNOWN)
  const metadata: TableMetadata = {
    formatVersion,
    tableUuid: formatVersion > 1 || has(json, 'table-uuid') ? parseUuid(json) : '',
    location: stringField(json, 'location', ROOT),
    lastSequenceNumber: formatVersion > 1 ? longField(json, 'last-sequence-number', ROOT, 0n) : 0n,
    lastUpdatedMs: timeField(json, 'last-updated-ms', ROOT),
    lastColumnId: idField(json, 'last-column-id', ROOT),
    schemas,
    currentSchemaId,
    partitionSpecs,
    defaultSpecId,
    lastPartitionId: parseLastPartitionId(json, formatVersion, partitionSpecs),
    sortOrders,
    defaultSortOrderId,
    properties: has(json, 'properties') ? parseStringMap(json.properties, atKey(ROOT, 'properties')) : {},
    ...(currentSnapshotId !== undefined && { currentSnapshotId }),
    snapshots: snapshots ?? parseList(json, 'snapshots', parseSnapshot),
    snapshotLog: parseList(json, 'snapshot-log', parseSnapshotLogEntry),
    metadataLog: parseList(json, 'metadata-log', parseMetadataLogEntry),
    refs: parseRefs(json, currentSnapshotId),
    ...(formatVersion >= 3 && { nextRowId: longField(json, 'next-row-id', ROOT, 0n) }),
    ...(unknown && { unknown }),
  }
  checkMetadata(metadata, ROOT)
  return metadata
}

function parseFormatVersion(json: JsonObject): 1 | 2 | 3 {
  const version = json['format-version']
  if (version === 1 || version === 2 || version === 3) return version
  if (typeof version === 'number' && Number.isInteger(version) && version > NEWEST_FORMAT_VERSION)
    return unsupported(
      `the table has Iceberg format version ${version}: it was written by a newer version than this one knows ` +
        `(up to ${NEWEST_FORMAT_VERSION}); update DataShard`,
      { formatVersion: version },
    )
  return wrong(atKey(ROOT, 'format-version'), version, 'an Iceberg format version; is this table metadata at all?')
}

/** Names of objects are made from it. */
function parseUuid(json: JsonObject): string {
  const uuid = stringField(json, 'table-uuid', ROOT)
  return UUID.test(uuid) ? uuid : wrong(atKey(ROOT, 'table-uuid'), uuid, 'a UUID')
}

/** Some writers leave the dashes out. */
const UUID = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i

function parseSchemas(json: JsonObject, version: number): { schemas: Schema[]; currentSchemaId: number } {
  if (version === 1 && !has(json, 'schemas')) {
    const schema = parseSchemaAt(json.schema, atKey(ROOT, 'schema'))
    return { schemas: [schema], currentSchemaId: schema.schemaId }
  }
  return {
    schemas: requiredList(json, 'schemas', parseSchemaAt),
    currentSchemaId: idField(json, 'current-schema-id', ROOT),
  }
}

function parsePartitionSpecs(
  json: JsonObject,
  version: number,
): { partitionSpecs: PartitionSpec[]; defaultSpecId: number } {
  if (version === 1 && !has(json, 'partition-specs')) {
    const fields = parsePartitionFields(json['partition-spec'], atKey(ROOT, 'partition-spec'))
    return { partitionSpecs: [{ specId: 0, fields }], defaultSpecId: 0 }
  }
  return {
    partitionSpecs: requiredList(json, 'partition-specs', parsePartitionSpec),
    defaultSpecId: idField(json, 'default-spec-id', ROOT),
  }
}

function parseSortOrders(json: JsonObject, version: number): { sortOrders: SortOrder[]; defaultSortOrderId: number } {
  if (version === 1 && !has(json, 'sort-orders')) return { sortOrders: [UNSORTED], defaultSortOrderId: 0 }
  return {
    sortOrders: requiredList(json, 'sort-orders', parseSortOrder),
    defaultSortOrderId: idField(json, 'default-sort-order-id', ROOT),
  }
}

function parseLastPartitionId(json: JsonObject, version: number, specs: readonly PartitionSpec[]): number {
  if (version > 1 || has(json, 'last-partition-id')) return idField(json, 'last-partition-id', ROOT)
  const ids = specs.flatMap((spec) => spec.fields.map((field) => field.fieldId))
  return Math.max(LAST_UNASSIGNED_PARTITION_ID, ...ids)
}

/** Older writers say -1 for "none". */
function parseCurrentSnapshotId(json: JsonObject): bigint | undefined {
  if (!has(json, 'current-snapshot-id')) return undefined
  const id = longField(json, 'current-snapshot-id', ROOT)
  return id === -1n ? undefined : id
}

function parseRefs(json: JsonObject, currentSnapshotId: bigint | undefined): Record<string, SnapshotRef> {
  const refs: Record<string, SnapshotRef> = {}
  if (has(json, 'refs')) {
    const at = atKey(ROOT, 'refs')
    for (const [name, ref] of Object.entries(asObject(json.refs, at)))
      setOwn(refs, name, parseRef(ref, atKey(at, name)))
  }
  // Spec: there is always a main branch pointing to the current snapshot, even if `refs` says nothing.
  if (currentSnapshotId !== undefined) refs[MAIN_BRANCH] ??= { snapshotId: currentSnapshotId, type: 'branch' }
  return refs
}

function requiredList<T>(json: JsonObject, key: string, parse: (entry: unknown, at: At) => T): T[] {
  const at = atKey(ROOT, key)
  return asArray(json[key], at).map((entry, index) => parse(entry, atIndex(at, index)))
}

function parseList<T>(json: JsonObject, key: string, parse: (entry: unknown, at: At) => T): T[] {
  return has(json, key) ? requiredList(json, key, parse) : []
}

/** The inverse of {@link metadataFromJson}. 64-bit integers that a number cannot hold exactly are bigints. */
export function metadataToJson(metadata: TableMetadata): Record<string, unknown> {
  const version = metadata.formatVersion
  const current = metadata.currentSnapshotId
  return {
    'format-version': version,
    ...(metadata.tableUuid !== '' && { 'table-uuid': metadata.tableUuid }),
    location: metadata.location,
    ...(version > 1 && { 'last-sequence-number': longToJson(metadata.lastSequenceNumber) }),
    'last-updated-ms': metadata.lastUpdatedMs,
    'last-column-id': metadata.lastColumnId,
    ...(version === 1 && singularForms(metadata)),
    'current-schema-id': metadata.currentSchemaId,
    schemas: metadata.schemas.map(schemaToJson),
    'default-spec-id': metadata.defaultSpecId,
    'partition-specs': metadata.partitionSpecs.map(partitionSpecToJson),
    'last-partition-id': metadata.lastPartitionId,
    'default-sort-order-id': metadata.defaultSortOrderId,
    'sort-orders': metadata.sortOrders.map(sortOrderToJson),
    properties: metadata.properties,
    // Before v3, -1 is what every reader knows as "none"; v3 has null.
    'current-snapshot-id': current === undefined ? (version < 3 ? -1 : null) : longToJson(current),
    ...(metadata.nextRowId !== undefined && { 'next-row-id': longToJson(metadata.nextRowId) }),
    refs: Object.fromEntries(Object.entries(metadata.refs).map(([name, ref]) => [name, refToJson(ref)])),
    snapshots: metadata.snapshots.map((snapshot) => snapshotToJson(snapshot, version)),
    'snapshot-log': metadata.snapshotLog.map(logEntryToJson),
    'metadata-log': metadata.metadataLog.map(logEntryToJson),
    ...metadata.unknown,
  }
}

/** What readers of v1 that know no lists look at (spec: `schema` and `partition-spec`, deprecated). */
function singularForms(metadata: TableMetadata): Record<string, unknown> {
  const schema = metadata.schemas.find(({ schemaId }) => schemaId === metadata.currentSchemaId)
  const spec = metadata.partitionSpecs.find(({ specId }) => specId === metadata.defaultSpecId)
  return {
    ...(schema && { schema: schemaToJson(schema) }),
    ...(spec && { 'partition-spec': spec.fields.map(partitionFieldToJson) }),
  }
}
