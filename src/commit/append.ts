/**
 * Appending data files as an ordinary change: in transactions, and for whatever else is not folded. The files and the
 * manifests that list them do not depend on the base and are written once, whatever the number of attempts; only the
 * manifest list is written again on each new head. All of it goes out in parallel, so an append that meets nobody takes
 * two round trips: these uploads, then the version.
 */
import type { Runtime } from '../runtime.ts'
import { snapshotId as newSnapshotId, uuid } from '../runtime.ts'
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { applyUpdates } from '../spec/updates.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { Change } from './commit.ts'
import type { Sighting } from './custody.ts'
import { sighting } from './custody.ts'
import type { ManifestListCache } from './list-cache.ts'
import type { UnboundManifest } from './manifests.ts'
import { appendManifests, putManifestList } from './manifests.ts'
import { appendSnapshot, snapshotUpdates } from './snapshot.ts'
import { allEnded, putUnique } from './upload.ts'

/** A data file of an append that is still to be uploaded; `bytes` is undefined when that is done already. */
export interface AppendedFile {
  readonly dataFile: DataFile
  readonly key: string
  readonly bytes: Uint8Array | undefined
}

export interface AppendChangeOptions {
  readonly files: TableFiles
  readonly runtime: Runtime
  /** Manifest lists read or written a moment ago, by path. */
  readonly lists: ManifestListCache
  readonly appended: readonly AppendedFile[]
  /** When the first of the files was begun, where that was before. */
  readonly begun?: Sighting
  /** Extra fields of the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>>
  /** What the same commit changes first (schema, partition spec): the rows were written by it. */
  readonly before?: (base: TableMetadata) => readonly TableUpdate[]
  /** Looks at what the base lists already, and throws if the files may not be added to it. */
  readonly verify?: (base: TableMetadata, listed: readonly ManifestFile[], signal?: AbortSignal) => Promise<void>
  /** What else the same commit changes; `base` has the snapshot already. */
  readonly also?: (base: TableMetadata, snapshot: Snapshot) => readonly TableUpdate[]
  readonly what?: string
}

/** The change, and what became of its objects: to be deleted when it is certain that the change was not committed. */
export interface AppendChange extends Change {
  readonly snapshotId: bigint
  /** Keys of everything written so far, but for the scratch of attempts. */
  written(): readonly string[]
}

/** What an append of these files is, on any base. Requests: one per data file, per manifest, and one list per attempt. */
export function appendChange(options: AppendChangeOptions): AppendChange {
  const { files, runtime, lists, appended } = options
  const id = newSnapshotId(runtime)
  const unique = uuid(runtime)
  const written: string[] = []
  let once: { manifests: readonly UnboundManifest[]; uploads: Promise<unknown> } | undefined
  const dataFiles = appended.map((file) => file.dataFile)
  const uploadOnce = (base: TableMetadata, signal: AbortSignal | undefined) => {
    const manifests = appendManifests(base, dataFiles, files, (index) => `metadata/${unique}-m${index}.avro`)
    const pending = [
      ...appended.flatMap((file) => (file.bytes ? [{ key: file.key, bytes: file.bytes }] : [])),
      ...manifests,
    ]
    written.push(...pending.map((one) => one.key))
    const uploads = allEnded(pending.map((one) => putUnique(files, one.key, one.bytes, signal)))
    uploads.catch(() => undefined) // awaited in `derive`; until then it must not count as unhandled
    return { manifests, uploads }
  }
  return {
    what: options.what ?? `the append to ${files.location}`,
    begun: options.begun ?? sighting(runtime),
    snapshotId: id,
    written: () => written,
    derive: async (head, context) => {
      const before = options.before?.(head) ?? []
      const base = before.length === 0 ? head : applyUpdates(head, before, { nowMs: context.nowMs, baseFile: '' })
      const parent = currentSnapshot(base)
      once ??= uploadOnce(base, context.signal)
      const { manifests, uploads } = once
      const writeList = async () => {
        const carried = parent ? await lists.get(parent, context.signal) : []
        await options.verify?.(base, carried, context.signal)
        const name = `metadata/snap-${id}-${context.attempt}-${unique}.avro`
        written.push(files.key(name))
        const added = manifests.map((manifest) => manifest.file)
        return putManifestList(files, base, { snapshotId: id, name, added, carried }, context.signal)
      }
      const [list] = await allEnded([writeList(), uploads])
      const append = { snapshotId: id, manifestList: list.path, files: dataFiles, summary: options.summary ?? {} }
      const snapshot = appendSnapshot(base, append, context.nowMs)
      lists.set(list.path, list.manifests)
      const own = snapshotUpdates(base, snapshot)
      const withSnapshot = () => applyUpdates(base, own, { nowMs: context.nowMs, baseFile: '' })
      const also = options.also?.(withSnapshot(), snapshot) ?? []
      // From now on it is scratch of the attempt; until here whatever failed has left it behind.
      written.splice(written.indexOf(list.key), 1)
      return { updates: [...before, ...own, ...also], scratch: [list.key] }
    },
  }
}
