/** Snapshots that leave a table's metadata, and what else says something about them (REST: `remove-snapshots`). */
import { DataShardError } from '../errors.ts'
import type { TableMetadata } from './metadata.ts'
import type { SnapshotLogEntry, Unknown } from './snapshot.ts'

/** Lists of files about one snapshot each (spec: "Table Statistics", "Partition Statistics"). */
const ABOUT_SNAPSHOTS = ['statistics', 'partition-statistics']

/**
 * The metadata without these snapshots. No file is deleted. Parents are not rewritten: a snapshot whose parent is gone
 * goes on naming it, so that the gap can be seen.
 *
 * @throws `commit-conflict` if a tag or branch names one of them.
 */
export function removeSnapshots(metadata: TableMetadata, snapshotIds: readonly bigint[]): TableMetadata {
  const removed = new Set(snapshotIds)
  for (const [name, { snapshotId }] of Object.entries(metadata.refs)) {
    if (removed.has(snapshotId)) {
      throw new DataShardError(
        'commit-conflict',
        `snapshot ${snapshotId} cannot be removed: '${name}' names it; remove that tag or branch first`,
      )
    }
  }
  const snapshots = metadata.snapshots.filter(({ snapshotId }) => !removed.has(snapshotId))
  if (snapshots.length === metadata.snapshots.length) return metadata
  const left = new Set(snapshots.map(({ snapshotId }) => snapshotId))
  const unknown = metadata.unknown && withoutFilesOf(metadata.unknown, removed)
  return { ...metadata, snapshots, snapshotLog: cutLog(metadata.snapshotLog, left), ...(unknown && { unknown }) }
}

/**
 * Spec, "Table Metadata", `snapshot-log`: with a snapshot that expired go all entries before its own. A log with a gap
 * would say that the snapshot before it was current for longer than it was.
 */
function cutLog(log: readonly SnapshotLogEntry[], left: ReadonlySet<bigint>): readonly SnapshotLogEntry[] {
  return log.slice(log.findLastIndex(({ snapshotId }) => !left.has(snapshotId)) + 1)
}

function withoutFilesOf(unknown: Unknown, removed: ReadonlySet<bigint>): Unknown {
  const lists = ABOUT_SNAPSHOTS.flatMap((name) => {
    const list = unknown[name]
    return Array.isArray(list) ? [[name, list.filter((entry) => !isAbout(entry, removed))] as const] : []
  })
  return { ...unknown, ...Object.fromEntries(lists) }
}

function isAbout(entry: unknown, removed: ReadonlySet<bigint>): boolean {
  if (typeof entry !== 'object' || entry === null) return false
  const id = (entry as Unknown)['snapshot-id']
  return (typeof id === 'bigint' || Number.isInteger(id)) && removed.has(BigInt(id as bigint | number))
}
