/**
 * A manifest without some of its files (spec: "Manifests", "Manifest Entry Fields"). The new manifest says which files are
 * gone and since which snapshot, and carries the others on with the ids and sequence numbers that they have: nothing in
 * it is inherited, so that it can be listed by any later base as it is.
 */
import { describeManifest, encodeManifest } from '../codec/manifest.ts'
import { partitionFieldType } from '../codec/manifest-schema.ts'
import { assert, corrupt, unsupported } from '../errors.ts'
import type { ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema } from '../spec/metadata.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import type { Schema } from '../spec/types.ts'
import type { RemovedFiles } from './replace-summary.ts'
import { tallyFiles } from './replace-summary.ts'

/** A manifest that takes another one's place. */
export interface RewrittenManifest {
  /** Path of the manifest that it was made from. */
  readonly replaces: string
  readonly key: string
  readonly removed: RemovedFiles
  /** The line of a list of this sequence number. */
  line(sequenceNumber: bigint): ManifestFile
}

export interface RewriteInput {
  readonly manifest: ManifestFile
  /** Of the manifest, inherited ids filled in. */
  readonly entries: readonly ManifestEntry[]
  readonly isRemoved: (path: string) => boolean
  readonly spec: PartitionSpec
  /** By which the entries were decoded: {@link partitionSchema}. */
  readonly schema: Schema
  readonly formatVersion: TableMetadata['formatVersion']
  /** Of the snapshot that removes the files. */
  readonly snapshotId: bigint
  /** Of the new manifest. */
  readonly key: string
  readonly path: string
}

/** Above every sequence number: a manifest of which no file is left has none of its own. */
const NO_SEQUENCE_NUMBER = 2n ** 63n - 1n

export function rewriteManifest(input: RewriteInput): { readonly bytes: Uint8Array; readonly made: RewrittenManifest } {
  const { manifest, isRemoved, spec, schema, formatVersion, snapshotId, key, path } = input
  // Files that an earlier snapshot removed are named by that snapshot's manifest; here they would be removed twice.
  const live = input.entries.filter(({ status }) => status !== 'deleted')
  const entries = live.map((entry): ManifestEntry => {
    if (entry.sequenceNumber === null || entry.fileSequenceNumber === null) {
      corrupt(
        `${manifest.path} is damaged: it says of ${entry.dataFile.path} neither a sequence number nor that it is new`,
      )
    }
    return isRemoved(entry.dataFile.path)
      ? { ...entry, status: 'deleted', snapshotId }
      : { ...entry, status: 'existing' }
  })
  const removed = entries.flatMap(({ status, dataFile }) => (status === 'deleted' ? [dataFile] : []))
  assert(removed.length > 0, `the manifest ${manifest.path} lists none of the files to remove`)
  const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion })
  const described = describeManifest({
    path,
    lengthBytes: bytes.length,
    content: 'data',
    entries,
    spec,
    schema,
    snapshotId,
    sequenceNumber: NO_SEQUENCE_NUMBER,
  })
  const line = (sequenceNumber: bigint): ManifestFile => {
    const { minSequenceNumber } = described
    return {
      ...described,
      sequenceNumber,
      minSequenceNumber: minSequenceNumber < sequenceNumber ? minSequenceNumber : sequenceNumber,
    }
  }
  return { bytes, made: { replaces: manifest.path, key, removed: tallyFiles(removed), line } }
}

/**
 * The newest schema in which every partition field of a spec has a type: that of now, unless columns were dropped by
 * which files were partitioned before.
 *
 * @throws `unsupported` if no schema that the table keeps has them.
 */
export function partitionSchema(metadata: TableMetadata, spec: PartitionSpec): Schema {
  const isWhole = (schema: Schema) => spec.fields.every((field) => partitionFieldType(field, schema) !== undefined)
  const found = [currentSchema(metadata), ...metadata.schemas.toReversed()].find(isWhole)
  return (
    found ??
    unsupported(
      `files of ${metadata.location} are partitioned by columns (spec ${spec.specId}) that no schema of the table has any ` +
        `more, so that a manifest with them cannot be written again; rewrite these files with the engine that wrote them`,
    )
  )
}
