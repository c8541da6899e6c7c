/** What a manifest list says about a manifest (spec: "Manifest Lists", `manifest_file` and `field_summary`). */
import type { FieldSummary, ManifestContent, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import { isOrderShared } from '../spec/predicate-order.ts'
import type { Schema, Type, Value } from '../spec/types.ts'
import { compareValues, encodeValue } from '../spec/values.ts'
import { partitionFieldType } from './manifest-schema.ts'

/** The part of a manifest's line that is about its partitions: one summary for each field of the spec, or nothing. */
export type PartitionSummaries = Pick<ManifestFile, 'partitions'>

/**
 * What the entries' partitions come to, whatever their status. Nothing is said if it would need bounds that engines do
 * not agree about: a summary without bounds says that all values are null.
 */
export function manifestSummary(
  entries: readonly ManifestEntry[],
  spec: PartitionSpec,
  schema: Schema,
): PartitionSummaries {
  const types = spec.fields.map((field) => partitionFieldType(field, schema))
  const isDisputed = (type: Type | undefined, i: number): boolean =>
    type !== undefined &&
    !isOrderShared(type) &&
    entries.some((entry) => (entry.dataFile.partition[i] ?? null) !== null)
  if (types.some(isDisputed)) return {}
  const valuesOf = (i: number) => entries.map((entry) => entry.dataFile.partition[i] ?? null)
  return { partitions: types.map((type, i) => summarize(valuesOf(i), type)) }
}

/** Without a type (its column was dropped) values cannot be ordered, and no bounds are given. */
function summarize(values: readonly (Value | null)[], type: Type | undefined): FieldSummary {
  const containsNull = values.includes(null)
  const containsNan = values.some((value) => Number.isNaN(value))
  const present = values.filter((value) => value !== null && !Number.isNaN(value)) as Value[]
  if (present.length === 0 || type === undefined) return { containsNull, containsNan }
  const compare = compareValues(type)
  let lower = present[0]!
  let upper = lower
  for (const value of present) {
    if (compare(value, lower) < 0) lower = value
    if (compare(value, upper) > 0) upper = value
  }
  return { containsNull, containsNan, lowerBound: encodeValue(type, lower), upperBound: encodeValue(type, upper) }
}

export interface ManifestDescription {
  readonly path: string
  /** Of the encoded manifest. */
  readonly lengthBytes: number
  readonly content: ManifestContent
  readonly entries: readonly ManifestEntry[]
  readonly spec: PartitionSpec
  readonly schema: Schema
  /** Of the snapshot that adds the manifest; entries inherit both. */
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint
}

/** The line of the manifest list for a manifest with these entries. */
export function describeManifest(manifest: ManifestDescription): ManifestFile {
  const files = { existing: 0, added: 0, deleted: 0 }
  const rows = { existing: 0n, added: 0n, deleted: 0n }
  let minSequenceNumber = manifest.sequenceNumber
  for (const { status, sequenceNumber, dataFile } of manifest.entries) {
    files[status]++
    rows[status] += dataFile.recordCount
    if (status !== 'deleted' && sequenceNumber !== null && sequenceNumber < minSequenceNumber) {
      minSequenceNumber = sequenceNumber
    }
  }
  return {
    path: manifest.path,
    length: BigInt(manifest.lengthBytes),
    partitionSpecId: manifest.spec.specId,
    content: manifest.content,
    sequenceNumber: manifest.sequenceNumber,
    minSequenceNumber,
    addedSnapshotId: manifest.snapshotId,
    addedFilesCount: files.added,
    existingFilesCount: files.existing,
    deletedFilesCount: files.deleted,
    addedRowsCount: rows.added,
    existingRowsCount: rows.existing,
    deletedRowsCount: rows.deleted,
    ...manifestSummary(manifest.entries, manifest.spec, manifest.schema),
  }
}
