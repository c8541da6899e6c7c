/**
 * Removing data files, and adding others in the same snapshot, as a change. Which files go is asked again on each new
 * base ({@link ReplaceSource}), so that a file which somebody appended meanwhile is not spared; what was found and written
 * before is used again as long as the base still lists it.
 */
import { unsupported } from '../errors.ts'
import { uuid } from '../runtime.ts'
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import { hasLiveFiles } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { applyUpdates } from '../spec/updates.ts'
import type { AppendChangeOptions, AppendedFile } from './append.ts'
import { sighting } from './custody.ts'
import type { UnboundManifest } from './manifests.ts'
import { appendManifests, putManifestList } from './manifests.ts'
import type { Change, DeriveContext, Derived } from './commit.ts'
import type { RewrittenManifest } from './replace-manifest.ts'
import type { RemovedFiles } from './replace-summary.ts'
import { replaceSummary, tallyAll, tallyFiles } from './replace-summary.ts'
import { nextTimestampMs, snapshotUpdates } from './snapshot.ts'
import { allEnded, putUnique } from './upload.ts'

/** What is to be replaced in the state of one base. */
export interface Replacement {
  /** For the manifests of the base that list removed files. */
  readonly manifests: readonly RewrittenManifest[]
  /** Files with those rows of removed ones that stay. */
  readonly added: readonly DataFile[]
  /** Ends when all of them are in the store. */
  readonly uploads: Promise<unknown>
}

/** Says what has to be replaced, and writes what replaces it. */
export interface ReplaceSource {
  /** What {@link find} would say if nothing new were to be replaced; undefined before it was asked. Without requests. */
  known(base: TableMetadata, listed: readonly ManifestFile[]): Replacement | undefined
  find(base: TableMetadata, listed: readonly ManifestFile[], signal: AbortSignal | undefined): Promise<Replacement>
  /** Keys of all that was written, once nothing more is under way. */
  written(): Promise<readonly string[]>
}

export interface ReplaceChangeOptions extends Omit<AppendChangeOptions, 'also'> {
  readonly source: ReplaceSource
  readonly snapshotId: bigint
  /** What else the same commit changes; `snapshot` is undefined if it turns out that none is needed. */
  readonly also?: (base: TableMetadata, snapshot: Snapshot | undefined) => readonly TableUpdate[]
}

export interface ReplaceChange extends Change {
  /**
   * Does what can be done before the commit, while others go on committing: finds and writes what is to be replaced in
   * this base. Returns whether there is anything to commit.
   */
  prepare(head: TableMetadata, signal: AbortSignal | undefined): Promise<boolean>
  /** What the last attempt came to; `snapshotId` is undefined if it added none. */
  result(): { readonly snapshotId: bigint | undefined; readonly deletedRows: bigint }
  /** Keys of everything written, but for the scratch of attempts: all of it, or what the last attempt did not use. */
  written(which: 'all' | 'unused'): Promise<readonly string[]>
}

/** Thrown by an attempt when others have removed meanwhile whatever there was to remove. */
export class NothingLeft extends Error {}

interface State {
  readonly options: ReplaceChangeOptions
  readonly written: string[]
  /** Uploads of the files that the change itself adds: once. */
  appended: Promise<unknown> | undefined
  /** The manifests of added files, and for which files. */
  added: { readonly names: string; readonly manifests: readonly UnboundManifest[] } | undefined
  used: ReadonlySet<string>
  snapshotId: bigint | undefined
  deletedRows: bigint
}

/**
 * Requests of an attempt, beside those of the source: the manifest list of the base, unless it is cached; then in parallel
 * a manifest for the added files, if there are others than before, and the new manifest list.
 */
