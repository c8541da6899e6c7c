/** Which snapshots appended rows after a given one. */
import { corrupt, DataShardError, unsupported } from '../errors.ts'
import { isOlder } from '../spec/lineage.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { snapshotById } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'

/** Appends that follow each other. All of their files are still in the manifests of the last one. */
export interface AppendRun {
  readonly last: Snapshot
  readonly snapshotIds: ReadonlySet<bigint>
}

/** Spec: "Snapshots", `operation`. */
const OTHER_OPERATIONS: ReadonlySet<string> = new Set(['replace', 'overwrite', 'delete'])

/**
 * The appends after `since`, up to and including `snapshot`, oldest first, in runs without another operation between
 * them. As in Iceberg's incremental append scan the other operations do not count: what they rewrote was appended
 * before, what they deleted was appended nevertheless, and what an overwrite wrote was not appended.
 *
 * @throws `not-found` if `since` is no ancestor, or the history between them is not kept; `unsupported` if a snapshot
 *   between them does not say what it did.
 */
export function appendsSince(
  metadata: TableMetadata,
  snapshot: Snapshot,
  since: Snapshot,
  table: string,
): readonly AppendRun[] {
  const runs: { last: Snapshot; snapshotIds: Set<bigint> }[] = []
  let open: (typeof runs)[number] | undefined
  for (const one of between(metadata, snapshot, since, table).reverse()) {
    if (!isAppend(one, table)) open = undefined
    else if (open === undefined) runs.push((open = { last: one, snapshotIds: new Set([one.snapshotId]) }))
    else {
      open.last = one
      open.snapshotIds.add(one.snapshotId)
    }
  }
  return runs
}

/** The ancestors of a snapshot after another, itself included, newest first. */
function between(metadata: TableMetadata, snapshot: Snapshot, since: Snapshot, table: string): Snapshot[] {
  const found: Snapshot[] = []
  let at = snapshot
  while (at.snapshotId !== since.snapshotId) {
    found.push(at)
    if (found.length > metadata.snapshots.length)
      corrupt(`the history of ${table} is damaged: snapshot ${at.snapshotId} is among its own ancestors`, { table })
    const parentId = at.parentSnapshotId
    if (parentId === undefined) return noAncestor(metadata, snapshot, since, table)
    at = snapshotById(metadata, parentId) ?? historyGone(metadata, at, parentId, since, table)
  }
  return found
}

function noAncestor(metadata: TableMetadata, snapshot: Snapshot, since: Snapshot, table: string): never {
  const isNewer = since.timestampMs > snapshot.timestampMs && snapshotById(metadata, since.snapshotId) !== undefined
  throw new DataShardError(
    'not-found',
    `snapshot ${since.snapshotId} is no ancestor of snapshot ${snapshot.snapshotId} of ${table}, so there are no rows ` +
      `"since" it${isNewer ? '; it is the newer of the two' : ''}`,
    { details: { table, since: String(since.snapshotId), snapshot: String(snapshot.snapshotId) } },
  )
}

/** The rows that were appended in a gap of history cannot be told any more from those that something else wrote. */
function historyGone(
  { snapshots }: TableMetadata,
  oldest: Snapshot,
  parentId: bigint,
  since: Snapshot,
  table: string,
): never {
  const before = snapshots.reduce<Snapshot | undefined>(
    (newest, one) => (isOlder(one, oldest) && (!newest || isOlder(newest, one)) ? one : newest),
    undefined,
  )
  const gap = before ? ` The newest one before the gap is ${named(before)}.` : ''
  throw new DataShardError(
    'not-found',
    `${table} does not keep all of its history after snapshot ${since.snapshotId}: snapshot ${parentId} is gone.${gap} ` +
      `The oldest one from which on it is complete is ${named(oldest)}`,
    {
      details: {
        table,
        since: String(since.snapshotId),
        before: before && String(before.snapshotId),
        oldest: String(oldest.snapshotId),
      },
    },
  )
}

function named({ snapshotId, timestampMs }: Snapshot): string {
  return `${snapshotId} of ${new Date(timestampMs).toISOString()}`
}

function isAppend(snapshot: Snapshot, table: string): boolean {
  const operation = snapshot.summary?.['operation']
  if (operation === 'append') return true
  if (operation !== undefined && OTHER_OPERATIONS.has(operation)) return false
  const found = operation === undefined ? 'does not say what it did' : `did a '${operation}'`
  return unsupported(`snapshot ${snapshot.snapshotId} of ${table} ${found}: whether it appended rows is not known`, {
    table,
    feature: `operation ${operation ?? 'missing'}`,
  })
}
