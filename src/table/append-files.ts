/**
 * Appending Parquet files that exist. Files under the table's location are adopted where they are; others are copied into
 * it, so that a table owns everything that it names and nothing else (docs/decisions/table-append-files.md).
 */
import type { ParquetHandle } from '../codec/parquet-reader.ts'
import { openForeignParquet } from '../codec/parquet-foreign.ts'
import type { AppendChangeOptions } from '../commit/append.ts'
import { sighting } from '../commit/custody.ts'
import type { ManifestListCache } from '../commit/list-cache.ts'
import type { Committer } from '../commit/commit.ts'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import { describeValue } from '../spec/describe.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import type { NameMapping } from '../spec/name-mapping.ts'
import { formatNameMapping, mergeNameMappings, NAME_MAPPING_PROPERTY, parseNameMapping } from '../spec/name-mapping.ts'
import { partitionPath } from '../spec/partition-path.ts'
import { checkWritable } from '../spec/properties.ts'
import type { TableUpdate } from '../spec/updates.ts'
import type { S3Options } from '../store/open.ts'
import { openStore } from '../store/open.ts'
import type { ObjectStore } from '../store/store.ts'
import type { TableFiles } from '../store/table-files.ts'
import { inspectParquet } from '../write/parquet-import.ts'
import type { WriteContext } from '../write/write-context.ts'
import type { Staged } from './stage.ts'
import { discard } from './stage.ts'
import { inParallel } from './in-parallel.ts'
import { readManifest } from './views.ts'
import { writeTarget } from './write-target.ts'

export interface AppendFilesOptions {
  /** What to do with columns of the files that the table does not have. Default `error`. */
  readonly unknownColumns?: 'error' | 'ignore' | undefined
  readonly signal?: AbortSignal | undefined
  /** How long to go on against other writers once the files are ready; default 30,000. */
  readonly timeoutMs?: number | undefined
}

export interface AppendFilesContext {
  readonly files: TableFiles
  readonly lists: ManifestListCache
  readonly committer: Committer
  /** How to reach buckets other than the table's. */
  readonly s3: S3Options | undefined
}

export interface StagedFiles {
  readonly staged: Staged
  /** What the table must have changed by the same commit for the files to be readable. */
  readonly before: (base: TableMetadata) => readonly TableUpdate[]
  readonly verify: NonNullable<AppendChangeOptions['verify']>
}

/** Files that are looked at, or copied, at the same time. */
const PARALLEL_FILES = 8
/** Bytes of a file that are copied at a time. */
const COPY_BYTES = 8 * 1024 * 1024

/** Where a file lies, and whether the table owns that place. */
interface Found {
  readonly path: string
  readonly store: ObjectStore
  readonly key: string
  readonly owned: boolean
}

/**
 * Validates the files, and copies those that lie elsewhere. Nothing is committed.
 *
 * @throws `not-found` naming a file that is not there; `invalid-argument` naming file and column where one does not fit, or
 *   a file that is named twice or is in the table already; `corrupt` for damaged files.
 */
export async function stageFiles(
  paths: readonly string[],
  context: AppendFilesContext,
  options: AppendFilesOptions,
): Promise<StagedFiles> {
  const { files, committer } = context
  const { metadata } = committer.head
  checkWritable(metadata, committer.place.location)
  throwIfAborted(options.signal, 'appending files')
  const found = checkPaths(paths).map((path) => locate(path, context))
  refuseTwice(found)
  const verify = refuseListed(found, files)
  const snapshot = currentSnapshot(metadata)
  // At once, too, so that nothing is read and copied in vain.
  if (snapshot && found.some((file) => file.owned)) {
    await verify(metadata, await context.lists.get(snapshot, options.signal), options.signal)
  }
  const begun = sighting(committer.place.runtime)
  const target = writeTarget(metadata, files, committer.place.runtime)
  const own = metadata.properties[NAME_MAPPING_PROPERTY]
  const staging = new Staging(target, files, own === undefined ? undefined : parseNameMapping(own), options)
  try {
    await inParallel(found, PARALLEL_FILES, (file) => staging.add(file))
  } catch (error) {
    await discard(files, staging.copied, error)
    throw error
  } finally {
    for (const { store } of found) if (store !== files.store) store.close()
  }
  return {
    staged: {
      context: target,
      batches: [],
      written: staging.copied,
      adopted: staging.adopted,
      begun,
      rows: staging.rows,
    },
    before: (base) => mappingUpdate(base, staging.mapping),
    verify,
  }
}

class Staging {
  readonly copied: DataFile[] = []
  readonly adopted: DataFile[] = []
  rows = 0
  /** What the table's name mapping must have more. */
  mapping: NameMapping | undefined
  readonly #target: WriteContext
  readonly #files: TableFiles
  readonly #own: NameMapping | undefined
  readonly #options: AppendFilesOptions

  constructor(target: WriteContext, files: TableFiles, own: NameMapping | undefined, options: AppendFilesOptions) {
    this.#target = target
    this.#files = files
    this.#own = own
    this.#options = options
  }

