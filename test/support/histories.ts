/** Histories of tables as metadata alone: commits, branches and tags at chosen times. */
import { retain } from '../../src/commit/retention.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { Snapshot, SnapshotRef } from '../../src/spec/snapshot.ts'
import { MAIN_BRANCH } from '../../src/spec/snapshot.ts'
import type { TableUpdate } from '../../src/spec/updates.ts'
import { applyUpdates } from '../../src/spec/updates.ts'

export const START_MS = Date.UTC(2026, 0, 1)
export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export function apply(metadata: TableMetadata, updates: readonly TableUpdate[], nowMs: number): TableMetadata {
  return applyUpdates(metadata, updates, { nowMs, baseFile: `memory://test/t/metadata/v${nowMs}.metadata.json` })
}

/** A snapshot of a real one's size in JSON. Ids are 63 bits, as those of writers are, and tell the sequence number. */
export function nextSnapshot(metadata: TableMetadata, parent: bigint | undefined, timestampMs: number): Snapshot {
  const sequenceNumber = metadata.lastSequenceNumber + 1n
  const snapshotId = 4_611_686_018_427_000_000n + sequenceNumber
  return {
    snapshotId,
    ...(parent !== undefined && { parentSnapshotId: parent }),
    sequenceNumber,
    timestampMs,
    manifestList: `memory://test/t/metadata/snap-${snapshotId}-1-6e1b27a1-2f6b-4b6e-9a59-6b7f3f5c0d11.avro`,
    schemaId: 0,
    summary: {
      operation: 'append',
      'added-data-files': '1',
      'added-records': '1000',
      'added-files-size': '123456',
      'changed-partition-count': '1',
      'total-records': String(1000n * sequenceNumber),
      'total-files-size': String(123_456n * sequenceNumber),
      'total-data-files': String(sequenceNumber),
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    },
  }
}

/** One more snapshot on a branch, or, without one, a staged one on top of main. */
export function grow(metadata: TableMetadata, timestampMs: number, branch: string | undefined = MAIN_BRANCH) {
  const parent = metadata.refs[branch ?? MAIN_BRANCH]?.snapshotId
  const snapshot = nextSnapshot(metadata, parent, timestampMs)
  const updates: TableUpdate[] = [{ action: 'add-snapshot', snapshot }]
  if (branch !== undefined) updates.push(pointing(branch, snapshot.snapshotId, metadata.refs[branch]))
  return apply(metadata, updates, timestampMs)
}

export function pointing(name: string, snapshotId: bigint, ref: Partial<SnapshotRef> = {}): TableUpdate {
  return { action: 'set-snapshot-ref', name, ref: { type: 'branch', ...ref, snapshotId } }
}

export function thin(metadata: TableMetadata, nowMs: number): TableMetadata {
  return apply(metadata, retain(metadata, nowMs), nowMs)
}

/** Commits on main, one each `everyMs`, thinned out each time; the last one is at the time that is told. */
export function history(metadata: TableMetadata, commits: number, everyMs: number, thinned = true, fromMs = START_MS) {
  let next = metadata
  let nowMs = fromMs
  for (let i = 0; i < commits; i++) {
    nowMs += everyMs
    next = grow(next, nowMs)
    if (thinned) next = thin(next, nowMs)
  }
  return { metadata: next, nowMs }
}

export const idsOf = (metadata: TableMetadata): bigint[] => metadata.snapshots.map(({ snapshotId }) => snapshotId)

/** A policy that thins out at once and keeps the newest snapshot only, but for what the caller asks for. */
export function keepingLittle(asked: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    'datashard.retention.thin-from': '1',
    'datashard.retention.tail-age-ms': '0',
    'datashard.retention.tail-min': '1',
    'datashard.retention.minutes': '0',
    'datashard.retention.hours': '0',
    'datashard.retention.days': '0',
    ...asked,
  }
}

/** Commits on a branch, one at each of the times; the first snapshot of a table has sequence number 1. */
export function commits(metadata: TableMetadata, timesMs: readonly number[], branch?: string): TableMetadata {
  return timesMs.reduce((next, timestampMs) => grow(next, timestampMs, branch), metadata)
}

/** The snapshot of this sequence number. */
export function idOf(metadata: TableMetadata, sequenceNumber: number): bigint {
  return metadata.snapshots.find((one) => one.sequenceNumber === BigInt(sequenceNumber))!.snapshotId
}

/** Sequence numbers of the snapshots that are left of it when a commit thins it out. */
export function leftOf(metadata: TableMetadata, nowMs: number): readonly number[] {
  return thin(metadata, nowMs).snapshots.map(({ sequenceNumber }) => Number(sequenceNumber))
}
