/** What a user sees of snapshots and manifests: immutable views that read on demand. */
import { decodeManifest } from '../codec/manifest.ts'
import type { ManifestListCache } from '../commit/list-cache.ts'
import { corrupt, throwIfAborted } from '../errors.ts'
import { takeSignal } from '../runtime.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import { hasLiveFiles } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, specById } from '../spec/metadata.ts'
import { checkOptions } from '../spec/option-names.ts'
import { mapInOrder } from '../scan/in-order.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableFiles } from '../store/table-files.ts'
import { missingObject } from '../store/table-files.ts'
import { SIGNAL_OPTIONS } from './option-names.ts'

/** A manifest of a snapshot, as its manifest list describes it. */
export interface ManifestView extends ManifestFile {
  /** The entries, their inherited ids filled in. One request. */
  entries(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<ManifestEntry>
}

/** One state of the table. */
export interface SnapshotView extends Omit<Snapshot, 'manifests'> {
  /** `append`, `overwrite`, `delete` or `replace`. */
  readonly operation: string | undefined
  /** When it was committed. */
  readonly timestamp: Date
  /** Its manifests. One request, none for the snapshots that this process has just written. */
  manifests(options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly ManifestView[]>
}

export interface ViewContext {
  readonly files: TableFiles
  readonly lists: ManifestListCache
  readonly metadata: TableMetadata
}

export function snapshotView(context: ViewContext, snapshot: Snapshot): SnapshotView {
  return {
    ...snapshot,
    operation: snapshot.summary?.['operation'],
    timestamp: new Date(snapshot.timestampMs),
    manifests: async (options = {}) => {
      takeOptions('manifests', options)
      const manifests = await context.lists.get(snapshot, options.signal)
      return manifests.map((manifest) => manifestView(context, manifest))
    },
  }
}

function manifestView(context: ViewContext, manifest: ManifestFile): ManifestView {
  return {
    ...manifest,
    entries: async function* (options = {}) {
      takeOptions('entries', options)
      yield* await readManifest(context, manifest, options.signal)
    },
  }
}

function takeOptions(call: string, options: { readonly signal?: AbortSignal | undefined }): void {
  checkOptions(call, options, SIGNAL_OPTIONS)
  takeSignal(options.signal)
  // Also where nothing has to be asked of the store.
  throwIfAborted(options.signal, call)
}

/** The entries of a manifest. One request. */
export async function readManifest(
  { files, metadata }: Pick<ViewContext, 'files' | 'metadata'>,
  manifest: ManifestFile,
  signal?: AbortSignal,
): Promise<readonly ManifestEntry[]> {
  const bytes = await files.store.get(files.resolve(manifest.path), { signal })
  if (!bytes) missingObject('the manifest', manifest.path, files)
  const spec = specById(metadata, manifest.partitionSpecId)
  if (!spec)
    corrupt(`the manifest ${manifest.path} is of partition spec ${manifest.partitionSpecId}, which is not there`)
  return decodeManifest(bytes, { manifest, spec, schema: currentSchema(metadata), where: files.shown(manifest.path) })
}

/** Manifests that are fetched while the files of the first are looked at, and their bytes. */
const MANIFESTS_AHEAD = 16
const AHEAD_BYTES = 64 * 1024 * 1024

/** The live data files of a snapshot, manifest by manifest. One request per manifest, 16 at once, and one for their list. */
export async function* liveFiles(
  context: ViewContext,
  snapshot: Snapshot | undefined,
  signal?: AbortSignal,
): AsyncIterable<DataFile> {
  if (!snapshot) return
  const manifests = await context.lists.get(snapshot, signal)
  const live = manifests.filter(hasLiveFiles)
  const read = mapInOrder(live, (manifest) => readManifest(context, manifest, signal), {
    count: MANIFESTS_AHEAD,
    weight: AHEAD_BYTES,
    weigh: ({ length }) => Number(length),
  })
  for await (const entries of read) {
    for (const entry of entries) {
      if (entry.status !== 'deleted') yield entry.dataFile
    }
  }
}
