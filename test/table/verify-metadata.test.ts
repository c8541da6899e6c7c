import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { metadataProblems } from '../../src/table/verify-metadata.ts'
import { versionFaults } from '../../src/table/version-list.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

function snapshot(id: number, changes: Partial<Snapshot> = {}): Snapshot {
  const parent = id > 1 ? { parentSnapshotId: BigInt(id - 1) } : {}
  return {
    snapshotId: BigInt(id),
    sequenceNumber: BigInt(id),
    timestampMs: id * 1000,
    schemaId: 0,
    ...parent,
    ...changes,
  }
}

function metadata(changes: Partial<TableMetadata> = {}): TableMetadata {
  const snapshots = [snapshot(1), snapshot(2)]
  return {
    ...sampleMetadata(),
    lastSequenceNumber: 2n,
    snapshots,
    currentSnapshotId: 2n,
    snapshotLog: snapshots.map(({ snapshotId, timestampMs }) => ({ snapshotId, timestampMs })),
    refs: { main: { type: 'branch', snapshotId: 2n } },
    ...changes,
  }
}

const found = (changes: Partial<TableMetadata>) => metadataProblems(metadata(changes)).map((problem) => problem.found)

describe('metadata against itself', () => {
  test('sound metadata, and that of an empty table, has no problems', () => {
    expect(metadataProblems(metadata())).toEqual([])
    expect(metadataProblems(sampleMetadata())).toEqual([])
  })

  test('a parent that is expired is no problem', () => {
    expect(found({ snapshots: [snapshot(2)] })).toEqual([])
  })

  test.each<[string, Partial<TableMetadata>, RegExp]>([
    [
      'a tag',
      { refs: { main: { type: 'branch', snapshotId: 2n }, t: { type: 'tag', snapshotId: 9n } } },
      /tag 't' names snapshot 9/,
    ],
    [
      'main',
      { refs: { main: { type: 'branch', snapshotId: 1n } } },
      /main is at snapshot 1, the current snapshot is 2/,
    ],
    ['the current snapshot', { currentSnapshotId: 7n, refs: {}, snapshotLog: [] }, /current snapshot 7 is not in/],
    ['the log', { snapshotLog: [{ snapshotId: 1n, timestampMs: 1000 }] }, /log ends at 1, the current snapshot is 2/],
    [
      'time',
      {
        snapshotLog: [
          { snapshotId: 1n, timestampMs: 500_000 },
          { snapshotId: 2n, timestampMs: 2000 },
        ],
      },
      /goes back in time at snapshot 2/,
    ],
    ['the last sequence number', { lastSequenceNumber: 1n }, /snapshot 2 has sequence number 2, the table's last is 1/],
    ['a schema', { snapshots: [snapshot(1), snapshot(2, { schemaId: 5 })] }, /schema 5, which is not in the metadata/],
    [
      'a sequence number',
      { snapshots: [snapshot(1), snapshot(2, { sequenceNumber: 1n })] },
      /sequence number 1, its parent 1/,
    ],
  ])('%s that contradicts the rest is named', (_what, changes, message) => {
    expect(found(changes)).toEqual([expect.stringMatching(message)])
  })
})

describe('version numbers', () => {
  const list = (...numbers: number[]) => ({
    versions: numbers.map((version) => ({ version, form: 'plain' as const })),
    others: [],
  })

  test('old ones may be gone, those between others may not', () => {
    expect(versionFaults(list(5, 6, 7), 7)).toEqual([])
    expect(versionFaults(list(1, 2, 4, 5, 9), 9).map(({ found }) => found)).toEqual([
      'versions 3, 6 to 8 are missing between others',
    ])
  })

  test('one number twice, and a version above the head', () => {
    expect(versionFaults(list(1, 2, 2, 3), 3)[0]!.found).toMatch(/versions 2 exist plain and compressed/)
    expect(versionFaults(list(1, 2, 3), 2)[0]!.found).toMatch(/version 3 is above the newest of the chain, 2/)
  })
})
