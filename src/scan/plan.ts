/** From a snapshot and a predicate to the files that may hold matching rows (spec: "Scan Planning"). */
import { UNKNOWN_COUNT } from '../codec/manifest-list.ts'
import { throwIfAborted } from '../errors.ts'
import { TRUE } from '../spec/bound-logic.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import { hasLiveFiles } from '../spec/data-file.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import type { PartitionSpec, PartitionTuple } from '../spec/partition.ts'
import { projectPredicate } from '../spec/project.ts'
import { manifestMayMatch, reduceByMetrics } from '../spec/prune.ts'
import { residuals } from '../spec/residual.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { DeleteTest } from './dangling-deletes.ts'
import { mayDelete } from './dangling-deletes.ts'
import { mapInOrder } from './in-order.ts'
import type { MetricsTrust } from './metrics-trust.ts'
import { importedMetrics, metricsTrust } from './metrics-trust.ts'
import { appendsSince } from './plan-history.ts'
import type { ListedManifest } from './plan-manifests.ts'
import { listManifests, readEntries, specOf } from './plan-manifests.ts'
import { refuseDeletes, refuseUnreadableColumns, refuseUnreadableFile } from './refusals.ts'
import type { FileScanTask, PlanRequest, ScanPlan, ScanStats, TaskStream } from './task.ts'

/** Enough to hide a store's latency. */
const DEFAULT_CONCURRENCY = 16

/** Manifests under way together: a manifest is a few megabytes at most, and unfolds in memory to several times that. */
const AHEAD_BYTES = 64 * 1024 * 1024
/** What a manifest list of v1 that counts no rows is decoded to. */
const UNKNOWN_ROWS = BigInt(UNKNOWN_COUNT)

/**
 * The tasks of a scan, all at once.
 *
 * Requests: the manifest list, and each manifest whose summaries do not rule it out. With `since`: one manifest list for
 * each run of appends without another operation between them.
 *
 * @throws `unsupported` naming what this version cannot read (see refusals.ts); `corrupt`; `aborted`; with `since` as
 *   {@link appendsSince}.
 */
export async function planScan(request: PlanRequest): Promise<ScanPlan> {
  const stream = streamTasks(request)
  const tasks: FileScanTask[] = []
  for await (const task of stream) tasks.push(task)
  return { tasks, stats: stream.stats }
}

/** As {@link planScan}, manifest by manifest as the tasks are taken. To be iterated once. */
export function streamTasks(request: PlanRequest): TaskStream {
  const stats: ScanStats = {
    manifestsTotal: 0,
    manifestsRead: 0,
    filesTotal: 0,
    filesMatched: 0,
    rowsMatched: 0n,
    bytesMatched: 0n,
  }
  return { stats, [Symbol.asyncIterator]: () => tasksOf(request, stats) }
}

/**
 * The rows of a whole snapshot, as its manifest list counts them: one request, no manifest and no data file read.
 * Undefined if they are not counted, as v1 allows, or if it is not all rows that are asked for.
 *
 * @throws as {@link planScan}
 */
export async function countByManifestList(request: PlanRequest): Promise<bigint | undefined> {
  const { snapshot, predicate = TRUE, since } = request
  if (since !== undefined || predicate.op !== 'true') return undefined
  if (snapshot === undefined) return 0n
  const listed = await listManifests(request, snapshot)
  await refuseLiveDeletes(request, listed)
  let rows = 0n
  for (const { manifest } of listed) {
    if (manifest.content === 'deletes') continue
    if (manifest.addedRowsCount === UNKNOWN_ROWS || manifest.existingRowsCount === UNKNOWN_ROWS) return undefined
    rows += manifest.addedRowsCount + manifest.existingRowsCount
  }
  return rows
}

/** A snapshot to be read, and which of its files count: those that the named snapshots added, or all. */
interface Source {
  readonly snapshot: Snapshot
  readonly addedBy?: ReadonlySet<bigint>
}

interface SourceManifest extends ListedManifest {
  readonly addedBy: ReadonlySet<bigint> | undefined
}

async function* tasksOf(request: PlanRequest, stats: ScanStats): AsyncGenerator<FileScanTask, void, undefined> {
  const { schema, columns = schema.fields, signal, files, concurrency = DEFAULT_CONCURRENCY } = request
  refuseUnreadableColumns(columns, files.location)
  const plannerOf = specPlanners(request)
  const read = mapInOrder(wantedManifests(request, plannerOf, stats), (one) => readManifest(request, one), {
    count: concurrency,
    weight: AHEAD_BYTES,
    weigh: ({ manifest }) => Number(manifest.length),
  })
  for await (const { addedBy, manifest, entries } of read) {
    throwIfAborted(signal, `the scan of ${files.location}`)
    stats.manifestsRead++
    const planner = plannerOf(manifest)
    for (const entry of entries) {
      if (entry.status === 'deleted' || addedBy?.has(entry.snapshotId!) === false) continue
      stats.filesTotal++
      const task = planner.task(entry)
      if (task === undefined) continue
      refuseUnreadableFile(entry.dataFile, files.location)
      stats.filesMatched++
      stats.rowsMatched += entry.dataFile.recordCount
      stats.bytesMatched += entry.dataFile.fileSizeBytes
      yield task
    }
  }
}

