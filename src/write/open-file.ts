/** One data file while its rows come in: Parquet bytes on one side, its line of a manifest on the other. */
import type { ColumnBatch } from '../codec/columns.ts'
import { createParquetWriter, ROW_GROUP_BYTES, type ParquetWriter } from '../codec/parquet-writer.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { PartitionTuple } from '../spec/partition.ts'
import { partitionPath } from '../spec/partition-path.ts'
import type { FileName } from './location.ts'
import { MetricsCollector } from './metrics.ts'
import { createSorter, type Sorter } from './sort.ts'
import type { WriteContext } from './write-context.ts'

/** Starts a file of a partition. */
export async function openDataFile(context: WriteContext, tuple: PartitionTuple): Promise<OpenFile> {
  return new OpenFile(context, tuple, await createParquetWriter(context.schema, context.parquet))
}

/** A row group that is encoded elsewhere, and one that waits for it, are not larger encoded than as columns. */
const AHEAD_BYTES = 2 * ROW_GROUP_BYTES

export class OpenFile {
  readonly name: FileName
  rowCount = 0
  readonly #context: WriteContext
  readonly #tuple: PartitionTuple
  readonly #writer: ParquetWriter
  readonly #metrics: MetricsCollector
  readonly #sorter: Sorter | undefined
  /** The last batch, while all rows so far are in the table's order. */
  #sortedUpTo: ColumnBatch | undefined
  #isSorted: boolean

  constructor(context: WriteContext, tuple: PartitionTuple, writer: ParquetWriter) {
    this.#context = context
    this.#tuple = tuple
    this.#writer = writer
    this.#metrics = new MetricsCollector(context.schema, context.metricsModes)
    this.#sorter = createSorter(context.sortOrder, context.schema)
    this.#isSorted = this.#sorter !== undefined
    this.name = context.newFile(partitionPath(context.spec, context.schema, tuple))
  }

  /** Bytes of the file so far. */
  get size(): number {
    return this.#writer.size
  }

  /** Bytes, as columns in memory, that wait for their row group to be full. */
  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

  get isFull(): boolean {
    return this.#writer.size >= this.#context.targetFileSizeBytes
  }

  /** Adds rows, at most a row group of them, sorted among themselves; gives back bytes to be written, often none. */
  write(batch: ColumnBatch): readonly Uint8Array[] {
    this.#note(batch)
    return this.#writer.write(batch)
  }

  /** As `write`, but a row group may be encoded while the next rows come: then its bytes are given back later. */
  writeAhead(batch: ColumnBatch): Promise<readonly Uint8Array[]> {
    this.#note(batch)
    // Near its end the file's size has to be known.
    return this.#writer.writeAhead(batch, this.#writer.size + AHEAD_BYTES >= this.#context.targetFileSizeBytes)
  }

  #note(batch: ColumnBatch): void {
    this.rowCount += batch.length
    this.#metrics.add(batch)
    if (this.#isSorted && this.#sortedUpTo !== undefined) {
      this.#isSorted = this.#sorter!.follows(this.#sortedUpTo, batch)
    }
    this.#sortedUpTo = this.#isSorted ? batch : undefined
  }

  /** Ends the current row group early, and gives back all that `writeAhead` still owes. */
  flush(): Promise<readonly Uint8Array[]> {
    return this.#writer.flush()
  }

  /** The last bytes of the file, and what a manifest says about it. */
  finish(): { readonly parts: readonly Uint8Array[]; readonly dataFile: DataFile } {
    const { parts, facts } = this.#writer.finish()
    const { spec, sortOrder } = this.#context
    const dataFile: DataFile = {
      content: 'data',
      path: this.name.path,
      format: 'parquet',
      partition: this.#tuple,
      specId: spec.specId,
      recordCount: facts.rowCount,
      fileSizeBytes: BigInt(this.#writer.size),
      ...this.#metrics.finish(),
      columnSizes: facts.columnSizes,
      splitOffsets: facts.splitOffsets,
      ...(this.#isSorted && { sortOrderId: sortOrder.orderId }),
    }
    return { parts, dataFile }
  }
}
