/** The manifests of a snapshot and what is in them, read from the store. */
import { decodeManifest, readManifestHeader } from '../codec/manifest.ts'
import { decodeManifestList, UNKNOWN_COUNT } from '../codec/manifest-list.ts'
import { corrupt } from '../errors.ts'
import type { ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { specById } from '../spec/metadata.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { mapInOrder } from './in-order.ts'
import { refuseEncryptedManifest, refuseEncryptedSnapshot } from './refusals.ts'
import type { PlanRequest } from './task.ts'
import { missingObject } from '../store/table-files.ts'

/** A manifest of a snapshot. */
export interface ListedManifest {
  readonly manifest: ManifestFile
  readonly snapshot: Snapshot
  /** Where there is no list that describes the manifest, it had to be read for that. */
  readonly bytes?: Uint8Array
}

/** The manifests of a snapshot: one request, or one per manifest for v1 snapshots that have no manifest list. */
export async function listManifests(request: PlanRequest, snapshot: Snapshot): Promise<readonly ListedManifest[]> {
  const { manifestList: path } = snapshot
  const { location } = request.files
  refuseEncryptedSnapshot(snapshot, location)
  if (path === undefined) {
    if (snapshot.manifests === undefined)
      corrupt(`snapshot ${snapshot.snapshotId} of ${location} names no manifest list`)
    const listed: ListedManifest[] = []
    const each = mapInOrder(snapshot.manifests, (one) => unlisted(request, snapshot, one), { count: UNLISTED_AT_ONCE })
    for await (const one of each) listed.push(one)
    return listed
  }
  const manifests = request.cache
    ? await request.cache.get(snapshot, request.signal)
    : decodeManifestList(
        await read(request, path, `the manifest list of snapshot ${snapshot.snapshotId},`),
        request.files.shown(path),
      )
  return manifests.map((manifest) => ({ manifest, snapshot }))
}

const UNLISTED_AT_ONCE = 16

/** A line as a manifest list would have it, from the manifest itself. */
async function unlisted(request: PlanRequest, snapshot: Snapshot, path: string): Promise<ListedManifest> {
  const bytes = await read(request, path, `the manifest of snapshot ${snapshot.snapshotId},`)
  const { content, partitionSpecId } = readManifestHeader(bytes, path)
  const unknownRows = BigInt(UNKNOWN_COUNT)
  const manifest: ManifestFile = {
    path,
    length: BigInt(bytes.length),
    // Manifests without a spec id are older than the second spec of any table.
    partitionSpecId: partitionSpecId ?? request.metadata.partitionSpecs[0]?.specId ?? 0,
    content,
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: snapshot.snapshotId,
    addedFilesCount: UNKNOWN_COUNT,
    existingFilesCount: UNKNOWN_COUNT,
    deletedFilesCount: UNKNOWN_COUNT,
    addedRowsCount: unknownRows,
    existingRowsCount: unknownRows,
    deletedRowsCount: unknownRows,
  }
  return { manifest, snapshot, bytes }
}

/** The entries of a manifest, ids inherited. One request. */
export async function readEntries(
  request: PlanRequest,
  { manifest, snapshot, bytes }: ListedManifest,
): Promise<readonly ManifestEntry[]> {
  refuseEncryptedManifest(manifest, request.files.location)
  const spec = specOf(request.metadata, manifest)
  const content = bytes ?? (await read(request, manifest.path, `a manifest of snapshot ${snapshot.snapshotId},`))
  return decodeManifest(content, { manifest, spec, schema: request.schema, where: request.files.shown(manifest.path) })
}

/** @throws `corrupt` if the table does not have the spec that the manifest was written with. */
export function specOf(metadata: TableMetadata, { path, partitionSpecId }: ManifestFile): PartitionSpec {
  return (
    specById(metadata, partitionSpecId) ??
    corrupt(`the manifest ${path} is of partition spec ${partitionSpecId}, which the table does not have`, { path })
  )
}

async function read({ files, signal }: PlanRequest, path: string, what: string): Promise<Uint8Array> {
  const bytes = await files.store.get(files.resolve(path), { signal })
  return bytes ?? missingObject(what, path, files)
}
