/** The order of snapshots, and which came from which. */
import type { Snapshot } from './snapshot.ts'

/** A snapshot and its ancestors, newest first, down to the first that is gone. */
export function ancestorsOf(byId: ReadonlyMap<bigint, Snapshot>, snapshotId: bigint | undefined): readonly Snapshot[] {
  const chain: Snapshot[] = []
  let at = snapshotId === undefined ? undefined : byId.get(snapshotId)
  // A damaged table may name a snapshot among its own ancestors.
  while (at !== undefined && chain.length < byId.size) {
    chain.push(at)
    at = at.parentSnapshotId === undefined ? undefined : byId.get(at.parentSnapshotId)
  }
  return chain
}

/** By sequence number; snapshots of format v1 have none, and are told apart by their time. */
export function isOlder(a: Snapshot, b: Snapshot): boolean {
  return a.sequenceNumber === b.sequenceNumber ? a.timestampMs < b.timestampMs : a.sequenceNumber < b.sequenceNumber
}
