import { expect, test } from 'vitest'
import { encodeTable } from '../../src/commit/document.ts'
import { planMerges } from '../../src/commit/tiers.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import { DAY, grow, HOUR, MINUTE, SECOND, START_MS, thin } from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const manifest = (files: number): ManifestFile => ({
  path: `memory://test/t/metadata/${files}.avro`,
  length: BigInt(2_000 + 150 * files),
  partitionSpecId: 0,
  content: 'data',
  sequenceNumber: 1n,
  minSequenceNumber: 1n,
  addedSnapshotId: 1n,
  addedFilesCount: 0,
  existingFilesCount: files,
  deletedFilesCount: 0,
  addedRowsCount: 0n,
  existingRowsCount: BigInt(files),
  deletedRowsCount: 0n,
})

function mergeDue(listed: readonly ManifestFile[]): readonly ManifestFile[] {
  return planMerges(listed).reduce((left, { manifests }) => {
    const files = manifests.reduce((sum, one) => sum + one.existingFilesCount, 0)
    return [manifest(files), ...left.filter((one) => !manifests.includes(one))]
  }, listed)
}

test('10,000 commits, slow ones and then ever faster ones, leave a table of bounded size', () => {
  let metadata = sampleMetadata()
  let listed: readonly ManifestFile[] = []
  let nowMs = START_MS
  let [snapshots, manifests, bytes, commits] = [0, 0, 0, 0]
  const phases = [
    [DAY, 300],
    [HOUR, 500],
    [MINUTE, 1_200],
    [SECOND, 4_000],
    [67, 4_000],
  ] as const
  for (const [everyMs, count] of phases) {
    for (let i = 0; i < count; i++) {
      nowMs += everyMs
      metadata = thin(grow(metadata, nowMs), nowMs)
      listed = [manifest(1), ...mergeDue(listed)]
      snapshots = Math.max(snapshots, metadata.snapshots.length)
      manifests = Math.max(manifests, listed.length)
      if (++commits % 500 === 0) bytes = Math.max(bytes, encodeTable(metadata, 'nonce').length)
    }
  }
  expect(commits).toBe(10_000)
  expect(snapshots).toBeLessThanOrEqual(500 + 60 + 24 + 90)
  expect(manifests).toBeLessThanOrEqual(4 * 15 + 1)
  expect(bytes).toBeLessThan(500 * 1024)
})
