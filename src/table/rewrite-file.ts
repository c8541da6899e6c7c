/**
 * A data file without the rows that match a predicate: read by the table's schema of now, so that renamed, widened and
 * added columns come out as a scan shows them, and written by its default partition spec and sort order.
 */
import { keepColumns } from '../codec/arrow-rows-keep.ts'
import type { ReadBatch } from '../codec/arrow-rows-column.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import { TRUE } from '../spec/bound-logic.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema } from '../spec/metadata.ts'
import { NAME_MAPPING_PROPERTY, parseNameMapping } from '../spec/name-mapping.ts'
import type { TableFiles } from '../store/table-files.ts'
import { matchingRows } from '../scan/filter.ts'
import { fieldsToRead } from '../scan/projection.ts'
import type { BatchConsumer } from '../scan/read.ts'
import { readBatches } from '../scan/read.ts'
import { refuseUnreadableColumns, refuseUnreadableFile } from '../scan/refusals.ts'
import type { FileScanTask } from '../scan/task.ts'
import type { EncodedFile } from '../write/encode.ts'
import { encodeDataFiles } from '../write/encode.ts'
import { writeDataFiles } from '../write/rolling-writer.ts'
import type { WriteContext } from '../write/write-context.ts'

export interface RewriteContext {
  readonly files: TableFiles
  readonly metadata: TableMetadata
  /** Bound to the current schema of `metadata`. Rows for which it is true go; where it is false or unknown they stay. */
  readonly predicate: BoundPredicate
  readonly target: WriteContext
  readonly signal: AbortSignal | undefined
}

/** What becomes of a file: no row goes, all do, or those that stay are in new files, which may still have to be put. */
export type Rewritten =
  | { readonly outcome: 'kept' }
  | { readonly outcome: 'dropped' }
  | { readonly outcome: 'encoded'; readonly encoded: readonly EncodedFile[] }
  | { readonly outcome: 'stored'; readonly stored: readonly DataFile[] }

/** A file of at most this size is read in one go and written from memory; of a larger one the filter's columns come first. */
const SMALL_FILE_BYTES = 8 * 1024 * 1024

/**
 * Requests: those of reading the file once, plus those of its filter columns and of writing what is left, both only where
 * the file is larger than 8 MiB; of a smaller one the new files are left to be put by the caller.
 *
 * @param task The file, and what is left of the predicate for its rows.
 * @throws `corrupt` for a damaged or missing file; `unsupported` if it is no plain Parquet.
 */
export async function withoutMatching(task: FileScanTask, context: RewriteContext): Promise<Rewritten> {
  const { dataFile } = task
  const { files, metadata, target, signal } = context
  refuseUnreadableFile(dataFile, files.location)
  refuseUnreadableColumns(currentSchema(metadata).fields, files.location)
  const rows = Number(dataFile.recordCount)
  const small = Number(dataFile.fileSizeBytes) <= SMALL_FILE_BYTES
  if (!small) {
    const matching = await countMatching(task, context)
    if (matching === 0) return { outcome: 'kept' }
    if (matching === rows) return { outcome: 'dropped' }
    const stored = await writeDataFiles(keptRows(task, context), target, files.store, { signal })
    return { outcome: 'stored', stored }
  }
  const kept: ColumnBatch[] = []
  for await (const batch of keptRows(task, context)) kept.push(batch)
  const keptCount = kept.reduce((sum, batch) => sum + batch.length, 0)
  if (keptCount === rows) return { outcome: 'kept' }
  if (keptCount === 0) return { outcome: 'dropped' }
  return { outcome: 'encoded', encoded: await encodeDataFiles(kept, target) }
}

/** The rows of a batch that do not match, as columns of their own; undefined if there are none. */
export function keptOf(batch: ReadBatch, predicate: BoundPredicate, schema: Fields): ColumnBatch | undefined {
  const matching = matchingRows(batch, predicate, Infinity)
  // Undefined means that all rows match.
  if (matching === undefined) return undefined
  return keepColumns(batch, schema.fields, matching.length === 0 ? undefined : others(batch.length, matching))
}

type Fields = Pick<ReturnType<typeof currentSchema>, 'fields'>

/** Positions below `length` that are not among some ascending ones. */
function others(length: number, positions: Int32Array): Int32Array {
  const found = new Int32Array(length - positions.length)
  let count = 0
  let next = 0
  for (let i = 0; i < length; i++) {
    if (positions[next] === i) next++
    else found[count++] = i
  }
  return found
}

async function* keptRows(task: FileScanTask, context: RewriteContext): AsyncGenerator<ColumnBatch, void, undefined> {
  const { metadata, predicate } = context
  const schema = currentSchema(metadata)
  // Every row is read, and judged by the whole predicate rather than by what metrics have left of it.
  const whole = { ...task, residual: TRUE }
  const read = readTask(whole, context, schema.fields, (batch) => keptOf(batch, predicate, schema))
  for await (const kept of read) if (kept !== undefined && kept.length > 0) yield kept
}

async function countMatching(task: FileScanTask, context: RewriteContext): Promise<number> {
  let count = 0
  const counts = readTask(task, context, [], (batch, selected) => selected?.length ?? batch.length)
  for await (const one of counts) count += one
  return count
}

function readTask<T>(
  task: FileScanTask,
  { files, metadata, predicate, signal }: RewriteContext,
  fields: ReturnType<typeof currentSchema>['fields'],
  consume: BatchConsumer<T>,
): AsyncGenerator<T> {
  const schema = currentSchema(metadata)
  const mapping = metadata.properties[NAME_MAPPING_PROPERTY]
  const wishes = {
    request: {
      files,
      metadata,
      snapshot: undefined,
      schema,
      columns: fieldsToRead(schema, fields, predicate),
      predicate,
      signal,
    },
    fields,
    nameMapping: mapping === undefined ? undefined : parseNameMapping(mapping),
    dictionaries: false,
    limit: Infinity,
    concurrency: 1,
  }
  return readBatches(wishes, consume, async function* () {
    yield task
  })
}
