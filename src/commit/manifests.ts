/** The manifests of appended files. Their entries inherit what only the commit knows, so they are written once. */
import { encodeManifest, manifestSummary } from '../codec/manifest.ts'
import { encodeManifestList } from '../codec/manifest-list.ts'
import { partitionFieldType } from '../codec/manifest-schema.ts'
import { corrupt } from '../errors.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, specById } from '../spec/metadata.ts'
import type { Type } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import { putUnique } from './upload.ts'

/** A manifest that no snapshot names yet. */
export interface UnboundManifest {
  readonly key: string
  readonly bytes: Uint8Array
  readonly file: Omit<ManifestFile, 'sequenceNumber' | 'minSequenceNumber' | 'addedSnapshotId'>
}

/** One manifest per partition spec; its entries inherit snapshot id and sequence numbers from the list (v2). */
export function appendManifests(
  base: TableMetadata,
  appended: readonly DataFile[],
  files: TableFiles,
  name: (index: number) => string,
): readonly UnboundManifest[] {
  const schema = currentSchema(base)
  const specIds = [...new Set(appended.map((file) => file.specId))]
  return specIds.map((specId, index) => {
    const spec = specById(base, specId)
    if (!spec) corrupt(`partition spec ${specId}, by which rows were written, is not in the table any more`)
    const types = spec.fields.map((field) => partitionFieldType(field, schema))
    const entries = appended
      .filter((file) => file.specId === specId)
      .map((dataFile): ManifestEntry => ({
        status: 'added',
        snapshotId: null,
        sequenceNumber: null,
        fileSequenceNumber: null,
        dataFile: promoted(dataFile, types),
      }))
    const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion: base.formatVersion })
    const key = files.key(name(index))
    return {
      key,
      bytes,
      file: {
        path: files.pathOf(key),
        length: BigInt(bytes.length),
        partitionSpecId: specId,
        content: 'data',
        addedFilesCount: entries.length,
        existingFilesCount: 0,
        deletedFilesCount: 0,
        addedRowsCount: entries.reduce((sum, entry) => sum + entry.dataFile.recordCount, 0n),
        existingRowsCount: 0n,
        deletedRowsCount: 0n,
        ...manifestSummary(entries, spec, schema),
      },
    }
  })
}

/** The file's partition by the schema of now: an int column that was made long meanwhile makes its values bigints. */
function promoted(dataFile: DataFile, types: readonly (Type | undefined)[]): DataFile {
  const partition = dataFile.partition.map((value, i) =>
    types[i]?.type === 'long' && typeof value === 'number' ? BigInt(value) : value,
  )
  return { ...dataFile, partition }
}

export interface NewManifestList {
  readonly snapshotId: bigint
  /** Under the table. */
  readonly name: string
  readonly added: readonly UnboundManifest['file'][]
  readonly carried: readonly ManifestFile[]
}

export interface WrittenManifestList {
  readonly key: string
  readonly path: string
  readonly manifests: readonly ManifestFile[]
}

/** The manifest list of an append on one base: useless once the base has lost. One request. */
export async function putManifestList(
  files: TableFiles,
  base: TableMetadata,
  list: NewManifestList,
  signal: AbortSignal | undefined,
): Promise<WrittenManifestList> {
  const sequenceNumber = base.lastSequenceNumber + 1n
  const { snapshotId } = list
  const bound = { sequenceNumber, minSequenceNumber: sequenceNumber, addedSnapshotId: snapshotId }
  const manifests = [...list.added.map((file): ManifestFile => ({ ...file, ...bound })), ...list.carried]
  const parent = base.currentSnapshotId
  const bytes = encodeManifestList({
    manifests,
    snapshotId,
    ...(parent !== undefined && { parentSnapshotId: parent }),
    sequenceNumber,
    formatVersion: base.formatVersion,
  })
  const key = files.key(list.name)
  await putUnique(files, key, bytes, signal)
  return { key, path: files.pathOf(key), manifests }
}
