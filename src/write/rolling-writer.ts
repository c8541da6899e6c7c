/**
 * Endless input into data files, with bounded memory: row groups are encoded and uploaded while rows still come, files
 * are ended at the target size, and few are open at a time: rows of other partitions wait for more of their own.
 */
import type { ColumnBatch } from '../codec/columns.ts'
import { rowGroupPieces } from '../codec/parquet-writer.ts'
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { ObjectStore } from '../store/store.ts'
import { openDataFile, type OpenFile } from './open-file.ts'
import { createPartitioner, type Part } from './partitioner.ts'
import { createSorter } from './sort.ts'
import { ByteQueue } from './byte-queue.ts'
import { WaitingParts } from './waiting-parts.ts'
import type { WriteContext } from './write-context.ts'

/** What has been written so far. */
export interface WriteProgress {
  readonly rows: number
  /** Bytes of finished and unfinished files. */
  readonly bytes: number
  /** Finished files. */
  readonly files: number
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each batch. What it throws ends the write. */
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined
}

/** Files that take rows at a time; each is an upload, and holds a row group in memory. */
const MAX_OPEN_FILES = 64
/** Columns that wait, in all open files together, for their row groups to be full. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024
/** Files whose last bytes are on their way to the store: each is an open file or a connection. */
const MAX_ENDING_FILES = 64
/** Rows of partitions that wait for a file, when as many are open as may be. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024
/** Encoded bytes of one file that wait for the store to take them. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024

/**
 * Writes all rows of `batches` to data files, partitioned; rows of a batch are sorted among themselves. When it fails or
 * is cancelled, what it wrote is deleted as far as possible: no commit can name it yet.
 *
 * Requests: one put per file, or a multipart upload where a file is longer than a part.
 */
export async function writeDataFiles(
  batches: AsyncIterable<ColumnBatch>,
  context: WriteContext,
  store: ObjectStore,
  options: WriteOptions = {},
): Promise<DataFile[]> {
  const writer = new RollingWriter(context, store, options.signal)
  try {
    for await (const batch of batches) {
      throwIfAborted(options.signal, 'the append')
      await writer.write(batch)
      options.onProgress?.(writer.progress())
    }
    const files = await writer.finish()
    options.onProgress?.(writer.progress())
    return files
  } catch (error) {
    await writer.discard(error)
    throw error
  }
}

interface Upload {
  readonly key: string
  readonly file: OpenFile
  readonly queue: ByteQueue
  /** Settles when the store has all of the file. */
  readonly done: Promise<void>
}

class RollingWriter {
  readonly #context: WriteContext
  readonly #store: ObjectStore
  readonly #signal: AbortSignal | undefined
  readonly #partitioner: (batch: ColumnBatch) => readonly Part[]
  readonly #sort: (batch: ColumnBatch) => ColumnBatch
  readonly #open = new Map<string, Upload>()
  readonly #waiting = new WaitingParts(MAX_WAITING_BYTES)
  readonly #ending = new Set<Promise<void>>()
  readonly #keys: string[] = []
  readonly #finished: DataFile[] = []
  /** The first upload that failed: also one whose rows are all handed over must end the write soon. */
  #failure: { readonly error: unknown } | undefined
  #rows = 0
  #bytes = 0

  constructor(context: WriteContext, store: ObjectStore, signal: AbortSignal | undefined) {
    this.#context = context
    this.#store = store
    this.#signal = signal
    this.#partitioner = createPartitioner(context.spec, context.schema)
    const sorter = createSorter(context.sortOrder, context.schema)
    this.#sort = sorter === undefined ? (batch) => batch : (batch) => sorter.sort(batch)
  }

