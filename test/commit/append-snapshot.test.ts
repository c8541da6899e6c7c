/** The snapshot that an append adds to a base, and how it becomes the head of main. */
import { describe, expect, test } from 'vitest'
import { appendSnapshot, nextTimestampMs, snapshotUpdates } from '../../src/commit/snapshot.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { dataFileOf } from '../support/data-files.ts'
import { apply, commits, idOf, pointing, SECOND, START_MS } from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const NOW = START_MS + 1_000 * SECOND
const APPEND = { snapshotId: 77n, manifestList: 'memory://test/t/metadata/l.avro', files: [dataFileOf()], summary: {} }
/** Two snapshots, the second a minute before now. */
const base = commits(sampleMetadata(), [NOW - 120 * SECOND, NOW - 60 * SECOND])

describe('the snapshot of an append', () => {
  test('follows the current one', () => {
    const summary = { 'datashard.folded': '2' }
    const snapshot = appendSnapshot({ ...base, currentSchemaId: 3 }, { ...APPEND, summary }, NOW)
    expect(snapshot).toEqual({
      snapshotId: 77n,
      parentSnapshotId: idOf(base, 2),
      sequenceNumber: 3n,
      timestampMs: NOW,
      manifestList: APPEND.manifestList,
      schemaId: 3,
      summary: expect.objectContaining({ operation: 'append', 'total-records': '2010', ...summary }) as object,
    })
  })

  test('has no parent where there is none: not even one that is undefined', () => {
    const first = appendSnapshot(sampleMetadata(), APPEND, NOW)
    expect(Object.keys(first)).not.toContain('parentSnapshotId')
    expect(first).toMatchObject({ sequenceNumber: 1n, summary: { 'total-records': '10' } })
  })

  test('follows the newest sequence number of the table, not that of its parent', () => {
    const back = apply(base, [pointing('main', idOf(base, 1))], NOW)
    expect(appendSnapshot(back, APPEND, NOW)).toMatchObject({ parentSnapshotId: idOf(base, 1), sequenceNumber: 3n })
  })
})

describe('its time', () => {
  test('is now, or 1 ms after the snapshot before, whatever the clock says', () => {
    const before = NOW - 60 * SECOND
    expect(nextTimestampMs(base, NOW)).toBe(NOW)
    expect(nextTimestampMs(base, before + 1)).toBe(before + 1)
    expect(nextTimestampMs(base, before)).toBe(before + 1)
    expect(nextTimestampMs(base, before - 3_600 * SECOND)).toBe(before + 1)
    expect(nextTimestampMs(sampleMetadata(), START_MS)).toBe(START_MS)
  })

  test('is after all that the log says, too, where main went back to an older snapshot', () => {
    const back = apply(base, [pointing('main', idOf(base, 1))], NOW + SECOND)
    expect(currentSnapshot(back)!.timestampMs).toBe(NOW - 120 * SECOND)
    expect(nextTimestampMs(back, NOW)).toBe(NOW + SECOND + 1)
    const withoutLog: TableMetadata = { ...base, snapshotLog: [] }
    expect(nextTimestampMs(withoutLog, 0)).toBe(NOW - 60 * SECOND + 1)
  })
})

describe('the updates', () => {
  test('add it and make it the head of main, whose own settings stay', () => {
    const kept = { minSnapshotsToKeep: 5, maxSnapshotAgeMs: 1_000n }
    const settled = apply(base, [pointing('main', idOf(base, 2), kept)], NOW)
    const snapshot = appendSnapshot(settled, APPEND, NOW)
    const updates = snapshotUpdates(settled, snapshot)
    expect(updates).toEqual([
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', name: 'main', ref: { type: 'branch', snapshotId: 77n, ...kept } },
    ])
    expect(currentSnapshot(apply(settled, updates, NOW))).toEqual(snapshot)
  })

  test('begin main where there is none, and leave other branches', () => {
    const empty = sampleMetadata()
    const first = apply(empty, snapshotUpdates(empty, appendSnapshot(empty, APPEND, NOW)), NOW)
    expect(first.refs).toEqual({ main: { type: 'branch', snapshotId: 77n } })
    const branched = apply(base, [pointing('audit', idOf(base, 1))], NOW)
    const next = apply(branched, snapshotUpdates(branched, appendSnapshot(branched, APPEND, NOW)), NOW)
    expect(next.refs['audit']).toEqual(branched.refs['audit'])
  })
})
