/**
 * Appending: rows become data files while they come in, appends of one process that meet share a commit, and each gets
 * its own answer. Small appends (the usual case in a function) are kept in memory as columns and become one file with
 * their neighbours; larger ones are written as they stream in.
 */
import { batchBytes } from '../codec/column-size.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import type { AppendedFile, ManifestListCache } from '../commit/append.ts'
import { appendChange } from '../commit/append.ts'
import { isCertain } from '../commit/certainty.ts'
import type { Committer } from '../commit/commit.ts'
import { DEFAULT_TIMEOUT_MS } from '../commit/commit.ts'
import type { GroupContext } from '../commit/group.ts'
import { GroupCommit, Withdrawn } from '../commit/group.ts'
import { DataShardError, invalid, throwIfAborted, unsupported } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import { checkWritable } from '../spec/properties.ts'
import type { TableFiles } from '../store/table-files.ts'
import { encodeDataFiles } from '../write/encode.ts'
import { isArrow } from '../codec/arrow-input.ts'
import type { AppendInput } from '../write/input.ts'
import { readArray, readBatches } from '../write/input.ts'
import type { WriteProgress } from '../write/rolling-writer.ts'
import { writeDataFiles } from '../write/rolling-writer.ts'
import type { WriteContext } from '../write/write-context.ts'
import { writeTarget } from './write-target.ts'

export interface AppendOptions {
  /** What to do with columns that the table does not have. Default `error`. */
  readonly unknownColumns?: 'error' | 'ignore'
  /** Cancels: before the version is sent nothing is committed (`aborted`), afterwards the answer is what happened. */
  readonly signal?: AbortSignal | undefined
  /** How long to go on against other writers once the rows are ready; default 30,000. */
  readonly timeoutMs?: number | undefined
  /** Called while a large input is written. */
  readonly onProgress?: (progress: WriteProgress) => void
  /** Not in this version: refused with `unsupported`, so that nobody believes in a promise that is not kept. */
  readonly idempotencyKey?: string
  readonly idempotencyKeys?: readonly string[]
}

/** What became of an append. */
export interface AppendResult {
  /** The version that holds the rows; the current one if there were none. */
  readonly version: number
  /** The snapshot that added them; the current one, or -1n in an empty table, if there were none. */
  readonly snapshotId: bigint
  /** Creates that were tried; 0 if there was nothing to commit. */
  readonly attempts: number
  /** Whether an earlier append with the same key had committed these rows. Always false in this version. */
  readonly replayed: boolean
  readonly rows: number
  readonly replayedKeys: readonly string[]
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
  /** Files of the caller's, to be left alone whatever happens. */
  readonly adopted?: readonly DataFile[]
  readonly rows: number
}

interface Part extends Staged {
  readonly deadlineMs: number
}

export interface AppenderOptions {
  readonly committer: Committer
  readonly files: TableFiles
  readonly lists: ManifestListCache
  readonly summary: Readonly<Record<string, string>>
}

export class Appender {
  readonly #options: AppenderOptions
  readonly #group: GroupCommit<Part, AppendResult>

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#group = new GroupCommit((parts, context) => this.#commit(parts, context))
  }

  async append(input: AppendInput, options: AppendOptions = {}): Promise<AppendResult> {
    refuseKeys(options)
    checkTimeout(options.timeoutMs)
    const { committer } = this.#options
    const { runtime } = committer.place
    checkWritable(committer.head.metadata, committer.place.location)
    const context = writeTarget(committer.head.metadata, this.#options.files, runtime)
    const staged = await stage(input, context, this.#options.files, options)
    if (staged.rows === 0) return nothingAppended(committer)
    const deadlineMs = runtime.monotonic() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    try {
      return await this.#group.submit({ ...staged, deadlineMs }, options.signal)
    } catch (error) {
      await discard(this.#options.files, staged.written, error)
      throw error
    }
  }

  /** Resolves when nothing is queued or in flight. */
  idle(): Promise<void> {
    return this.#group.idle()
  }

  async #commit(parts: readonly Part[], group: GroupContext): Promise<readonly AppendResult[]> {
    const { committer, files, lists, summary } = this.#options
    const { runtime } = committer.place
    const appended = await encodeStaged(parts, files)
    const folded = parts.length > 1 ? { 'datashard.appends': String(parts.length) } : {}
    const change = appendChange({ files, runtime, lists, appended, summary: { ...summary, ...folded } })
    const timeoutMs = Math.max(...parts.map((part) => part.deadlineMs)) - runtime.monotonic()
    const beforeCreate = () => {
      group.check()
      const late = parts.flatMap((part, index) => (part.deadlineMs <= runtime.monotonic() ? [index] : []))
      if (late.length > 0 && late.length < parts.length) throw new Withdrawn(late, tooLate(files.location))
    }
    try {
      const done = await committer.commit(change, { signal: group.signal, timeoutMs, beforeCreate })
      return parts.map((part) => ({
        version: done.head.version,
        snapshotId: change.snapshotId,
        attempts: done.attempts,
        replayed: false,
        rows: part.rows,
        replayedKeys: [],
      }))
    } catch (error) {
      if (isCertain(error)) await committer.place.store.delete(change.written()).catch(() => undefined)
      throw error
    }
  }
}

/** Reads the input to its end: small input stays in memory, larger input is in data files when this returns. */
export async function stage(
  input: AppendInput,
  context: WriteContext,
  files: TableFiles,
  options: AppendOptions,
): Promise<Staged> {
  throwIfAborted(options.signal, 'the append')
  const unknownColumns = options.unknownColumns ?? 'error'
  if (unknownColumns !== 'error' && unknownColumns !== 'ignore') {
    invalid(`unknownColumns is ${JSON.stringify(unknownColumns)}, expected 'error' or 'ignore'`)
  }
  if (Array.isArray(input) && input.length <= CHECKED_FIRST_ROWS && !isArrow(input[0])) {
    const batches = readArray(input, context.schema, { unknownColumns })
    if (bytesIn(batches) <= SMALL_APPEND_BYTES) return { context, batches, written: [], rows: rowsIn(batches) }
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
  options: AppendOptions,
): Promise<Staged> {
  const written = await writeDataFiles(batches, context, files.store, {
    signal: options.signal,
    onProgress: options.onProgress,
  })
  return { context, batches: [], written, rows: Number(written.reduce((sum, file) => sum + file.recordCount, 0n)) }
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

export function nothingAppended(committer: Committer): AppendResult {
  const { version, metadata } = committer.head
  const snapshotId = metadata.currentSnapshotId ?? -1n
  return { version, snapshotId, attempts: 0, replayed: false, rows: 0, replayedKeys: [] }
}

export function refuseKeys(options: AppendOptions): void {
  if (options.idempotencyKey !== undefined || options.idempotencyKeys !== undefined) {
    unsupported('idempotency keys are not in this version of DataShard; append without one, at least once per row')
  }
}

/** Also for callers without types: a text or NaN would make a deadline that never comes. */
export function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs > 0)) return
  invalid(`timeoutMs is ${String(timeoutMs)}, expected a number of milliseconds above 0`)
}

function tooLate(location: string): DataShardError {
  return new DataShardError(
    'commit-contention',
    `the append to ${location} ran out of its time against other writers; nothing of it was committed`,
  )
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