  progress(): WriteProgress {
    return { rows: this.#rows, bytes: this.#bytes, files: this.#finished.length }
  }

  async write(batch: ColumnBatch): Promise<void> {
    for (const part of this.#partitioner(batch)) {
      const sorted = this.#sort(part.batch)
      if (this.#open.size >= MAX_OPEN_FILES && !this.#open.has(part.key)) this.#waiting.add(part, sorted)
      else await this.#writeAll(part, [...this.#waiting.takeBefore(part), sorted])
    }
    for (const { part, batches } of this.#waiting.takeExcess()) await this.#writeAll(part, batches)
  }

  async finish(): Promise<DataFile[]> {
    for (const { part, batches } of this.#waiting.takeAll()) await this.#writeAll(part, batches)
    for (const [key, upload] of this.#open) await this.#end(key, upload)
    await Promise.all(this.#ending)
    return this.#finished
  }

  /** Ends all uploads with the error, and deletes what they may have left. Never fails. */
  async discard(error: unknown): Promise<void> {
    const pending = [...this.#ending, ...Array.from(this.#open.values(), ({ done }) => done)]
    for (const { queue } of this.#open.values()) queue.fail(error)
    await Promise.allSettled(pending)
    // Without the caller's signal: it may be what ended the write.
    if (this.#keys.length > 0) await this.#store.delete(this.#keys).catch(() => undefined)
  }

  async #writeAll(part: Part, batches: readonly ColumnBatch[]): Promise<void> {
    for (const batch of batches) {
      for (const piece of rowGroupPieces(batch, this.#context.parquet)) await this.#writePiece(part, piece)
    }
  }

  async #writePiece(part: Part, piece: ColumnBatch): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    const upload = this.#open.get(part.key) ?? (await this.#start(part))
    await this.#push(upload, await upload.file.writeAhead(piece))
    this.#rows += piece.length
    if (upload.file.isFull) await this.#end(part.key, upload)
    await this.#limitPending()
  }

  async #start(part: Part): Promise<Upload> {
    if (this.#open.size >= MAX_OPEN_FILES) {
      const [key, largest] = this.#largest(({ file }) => file.size + file.pendingBytes)
      await this.#end(key, largest)
    }
    const file = await openDataFile(this.#context, part.tuple)
    const queue = new ByteQueue(MAX_QUEUED_BYTES)
    const { key } = file.name
    this.#keys.push(key)
    const upload: Upload = { key, file, queue, done: this.#put(key, queue) }
    // Whoever waits for the queue learns of a failure; this keeps it from being reported as unhandled before.
    upload.done.catch((error: unknown) => {
      this.#failure ??= { error }
      queue.fail(error)
    })
    this.#open.set(part.key, upload)
    return upload
  }

  async #put(key: string, queue: ByteQueue): Promise<void> {
    const result = await this.#store.put(key, queue, {
      contentType: 'application/vnd.apache.parquet',
      signal: this.#signal,
    })
    if (result.outcome === 'written') return
    const cause = result.outcome === 'unknown' ? result.cause : undefined
    throw new DataShardError('unavailable', `the data file ${key} could not be written (${result.outcome})`, { cause })
  }

  async #push(upload: Upload, parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      this.#bytes += part.length
      await upload.queue.push(part)
    }
  }

  async #end(key: string, upload: Upload): Promise<void> {
    // First: an upload whose file cannot be finished is still open, and is ended with the others.
    await this.#push(upload, await upload.file.flush())
    const { parts, dataFile } = upload.file.finish()
    this.#open.delete(key)
    const ending = upload.done.then(() => {
      this.#finished.push(dataFile)
      this.#ending.delete(ending)
    })
    ending.catch(() => undefined)
    this.#ending.add(ending)
    await this.#push(upload, parts)
    upload.queue.end()
    while (this.#ending.size > MAX_ENDING_FILES) await Promise.race(this.#ending)
  }

  /** Many partitions, each far from a full row group, would add up: the fullest is ended early. */
  async #limitPending(): Promise<void> {
    const total = () => Array.from(this.#open.values()).reduce((sum, { file }) => sum + file.pendingBytes, 0)
    while (total() > MAX_PENDING_BYTES) {
      const [, upload] = this.#largest(({ file }) => file.pendingBytes)
      await this.#push(upload, await upload.file.flush())
    }
  }

  #largest(size: (upload: Upload) => number): [string, Upload] {
    return [...this.#open].reduce((a, b) => (size(b[1]) > size(a[1]) ? b : a))
  }
}