async function readManifest(request: PlanRequest, one: SourceManifest) {
  return { ...one, entries: await readEntries(request, one) }
}

/** The manifests that may list matching files. */
async function* wantedManifests(
  request: PlanRequest,
  plannerOf: (manifest: ManifestFile) => SpecPlanner,
  stats: ScanStats,
): AsyncGenerator<SourceManifest, void, undefined> {
  const count = request.concurrency ?? DEFAULT_CONCURRENCY
  for await (const list of mapInOrder(sourcesOf(request), (source) => listSource(request, source), { count })) {
    for (const one of list) {
      const { manifest, addedBy } = one
      stats.manifestsTotal++
      if (!hasLiveFiles(manifest)) continue
      if (plannerOf(manifest).mayMatch(manifest)) yield one
      else stats.filesTotal += countedFiles(manifest, addedBy === undefined)
    }
  }
}

function countedFiles({ addedFilesCount, existingFilesCount }: ManifestFile, withExisting: boolean): number {
  return knownCount(addedFilesCount) + (withExisting ? knownCount(existingFilesCount) : 0)
}

const knownCount = (count: number): number => (count === UNKNOWN_COUNT ? 0 : count)

function sourcesOf({ metadata, snapshot, since, files }: PlanRequest): readonly Source[] {
  if (snapshot === undefined) return []
  if (since === undefined) return [{ snapshot }]
  const runs = appendsSince(metadata, snapshot, since, files.location)
  return runs.map(({ last, snapshotIds }) => ({ snapshot: last, addedBy: snapshotIds }))
}

/** The manifests of data files of a source. A file is listed as added, or moved on, by a snapshot that names it first. */
async function listSource(request: PlanRequest, { snapshot, addedBy }: Source): Promise<readonly SourceManifest[]> {
  const listed = await listManifests(request, snapshot)
  const relevant =
    addedBy === undefined || snapshot.manifestList === undefined
      ? listed
      : listed.filter(({ manifest }) => addedBy.has(manifest.addedSnapshotId))
  await refuseLiveDeletes(request, relevant, listed)
  return relevant.filter(({ manifest }) => manifest.content === 'data').map((one) => ({ ...one, addedBy }))
}

/**
 * Manifests of deletes are read only to find out what has to be refused, and those of data files besides only where there
 * are deletes of which it takes these to know whether they still apply.
 */
async function refuseLiveDeletes(
  request: PlanRequest,
  listed: readonly ListedManifest[],
  all: readonly ListedManifest[] = listed,
): Promise<void> {
  const deletes: { readonly entry: ManifestEntry; readonly applies: DeleteTest }[] = []
  for (const one of listed) {
    if (one.manifest.content !== 'deletes' || !hasLiveFiles(one.manifest)) continue
    for (const entry of await readEntries(request, one))
      if (entry.status !== 'deleted') deletes.push({ entry, applies: mayDelete(entry) })
  }
  if (deletes.length === 0) return
  const { concurrency: count = DEFAULT_CONCURRENCY, files, signal } = request
  const data = all.filter(({ manifest }) => manifest.content === 'data' && hasLiveFiles(manifest))
  for await (const entries of mapInOrder(data, (one) => readEntries(request, one), { count })) {
    throwIfAborted(signal, `the scan of ${files.location}`)
    for (const file of entries) {
      const found = file.status === 'deleted' ? undefined : deletes.find(({ applies }) => applies(file))
      if (found !== undefined) refuseDeletes(found.entry, files.location)
    }
  }
}

/** What a predicate means for the files of one partition spec. */
export interface SpecPlanner {
  mayMatch(manifest: ManifestFile): boolean
  /** Undefined if no row of the file can match. */
  task(entry: ManifestEntry): FileScanTask | undefined
}

/** Planners by spec: each file is judged by the spec that it was written with. */
function specPlanners({ metadata, predicate = TRUE }: PlanRequest): (manifest: ManifestFile) => SpecPlanner {
  const planners = new Map<number, SpecPlanner>()
  const trust = predicate === TRUE ? 'full' : metricsTrust(metadata)
  return (manifest) => {
    let planner = planners.get(manifest.partitionSpecId)
    if (planner === undefined)
      planners.set(manifest.partitionSpecId, (planner = specPlanner(predicate, specOf(metadata, manifest), trust)))
    return planner
  }
}

/** The planner of one spec: for whoever goes through manifests on their own. */
export function specPlanner(predicate: BoundPredicate, spec: PartitionSpec, trust: MetricsTrust): SpecPlanner {
  const projected = projectPredicate(predicate, spec)
  const believed = trust === 'full' ? (file: DataFile) => file : importedMetrics(predicate)
  const residualOf: (tuple: PartitionTuple) => BoundPredicate = residuals(predicate, spec)
  return {
    mayMatch: (manifest) => manifestMayMatch(projected, spec, manifest),
    task: ({ dataFile, snapshotId, sequenceNumber }) => {
      const inPartition = residualOf(dataFile.partition)
      const reduced = trust === 'none' ? inPartition : reduceByMetrics(inPartition, believed(dataFile))
      if (reduced.op === 'false') return undefined
      const residual = trust === 'full' ? reduced : inPartition
      return { dataFile, spec, residual, snapshotId: snapshotId!, sequenceNumber }
    },
  }
}
