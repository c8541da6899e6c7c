/**
 * Whether everything that a table names is there and whole: the chain of metadata, manifest lists, manifests, data
 * files. Reads only; what is wrong is collected instead of thrown, so that one damaged object does not hide the next.
 */
import type { Place } from '../commit/place.ts'
import { DataShardError } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { tableFiles } from '../store/table-files.ts'
import type { TableFiles } from '../store/table-files.ts'
import { resolveAsOf } from './as-of.ts'
import { loadTable } from './load.ts'
import type { OpenOptions } from './open-place.ts'
import { openPlace } from './open-place.ts'
import { verifyDeep } from './verify-deep.ts'
import { verifySizes } from './verify-files.ts'
import { createWalk, walkSnapshot } from './verify-manifests.ts'
import type { LiveFile } from './verify-manifests.ts'
import { metadataProblems } from './verify-metadata.ts'
import { listVersions, versionFaults } from './version-list.ts'

export interface VerifyOptions extends OpenOptions {
  /** Read every data file, count its rows, compare null counts and bounds. Default false: sizes only, by listing. */
  readonly deep?: boolean
  /** Which snapshots: all that the table keeps, or one by its id. Default: the current one. */
  readonly snapshots?: 'current' | 'all' | bigint
  readonly onProgress?: (progress: VerifyProgress) => void
}

export interface VerifyProgress {
  /** Of the files that have been read so far. */
  readonly rows: number
  readonly bytes: number
}

export interface VerifyProblem {
  /** The object, as the table names it. */
  readonly object: string
  /** `mismatch`: it is there and can be read, but is not what others say of it. */
  readonly kind: 'missing' | 'damaged' | 'mismatch'
  readonly found: string
}

export interface VerifyReport {
  readonly location: string
  /** 0 when one metadata file was verified. */
  readonly version: number
  readonly snapshots: number
  readonly manifests: number
  /** Data and delete files, each counted once. */
  readonly files: number
  /** In the data files of the newest snapshot that was walked. */
  readonly rows: bigint
  readonly bytes: bigint
  /** Data files that were read from end to end. */
  readonly filesRead: number
  /** What could not be checked in this version. */
  readonly skipped: readonly string[]
  readonly problems: readonly VerifyProblem[]
}

/**
 * Verifies a table. Requests: one per manifest list and manifest, one per 1,000 objects in the table (or one per file
 * when there are few); with `deep` every data file is read.
 *
 * Errors: `not-found` when there is no table, `denied`, `unavailable`, `aborted`; damage is in the report.
 */
export async function verifyTable(location: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const problems: VerifyProblem[] = []
  let table
  try {
    table = await loadTable(location, options)
  } catch (error) {
    if (!DataShardError.is(error, 'corrupt')) throw error
    return { ...NOTHING, location, problems: [{ object: location, kind: 'damaged', found: error.message }] }
  }
  await using opened = table
  const { metadata, version } = opened
  const { place, ownsStore } = openPlace(opened.location, options)
  try {
    const files = tableFiles(place.store, place.prefix, metadata.location)
    problems.push(...metadataProblems(metadata))
    if (version > 0) problems.push(...(await versionProblems(place, version, options.signal)))
    const snapshots = chooseSnapshots(metadata, options.snapshots ?? 'current', opened.location)
    return {
      ...(await verifySnapshots(files, metadata, snapshots, problems, options)),
      location: opened.location,
      version,
    }
  } finally {
    if (ownsStore) place.store.close()
  }
}

const NOTHING: VerifyReport = {
  location: '',
  version: 0,
  snapshots: 0,
  manifests: 0,
  files: 0,
  rows: 0n,
  bytes: 0n,
  filesRead: 0,
  skipped: [],
  problems: [],
}

async function verifySnapshots(
  files: TableFiles,
  metadata: TableMetadata,
  snapshots: readonly Snapshot[],
  problems: VerifyProblem[],
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { signal } = options
  const walk = createWalk(files, metadata, problems, signal)
  // Newest first: its rows are those that count.
  let rows: bigint | undefined
  for (const snapshot of [...snapshots].reverse()) {
    const live = await walkSnapshot(walk, snapshot)
    rows ??= live
  }
  const live = [...walk.live.values()]
  const there = await verifySizes(files, live, problems, signal)
  let filesRead = 0
  if (options.deep === true) filesRead = await verifyDeep({ files, metadata, problems, options }, there)
  return {
    ...NOTHING,
    snapshots: snapshots.length,
    manifests: walk.manifests.size,
    files: live.length,
    rows: rows ?? 0n,
    bytes: live.reduce((sum, { dataFile }) => sum + dataFile.fileSizeBytes, 0n),
    filesRead,
    skipped: [...walk.skipped, ...notRead(live, options)],
    problems,
  }
}

function notRead(live: readonly LiveFile[], options: VerifyOptions): string[] {
  if (options.deep !== true) return []
  const others = live.filter(({ dataFile }) => dataFile.content !== 'data' || dataFile.format !== 'parquet').length
  return others === 0 ? [] : [`${others} delete files and data files other than Parquet were not read, only sized`]
}

function chooseSnapshots(
  metadata: TableMetadata,
  wanted: 'current' | 'all' | bigint,
  where: string,
): readonly Snapshot[] {
  if (wanted === 'all') return metadata.snapshots
  const snapshot =
    wanted === 'current' ? currentSnapshot(metadata) : resolveAsOf(metadata, { snapshotId: wanted }, where).snapshot
  return snapshot === undefined ? [] : [snapshot]
}

async function versionProblems(place: Place, head: number, signal: AbortSignal | undefined): Promise<VerifyProblem[]> {
  const faults = versionFaults(await listVersions(place, signal), head)
  return faults.map(({ found }) => ({ object: `${place.location}/metadata`, kind: 'mismatch', found }))
}
