/**
 * Which files of a table's state hold rows that match a predicate, and what takes their place. Asked for one base after
 * the other: of a new one only manifests that were not there before are looked at, and of those only what partition
 * summaries and column metrics do not decide (docs/decisions/table-overwrite.md).
 */
import { decodeManifest } from '../codec/manifest.ts'
import { putUnique } from '../commit/upload.ts'
import type { Replacement, ReplaceSource } from '../commit/replace-files.ts'
import type { RewrittenManifest } from '../commit/replace-manifest.ts'
import { partitionSchema, rewriteManifest } from '../commit/replace-manifest.ts'
import { throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { uuid } from '../runtime.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { SpecPlanner } from '../scan/plan.ts'
import { specPlanner } from '../scan/plan.ts'
import { metricsTrust } from '../scan/metrics-trust.ts'
import { specOf } from '../scan/plan-manifests.ts'
import { refuseEncryptedManifest } from '../scan/refusals.ts'
import type { FileScanTask } from '../scan/task.ts'
import type { TableFiles } from '../store/table-files.ts'
import { missingObject } from '../store/table-files.ts'
import type { WriteContext } from '../write/write-context.ts'
import { ByteGate } from './byte-gate.ts'
import { inParallel } from './in-parallel.ts'
import { withoutMatching } from './rewrite-file.ts'
import { writeTarget } from './write-target.ts'

/** What is known of a data file. The rows of a file never change, so it holds for good. */
type FileFate = 'kept' | 'dropped' | readonly DataFile[]

/** A manifest of which files go, or one that stays as it is. */
type ManifestFate = { readonly made: RewrittenManifest; readonly added: readonly DataFile[] } | 'untouched'

/** Enough to hide a store's latency. */
const MANIFESTS_AT_ONCE = 16
/** Files that are read and written at the same time, by their bytes: columns in memory take several times that. */
const FILES_AT_ONCE_BYTES = 64 * 1024 * 1024
/** Encoded objects that wait to be put. */
const UPLOADS_AT_ONCE_BYTES = 64 * 1024 * 1024
/** What a file or an upload counts at least: so that there are never more than 64 requests of a kind under way. */
const LEAST_BYTES = 1024 * 1024

export interface RowRemovalOptions {
  readonly files: TableFiles
  readonly runtime: Runtime
  readonly snapshotId: bigint
  /** The predicate on a base; throws `commit-conflict` if it makes no sense there any more. */
  readonly bind: (base: TableMetadata) => BoundPredicate
}

/** One base, and what has to be known to judge its files. */
interface Round {
  readonly base: TableMetadata
  readonly predicate: BoundPredicate
  readonly target: WriteContext
  readonly signal: AbortSignal | undefined
  readonly planners: Map<number, SpecPlanner>
}

export class RowRemoval implements ReplaceSource {
  readonly #options: RowRemovalOptions
  readonly #manifests = new Map<string, ManifestFate>()
  readonly #fates = new Map<string, FileFate>()
  readonly #rewriting = new ByteGate(FILES_AT_ONCE_BYTES)
  readonly #putting = new ByteGate(UPLOADS_AT_ONCE_BYTES)
  readonly #uploads: Promise<void>[] = []
  readonly #written: string[] = []
  #schemaId: number | undefined

  constructor(options: RowRemovalOptions) {
    this.#options = options
  }

  known(base: TableMetadata, listed: readonly ManifestFile[]): Replacement | undefined {
    return base.currentSchemaId === this.#schemaId ? this.#replacement(listed) : undefined
  }

  async find(
    base: TableMetadata,
    listed: readonly ManifestFile[],
    signal: AbortSignal | undefined,
  ): Promise<Replacement> {
    const { files, runtime, bind } = this.#options
    // A manifest is written by one schema; the fate of files does not depend on names and types.
    if (base.currentSchemaId !== this.#schemaId) this.#manifests.clear()
    this.#schemaId = base.currentSchemaId
    const round: Round = {
      base,
      predicate: bind(base),
      target: writeTarget(base, files, runtime),
      signal,
      planners: new Map(),
    }
    const unseen = listed.filter((one) => one.content === 'data' && !this.#manifests.has(one.path))
    await inParallel(unseen, MANIFESTS_AT_ONCE, async (manifest) => {
      throwIfAborted(signal, `the overwrite of ${files.location}`)
      this.#manifests.set(manifest.path, await this.#judgeManifest(manifest, round))
    })
    return this.#replacement(listed)
  }

  #replacement(listed: readonly ManifestFile[]): Replacement {
    const fates = listed.flatMap((manifest) => {
      const fate = this.#manifests.get(manifest.path)
      return fate === undefined || fate === 'untouched' ? [] : [fate]
    })
    const uploads = Promise.all(this.#uploads)
    uploads.catch(() => undefined) // awaited with the attempt; until then it must not count as unhandled
    return { manifests: fates.map(({ made }) => made), added: fates.flatMap(({ added }) => added), uploads }
  }

  async written(): Promise<readonly string[]> {
    await Promise.allSettled(this.#uploads)
    return this.#written
  }

  async #judgeManifest(manifest: ManifestFile, round: Round): Promise<ManifestFate> {
    const { base } = round
    if (manifest.addedFilesCount + manifest.existingFilesCount === 0) return 'untouched'
    const spec = specOf(base, manifest)
    const planner = plannerOf(round, manifest)
    if (!planner.mayMatch(manifest)) return 'untouched'
    const schema = partitionSchema(base, spec)
    const entries = await this.#readEntries(manifest, round, schema)
    const live = entries.filter(({ status }) => status !== 'deleted')
    const judged = await Promise.allSettled(live.map((entry) => this.#judgeFile(entry, planner, round)))
    const fates = new Map(live.map(({ dataFile }, i) => [dataFile.path, settled(judged[i]!)]))
    const touched = [...fates.values()].filter((fate) => fate !== 'kept')
    if (touched.length === 0) return 'untouched'
    const { files, runtime, snapshotId } = this.#options
    const key = files.key(`metadata/${uuid(runtime)}-m0.avro`)
    const isRemoved = (path: string) => fates.get(path) !== 'kept'
    const { formatVersion } = base
    const own = { snapshotId, formatVersion, key, path: files.pathOf(key) }
    const { bytes, made } = rewriteManifest({ manifest, entries, isRemoved, spec, schema, ...own })
    await this.#put(key, bytes, round.signal)
    return { made, added: touched.flatMap((fate) => (fate === 'dropped' ? [] : fate)) }
  }

  async #readEntries(manifest: ManifestFile, { base, signal }: Round, schema: ReturnType<typeof partitionSchema>) {
    const { files } = this.#options
    refuseEncryptedManifest(manifest, files.location)
    const bytes = await files.store.get(files.resolve(manifest.path), { signal })
    if (!bytes) missingObject('the manifest', manifest.path, files)
    return decodeManifest(bytes, { manifest, spec: specOf(base, manifest), schema, where: manifest.path })
  }

  async #judgeFile(entry: ManifestEntry, planner: SpecPlanner, round: Round): Promise<FileFate> {
    const { path, fileSizeBytes } = entry.dataFile
    const known = this.#fates.get(path)
    if (known !== undefined) return known
    const task = planner.task(entry)
    if (task === undefined) return 'kept'
    if (task.residual.op === 'true') return 'dropped'
    const fate = await this.#rewriting.run(Math.max(Number(fileSizeBytes), LEAST_BYTES), () =>
      this.#rewrite(task, round),
    )
    this.#fates.set(path, fate)
    return fate
  }

  async #rewrite(task: FileScanTask, { base, predicate, target, signal }: Round): Promise<FileFate> {
    const { files } = this.#options
    throwIfAborted(signal, `the overwrite of ${files.location}`)
    const rewritten = await withoutMatching(task, { files, metadata: base, predicate, target, signal })
    if (rewritten.outcome === 'kept' || rewritten.outcome === 'dropped') return rewritten.outcome
    if (rewritten.outcome === 'stored') {
      this.#written.push(...rewritten.stored.map((file) => files.resolve(file.path)))
      return rewritten.stored
    }
    for (const { key, bytes } of rewritten.encoded) await this.#put(key, bytes, signal)
    return rewritten.encoded.map(({ dataFile }) => dataFile)
  }

  /** Returns once there is room for the object among those on their way, not when it has arrived. */
  async #put(key: string, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    this.#written.push(key)
    await new Promise<void>((started) => {
      const upload = this.#putting.run(Math.max(bytes.length, LEAST_BYTES), () => {
        started()
        return putUnique(this.#options.files, key, bytes, signal)
      })
      upload.catch(() => undefined) // awaited in `find` and `written`
      this.#uploads.push(upload)
    })
  }
}

function plannerOf({ base, predicate, planners }: Round, manifest: ManifestFile): SpecPlanner {
  const known = planners.get(manifest.partitionSpecId)
  if (known !== undefined) return known
  const planner = specPlanner(predicate, specOf(base, manifest), metricsTrust(base))
  planners.set(manifest.partitionSpecId, planner)
  return planner
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'fulfilled') return result.value
  throw result.reason
}
