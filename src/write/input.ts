/** What users append, as columns: rows from anything that can be iterated, and Arrow data. */
import { fromArrow, isArrow, type ArrowInput } from '../codec/arrow-input.ts'
import { createBuilder, type BatchBuilder } from '../codec/column-builder.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import { describeValue } from '../spec/describe.ts'
import type { Schema } from '../spec/types.ts'

/**
 * Rows as an array, any iterable or async iterable (generators and streams among them), an Arrow table or record batch, or
 * an iterable of record batches.
 */
export type AppendInput<Row = unknown> =
  | Iterable<Row>
  | AsyncIterable<Row>
  | ReadableStream<Row>
  | ArrowInput
  | Iterable<ArrowInput>
  | AsyncIterable<ArrowInput>

export interface InputOptions {
  /** What happens to a key that no column has. Default `error`. */
  readonly unknownColumns?: 'error' | 'ignore' | undefined
  /** Rows of a batch. Default 65,536. */
  readonly maxBatchRows?: number | undefined
  /** Bytes of a batch in memory, about. Default 4 MiB. */
  readonly maxBatchBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const MAX_BATCH_ROWS = 65_536
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** Rows that are taken from an iterator before they go into columns, and what they may come to in bytes. */
const MAX_BLOCK_ROWS = 1024
const MAX_BLOCK_BYTES = 1024 * 1024
/** A block has at most so many times the rows of the one before: the next rows may be larger than the last. */
const BLOCK_GROWTH = 8

/**
 * Everything of an input, checked. Rows are numbered from 0 over the whole input. An iterator is closed when the
 * consumer stops or a row is refused; what it throws itself is passed on as it is.
 *
 * @throws `invalid-argument` for the first row that does not fit, `aborted` as soon as the signal fires.
 */
export async function* readBatches(
  input: AppendInput,
  schema: Schema,
  options: InputOptions = {},
): AsyncGenerator<ColumnBatch, void, undefined> {
  throwIfAborted(options.signal, 'the append')
  if (Array.isArray(input) && !isArrow(input[0])) return yield* arrayBatches(input, schema, options)
  if (isArrow(input)) {
    yield* fromArrow(input, schema, rules(options))
    return
  }
  yield* iterableBatches(rowsOf(input), schema, options)
}

/** As {@link readBatches}, for rows that are all there: synchronous, because most appends are. */
export function readArray(rows: readonly unknown[], schema: Schema, options: InputOptions = {}): ColumnBatch[] {
  return [...arrayBatches(rows, schema, options)]
}

function* arrayBatches(rows: readonly unknown[], schema: Schema, options: InputOptions): Generator<ColumnBatch> {
  const collector = new Collector(schema, options)
  for (let from = 0; from < rows.length;) {
    const to = Math.min(rows.length, from + collector.room)
    const batch = collector.add(rows, from, to)
    throwIfAborted(options.signal, 'the append')
    if (batch !== undefined) yield batch
    from = to
  }
  const last = collector.finish()
  if (last !== undefined) yield last
}

async function* iterableBatches(
  items: AsyncIterable<unknown> | Iterable<unknown>,
  schema: Schema,
  options: InputOptions,
): AsyncGenerator<ColumnBatch, void, undefined> {
  const collector = new Collector(schema, options)
  const room = () => collector.room
  const blocks =
    Symbol.asyncIterator in items ? asyncBlocks(items, room, options.signal) : syncBlocks(items, room, options.signal)
  for await (const block of blocks) {
    if (isArrow(block[0])) yield* arrowBlock(block, collector, schema, options)
    else {
      if (collector.arrowRows > 0 || isArrow(block.at(-1))) mixed()
      const batch = collector.add(block, 0, block.length)
      if (batch !== undefined) yield batch
    }
  }
  const last = collector.finish()
  if (last !== undefined) yield last
}

function* arrowBlock(
  block: readonly unknown[],
  collector: Collector,
  schema: Schema,
  options: InputOptions,
): Generator<ColumnBatch> {
  for (const item of block) {
    if (!isArrow(item) || collector.rows > 0) mixed()
    const batches = fromArrow(item, schema, { ...rules(options), firstRow: collector.arrowRows })
    for (const batch of batches) collector.arrowRows += batch.length
    yield* batches
  }
}

function mixed(): never {
  return invalid('the input mixes rows with Arrow record batches; append one or the other')
}

/** Fills a builder until a batch is full. */
class Collector {
  /** Rows taken so far. */
  rows = 0
  arrowRows = 0
  /** How many rows to bring next: one while nothing is known about their size, then more and more. */
  room = 1
  readonly #builder: BatchBuilder
  readonly #maxRows: number
  readonly #maxBytes: number

