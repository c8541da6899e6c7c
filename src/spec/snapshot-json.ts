/** Snapshots, references and logs as JSON (spec: appendix C, "Table Metadata and Snapshots"). */
import { asArray, asObject, atKey, has, idField, integerField, longField, longToJson, setOwn } from './json-reader.ts'
import { stringField, timeField, unknownFields, wrong } from './json-reader.ts'
import type { At } from './json-reader.ts'
import type { MetadataLogEntry, Snapshot, SnapshotLogEntry, SnapshotRef } from './snapshot.ts'

const SNAPSHOT_KEYS = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'sequence-number',
  'timestamp-ms',
  'manifest-list',
  'manifests',
  'summary',
  'schema-id',
  'first-row-id',
  'added-rows',
])
const REF_KEYS = new Set(['snapshot-id', 'type', 'min-snapshots-to-keep', 'max-snapshot-age-ms', 'max-ref-age-ms'])
const SNAPSHOT_LOG_KEYS = new Set(['timestamp-ms', 'snapshot-id'])
const METADATA_LOG_KEYS = new Set(['timestamp-ms', 'metadata-file'])

export function parseSnapshot(value: unknown, at: At): Snapshot {
  const json = asObject(value, at)
  const unknown = unknownFields(json, SNAPSHOT_KEYS)
  if (!has(json, 'manifest-list') && !has(json, 'manifests'))
    at.fail(`${at.path}: has neither manifest-list nor manifests`)
  return {
    snapshotId: longField(json, 'snapshot-id', at),
    ...(hasParent(json) && { parentSnapshotId: longField(json, 'parent-snapshot-id', at) }),
    sequenceNumber: has(json, 'sequence-number') ? longField(json, 'sequence-number', at, 0n) : 0n,
    timestampMs: timeField(json, 'timestamp-ms', at),
    ...(has(json, 'manifest-list') && { manifestList: stringField(json, 'manifest-list', at) }),
    ...(has(json, 'manifests') && { manifests: parseManifests(json.manifests, atKey(at, 'manifests')) }),
    ...(has(json, 'summary') && { summary: parseStringMap(json.summary, atKey(at, 'summary')) }),
    ...(has(json, 'schema-id') && { schemaId: idField(json, 'schema-id', at) }),
    ...(has(json, 'first-row-id') && { firstRowId: longField(json, 'first-row-id', at, 0n) }),
    ...(has(json, 'added-rows') && { addedRows: longField(json, 'added-rows', at, 0n) }),
    ...(unknown && { unknown }),
  }
}

/** Some writers say -1 for "no parent". */
function hasParent(json: Readonly<Record<string, unknown>>): boolean {
  return has(json, 'parent-snapshot-id') && json['parent-snapshot-id'] !== -1
}

function parseManifests(value: unknown, at: At): string[] {
  return asArray(value, at).map((entry) => (typeof entry === 'string' ? entry : wrong(at, entry, 'a string')))
}

export function parseStringMap(value: unknown, at: At): Record<string, string> {
  const map: Record<string, string> = {}
  for (const [key, entry] of Object.entries(asObject(value, at)))
    setOwn(map, key, typeof entry === 'string' ? entry : wrong(atKey(at, key), entry, 'a string'))
  return map
}

export function snapshotToJson(snapshot: Snapshot, formatVersion: number): Record<string, unknown> {
  const { parentSnapshotId, manifestList, manifests, summary, schemaId, firstRowId, addedRows } = snapshot
  return {
    ...(formatVersion > 1 && { 'sequence-number': longToJson(snapshot.sequenceNumber) }),
    'snapshot-id': longToJson(snapshot.snapshotId),
    ...(parentSnapshotId !== undefined && { 'parent-snapshot-id': longToJson(parentSnapshotId) }),
    'timestamp-ms': snapshot.timestampMs,
    ...(summary && { summary }),
    ...(manifestList !== undefined && { 'manifest-list': manifestList }),
    ...(manifests && { manifests }),
    ...(schemaId !== undefined && { 'schema-id': schemaId }),
    ...(firstRowId !== undefined && { 'first-row-id': longToJson(firstRowId) }),
    ...(addedRows !== undefined && { 'added-rows': longToJson(addedRows) }),
    ...snapshot.unknown,
  }
}

export function parseRef(value: unknown, at: At): SnapshotRef {
  const json = asObject(value, at)
  const type = json.type
  if (type !== 'branch' && type !== 'tag') return wrong(atKey(at, 'type'), type, "'branch' or 'tag'")
  const unknown = unknownFields(json, REF_KEYS)
  return {
    snapshotId: longField(json, 'snapshot-id', at),
    type,
    ...(has(json, 'min-snapshots-to-keep') && {
      minSnapshotsToKeep: integerField(json, 'min-snapshots-to-keep', at),
    }),
    ...(has(json, 'max-snapshot-age-ms') && { maxSnapshotAgeMs: longField(json, 'max-snapshot-age-ms', at) }),
    ...(has(json, 'max-ref-age-ms') && { maxRefAgeMs: longField(json, 'max-ref-age-ms', at) }),
    ...(unknown && { unknown }),
  }
}

export function refToJson(ref: SnapshotRef): Record<string, unknown> {
  const { minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs } = ref
  return {
    'snapshot-id': longToJson(ref.snapshotId),
    type: ref.type,
    ...(minSnapshotsToKeep !== undefined && { 'min-snapshots-to-keep': minSnapshotsToKeep }),
    ...(maxSnapshotAgeMs !== undefined && { 'max-snapshot-age-ms': longToJson(maxSnapshotAgeMs) }),
    ...(maxRefAgeMs !== undefined && { 'max-ref-age-ms': longToJson(maxRefAgeMs) }),
    ...ref.unknown,
  }
}

export function parseSnapshotLogEntry(value: unknown, at: At): SnapshotLogEntry {
  const json = asObject(value, at)
  const unknown = unknownFields(json, SNAPSHOT_LOG_KEYS)
  return {
    timestampMs: timeField(json, 'timestamp-ms', at),
    snapshotId: longField(json, 'snapshot-id', at),
    ...(unknown && { unknown }),
  }
}

export function parseMetadataLogEntry(value: unknown, at: At): MetadataLogEntry {
  const json = asObject(value, at)
  const unknown = unknownFields(json, METADATA_LOG_KEYS)
  return {
    timestampMs: timeField(json, 'timestamp-ms', at),
    metadataFile: stringField(json, 'metadata-file', at),
    ...(unknown && { unknown }),
  }
}

export function logEntryToJson(entry: SnapshotLogEntry | MetadataLogEntry): Record<string, unknown> {
  return {
    'timestamp-ms': entry.timestampMs,
    ...('snapshotId' in entry
      ? { 'snapshot-id': longToJson(entry.snapshotId) }
      : { 'metadata-file': entry.metadataFile }),
    ...entry.unknown,
  }
}
