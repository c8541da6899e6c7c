/** A scan: what to read of a table's state, and the forms in which its rows are had. Nothing happens until one is asked for. */
import type { Row, RowFormat } from '../codec/arrow-rows.ts'
import { appendRows } from '../codec/arrow-rows.ts'
import { keepColumns } from '../codec/arrow-rows-keep.ts'
import { asArrowTable, prepareArrow } from '../codec/arrow-table.ts'
import type { ColumnBatch } from '../codec/columns.ts'
import { invalid } from '../errors.ts'
import { bindPredicate } from '../spec/bind.ts'
import { TRUE } from '../spec/bound-logic.ts'
import type { BoundPredicate, Predicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSchema } from '../spec/metadata.ts'
import { checkFlag } from '../spec/option-names.ts'
import { NAME_MAPPING_PROPERTY, parseNameMapping } from '../spec/name-mapping.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { Field, Schema } from '../spec/types.ts'
import type { TableFiles } from '../store/table-files.ts'
import { countRows } from './count.ts'
import { planScan } from './plan.ts'
import { fieldsToRead, projectedSchema, selectFields } from './projection.ts'
import { readBatches } from './read.ts'
import type { ReadWishes } from './read.ts'
import { iterateBlocks } from './row-iterator.ts'
import type { ManifestLists, PlanRequest, ScanPlan } from './task.ts'

export interface ScanOptions extends RowFormat {
  /**
   * Columns of the result, in this order; default all. A dotted name gives the struct with that field in it. An empty
   * list gives an empty object for each row.
   */
  readonly select?: readonly string[] | undefined
  /** Only rows for which this is true. */
  readonly where?: Predicate | undefined
  /** At most so many rows: reading ends when they are there. */
  readonly limit?: number | undefined
  /** Only rows that were appended after this snapshot, an ancestor of the one that is read. */
  readonly since?: Snapshot | undefined
  /** Files that are read ahead at the same time; default 8. Their bytes are limited too. */
  readonly concurrency?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a scan shows of an Arrow table: any version of apache-arrow understands it. */
export interface ArrowTable {
  readonly numRows: number
  readonly numCols: number
  readonly schema: { readonly fields: readonly { readonly name: string; readonly nullable: boolean }[] }
  readonly batches: readonly ArrowRecordBatch[]
  getChild(name: string): { get(index: number): unknown; readonly length: number } | null
  toArray(): unknown[]
}

export interface ArrowRecordBatch {
  readonly numRows: number
  readonly numCols: number
  readonly schema: { readonly fields: readonly { readonly name: string; readonly nullable: boolean }[] }
}

/**
 * The rows of a state of a table. Each form reads anew. Order: files as the manifests list them, rows as in the files.
 *
 * Requests: the manifest list, each manifest that may matter, and for each data file that may: one if it is small, else
 * one for its footer and one for each stretch of up to 16 MiB that is wanted.
 *
 * Errors: `invalid-argument` for columns that do not exist; `corrupt` naming a file that is missing or damaged;
 * `unsupported` naming what the table holds that this version cannot read; `aborted`; `denied`, `unavailable`.
 */
export interface Scan<R = Row> extends AsyncIterable<R> {
  /** The columns of the result. */
  readonly schema: Schema
  /** All rows. */
  toArray(): Promise<R[]>
  /** All rows as one Arrow table, with the types that Iceberg gives its columns. */
  toArrow(): Promise<ArrowTable>
  /** The rows as Arrow record batches of at most 131,072 rows. */
  batches(): AsyncIterableIterator<ArrowRecordBatch>
  /** How many rows there are; files of which every row matches are counted without being read. */
  count(): Promise<number>
  /** Which files would be read, and how much was ruled out. */
  plan(): Promise<ScanPlan>
}

export interface ScanInput {
  readonly files: TableFiles
  readonly metadata: TableMetadata
  /** The state to read; undefined: a table without any. */
  readonly snapshot: Snapshot | undefined
  /** The schema to read it with; default the table's current one. */
  readonly schema?: Schema | undefined
  readonly options?: ScanOptions | undefined
  /** Where manifest lists come from, if somebody keeps them. */
  readonly cache?: ManifestLists | undefined
}

/** A scan of a table's state. No request, and no error, before rows are asked for. */
export function createScan(input: ScanInput): Scan {
  return new TableScan(input)
}

/** A scan whose wishes have been checked. */
interface Resolved {
  readonly schema: Schema
  readonly fields: readonly Field[]
  readonly projected: Schema
  readonly wishes: ReadWishes
  readonly request: PlanRequest
}

class TableScan implements Scan {
  readonly #input: ScanInput
  readonly #options: ScanOptions
  #resolved: Resolved | undefined

