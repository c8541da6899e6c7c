/**
 * Rows on their way into data files. Small appends (the usual case in a function) are kept in memory as columns and become
 * one file with their neighbours; larger ones are written as they stream in.
 */
import { isArrow } from '../codec/arrow-input.ts'
import { batchBytes } from '../codec/column-size.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import type { AppendedFile } from '../commit/append.ts'
import { isCertain } from '../commit/certainty.ts'
import type { Sighting } from '../commit/custody.ts'
import { sighting } from '../commit/custody.ts'
import { invalid, throwIfAborted } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import { describeValue } from '../spec/describe.ts'
import type { TableFiles } from '../store/table-files.ts'
import { encodeDataFiles } from '../write/encode.ts'
import type { AppendInput } from '../write/input.ts'
import { readArray, readBatches } from '../write/input.ts'
import type { WriteProgress } from '../write/rolling-writer.ts'
import { writeDataFiles } from '../write/rolling-writer.ts'
import type { WriteContext } from '../write/write-context.ts'

/** What of an append's options is about its rows. */
export interface StageOptions {
  readonly unknownColumns?: 'error' | 'ignore'
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (progress: WriteProgress) => void
  /** Keeps an array's rows as columns however large they are: some of them may be dropped again. */
  readonly inMemory?: boolean
}

/** Input of at most this many bytes in memory is committed together with its neighbours. */
const SMALL_APPEND_BYTES = 8 * 1024 * 1024
/** Arrays of at most this many rows are checked to their last row before the first byte is written. */
const CHECKED_FIRST_ROWS = 250_000

/** Rows that are ready for a commit: as columns in memory, or in data files that lie in the store already. */
export interface Staged {
  readonly context: WriteContext
  readonly batches: readonly ColumnBatch[]
  /** Files that this append wrote, to be deleted if it is given up. */
  readonly written: readonly DataFile[]
  /** When the first of the files was begun; undefined if there is none. */
  readonly begun?: Sighting
  /** Files of the caller's, to be left alone whatever happens. */
  readonly adopted?: readonly DataFile[]
  readonly rows: number
}

/** Reads the input to its end: small input stays in memory, larger input is in data files when this returns. */
export async function stage(
  input: AppendInput,
  context: WriteContext,
  files: TableFiles,
  options: StageOptions,
): Promise<Staged> {
  throwIfAborted(options.signal, 'the append')
  const unknownColumns = options.unknownColumns ?? 'error'
  if (unknownColumns !== 'error' && unknownColumns !== 'ignore') {
    invalid(`unknownColumns is ${describeValue(unknownColumns)}, expected 'error' or 'ignore'`)
  }
  if (Array.isArray(input) && input.length <= CHECKED_FIRST_ROWS && !isArrow(input[0])) {
    const batches = readArray(input, context.schema, { unknownColumns })
    if (options.inMemory || bytesIn(batches) <= SMALL_APPEND_BYTES)
      return { context, batches, written: [], rows: rowsIn(batches) }
    return writeAll(fromArray(batches), context, files, options)
  }
  const source = readBatches(input, context.schema, { unknownColumns, signal: options.signal })[Symbol.asyncIterator]()
  const buffered: ColumnBatch[] = []
  let bytes = 0
  for (;;) {
    const next = await source.next()
    if (next.done) return { context, batches: buffered, written: [], rows: rowsIn(buffered) }
    buffered.push(next.value)
    bytes += bytesIn([next.value])
    if (bytes > SMALL_APPEND_BYTES) return writeAll(chain(buffered, source), context, files, options)
  }
}

async function writeAll(
  batches: AsyncIterable<ColumnBatch>,
  context: WriteContext,
  files: TableFiles,
  options: StageOptions,
): Promise<Staged> {
  const begun = sighting(context.runtime)
  const written = await writeDataFiles(batches, context, files.store, {
    signal: options.signal,
    onProgress: options.onProgress,
  })
  const rows = Number(written.reduce((sum, file) => sum + file.recordCount, 0n))
  return { context, batches: [], written, begun, rows }
}

/** Batches of appends with one schema and spec become files together; nothing is sent yet. */
export async function encodeStaged(parts: readonly Staged[], files: TableFiles): Promise<readonly AppendedFile[]> {
  const groups = new Map<string, { context: WriteContext; batches: ColumnBatch[] }>()
  for (const part of parts) {
    if (part.batches.length === 0) continue
    const { schema, spec, sortOrder } = part.context
    const name = `${schema.schemaId}/${spec.specId}/${sortOrder.orderId}`
    const group = groups.get(name) ?? { context: part.context, batches: [] }
    group.batches.push(...part.batches)
    groups.set(name, group)
  }
  const encoded: AppendedFile[] = []
  for (const { context, batches } of groups.values()) encoded.push(...(await encodeDataFiles(batches, context)))
  const inPlace = parts.flatMap((part) => [...part.written, ...(part.adopted ?? [])])
  return [...encoded, ...inPlace.map((dataFile) => uploaded(files, dataFile))]
}

function uploaded(files: TableFiles, dataFile: DataFile): AppendedFile {
  return { dataFile, key: files.resolve(dataFile.path), bytes: undefined }
}

/** Only when it is certain that no version names them may staged files be deleted. */
export async function discard(files: TableFiles, written: readonly DataFile[], error: unknown): Promise<void> {
  if (written.length === 0 || !isCertain(error)) return
  await files.store.delete(written.map((file) => files.resolve(file.path))).catch(() => undefined)
}

function rowsIn(batches: readonly ColumnBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.length, 0)
}

function bytesIn(batches: readonly ColumnBatch[]): number {
  return batches.reduce((sum, batch) => sum + batchBytes(batch), 0)
}

async function* fromArray(batches: readonly ColumnBatch[]): AsyncIterable<ColumnBatch> {
  yield* batches
}

/** First what was read already, then the rest; ends the source when its consumer stops early. */
async function* chain(head: readonly ColumnBatch[], rest: AsyncIterator<ColumnBatch>): AsyncIterable<ColumnBatch> {
  try {
    yield* head
    for (;;) {
      const next = await rest.next()
      if (next.done) return
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}