  constructor(schema: Schema, options: InputOptions) {
    this.#builder = createBuilder(schema, rules(options))
    this.#maxRows = options.maxBatchRows ?? MAX_BATCH_ROWS
    this.#maxBytes = options.maxBatchBytes ?? MAX_BATCH_BYTES
  }

  /** Takes rows, at most {@link room} of them; gives back a batch if it is full. */
  add(rows: readonly unknown[], from: number, to: number): ColumnBatch | undefined {
    this.#builder.appendRows(rows, from, to, this.rows)
    this.rows += to - from
    const { length, byteSize } = this.#builder
    const full = length >= this.#maxRows || byteSize >= this.#maxBytes
    if (to > from) {
      const fitting = Math.max(1, Math.floor((MAX_BLOCK_BYTES * length) / Math.max(1, byteSize)))
      const left = full ? this.#maxRows : this.#maxRows - length
      this.room = Math.min(fitting, (to - from) * BLOCK_GROWTH, MAX_BLOCK_ROWS, left)
    }
    return full ? this.#builder.finish() : undefined
  }

  finish(): ColumnBatch | undefined {
    return this.#builder.length === 0 ? undefined : this.#builder.finish()
  }
}

function rules(options: InputOptions): { unknownColumns: 'error' | 'ignore' } {
  return { unknownColumns: options.unknownColumns ?? 'error' }
}

function rowsOf(input: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof input === 'object' && input !== null) {
    if (Symbol.asyncIterator in input) return input as AsyncIterable<unknown>
    if (Symbol.iterator in input) return input as Iterable<unknown>
    if ('getReader' in input) return streamRows(input as ReadableStream<unknown>)
    if (input instanceof Promise) invalid('found a Promise, expected rows; await it first')
  }
  return invalid(
    `found ${describeValue(input)}, expected rows: an array, an iterable or async iterable of objects, or Arrow data` +
      (typeof input === 'object' && input !== null ? '; for one row, append [row]' : ''),
  )
}

/** A stream of another realm, or of a polyfill, need not be iterable. */
async function* streamRows(stream: ReadableStream<unknown>): AsyncGenerator<unknown> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function* syncBlocks(
  items: Iterable<unknown>,
  room: () => number,
  signal: AbortSignal | undefined,
): Generator<unknown[], void, undefined> {
  let block: unknown[] = []
  for (const item of items) {
    block.push(item)
    if (block.length < room() && !isArrow(item)) continue
    throwIfAborted(signal, 'the append')
    yield block
    block = []
  }
  if (block.length > 0) yield block
}

async function* asyncBlocks(
  items: AsyncIterable<unknown>,
  room: () => number,
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown[], void, undefined> {
  let block: unknown[] = []
  for await (const item of signal === undefined ? items : abortable(items, signal)) {
    block.push(item)
    if (block.length < room() && !isArrow(item)) continue
    yield block
    block = []
  }
  if (block.length > 0) yield block
}

/**
 * The same items; once the signal fires, no further one is waited for. The iterator is closed without waiting for it,
 * since it may be stuck in the very wait that was cancelled.
 */
async function* abortable<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]()
  // One listener for all waits: racing each of them against one promise would keep them all alive until the end.
  let cancel: ((reason: unknown) => void) | undefined
  const aborted = () => new DataShardError('aborted', 'the append was cancelled', { cause: signal.reason })
  const onAbort = () => cancel?.(aborted())
  signal.addEventListener('abort', onAbort)
  let isOpen = true
  try {
    for (;;) {
      if (signal.aborted) throw aborted()
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        cancel = reject
        iterator.next().then(resolve, (error: unknown) => {
          isOpen = false
          reject(error)
        })
      })
      if (next.done === true) {
        isOpen = false
        return
      }
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    if (isOpen) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