  constructor(input: ScanInput) {
    this.#input = input
    this.#options = input.options ?? {}
  }

  get schema(): Schema {
    return this.#resolve().projected
  }

  [Symbol.asyncIterator](): AsyncIterator<Row> {
    return iterateBlocks(this.#rowBlocks(), this.#options.signal)
  }

  async toArray(): Promise<Row[]> {
    const { fields, wishes } = this.#resolve()
    const rows: Row[] = []
    const blocks = readBatches(wishes, (batch, selected) => appendRows(batch, fields, this.#options, selected, rows))
    for await (const _ of blocks) continue
    return rows
  }

  async toArrow(): Promise<ArrowTable> {
    const { projected } = this.#resolve()
    prepareArrow()
    const batches: ColumnBatch[] = []
    for await (const batch of this.#columns()) batches.push(batch)
    return (await asArrowTable(projected, batches)) as unknown as ArrowTable
  }

  async *batches(): AsyncGenerator<ArrowRecordBatch> {
    const { projected } = this.#resolve()
    prepareArrow()
    for await (const batch of this.#columns()) {
      const table = (await asArrowTable(projected, [batch])) as unknown as ArrowTable
      yield* table.batches
    }
  }

  async count(): Promise<number> {
    return countRows(this.#resolve().wishes)
  }

  async plan(): Promise<ScanPlan> {
    return planScan(this.#resolve().request)
  }

  async *#rowBlocks(): AsyncGenerator<Row[]> {
    const { fields, wishes } = this.#resolve()
    yield* readBatches(wishes, (batch, selected) => {
      const rows: Row[] = []
      appendRows(batch, fields, this.#options, selected, rows)
      return rows
    })
  }

  async *#columns(): AsyncGenerator<ColumnBatch> {
    const { fields, wishes } = this.#resolve()
    const bytes = { ...wishes, dictionaries: false }
    yield* readBatches(bytes, (batch, selected) => keepColumns(batch, fields, selected))
  }

  #resolve(): Resolved {
    return (this.#resolved ??= resolve(this.#input, this.#options))
  }
}

function resolve(input: ScanInput, options: ScanOptions): Resolved {
  const { files, metadata, snapshot } = input
  const schema = input.schema ?? currentSchema(metadata)
  const fields = selectFields(schema, options.select)
  const predicate: BoundPredicate = options.where === undefined ? TRUE : bindPredicate(options.where, schema)
  checkFlag('scan', 'json', options.json)
  const { timestamps } = options
  if (timestamps !== undefined && timestamps !== 'date' && timestamps !== 'micros') {
    invalid(`timestamps must be 'date' or 'micros'; found '${String(timestamps)}'`)
  }
  const request: PlanRequest = {
    files,
    metadata,
    snapshot,
    schema,
    columns: fieldsToRead(schema, fields, predicate),
    predicate,
    since: options.since,
    signal: options.signal,
    cache: input.cache,
  }
  const mapping = metadata.properties[NAME_MAPPING_PROPERTY]
  const wishes: ReadWishes = {
    request,
    fields,
    nameMapping: mapping === undefined ? undefined : parseNameMapping(mapping),
    limit: positiveOr(options.limit, Infinity, 'limit', 0),
    concurrency: positiveOr(options.concurrency, DEFAULT_CONCURRENCY, 'concurrency', 1),
  }
  return { schema, fields, projected: projectedSchema(schema, fields), wishes, request }
}

/** Enough to keep one connection's worth of S3 busy while a processor decodes; see docs/decisions/scan-prefetch.md. */
const DEFAULT_CONCURRENCY = 8

function positiveOr(value: number | undefined, fallback: number, name: string, least: number): number {
  if (value === undefined) return fallback
  if (value === Infinity || (Number.isSafeInteger(value) && value >= least)) return value
  return invalid(`${name} must be an integer from ${least} on; found ${String(value)}`)
}
