/** One row group through parquet-wasm. */
import type { ReadBatch } from './arrow-rows-column.ts'
import { convertBatch } from './parquet-reader-columns.ts'
import type { ExcerptOf } from './parquet-reader-expand.ts'
import { expandHere } from './parquet-reader-expand.ts'
import type { ArrayView } from './parquet-reader-memory.ts'
import { viewArray } from './parquet-reader-memory.ts'
import type { DecodePlan } from './parquet-reader-plan.ts'
import { damaged } from './parquet-reader-plan.ts'
import { shapesOf } from './parquet-reader-shape.ts'
import { readerWasm, replaceReaderWasm } from './parquet-reader-wasm.ts'
import type { ParquetWasm } from './wasm.ts'
import { loadZstd } from './zstd.ts'

/** Rows of a batch: enough for loops to run warm, few enough for what is made of them to stay in the cache. */
const BATCH_ROWS = 131_072

/** Gets parquet-wasm ready, so that {@link decodeRowGroup} can be called. */
export async function prepareDecoder(): Promise<void> {
  await Promise.all([readerWasm(), loadZstd()])
}

/** A decoded row group. Must be freed. */
export interface DecodedRowGroup {
  readonly batchCount: number
  /**
   * Batch `i`. Its arrays are views of the decoder's memory and good until the decoder is called again, by whomever:
   * in practice until the caller awaits something.
   */
  batch(i: number): ReadBatch
  free(): void
}

/**
 * Decodes one row group.
 *
 * @param excerptOf From {@link expandHere} or {@link expandBeside}.
 * @throws `corrupt` if the bytes are not what the footer says. A panic of the decoder is `corrupt` too, and the decoder is replaced.
 */
export async function openRowGroup(plan: DecodePlan, rowGroup: number, excerptOf: ExcerptOf): Promise<DecodedRowGroup> {
  const { rowCount } = plan.footer.rowGroups[rowGroup]!
  if (plan.leaves.size === 0 || rowCount === 0) return constantRowGroup(plan, rowCount)
  const wasm = await readerWasm()
  // Nothing is awaited from here on: the excerpt is in memory that all row groups share.
  const excerpt = excerptOf()
  const stream = attempt(plan, wasm, () => wasm.readParquet(excerpt, { batchSize: batchSizeOf(rowCount) }).intoFFI())
  const memory = () => (wasm.wasmMemory() as unknown as { buffer: ArrayBuffer }).buffer
  const view = (i: number) => viewArray(memory(), stream.arrayAddr(i), stream.schemaAddr())
  return decodedRowGroup(plan, rowCount, stream.numArrays(), view, () => stream.free())
}

function batchSizeOf(rowCount: number): number {
  return Math.min(rowCount, BATCH_ROWS)
}

/** Counts the rows, and gives the arrays the types of the table. */
function decodedRowGroup(
  plan: DecodePlan,
  rowCount: number,
  batchCount: number,
  view: (i: number) => ArrayView,
  free: () => void,
): DecodedRowGroup {
  const shapes = shapesOf(plan.footer.root)
  const rows = Array.from({ length: batchCount }, (_, i) => view(i).length).reduce((a, b) => a + b, 0)
  if (rows !== rowCount) {
    free()
    damaged(plan, `a row group says that it has ${rowCount} rows, ${rows} were found`)
  }
  const batch = (i: number): ReadBatch => {
    const root = view(i)
    return { length: root.length, columns: convertBatch(plan.sources, shapes, root, plan) }
  }
  return { batchCount, batch, free }
}

/**
 * Decodes one row group and calls `consume` for each batch, in order. `consume` copies what it keeps of the arrays.
 *
 * @param bytesOf The bytes of a column as they are in the file.
 * @throws As {@link openRowGroup}.
 */
export async function decodeRowGroup(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: (leaf: number) => Uint8Array,
  consume: (batch: ReadBatch) => void,
): Promise<void> {
  const decoded = await openRowGroup(plan, rowGroup, await expandHere(plan, rowGroup, bytesOf))
  try {
    for (let i = 0; i < decoded.batchCount; i++) consume(decoded.batch(i))
  } finally {
    decoded.free()
  }
}

/** Nothing is stored of what is wanted: every row is the same. */
function constantRowGroup(plan: DecodePlan, rowCount: number): DecodedRowGroup {
  const root = {
    memory: new ArrayBuffer(0),
    format: '+s',
    nullCount: 0,
    offset: 0,
    buffers: [],
    children: [],
    dictionary: undefined,
  }
  return {
    batchCount: Math.ceil(rowCount / BATCH_ROWS),
    batch: (i) => {
      const length = Math.min(BATCH_ROWS, rowCount - i * BATCH_ROWS)
      return { length, columns: convertBatch(plan.sources, [], { ...root, length }, plan) }
    },
    free: () => undefined,
  }
}

function attempt<T>(plan: DecodePlan, wasm: ParquetWasm, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    // A panic leaves the module's stack and borrows as they were: it must not be called again.
    if (isOrderly(error)) return damaged(plan, (error as Error).message, error)
    replaceReaderWasm(wasm)
    return damaged(
      plan,
      `the decoder failed on it (${String(error)}), or a row group has more than 2 GiB in a column`,
      error,
    )
  }
}

/** parquet-rs's own errors arrive as plain `Error`s; a trap is a `RuntimeError`, exhausted memory a `RangeError`. */
function isOrderly(error: unknown): boolean {
  return Object.getPrototypeOf(error) === Error.prototype
}
