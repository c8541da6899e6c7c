/** What the metadata of a table says against itself (spec: "Table Metadata Fields"). */
import type { TableMetadata } from '../spec/metadata.ts'
import { schemaById, snapshotById } from '../spec/metadata.ts'
import { highestFieldId } from '../spec/schema.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { VerifyProblem } from './verify.ts'

/** Clocks of writers may differ by this much before other engines refuse the table (Java: ONE_MINUTE). */
const CLOCK_TOLERANCE_MS = 60_000

export function metadataProblems(metadata: TableMetadata): VerifyProblem[] {
  const found = [...refProblems(metadata), ...idProblems(metadata), ...logProblems(metadata)]
  for (const snapshot of metadata.snapshots) found.push(...snapshotProblems(metadata, snapshot))
  return found.map((text) => ({ object: `${metadata.location}/metadata`, kind: 'mismatch', found: text }))
}

function* refProblems(metadata: TableMetadata): Generator<string> {
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (!snapshotById(metadata, ref.snapshotId)) {
      yield `the ${ref.type} '${name}' names snapshot ${ref.snapshotId}, which is not in the metadata`
    }
  }
  const { currentSnapshotId, refs } = metadata
  if (currentSnapshotId !== undefined && !snapshotById(metadata, currentSnapshotId)) {
    yield `the current snapshot ${currentSnapshotId} is not in the metadata`
  }
  const main = refs[MAIN_BRANCH]
  if (main !== undefined && main.snapshotId !== currentSnapshotId) {
    yield `the branch main is at snapshot ${main.snapshotId}, the current snapshot is ${currentSnapshotId ?? 'none'}`
  }
}

/** Too low, and another engine gives a new column the id of one that files hold already. */
function* idProblems({ lastColumnId, lastPartitionId, schemas, partitionSpecs }: TableMetadata): Generator<string> {
  const column = Math.max(...schemas.map(highestFieldId))
  if (lastColumnId < column) yield `last-column-id is ${lastColumnId}, but a schema has a field with the id ${column}`
  const field = Math.max(0, ...partitionSpecs.flatMap((spec) => spec.fields.map(({ fieldId }) => fieldId)))
  if (lastPartitionId < field) {
    yield `last-partition-id is ${lastPartitionId}, but a partition spec has a field with the id ${field}`
  }
}

function* logProblems({ snapshotLog, currentSnapshotId }: TableMetadata): Generator<string> {
  const last = snapshotLog.at(-1)
  if (last !== undefined && last.snapshotId !== currentSnapshotId) {
    yield `the snapshot log ends at ${last.snapshotId}, the current snapshot is ${currentSnapshotId ?? 'none'}`
  }
  for (const [i, entry] of snapshotLog.entries()) {
    const before = snapshotLog[i - 1]
    if (before !== undefined && entry.timestampMs < before.timestampMs - CLOCK_TOLERANCE_MS) {
      yield `the snapshot log goes back in time at snapshot ${entry.snapshotId}`
    }
  }
}

function* snapshotProblems(metadata: TableMetadata, snapshot: Snapshot): Generator<string> {
  const { snapshotId, sequenceNumber, schemaId, parentSnapshotId } = snapshot
  if (metadata.formatVersion > 1 && sequenceNumber > metadata.lastSequenceNumber) {
    yield `snapshot ${snapshotId} has sequence number ${sequenceNumber}, the table's last is ${metadata.lastSequenceNumber}`
  }
  if (schemaId !== undefined && schemaById(metadata, schemaId) === undefined) {
    yield `snapshot ${snapshotId} was written with schema ${schemaId}, which is not in the metadata`
  }
  const parent = parentSnapshotId === undefined ? undefined : snapshotById(metadata, parentSnapshotId)
  if (parent === undefined) return
  if (metadata.formatVersion > 1 && sequenceNumber <= parent.sequenceNumber) {
    yield `snapshot ${snapshotId} has sequence number ${sequenceNumber}, its parent ${parent.sequenceNumber}`
  }
}
