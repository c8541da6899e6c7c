/**
 * Rows of partitions for which no file is open. Rows that come in no order would end a file, and begin one, for each
 * partition of each batch; rows that wait for others of their partition make few files of many rows.
 */
import { batchBytes } from '../codec/column-size.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import type { Part } from './partitioner.ts'

/** All rows of a partition that wait, in the order in which they came. */
export interface WaitingPart {
  readonly part: Part
  readonly batches: readonly ColumnBatch[]
}

interface Waiting {
  readonly part: Part
  readonly batches: ColumnBatch[]
  bytes: number
}

/** What a column is in memory beside its values: small batches are mostly that. */
const COLUMN_OVERHEAD_BYTES = 256

export class WaitingParts {
  readonly #maxBytes: number
  readonly #waiting = new Map<string, Waiting>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(part: Part, batch: ColumnBatch): void {
    const bytes = batchBytes(batch) + batch.columns.length * COLUMN_OVERHEAD_BYTES
    const waiting = this.#waiting.get(part.key) ?? { part, batches: [], bytes: 0 }
    waiting.batches.push(batch)
    waiting.bytes += bytes
    this.#waiting.set(part.key, waiting)
    this.#bytes += bytes
  }

  /** What waits of one partition, to be written before its next rows. */
  takeBefore(part: Part): readonly ColumnBatch[] {
    const waiting = this.#waiting.get(part.key)
    return waiting === undefined ? [] : this.#take(waiting).batches
  }

  /**
   * The partitions with the most rows, when all together are too large: enough of them that it is a while until they are
   * too large again, because looking for them costs as much as there are partitions.
   */
  *takeExcess(): Generator<WaitingPart> {
    if (this.#bytes <= this.#maxBytes) return
    const largest = [...this.#waiting.values()].sort((a, b) => b.bytes - a.bytes)
    for (const waiting of largest) {
      if (this.#bytes <= this.#maxBytes * 0.75) return
      yield this.#take(waiting)
    }
  }

  *takeAll(): Generator<WaitingPart> {
    for (const waiting of this.#waiting.values()) yield this.#take(waiting)
  }

  #take(waiting: Waiting): WaitingPart {
    this.#waiting.delete(waiting.part.key)
    this.#bytes -= waiting.bytes
    return waiting
  }
}
