/**
 * Numbers that only grow, and their ends. A table comes there by damage alone; one more commit would write a version that
 * nobody can read any more, so that what is above says no before anything is written.
 */
import { corrupt } from '../errors.ts'
import { MAX_INT, MAX_LONG, MAX_TIME_MS } from './json-reader.ts'
import type { TableMetadata } from './metadata.ts'
import { currentSnapshot } from './metadata.ts'

/** @throws `corrupt` if no snapshot can come after those that `metadata` has. */
export function checkRoom(metadata: TableMetadata, where: string): void {
  const { lastSequenceNumber, lastUpdatedMs, snapshotLog } = metadata
  if (lastSequenceNumber >= MAX_LONG) full(where, 'last-sequence-number', lastSequenceNumber)
  if (lastUpdatedMs >= MAX_TIME_MS) full(where, 'last-updated-ms', lastUpdatedMs)
  const newest = Math.max(currentSnapshot(metadata)?.timestampMs ?? 0, snapshotLog.at(-1)?.timestampMs ?? 0)
  if (newest >= MAX_TIME_MS) full(where, 'timestamp-ms of the newest snapshot', newest)
}

function full(where: string, field: string, value: bigint | number): never {
  return corrupt(
    `${where} cannot be written to: its metadata has ${value} as ${field}, the highest there is, so that nothing can ` +
      `come after it. Correct the newest version of the metadata, or put the one before in its place`,
    { field, value: String(value) },
  )
}

/** The id after all of `ids`, of a new schema or partition spec. @throws `corrupt` if there is none */
export function nextId(ids: readonly number[], what: string): number {
  const next = ids.reduce((highest, id) => Math.max(highest, id), -1) + 1
  if (next > MAX_INT)
    corrupt(`no ${what} can be added: the metadata of the table has one with the id ${MAX_INT}, the last`)
  return next
}
