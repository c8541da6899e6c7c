/** What an event source delivers again and again, and the rows that it stands for. */
import type { Batch, History } from './history.ts'

export interface Delivered {
  /** Without one another delivery may double the rows, so that it has rows of its own. */
  readonly key: string | undefined
  /** By the table: another one has to be told again, and a function may still know the one before. */
  readonly batches: Map<string, Batch>
  /** Of the table to which it was delivered last. */
  batch: Batch | undefined
}

/** The rows for a table: with a key the same each time. */
export function batchOn(history: History, delivered: Delivered, tableUuid: string, rows: number): Batch {
  const { key, batches } = delivered
  const known = key === undefined ? undefined : batches.get(tableUuid)
  const batch = known ?? history.plan(rows, { tableUuid, ...(key !== undefined && { key }) })
  batches.set(tableUuid, batch)
  delivered.batch = batch
  return batch
}
