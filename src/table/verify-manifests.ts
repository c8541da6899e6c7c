/** Manifest lists and manifests of a verification: read once each, counted, and compared with what names them. */
import { decodeManifest } from '../codec/manifest.ts'
import { UNKNOWN_COUNT, decodeManifestList } from '../codec/manifest-list.ts'
import { FILES_WITHOUT_IDS } from '../codec/parquet-reader-fields.ts'
import { DataShardError } from '../errors.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema, specById } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableFiles } from '../store/table-files.ts'
import { FILES_ELSEWHERE } from '../store/table-files.ts'
import { inParallel } from './in-parallel.ts'
import type { VerifyProblem } from './verify.ts'

/** Manifests in flight: enough to hide a store's latency, few enough to hold in memory. */
const PARALLEL_MANIFESTS = 16

/** A file that some snapshot needs. */
export interface LiveFile {
  readonly dataFile: DataFile
  /** The manifest that names it. */
  readonly manifest: string
}

interface ReadManifest {
  readonly livePaths: readonly string[]
  readonly rows: bigint
}

export interface Walk {
  readonly files: TableFiles
  readonly metadata: TableMetadata
  readonly problems: VerifyProblem[]
  readonly skipped: string[]
  readonly signal: AbortSignal | undefined
  /** By path; undefined for those that cannot be read. */
  readonly manifests: Map<string, ReadManifest | undefined>
  readonly live: Map<string, LiveFile>
}

export function createWalk(
  files: TableFiles,
  metadata: TableMetadata,
  problems: VerifyProblem[],
  signal: AbortSignal | undefined,
): Walk {
  return { files, metadata, problems, skipped: [], signal, manifests: new Map(), live: new Map() }
}

/** Walks one snapshot; manifests that an earlier call has read are not read again. @returns rows in its data files. */
export async function walkSnapshot(walk: Walk, snapshot: Snapshot): Promise<bigint> {
  const list = await readList(walk, snapshot)
  if (list === undefined) return 0n
  const unread = list.filter(({ path }) => !walk.manifests.has(path))
  for (const { path } of unread) walk.manifests.set(path, undefined)
  await inParallel(unread, PARALLEL_MANIFESTS, async (manifest) => {
    walk.manifests.set(manifest.path, await readManifest(walk, manifest))
  })
  checkDuplicates(walk, snapshot, list)
  checkTotals(walk, snapshot, list)
  return list
    .filter(({ content }) => content === 'data')
    .reduce((sum, { path }) => sum + (walk.manifests.get(path)?.rows ?? 0n), 0n)
}

/** The bytes of an object, or undefined when it is missing or its name leads elsewhere, which is noted. */
async function fetchObject({ files, problems, signal }: Walk, path: string, neededBy: string) {
  try {
    const bytes = await files.store.get(files.resolve(path), { signal })
    if (bytes === undefined)
      problems.push({ object: path, kind: 'missing', found: `it does not exist; ${neededBy} needs it` })
    return bytes
  } catch (error) {
    noteDamage(problems, path, error)
    return undefined
  }
}

/** Sound to other engines perhaps, but no scan of ours gives the rows. */
const NOTED_FEATURES: ReadonlySet<unknown> = new Set([FILES_ELSEWHERE, FILES_WITHOUT_IDS])

/** Damage is noted, and what lies where nobody looks; whatever else keeps one from looking is thrown. */
export function noteDamage(problems: VerifyProblem[], object: string, error: unknown): void {
  const isForeign = DataShardError.is(error) && NOTED_FEATURES.has(error.details['feature'])
  if (!isForeign && !DataShardError.is(error, 'corrupt')) throw error
  problems.push({ object, kind: 'damaged', found: error.message })
}

async function readList(walk: Walk, snapshot: Snapshot): Promise<readonly ManifestFile[] | undefined> {
  const path = snapshot.manifestList
  if (path === undefined) {
    walk.skipped.push(`snapshot ${snapshot.snapshotId} lists its manifests in the metadata, as only format v1 allows`)
    return undefined
  }
  const bytes = await fetchObject(walk, path, `snapshot ${snapshot.snapshotId}`)
  if (bytes === undefined) return undefined
  try {
    return decodeManifestList(bytes, path)
  } catch (error) {
    noteDamage(walk.problems, path, error)
    return undefined
  }
}

