/**
 * Appending data files as a change. The files and the manifests that list them do not depend on the base and are
 * written once, whatever the number of attempts; only the manifest list is written again on each new head. All of it
 * goes out in parallel, so an append that meets nobody takes two round trips: these uploads, then the version.
 */
import { encodeManifest, manifestSummary } from '../codec/manifest.ts'
import { partitionFieldType } from '../codec/manifest-schema.ts'
import { decodeManifestList, encodeManifestList } from '../codec/manifest-list.ts'
import { corrupt, DataShardError, unsupported } from '../errors.ts'
import { snapshotId as newSnapshotId, uuid } from '../runtime.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, currentSnapshot, specById } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { Type } from '../spec/types.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { applyUpdates } from '../spec/updates.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { Runtime } from '../runtime.ts'
import type { Change, DeriveContext } from './commit.ts'
import { appendSummary } from './summary.ts'

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

/** The manifests of the last few snapshots of one table, so that a warm append reads nothing. */
export class ManifestListCache {
  readonly #files: TableFiles
  readonly #lists = new Map<string, readonly ManifestFile[]>()

  constructor(files: TableFiles) {
    this.#files = files
  }

  set(path: string, manifests: readonly ManifestFile[]): void {
    this.#lists.set(path, manifests)
    const oldest = this.#lists.keys().next().value
    if (this.#lists.size > 4 && oldest !== undefined) this.#lists.delete(oldest)
  }

  /** The manifests of a snapshot: no request when cached, else one. */
  async get(snapshot: Snapshot, signal?: AbortSignal): Promise<readonly ManifestFile[]> {
    const path = snapshot.manifestList
    if (path === undefined) {
      unsupported(
        `snapshot ${snapshot.snapshotId} lists its manifests in the metadata itself, as only format v1 allows`,
      )
    }
    const cached = this.#lists.get(path)
    if (cached) return cached
    const bytes = await this.#files.store.get(this.#files.resolve(path), { signal })
    if (!bytes) {
      corrupt(`the manifest list ${path} of snapshot ${snapshot.snapshotId} does not exist; run \`datashard verify\``, {
        path,
        table: this.#files.location,
      })
    }
    const manifests = decodeManifestList(bytes, path)
    this.set(path, manifests)
    return manifests
  }
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
  const uploadOnce = (base: TableMetadata, signal: AbortSignal | undefined) => {
    const manifests = writeManifests(base, appended, unique, files)
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
        return putManifestList(options, base, context, { id, unique, manifests, carried, written })
      }
      const [list] = await allEnded([writeList(), uploads])
      const snapshot = snapshotOf(options, base, context, id, list.path)
      lists.set(list.path, list.manifests)
      written.splice(written.indexOf(list.key), 1)
      const own = snapshotUpdates(base, snapshot)
      const withSnapshot = () => applyUpdates(base, own, { nowMs: context.nowMs, baseFile: '' })
      const also = options.also?.(withSnapshot(), snapshot) ?? []
      return { updates: [...before, ...own, ...also], scratch: [list.key] }
    },
  }
}

export interface UnboundManifest {
  readonly key: string
  readonly path: string
  readonly bytes: Uint8Array
  readonly specId: number
  readonly file: Omit<ManifestFile, 'sequenceNumber' | 'minSequenceNumber' | 'addedSnapshotId'>
}

