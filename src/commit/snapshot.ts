/** The snapshot that an append adds to a base, and how it becomes the head of `main`. */
import type { DataFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { appendSummary } from './summary.ts'

export interface NewAppend {
  readonly snapshotId: bigint
  readonly manifestList: string
  readonly files: readonly DataFile[]
  /** Extra fields of the summary. */
  readonly summary: Readonly<Record<string, string>>
}

export function appendSnapshot(base: TableMetadata, append: NewAppend, nowMs: number): Snapshot {
  const parent = currentSnapshot(base)
  return {
    snapshotId: append.snapshotId,
    ...(parent && { parentSnapshotId: parent.snapshotId }),
    sequenceNumber: base.lastSequenceNumber + 1n,
    timestampMs: nextTimestampMs(base, nowMs),
    manifestList: append.manifestList,
    summary: appendSummary(append.files, parent, append.summary),
    schemaId: base.currentSchemaId,
  }
}

/**
 * Snapshot timestamps never go back, whatever the clocks of the writers say: engines refuse a table whose history does,
 * and time travel by the log would find the wrong snapshot.
 */
export function nextTimestampMs(base: TableMetadata, nowMs: number): number {
  const before = [currentSnapshot(base)?.timestampMs, base.snapshotLog.at(-1)?.timestampMs]
  return Math.max(nowMs, ...before.flatMap((ms) => (ms === undefined ? [] : [ms + 1])))
}

export function snapshotUpdates(base: TableMetadata, snapshot: Snapshot): readonly TableUpdate[] {
  const before = base.refs[MAIN_BRANCH]
  return [
    { action: 'add-snapshot', snapshot },
    {
      action: 'set-snapshot-ref',
      name: MAIN_BRANCH,
      ref: { ...before, type: 'branch', snapshotId: snapshot.snapshotId },
    },
  ]
}