async function readManifest(walk: Walk, manifest: ManifestFile): Promise<ReadManifest | undefined> {
  const { path } = manifest
  const { problems, metadata } = walk
  const bytes = await fetchObject(walk, path, `snapshot ${manifest.addedSnapshotId}`)
  if (bytes === undefined) return undefined
  const spec = specById(metadata, manifest.partitionSpecId)
  if (spec === undefined) {
    problems.push({
      object: path,
      kind: 'mismatch',
      found: `it is of partition spec ${manifest.partitionSpecId}, which the table does not have`,
    })
    return undefined
  }
  if (BigInt(bytes.length) !== manifest.length) {
    problems.push({
      object: path,
      kind: 'mismatch',
      found: `it has ${bytes.length} bytes, the manifest list says ${manifest.length}`,
    })
  }
  let entries: readonly ManifestEntry[]
  try {
    entries = decodeManifest(bytes, { manifest, spec, schema: currentSchema(metadata), where: path })
  } catch (error) {
    noteDamage(problems, path, error)
    return undefined
  }
  checkCounts(walk, manifest, entries)
  const live = entries.filter((entry) => entry.status !== 'deleted')
  for (const { dataFile } of live) addLive(walk, dataFile, path)
  return {
    livePaths: live.map(({ dataFile }) => dataFile.path),
    rows: live.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n),
  }
}

function addLive(walk: Walk, dataFile: DataFile, manifest: string): void {
  const known = walk.live.get(dataFile.path)
  if (known === undefined) walk.live.set(dataFile.path, { dataFile, manifest })
  else if (
    // Deletion vectors of many data files lie in one Puffin file, each with its own count.
    dataFile.content === 'data' &&
    (known.dataFile.fileSizeBytes !== dataFile.fileSizeBytes || known.dataFile.recordCount !== dataFile.recordCount)
  ) {
    const found = `${known.manifest} and ${manifest} say different things of its size or rows`
    walk.problems.push({ object: dataFile.path, kind: 'mismatch', found })
  }
}

/** The line of the manifest list against the entries. */
function checkCounts({ problems }: Walk, manifest: ManifestFile, entries: readonly ManifestEntry[]): void {
  for (const status of ['added', 'existing', 'deleted'] as const) {
    const having = entries.filter((entry) => entry.status === status)
    const rows = having.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n)
    const saidFiles = manifest[`${status}FilesCount`]
    const saidRows = manifest[`${status}RowsCount`]
    if (saidFiles !== UNKNOWN_COUNT && saidFiles !== having.length) {
      const found = `it has ${having.length} ${status} files, the manifest list says ${saidFiles}`
      problems.push({ object: manifest.path, kind: 'mismatch', found })
    }
    if (saidRows !== BigInt(UNKNOWN_COUNT) && saidRows !== rows) {
      const found = `its ${status} files have ${rows} rows, the manifest list says ${saidRows}`
      problems.push({ object: manifest.path, kind: 'mismatch', found })
    }
  }
}

/** A file that is live twice in one snapshot gives its rows twice; deletion vectors share a Puffin file rightly. */
function checkDuplicates({ manifests, live, problems }: Walk, snapshot: Snapshot, list: readonly ManifestFile[]): void {
  const seen = new Set<string>()
  for (const { path } of list) {
    for (const file of manifests.get(path)?.livePaths ?? []) {
      if (seen.has(file) && live.get(file)?.dataFile.content === 'data') {
        problems.push({ object: file, kind: 'mismatch', found: `snapshot ${snapshot.snapshotId} lists it twice` })
      }
      seen.add(file)
    }
  }
}

/** What the snapshot's summary says against its manifests, as far as all of them could be read. */
function checkTotals(walk: Walk, snapshot: Snapshot, list: readonly ManifestFile[]): void {
  const data = list.filter(({ content }) => content === 'data').map(({ path }) => walk.manifests.get(path))
  if (data.some((manifest) => manifest === undefined)) return
  const files = data.reduce((sum, manifest) => sum + manifest!.livePaths.length, 0)
  const rows = data.reduce((sum, manifest) => sum + manifest!.rows, 0n)
  const check = (name: string, found: number | bigint) => {
    const said = snapshot.summary?.[name]
    if (said === undefined || said === String(found)) return
    walk.problems.push({
      object: snapshot.manifestList ?? walk.metadata.location,
      kind: 'mismatch',
      found: `snapshot ${snapshot.snapshotId} says ${name} ${said}, its manifests come to ${found}`,
    })
  }
  check('total-data-files', files)
  check('total-records', rows)
}
