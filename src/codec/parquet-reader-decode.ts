/** One row group through parquet-wasm. */
import { DataShardError } from '../errors.ts'
import type { ReadBatch } from './arrow-rows-column.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { RESTORE } from './parquet-footer.ts'
import { convertBatch } from './parquet-reader-columns.ts'
import { completeLeaves, encodeExcerpt } from './parquet-reader-excerpt.ts'
import type { FieldSource } from './parquet-reader-fields.ts'
import { leavesToRead } from './parquet-reader-fields.ts'
import type { ArrayView } from './parquet-reader-memory.ts'
import { viewArray } from './parquet-reader-memory.ts'
import { shapesOf } from './parquet-reader-shape.ts'
import { readerWasm, replaceReaderWasm } from './parquet-reader-wasm.ts'
import type { ParquetWasm } from './wasm.ts'

/** How the rows of a file are to be read. */
export interface DecodePlan {
  readonly footer: ParquetFooter
  readonly sources: readonly FieldSource[]
  /** All columns that must be fetched. */
  readonly leaves: ReadonlySet<number>
  /** Names the file in errors. */
  readonly where: string
}

/** The plan that gives the fields of `sources` in their order. */
export function decodePlan(footer: ParquetFooter, sources: readonly FieldSource[], where: string): DecodePlan {
  return { footer, sources, leaves: completeLeaves(footer.root, leavesToRead(sources)), where }
}

/** Rows of a batch: enough for loops to run warm, few enough for what is made of them to stay in the cache. */
const BATCH_ROWS = 131_072

/** Gets parquet-wasm ready, so that {@link decodeRowGroup} can be called. */
export async function prepareDecoder(): Promise<void> {
  await readerWasm()
}

/**
 * Decodes one row group and calls `consume` for each batch, in order. The arrays of a batch are views of the decoder's
 * memory: `consume` copies what it keeps.
 *
 * @param bytesOf The bytes of a column as they are in the file.
 * @throws `corrupt` if the bytes are not what the footer says. A panic of the decoder is `corrupt` too, and the decoder is replaced.
 */
export async function decodeRowGroup(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: (leaf: number) => Uint8Array,
  consume: (batch: ReadBatch) => void,
): Promise<void> {
  const { rowCount } = plan.footer.rowGroups[rowGroup]!
  if (plan.leaves.size === 0) return consumeConstants(plan, rowCount, consume)
  const wasm = await readerWasm()
  const excerpt = encodeExcerpt({ ...plan, rowGroup, dictionaries: dictionariesOf(plan, rowGroup) }, bytesOf)
  const stream = attempt(plan, wasm, () =>
    wasm.readParquet(excerpt, { batchSize: Math.min(rowCount, BATCH_ROWS) }).intoFFI(),
  )
  let rows = 0
  try {
    const shapes = shapesOf(plan.footer.root)
    const count = stream.numArrays()
    const addresses = Array.from({ length: count }, (_, i) => stream.arrayAddr(i))
    const schema = stream.schemaAddr()
    const { buffer } = wasm.wasmMemory() as unknown as { buffer: ArrayBuffer }
    for (const address of addresses) {
      const root: ArrayView = viewArray(buffer, address, schema)
      rows += root.length
      consume({ length: root.length, columns: convertBatch(plan.sources, shapes, root, plan) })
    }
  } finally {
    stream.free()
  }
  if (rows !== rowCount) damaged(plan, `a row group says that it has ${rowCount} rows, ${rows} were found`)
}

function consumeConstants(plan: DecodePlan, rowCount: number, consume: (batch: ReadBatch) => void): void {
  const nothing = {
    memory: new ArrayBuffer(0),
    format: '+s',
    nullCount: 0,
    offset: 0,
    buffers: [],
    children: [],
    dictionary: undefined,
  }
  for (let start = 0; start < rowCount; start += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, rowCount - start)
    consume({ length, columns: convertBatch(plan.sources, [], { ...nothing, length }, plan) })
  }
}

/** Strings at the top whose pages are all dictionary-encoded: each value is decoded once, however often it occurs. */
function dictionariesOf(plan: DecodePlan, rowGroup: number): ReadonlySet<number> {
  const { chunks } = plan.footer.rowGroups[rowGroup]!
  const leaves = new Set<number>()
  for (const source of plan.sources) {
    if (source.kind !== 'stored' || source.field.type.type !== 'string') continue
    const { node } = source.shape
    if (node.annotation?.kind === 'string' && chunks[node.leaf]!.dictionaryOnly) leaves.add(node.leaf)
  }
  return leaves
}

function attempt<T>(plan: DecodePlan, wasm: ParquetWasm, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    // A panic leaves the module's stack and borrows as they were: it must not be called again.
    if (!isOrderly(error)) replaceReaderWasm(wasm)
    return damaged(plan, error instanceof Error ? error.message : String(error), error)
  }
}

/** parquet-rs's own errors arrive as plain `Error`s; a trap is a `RuntimeError`, exhausted memory a `RangeError`. */
function isOrderly(error: unknown): boolean {
  return Object.getPrototypeOf(error) === Error.prototype
}

function damaged(plan: DecodePlan, found: string, cause?: unknown): never {
  throw new DataShardError('corrupt', `${plan.where} is damaged: ${found.split('\n')[0]!}; ${RESTORE}`, { cause })
}