  async add(file: Found): Promise<void> {
    const { signal, unknownColumns } = this.#options
    const handle = await open(file, signal)
    const { schema, spec, metricsModes } = this.#target
    const { nameMapping, ...facts } = inspectParquet(handle, schema, spec, {
      nameMapping: this.#own,
      unknownColumns,
      metricsModes,
    })
    if (nameMapping) this.mapping = mergeNameMappings(this.mapping ?? [], nameMapping)
    if (facts.recordCount === 0n) return
    const describe = (path: string): DataFile => ({
      ...facts,
      content: 'data',
      format: 'parquet',
      path,
      specId: spec.specId,
    })
    this.rows += Number(facts.recordCount)
    if (file.owned) {
      this.adopted.push(describe(this.#files.pathOf(file.key)))
      return
    }
    const name = this.#target.newFile(partitionPath(spec, schema, facts.partition))
    this.copied.push(describe(name.path))
    await copy(file, handle.size, this.#files.store, name.key, signal)
  }
}

function checkPaths(paths: readonly string[]): readonly string[] {
  if (!Array.isArray(paths)) invalid(`appendFiles takes an array of paths; found ${typeof paths}`)
  for (const path of paths) {
    if (typeof path !== 'string' || path === '') invalid(`found ${describeValue(path)} as the path of a file`)
  }
  return paths
}

/** By where they lie: one file has several names (relative, absolute, as a URL). */
function refuseTwice(found: readonly Found[]): void {
  const seen = new Set<string>()
  for (const { path, store, key } of found) {
    const name = store.urlOf(key)
    if (seen.has(name)) invalid(`${path} is named twice; its rows would be in the table twice`)
    seen.add(name)
  }
}

function locate(path: string, { files, s3 }: AppendFilesContext): Found {
  const location = openStore(path, s3 ? { s3 } : {}).location
  const root = files.prefix === '' ? '' : `${files.prefix}/`
  const inTable = location.startsWith(`${files.location}/`) ? files.resolve(location) : undefined
  if (inTable !== undefined) return { path, store: files.store, key: inTable, owned: true }
  const inStore = files.store.keyOf(location)
  if (inStore !== undefined)
    return { path, store: files.store, key: inStore, owned: inStore.startsWith(root) && root !== '' }
  const cut = location.lastIndexOf('/')
  const { store, prefix } = openStore(location.slice(0, cut) || '/', s3 ? { s3 } : {})
  const name = location.slice(cut + 1)
  return { path, store, key: prefix === '' ? name : `${prefix}/${name}`, owned: false }
}

async function open({ path, store, key }: Found, signal: AbortSignal | undefined): Promise<ParquetHandle> {
  const head = await store.head(key, { signal })
  if (!head)
    throw new DataShardError('not-found', `there is no file ${path}; nothing was appended`, { details: { path } })
  const read = async (start: number, end: number) => {
    const bytes = await store.get(key, { range: { start, end }, signal })
    if (!bytes) throw new DataShardError('not-found', `${path} vanished while it was read; nothing was appended`)
    return bytes
  }
  return openForeignParquet({ size: head.size, read }, path)
}

async function copy(
  from: Found,
  size: number,
  to: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  async function* pieces(): AsyncIterable<Uint8Array> {
    for (let start = 0; start < size; start += COPY_BYTES) {
      const end = Math.min(size, start + COPY_BYTES)
      const bytes = await from.store.get(from.key, { range: { start, end }, signal })
      if (bytes?.length !== end - start) {
        throw new DataShardError(
          'unavailable',
          `${from.path} changed while it was copied; nothing was appended, try again`,
        )
      }
      yield bytes
    }
  }
  const result = await to.put(key, pieces(), { signal })
  if (result.outcome !== 'written') {
    const cause = result.outcome === 'unknown' ? result.cause : undefined
    throw new DataShardError('unavailable', `the copy of ${from.path} could not be written (${result.outcome})`, {
      cause,
    })
  }
}

/**
 * A file that the table lists already would be in it twice. Only files of the table's own folder can be. Asked again for
 * each base of the commit: another writer may have added the same file meanwhile. Each manifest is read once.
 */
function refuseListed(found: readonly Found[], files: TableFiles): NonNullable<AppendChangeOptions['verify']> {
  const keys = new Map(found.filter((file) => file.owned).map((file) => [file.key, file.path]))
  const seen = new Set<string>()
  return async (metadata, listed, signal) => {
    if (keys.size === 0) return
    const unseen = listed.filter((manifest) => manifest.content === 'data' && !seen.has(manifest.path))
    await inParallel(unseen, PARALLEL_FILES, async (manifest) => {
      for (const { status, dataFile } of await readManifest({ files, metadata }, manifest, signal)) {
        const twice = status === 'deleted' ? undefined : keys.get(files.resolve(dataFile.path))
        if (twice !== undefined) invalid(`${twice} is in the table already; its rows would be there twice`)
      }
      seen.add(manifest.path)
    })
  }
}

/** The name mapping by which files without field ids are read, for every engine; only added to, never taken away. */
function mappingUpdate(base: TableMetadata, mapping: NameMapping | undefined): readonly TableUpdate[] {
  const before = base.properties[NAME_MAPPING_PROPERTY]
  if (mapping === undefined) return []
  const known = before === undefined ? [] : parseNameMapping(before)
  // Somebody else may have renamed a column and appended files since this one was opened: theirs stays.
  const wanted = formatNameMapping(mergeNameMappings(known, mapping))
  if (before !== undefined && formatNameMapping(known) === wanted) return []
  return [{ action: 'set-properties', updates: { [NAME_MAPPING_PROPERTY]: wanted } }]
}
