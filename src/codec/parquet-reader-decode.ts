/** One row group through parquet-wasm. */
import { DataShardError } from '../errors.ts'
import type { ReadBatch } from './arrow-rows-column.ts'
import { findChunkDamage } from './parquet-checksum.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { RESTORE } from './parquet-footer.ts'
import { convertBatch } from './parquet-reader-columns.ts'
import type { ExcerptChunk } from './parquet-reader-excerpt.ts'
import { completeLeaves, encodeExcerpt } from './parquet-reader-excerpt.ts'
import type { FieldSource } from './parquet-reader-fields.ts'
import { leavesToRead } from './parquet-reader-fields.ts'
import type { ArrayView } from './parquet-reader-memory.ts'
import { viewArray } from './parquet-reader-memory.ts'
import type { PlainChunk } from './parquet-reader-pages.ts'
import { decompressChunk } from './parquet-reader-pages.ts'
import { shapesOf } from './parquet-reader-shape.ts'
import { readerWasm, replaceReaderWasm } from './parquet-reader-wasm.ts'
import type { ParquetWasm } from './wasm.ts'
import type { Decompress } from './zstd.ts'
import { loadZstd } from './zstd.ts'

/** How the rows of a file are to be read. */
export interface DecodePlan {
  readonly footer: ParquetFooter
  readonly sources: readonly FieldSource[]
  /** All columns that must be fetched. */
  readonly leaves: ReadonlySet<number>
  /** Names the file in errors. */
  readonly where: string
  /** Repeated strings come as dictionaries: right for whoever makes strings of them, slower for who copies bytes. */
  readonly dictionaries: boolean
}

/** The plan that gives the fields of `sources` in their order. */
export function decodePlan(
  footer: ParquetFooter,
  sources: readonly FieldSource[],
  where: string,
  dictionaries = true,
): DecodePlan {
  return { footer, sources, leaves: completeLeaves(footer.root, leavesToRead(sources)), where, dictionaries }
}

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
 * @param bytesOf The bytes of a column as they are in the file.
 * @throws `corrupt` if the bytes are not what the footer says. A panic of the decoder is `corrupt` too, and the decoder is replaced.
 */
export async function openRowGroup(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: (leaf: number) => Uint8Array,
): Promise<DecodedRowGroup> {
  const { rowCount } = plan.footer.rowGroups[rowGroup]!
  if (plan.leaves.size === 0 || rowCount === 0) return constantRowGroup(plan, rowCount)
  const excerpt = await excerptOf(plan, rowGroup, bytesOf)
  const wasm = await readerWasm()
  const stream = attempt(plan, wasm, () => wasm.readParquet(excerpt, { batchSize: batchSizeOf(rowCount) }).intoFFI())
  const memory = () => (wasm.wasmMemory() as unknown as { buffer: ArrayBuffer }).buffer
  const view = (i: number) => viewArray(memory(), stream.arrayAddr(i), stream.schemaAddr())
  return decodedRowGroup(plan, rowCount, stream.numArrays(), view, () => stream.free())
}

function batchSizeOf(rowCount: number): number {
  return Math.min(rowCount, BATCH_ROWS)
}

async function excerptOf(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: (leaf: number) => Uint8Array,
): Promise<Uint8Array> {
  const { chunks } = plan.footer.rowGroups[rowGroup]!
  const hasZstd = Array.from(plan.leaves).some((leaf) => chunks[leaf]!.codec === CODEC_ZSTD)
  const decompress = hasZstd ? await loadZstd() : undefined
  const chunkOf = (leaf: number): Uint8Array | ExcerptChunk => {
    const bytes = bytesOf(leaf)
    checkChunk(plan, leaf, bytes, chunks[leaf]!.crc)
    const plain = chunks[leaf]!.codec === CODEC_ZSTD ? plainChunk(plan, bytes, decompress) : undefined
    return plain === undefined ? bytes : { ...plain, isPlain: true }
  }
  return encodeExcerpt({ ...plan, rowGroup, dictionaries: dictionariesOf(plan, rowGroup) }, chunkOf)
}

/** Of parquet.thrift. */
const CODEC_ZSTD = 6

function plainChunk(plan: DecodePlan, bytes: Uint8Array, decompress: Decompress | undefined): PlainChunk | undefined {
  if (decompress === undefined) return undefined
  try {
    return decompressChunk(bytes, decompress)
  } catch (error) {
    return damaged(plan, error instanceof Error ? error.message : String(error), error)
  }
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
 * @throws As {@link openRowGroup}.
 */
export async function decodeRowGroup(
  plan: DecodePlan,
  rowGroup: number,
  bytesOf: (leaf: number) => Uint8Array,
  consume: (batch: ReadBatch) => void,
): Promise<void> {
  const decoded = await openRowGroup(plan, rowGroup, bytesOf)
  try {
    for (let i = 0; i < decoded.batchCount; i++) consume(decoded.batch(i))
  } finally {
    decoded.free()
  }
}

/** What has a checksum is what it was when it was written, or nothing is read of its column. */
function checkChunk(plan: DecodePlan, leaf: number, bytes: Uint8Array, crc: number | undefined): void {
  const damage = findChunkDamage(bytes, crc)
  if (damage !== undefined) damaged(plan, `${damage} in column '${plan.footer.leaves[leaf]!.name}'`)
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

/** Strings at the top whose pages are all dictionary-encoded: each value is decoded once, however often it occurs. */
function dictionariesOf(plan: DecodePlan, rowGroup: number): ReadonlySet<number> {
  const { chunks } = plan.footer.rowGroups[rowGroup]!
  const leaves = new Set<number>()
  if (!plan.dictionaries) return leaves
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

function damaged(plan: DecodePlan, found: string, cause?: unknown): never {
  throw new DataShardError('corrupt', `${plan.where} is damaged: ${found.split('\n')[0]!}; ${RESTORE}`, { cause })
}