/** One manifest per partition spec; its entries inherit snapshot id and sequence numbers from the list (v2). */
export function writeManifests(
  base: TableMetadata,
  appended: readonly AppendedFile[],
  unique: string,
  files: TableFiles,
): readonly UnboundManifest[] {
  const schema = currentSchema(base)
  const specIds = [...new Set(appended.map((file) => file.dataFile.specId))]
  return specIds.map((specId, index) => {
    const spec = specById(base, specId)
    if (!spec) corrupt(`partition spec ${specId}, by which rows were written, is not in the table any more`)
    const types = spec.fields.map((field) => partitionFieldType(field, schema))
    const entries = appended
      .filter((file) => file.dataFile.specId === specId)
      .map(({ dataFile }): ManifestEntry => ({
        status: 'added',
        snapshotId: null,
        sequenceNumber: null,
        fileSequenceNumber: null,
        dataFile: promoted(dataFile, types),
      }))
    const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion: base.formatVersion })
    const key = files.key(`metadata/${unique}-m${index}.avro`)
    return {
      key,
      path: files.pathOf(key),
      bytes,
      specId,
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

export async function putManifestList(
  options: Pick<AppendChangeOptions, 'files'>,
  base: TableMetadata,
  context: DeriveContext,
  parts: {
    readonly id: bigint
    readonly unique: string
    readonly manifests: readonly UnboundManifest[]
    readonly carried: readonly ManifestFile[]
    readonly written: string[]
  },
): Promise<{ key: string; path: string; manifests: readonly ManifestFile[] }> {
  const { files } = options
  const sequenceNumber = base.lastSequenceNumber + 1n
  const added = parts.manifests.map(({ file }): ManifestFile => ({
    ...file,
    sequenceNumber,
    minSequenceNumber: sequenceNumber,
    addedSnapshotId: parts.id,
  }))
  const manifests = [...added, ...parts.carried]
  const parent = base.currentSnapshotId
  const bytes = encodeManifestList({
    manifests,
    snapshotId: parts.id,
    ...(parent !== undefined && { parentSnapshotId: parent }),
    sequenceNumber,
    formatVersion: base.formatVersion,
  })
  const key = files.key(`metadata/snap-${parts.id}-${context.attempt}-${parts.unique}.avro`)
  parts.written.push(key)
  await putUnique(files, key, bytes, context.signal)
  return { key, path: files.pathOf(key), manifests }
}

/** A name that is used once: an overwrite that is repeated does no harm, so the store may retry it. */
export async function putUnique(
  files: TableFiles,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const result = await files.store.put(key, bytes, { mode: 'overwrite', signal })
  if (result.outcome === 'written') return
  const cause = result.outcome === 'unknown' ? result.cause : undefined
  throw new DataShardError('unavailable', `${key} could not be written (${result.outcome})`, { cause })
}

/** As Promise.all, but a failure is told when all have ended: who then cleans up must not be overtaken by a late write. */
export async function allEnded<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ [I in keyof T]: Awaited<T[I]> }> {
  await Promise.allSettled(promises)
  return Promise.all(promises) as Promise<{ [I in keyof T]: Awaited<T[I]> }>
}

function snapshotOf(
  options: AppendChangeOptions,
  base: TableMetadata,
  context: DeriveContext,
  snapshotId: bigint,
  manifestList: string,
): Snapshot {
  const parent = currentSnapshot(base)
  return {
    snapshotId,
    ...(parent && { parentSnapshotId: parent.snapshotId }),
    sequenceNumber: base.lastSequenceNumber + 1n,
    timestampMs: nextTimestampMs(base, context.nowMs),
    manifestList,
    summary: appendSummary(
      options.appended.map((file) => file.dataFile),
      parent,
      options.summary ?? {},
    ),
    schemaId: base.currentSchemaId,
  }
}

/**
 * Snapshot timestamps never go back, whatever the clocks of the writers say: engines refuse a table whose history does,
 * and time travel by the log would find the wrong snapshot.
 */
export function nextTimestampMs(base: TableMetadata, nowMs: number): number {
  const before = [currentSnapshot(base)?.timestampMs, base.snapshotLog.at(-1)?.timestampMs]
  return Math.max(nowMs, ...before.flatMap((ms) => (ms === undefined ? [] : [ms + 1])))
}

export function snapshotUpdates(base: TableMetadata, snapshot: Snapshot): readonly TableUpdate[] {
  const before = base.refs[MAIN_BRANCH]
  return [
    { action: 'add-snapshot', snapshot },
    {
      action: 'set-snapshot-ref',
      name: MAIN_BRANCH,
      ref: { ...before, type: 'branch', snapshotId: snapshot.snapshotId },
    },
  ]
}
