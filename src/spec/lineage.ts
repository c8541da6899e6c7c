/** The order of snapshots, and which came from which. */
import type { Snapshot } from './snapshot.ts'

/**
 * A snapshot and its ancestors, newest first, down to the first that is gone. Metadata lists snapshots in the order in
 * which they were made, so that a parent is found at the first look or a few later.
 */
export function ancestorsOf(snapshots: readonly Snapshot[], snapshotId: bigint | undefined): readonly Snapshot[] {
  const chain: Snapshot[] = []
  let at = snapshotId === undefined ? -1 : indexOf(snapshots, snapshotId, snapshots.length - 1)
  // A damaged table may name a snapshot among its own ancestors.
  while (at >= 0 && chain.length < snapshots.length) {
    const snapshot = snapshots[at]!
    chain.push(snapshot)
    at = snapshot.parentSnapshotId === undefined ? -1 : indexOf(snapshots, snapshot.parentSnapshotId, at - 1)
  }
  return chain
}

/** Looks from a place towards the oldest, and then at the rest. */
function indexOf(snapshots: readonly Snapshot[], snapshotId: bigint, from: number): number {
  for (let i = from; i >= 0; i--) if (snapshots[i]!.snapshotId === snapshotId) return i
  for (let i = snapshots.length - 1; i > from; i--) if (snapshots[i]!.snapshotId === snapshotId) return i
  return -1
}

/** By sequence number; snapshots of format v1 have none, and are told apart by their time. */
export function isOlder(a: Snapshot, b: Snapshot): boolean {
  return a.sequenceNumber === b.sequenceNumber ? a.timestampMs < b.timestampMs : a.sequenceNumber < b.sequenceNumber
}
