/** The chain of versions, judged from what the store has seen: linear, without gaps, each made from the one before. */
import { decodeVersion, type VersionDocument } from '../../src/commit/document.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import type { CreatedVersion } from './ground.ts'

export interface Chain {
  /** By number. */
  readonly versions: ReadonlyMap<number, VersionDocument>
  readonly newest: number
  readonly violations: readonly string[]
  /** Numbers that were given again after they had been deleted. */
  readonly islands: number
}

export function judgeChain(created: readonly CreatedVersion[]): Chain {
  const versions = new Map<number, VersionDocument>()
  const violations: string[] = []
  let islands = 0
  let newest = 0
  for (const { version, bytes, by } of created) {
    if (versions.has(version)) {
      // Below the newest it harms nobody as long as nobody was told that it counts, which the answers are judged by.
      islands += 1
      if (version === newest) violations.push(`the newest version ${version} was deleted and created again by ${by}`)
      continue
    }
    if (version !== newest + 1) violations.push(`${by} created version ${version} when ${newest} was the newest`)
    const document = decodeVersion(bytes, `version ${version}`)
    const parent = versions.get(version - 1)
    versions.set(version, document)
    newest = Math.max(newest, version)
    for (const wrong of judgeStep(version, parent, document)) violations.push(`version ${version} by ${by}: ${wrong}`)
  }
  return { versions, newest, violations, islands }
}

function judgeStep(version: number, parent: VersionDocument | undefined, child: VersionDocument): string[] {
  if (child.kind === 'tombstone') {
    const isOf = parent?.kind === 'table' && parent.metadata.tableUuid === child.tombstone.tableUuid
    return isOf ? [] : ['a tombstone of another table']
  }
  const isFirst = parent === undefined || parent.kind === 'tombstone'
  if (isFirst) return child.metadata.snapshots.length === 0 ? [] : ['a new table has snapshots']
  return [...stepsOf(version, parent.metadata, child.metadata)]
}

function* stepsOf(version: number, parent: TableMetadata, child: TableMetadata): Iterable<string> {
  if (child.tableUuid !== parent.tableUuid) yield 'the table is another one'
  const file = child.metadataLog.at(-1)?.metadataFile
  if (!file?.endsWith(`/v${version - 1}.metadata.json`)) yield `it was made from ${file ?? 'nothing'}`
  if (child.lastUpdatedMs < parent.lastUpdatedMs) yield 'time went back'
  if (child.lastSequenceNumber < parent.lastSequenceNumber) yield 'the sequence number went back'
  if (child.lastColumnId < parent.lastColumnId) yield 'columns were forgotten'
  const before = currentSnapshot(parent)
  const now = currentSnapshot(child)
  if (before?.snapshotId === now?.snapshotId) return
  if (!now) return yield 'the current snapshot is gone'
  if (now.parentSnapshotId !== before?.snapshotId) {
    yield `snapshot ${now.snapshotId} has the parent ${now.parentSnapshotId}, not ${before?.snapshotId}`
  }
  if (now.sequenceNumber !== parent.lastSequenceNumber + 1n) yield `its snapshot has sequence ${now.sequenceNumber}`
  if (before && now.timestampMs <= before.timestampMs) yield 'its snapshot is not younger than the one before'
}
