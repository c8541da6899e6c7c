/** From tasks to decoded batches: files opened and pieces fetched ahead, decoded one after the other. */
import type { ReadBatch } from '../codec/arrow-rows-column.ts'
import type { DecodedRowGroup } from '../codec/parquet-reader-decode.ts'
import { openRowGroup, prepareDecoder } from '../codec/parquet-reader-decode.ts'
import { throwIfAborted } from '../errors.ts'
import { takeSignal } from '../runtime.ts'
import type { NameMapping } from '../spec/name-mapping.ts'
import type { Field } from '../spec/types.ts'
import type { FetchedGroup } from './expand-ahead.ts'
import { expandAhead, startThreadFor } from './expand-ahead.ts'
import { matchingRows } from './filter.ts'
import { mapInOrder } from './in-order.ts'
import { streamTasks } from './plan.ts'
import type { FetchedPiece, FilePiece, GroupToRead } from './read-file.ts'
import { fetchPiece, openTask } from './read-file.ts'
import type { FileScanTask, PlanRequest } from './task.ts'

/** What is to be read. */
export interface ReadWishes {
  readonly request: PlanRequest
  /** The fields of the result; the batches may have more, for the filter. */
  readonly fields: readonly Field[]
  readonly nameMapping: NameMapping | undefined
  /** Whether strings may come as dictionaries; default true. */
  readonly dictionaries?: boolean
  /** Rows at most. */
  readonly limit: number
  /** Files read ahead at most. */
  readonly concurrency: number
}

/**
 * Takes what it wants of a batch, at once: the arrays are views of the decoder's memory, which anybody's next call of
 * the decoder, or encoder, may move.
 *
 * @param selected Positions of the rows that match; undefined: all do.
 */
export type BatchConsumer<T> = (batch: ReadBatch, selected: Int32Array | undefined) => T

/** Which files to read. */
export type TaskSource = (request: PlanRequest) => AsyncIterable<FileScanTask>

/** Bytes that were fetched and wait to be decoded, at most (a single piece may be larger). */
const AHEAD_BYTES = 64 * 1024 * 1024

/** What `consume` makes of each batch of matching rows, in order. Reading ahead ends with the consumer. */
export async function* readBatches<T>(
  wishes: ReadWishes,
  consume: BatchConsumer<T>,
  tasks: TaskSource = streamTasks,
): AsyncGenerator<T> {
  throwIfAborted(wishes.request.signal, 'the scan')
  if (wishes.limit === 0) return
  const end = new AbortController()
  takeSignal(end.signal)
  const { signal } = wishes.request
  const both = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal])
  const request = { ...wishes.request, signal: both }
  let left = wishes.limit
  const groups = expandAhead(fetchedPieces({ ...wishes, request }, both, tasks))
  try {
    for (;;) {
      const { done, value: group } = await groups.next()
      if (done === true) return
      const decoded = await openGroup(group, signal)
      try {
        for (let i = 0; i < decoded.batchCount && left > 0; i++) {
          const batch = decoded.batch(i)
          const selected = matchingRows(batch, group.residual, left)
          const count = selected?.length ?? batch.length
          if (count === 0) continue
          left -= count
          yield consume(batch, selected)
        }
      } finally {
        decoded.free()
      }
      if (left === 0) return
    }
  } finally {
    // First: what reads ahead would wait for what it is fetching before it returns.
    end.abort()
    await groups.return(undefined).catch(() => undefined)
  }
}

async function openGroup(group: FetchedGroup, signal: AbortSignal | undefined): Promise<DecodedRowGroup> {
  try {
    throwIfAborted(signal, 'the scan')
    return await openRowGroup(group.plan, group.rowGroup, await group.expand())
  } finally {
    group.release()
  }
}

async function* fetchedPieces(
  wishes: ReadWishes,
  signal: AbortSignal,
  tasks: TaskSource,
): AsyncGenerator<FetchedPiece> {
  const { request, fields, nameMapping, concurrency, dictionaries = true } = wishes
  const { files, schema } = request
  const read = { files, schema, fields, nameMapping, dictionaries, signal }
  const opened = mapInOrder(upToLimit(tasks(request), wishes.limit), (task) => openTask(task, read), {
    count: concurrency,
    weight: AHEAD_BYTES,
    weigh: ({ dataFile }) => Math.min(Number(dataFile.fileSizeBytes), OPEN_BYTES),
  })
  prepareDecoder().catch(() => undefined)
  yield* mapInOrder(startThreadFor(piecesUpToLimit(opened, wishes.limit)), fetchPiece, {
    count: concurrency,
    weight: AHEAD_BYTES,
    weigh: (piece) => piece.byteLength,
  })
}

/** What opening a file reads at most, in nearly all cases. */
const OPEN_BYTES = 8 * 1024 * 1024

/** No more files than hold `limit` rows, as far as that is known before they are read. */
async function* upToLimit(tasks: AsyncIterable<FileScanTask>, limit: number): AsyncGenerator<FileScanTask> {
  let certain = 0
  for await (const task of tasks) {
    yield task
    if (task.residual.op === 'true') certain += Number(task.dataFile.recordCount)
    if (certain >= limit) return
  }
}

/** The same with row groups, whose footers may know more. */
async function* piecesUpToLimit(opened: AsyncIterable<readonly FilePiece[]>, limit: number): AsyncGenerator<FilePiece> {
  let certain = 0
  for await (const pieces of opened) {
    for (const piece of pieces) {
      const groups: GroupToRead[] = []
      for (const group of piece.groups) {
        if (certain >= limit) break
        groups.push(group)
        if (group.residual.op === 'true') certain += group.rowCount
      }
      if (groups.length > 0) yield { ...piece, groups }
      if (certain >= limit) return
    }
  }
}
