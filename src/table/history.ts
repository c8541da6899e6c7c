/** What was current when on main, as far as the table still knows. */
import { ancestorsOf, isOlder } from '../spec/lineage.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { Snapshot, SnapshotLogEntry } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'

export interface Moment {
  /** Since when it was current. */
  readonly timestampMs: number
  /** Undefined: it was expired, and the log still names it. */
  readonly snapshot: Snapshot | undefined
  /** Whether it certainly was current until the next moment; not so where history was thinned out. */
  readonly lasts: boolean
}

/**
 * Oldest first. The snapshot log is what says what was current when, but it is cut where a snapshot was removed (spec:
 * `snapshot-log`). Before it the parents of its first snapshot go on, and before them are snapshots that stand alone:
 * rungs of the ladder that retention left. Which of two of those was followed by what is not known any more.
 */
export function historyOf(metadata: TableMetadata): readonly Moment[] {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  const log = logOf(metadata, byId)
  const first = log[0]
  if (first === undefined) return []
  // Main may have gone back to an older snapshot at that time: what was current before is not known then.
  const isFresh = first.snapshot?.timestampMs === first.timestampMs
  const chain = ancestorsOf(metadata.snapshots, first.snapshot?.snapshotId)
  const known = isFresh ? chain.slice(1).toReversed() : []
  const oldest = known[0] ?? first.snapshot
  return [
    ...standingAlone(metadata, oldest, first).map((one) => moment(one, false)),
    ...known.map((one) => moment(one, true)),
    ...log,
  ]
}

function moment(snapshot: Snapshot, lasts: boolean): Moment {
  return { timestampMs: snapshot.timestampMs, snapshot, lasts }
}

type ById = ReadonlyMap<bigint, Snapshot>

function logOf(metadata: TableMetadata, byId: ById): readonly Moment[] {
  const current = metadata.currentSnapshotId === undefined ? undefined : byId.get(metadata.currentSnapshotId)
  // The log is optional.
  if (metadata.snapshotLog.length === 0) return current ? [moment(current, true)] : []
  return metadata.snapshotLog.map(({ timestampMs, snapshotId }, index, log) => {
    const snapshot = byId.get(snapshotId)
    return { timestampMs, snapshot, lasts: snapshot !== undefined && !isGapBefore(log[index + 1], snapshotId, byId) }
  })
}

/** A successor whose parent is another snapshot that is gone: others that were current in between are gone, too. */
function isGapBefore(next: SnapshotLogEntry | undefined, snapshotId: bigint, byId: ById): boolean {
  const parent = next && byId.get(next.snapshotId)?.parentSnapshotId
  return parent !== undefined && parent !== snapshotId && !byId.has(parent)
}

/** Snapshots from before what is known without a gap, but for those of other branches. */
function standingAlone(metadata: TableMetadata, oldest: Snapshot | undefined, first: Moment): readonly Snapshot[] {
  const others = Object.entries(metadata.refs)
    .filter(([name, { type }]) => name !== MAIN_BRANCH && type === 'branch')
    .flatMap(([, ref]) => ancestorsOf(metadata.snapshots, ref.snapshotId))
  const ofOthers = new Set(others)
  return metadata.snapshots
    .filter((one) => !ofOthers.has(one) && one.timestampMs < first.timestampMs)
    .filter((one) => oldest === undefined || (one !== oldest && isOlder(one, oldest)))
    .toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
}