export function replaceChange(options: ReplaceChangeOptions): ReplaceChange {
  const state: State = {
    options,
    written: [],
    appended: undefined,
    added: undefined,
    used: new Set(),
    snapshotId: undefined,
    deletedRows: 0n,
  }
  return {
    what: options.what ?? `the overwrite of ${options.files.location}`,
    begun: options.begun ?? sighting(options.runtime),
    prepare: async (head, signal) => {
      const { base, listed, before } = await openBase(state, head, head.lastUpdatedMs, signal)
      const found = await options.source.find(base, listed, signal)
      await found.uploads
      if (isChange(options, found) || before.length > 0) return true
      return (options.also?.(base, undefined) ?? []).length > 0
    },
    derive: (head, context) => derive(state, head, context),
    result: () => ({ snapshotId: state.snapshotId, deletedRows: state.deletedRows }),
    written: async (which) => {
      const all = [...state.written, ...(await options.source.written())]
      return which === 'all' ? all : all.filter((key) => !state.used.has(key))
    },
  }
}

/** A base with what the change does to it before anything is replaced. */
interface OpenBase {
  readonly before: readonly TableUpdate[]
  readonly base: TableMetadata
  readonly parent: Snapshot | undefined
  readonly listed: readonly ManifestFile[]
}

async function openBase(
  { options }: State,
  head: TableMetadata,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<OpenBase> {
  const before = options.before?.(head) ?? []
  const base = before.length === 0 ? head : applyUpdates(head, before, { nowMs, baseFile: '' })
  const parent = currentSnapshot(base)
  const listed = parent ? await options.lists.get(parent, signal) : []
  refuseLiveDeletes(listed, options.files.location)
  await options.verify?.(base, listed, signal)
  return { before, base, parent, listed }
}

/**
 * The manifest list is written while the base's new manifests are still being looked at, on the guess that nothing in them
 * matches: the fewer round trips an attempt takes, the fewer versions of others come before it.
 */
async function derive(state: State, head: TableMetadata, context: DeriveContext): Promise<Derived> {
  const { options } = state
  const on = await openBase(state, head, context.nowMs, context.signal)
  const { before, base, listed } = on
  const guess = options.source.known(base, listed)
  const finding = options.source.find(base, listed, context.signal)
  const guessed = guess && isChange(options, guess) ? write(state, on, guess, context) : undefined
  const [found, early] = await allEnded([finding, guessed ?? Promise.resolve(undefined)])
  const isRight = early !== undefined && guess!.manifests.length === found.manifests.length
  if (!isChange(options, found)) return withoutSnapshot(state, on)
  const written = isRight ? early : await write(state, on, found, context)
  const { snapshot, lines } = written
  options.lists.set(snapshot.manifestList!, lines)
  state.used = written.used
  state.snapshotId = options.snapshotId
  state.deletedRows = written.deletedRows
  const own = snapshotUpdates(base, snapshot)
  const withSnapshot = applyUpdates(base, own, { nowMs: context.nowMs, baseFile: '' })
  const also = options.also?.(withSnapshot, snapshot) ?? []
  // From now on it is scratch of the attempt; until here whatever failed has left it behind.
  state.written.splice(state.written.indexOf(written.key), 1)
  return { updates: [...before, ...own, ...also], scratch: [written.key] }
}

function isChange({ appended }: ReplaceChangeOptions, { manifests }: Replacement): boolean {
  return appended.length + manifests.length > 0
}

/** What one snapshot needs: manifests of added files, and the list. */
interface Written {
  readonly key: string
  readonly snapshot: Snapshot
  readonly lines: readonly ManifestFile[]
  readonly used: ReadonlySet<string>
  readonly deletedRows: bigint
}

async function write(
  state: State,
  { base, parent, listed }: OpenBase,
  replacement: Replacement,
  context: DeriveContext,
): Promise<Written> {
  const { options } = state
  const { snapshotId: id, files, runtime } = options
  const added: AppendedFile[] = [...options.appended, ...replacement.added.map((dataFile) => stored(options, dataFile))]
  const { manifests, uploads } = writeAdded(state, base, added, context.signal)
  const sequenceNumber = base.lastSequenceNumber + 1n
  const replaced = new Map(replacement.manifests.map((one) => [one.replaces, one.line(sequenceNumber)]))
  // Manifests all of whose files are gone are of use to the snapshot that removed them, and to no later one.
  const carried = listed.flatMap((manifest) => replaced.get(manifest.path) ?? (hasLiveFiles(manifest) ? manifest : []))
  const name = `metadata/snap-${id}-${context.attempt}-${uuid(runtime)}.avro`
  state.written.push(files.key(name))
  const parts = { snapshotId: id, name, added: manifests.map(({ file }) => file), carried }
  const list = putManifestList(files, base, parts, context.signal)
  const [{ key, path, manifests: lines }] = await allEnded([list, uploads, replacement.uploads])
  const removed = tallyAll(replacement.manifests.map((one) => one.removed))
  const made = { added: added.map((file) => file.dataFile), removed, parent, path }
  return {
    key,
    snapshot: snapshotOf(options, base, context, made),
    lines,
    used: new Set([...added, ...manifests, ...replacement.manifests].map((one) => one.key)),
    deletedRows: removed.records - replacement.added.reduce((sum, file) => sum + file.recordCount, 0n),
  }
}

/** Nothing is removed and nothing added: what else the change does, if it does anything. */
function withoutSnapshot(state: State, { base, before }: OpenBase): Derived {
  const updates = [...before, ...(state.options.also?.(base, undefined) ?? [])]
  if (updates.length === 0) throw new NothingLeft('nothing is left to replace')
  state.used = new Set()
  state.snapshotId = undefined
  state.deletedRows = 0n
  return { updates, scratch: [] }
}

/** Manifests for the added files: those of the attempt before, if the files are the same. */
function writeAdded(
  state: State,
  base: TableMetadata,
  added: readonly AppendedFile[],
  signal: AbortSignal | undefined,
): { readonly manifests: readonly UnboundManifest[]; readonly uploads: Promise<unknown> } {
  const { files, runtime, appended } = state.options
  const put = (one: { key: string; bytes: Uint8Array }) => {
    state.written.push(one.key)
    return putUnique(files, one.key, one.bytes, signal)
  }
  state.appended ??= ended(appended.flatMap(({ key, bytes }) => (bytes ? [put({ key, bytes })] : [])))
  const names = added.map((file) => file.key).join('\n')
  if (state.added?.names === names) return { manifests: state.added.manifests, uploads: state.appended }
  const unique = uuid(runtime)
  const dataFiles = added.map((file) => file.dataFile)
  const manifests = appendManifests(base, dataFiles, files, (index) => `metadata/${unique}-m${index}.avro`)
  state.added = { names, manifests }
  return { manifests, uploads: ended([state.appended, ...manifests.map(put)]) }
}

/** Awaited later; until then a failure must not count as unhandled. */
function ended(promises: readonly Promise<unknown>[]): Promise<unknown> {
  const all = allEnded(promises)
  all.catch(() => undefined)
  return all
}

function stored({ files }: ReplaceChangeOptions, dataFile: DataFile): AppendedFile {
  return { dataFile, key: files.resolve(dataFile.path), bytes: undefined }
}

function snapshotOf(
  options: ReplaceChangeOptions,
  base: TableMetadata,
  context: DeriveContext,
  made: {
    readonly added: readonly DataFile[]
    readonly removed: RemovedFiles
    readonly parent: Snapshot | undefined
    readonly path: string
  },
): Snapshot {
  const { parent } = made
  return {
    snapshotId: options.snapshotId,
    ...(parent && { parentSnapshotId: parent.snapshotId }),
    sequenceNumber: base.lastSequenceNumber + 1n,
    timestampMs: nextTimestampMs(base, context.nowMs),
    manifestList: made.path,
    summary: replaceSummary(tallyFiles(made.added), made.removed, parent, options.summary ?? {}),
    schemaId: base.currentSchemaId,
  }
}

/** Rows that deletes hide would come back in a file that is written again. */
function refuseLiveDeletes(listed: readonly ManifestFile[], table: string): void {
  const deletes = listed.find((manifest) => manifest.content === 'deletes' && hasLiveFiles(manifest))
  if (deletes === undefined) return
  unsupported(
    `${table} has row-level deletes (${deletes.path}), which this version of DataShard does not apply: it cannot overwrite ` +
      `or delete rows of the table. Compact it with the engine that wrote them`,
    { table, path: deletes.path, feature: 'delete files' },
  )
}
