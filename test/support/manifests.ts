/** Manifests as appends write them, and as a manifest list has them afterwards. */
import type { UnboundManifest } from '../../src/commit/manifests.ts'
import { appendManifests } from '../../src/commit/manifests.ts'
import { Merges } from '../../src/commit/merges.ts'
import type { DataFile, ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { TableFiles } from '../../src/store/table-files.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { processAt } from './chain.ts'
import { dataFileOf } from './data-files.ts'

/** A process at version 1 that merges manifests beside its commits. */
export async function mergingProcess() {
  const { chain, committer } = await processAt(1)
  const files = tableFiles(chain.store, 't', 'memory://test/t')
  return { chain, committer, metadata: committer.head.metadata, files, merges: new Merges(committer, files) }
}

let named = 0

/** One manifest of so many data files; it is in the store then. */
export async function writtenManifest(
  files: TableFiles,
  metadata: TableMetadata,
  count = 1,
  more: Partial<DataFile> = {},
): Promise<UnboundManifest> {
  const paths = Array.from({ length: count }, () => files.pathOf(files.key(`data/file-${named++}.parquet`)))
  const dataFiles = paths.map((path) => dataFileOf({ path, ...more }))
  const [manifest] = appendManifests(metadata, dataFiles, files, () => `metadata/${named++}-m0.avro`)
  await files.store.put(manifest!.key, manifest!.bytes)
  return manifest!
}

/** One manifest after the other. */
export async function writtenManifests(files: TableFiles, metadata: TableMetadata, count: number) {
  const made: UnboundManifest[] = []
  while (made.length < count) made.push(await writtenManifest(files, metadata))
  return made
}

/** As the snapshot that added them lists them, the newest first. */
export function listed(manifests: readonly UnboundManifest[]): readonly ManifestFile[] {
  const bound = { sequenceNumber: 1n, minSequenceNumber: 1n, addedSnapshotId: 7n }
  return manifests.map(({ file }) => ({ ...file, ...bound })).toReversed()
}
