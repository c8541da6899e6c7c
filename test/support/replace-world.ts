/** Changes of a table in memory as far as `derive` makes them: real manifests and lists, but no versions. */
import { decodeManifestList } from '../../src/codec/manifest-list.ts'
import { decodeManifest } from '../../src/codec/manifest.ts'
import type { AppendedFile } from '../../src/commit/append.ts'
import { appendChange } from '../../src/commit/append.ts'
import type { Change } from '../../src/commit/commit.ts'
import { ManifestListCache } from '../../src/commit/list-cache.ts'
import type { ReplaceChangeOptions, Replacement, ReplaceSource } from '../../src/commit/replace-files.ts'
import { replaceChange } from '../../src/commit/replace-files.ts'
import { rewriteManifest } from '../../src/commit/replace-manifest.ts'
import { putUnique } from '../../src/commit/upload.ts'
import { uuid } from '../../src/runtime.ts'
import type { DataFile, ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { currentSchema, currentSnapshot } from '../../src/spec/metadata.ts'
import { UNPARTITIONED } from '../../src/spec/partition.ts'
import { applyUpdates } from '../../src/spec/updates.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { dataFileOf } from './data-files.ts'
import { faultyStore } from './faulty-store.ts'
import { sampleMetadata } from './sample-metadata.ts'
import { virtualRuntime } from './virtual-runtime.ts'

/** Id of the snapshot that a replacement makes. */
export const OWN_ID = 4242n

/** A data file of 10 rows and 1,000 bytes under `data/`. */
export const file = (name: string, partial: Partial<DataFile> = {}): DataFile =>
  dataFileOf({ path: `memory://test/t/data/${name}`, ...partial })

/** What an object is, by its key. */
export const kindOf = (key: string): 'list' | 'manifest' | 'data' =>
  key.includes('/snap-') ? 'list' : key.endsWith('.avro') ? 'manifest' : 'data'

export function replaceWorld() {
  const store = faultyStore(memoryStore({ name: 'test' }), () => undefined)
  const files = tableFiles(store, 't', 'memory://test/t')
  const runtime = virtualRuntime()
  const lists = new ManifestListCache(files)
  const context = (attempt = 1) => ({ attempt, nowMs: runtime.now(), signal: undefined })
  const appended = (name: string, bytes?: Uint8Array): AppendedFile => ({
    dataFile: file(name),
    key: files.key(`data/${name}`),
    bytes,
  })
  /** The metadata that a version would have. */
  const commit = async (base: TableMetadata, change: Change, attempt?: number) => {
    const { updates } = await change.derive(base, context(attempt))
    return applyUpdates(base, updates, { nowMs: runtime.now(), baseFile: '' })
  }
  const read = async (path: string) => (await store.get(files.resolve(path)))!
  const listedIn = async (metadata: TableMetadata) => {
    const path = currentSnapshot(metadata)!.manifestList!
    return decodeManifestList(await read(path), path)
  }
  const entriesOf = async (manifest: ManifestFile) => {
    const by = { manifest, spec: UNPARTITIONED, schema: currentSchema(sampleMetadata()), where: manifest.path }
    return decodeManifest(await read(manifest.path), by)
  }
  return {
    store,
    files,
    lists,
    runtime,
    context,
    appended,
    commit,
    listedIn,
    entriesOf,
    /** One more snapshot with these files, as another writer appends them. */
    append: (base: TableMetadata, ...names: readonly string[]) =>
      commit(base, appendChange({ files, runtime, lists, appended: names.map((name) => appended(name)) })),
    replace: (source: ReplaceSource, options: Partial<ReplaceChangeOptions> = {}) =>
      replaceChange({ files, runtime, lists, appended: [], snapshotId: OWN_ID, source, ...options }),
    /** The manifests of the current snapshot, and in each its files: `+new`, `=old`, `-gone`. */
    contents: async (metadata: TableMetadata) => {
      const manifests = (await listedIn(metadata)).map(async (manifest) => {
        const entries = await entriesOf(manifest)
        return entries.map(({ status, dataFile: { path } }) => SIGNS[status] + path.slice(path.lastIndexOf('/') + 1))
      })
      return Promise.all(manifests)
    },
    /** Kinds of the objects that were put since this was last asked, in order of time. */
    puts: () => store.calls.splice(0).flatMap(({ verb, key }) => (verb === 'put' ? [kindOf(key)] : [])),
  }
}

export type ReplaceWorld = ReturnType<typeof replaceWorld>

const SIGNS = { existing: '=', added: '+', deleted: '-' } as const

/**
 * Takes files away by their names, and puts others in their place. Remembers what it found, as every source does; its
 * uploads are manifests.
 */
export function removalOf(
  { files, runtime, entriesOf }: ReplaceWorld,
  gone: Readonly<Record<string, readonly DataFile[]>>,
): ReplaceSource & { isKnown: boolean } {
  const found = new Map<string, Omit<Replacement, 'uploads'>>()
  const keys: string[] = []
  const uploads: Promise<void>[] = []
  const successors = (path: string) => gone[path.slice(path.lastIndexOf('/') + 1)]
  const judge = async (manifest: ManifestFile, { formatVersion, ...base }: TableMetadata) => {
    const entries = await entriesOf(manifest)
    const removed = entries.filter(({ status, dataFile }) => status !== 'deleted' && successors(dataFile.path))
    if (removed.length === 0) return { manifests: [], added: [] }
    const key = files.key(`metadata/${uuid(runtime)}-m0.avro`)
    const isRemoved = (path: string) => successors(path) !== undefined
    const by = { spec: UNPARTITIONED, schema: currentSchema({ ...base, formatVersion }), formatVersion }
    const own = { snapshotId: OWN_ID, key, path: files.pathOf(key) }
    const { bytes, made } = rewriteManifest({ manifest, entries, isRemoved, ...by, ...own })
    keys.push(key)
    uploads.push(putUnique(files, key, bytes, undefined))
    return { manifests: [made], added: removed.flatMap(({ dataFile }) => successors(dataFile.path)!) }
  }
  const replacement = (listed: readonly ManifestFile[]): Replacement => {
    const parts = listed.flatMap(({ path }) => found.get(path) ?? [])
    const all = Promise.all(uploads)
    all.catch(() => undefined)
    return {
      manifests: parts.flatMap(({ manifests }) => manifests),
      added: parts.flatMap(({ added }) => added),
      uploads: all,
    }
  }
  const source = {
    isKnown: false,
    known: (_base: TableMetadata, listed: readonly ManifestFile[]) =>
      source.isKnown ? replacement(listed) : undefined,
    find: async (base: TableMetadata, listed: readonly ManifestFile[]) => {
      for (const manifest of listed) {
        if (manifest.content !== 'data' || found.has(manifest.path)) continue
        found.set(manifest.path, await judge(manifest, base))
      }
      source.isKnown = true
      return replacement(listed)
    },
    written: async () => {
      await Promise.allSettled(uploads)
      return keys
    },
  }
  return source
}
