/** What a handler is told, and its check when the function starts: a wrong option fails then, not at the first event. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DataShardError, invalid } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { resolveSchema } from '../spec/builder.ts'
import { describeValue } from '../spec/describe.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import type { ObjectStore } from '../store/store.ts'
import type { S3Options } from '../store/open.ts'
import { S3_OPTIONS } from '../store/open.ts'
import type { CreateTableOptions } from '../table/create.ts'
import { checkOpening } from '../table/open-place.ts'
import type { RowTypes } from '../table/row-types.ts'
import type { Table } from '../table/table.ts'
import type { LambdaLogger, LambdaMetrics, LambdaTracer } from './observe.ts'
import type { AnyBody, LambdaRow, SourceName, SourceRecord } from './record.ts'
import { SOURCE_NAMES } from './sources/detect.ts'
import type { Limits } from './sources/source.ts'

/** A table: by its location, as it is held, or from a function that is called once per instance of the function. */
export type TableInput = string | Pick<Table, 'location' | 'append'> | (() => Promise<AnyTable> | AnyTable)

/** A table of any row type. */
export type AnyTable = Pick<Table, 'location' | 'append'>

/** What `map` gives back: a row, several, or none (`[]`, null, undefined). */
export type MappedRows = LambdaRow | readonly LambdaRow[] | null | undefined

export interface AppendHandlerOptions<
  Schema extends StandardSchemaV1 = StandardSchemaV1<AnyBody, AnyBody>,
  S extends SourceName = SourceName,
> {
  /** Location, table, or a function that gives the table. It is opened at the first invocation and kept. */
  readonly table: TableInput
  /** Create the table when it is missing: schema, partitioning and the like. However many functions begin at once. */
  readonly create?: Omit<
    CreateTableOptions,
    'ifNotExists' | 'store' | 's3' | 'runtime' | 'signal' | 'onAppend' | 'writer'
  >
  /** The only source that events come from. Default: detected from each event. */
  readonly source?: S
  /** A Standard Schema (zod, valibot, arktype, ...), applied to `record.body`; `map` gets what comes out of it. */
  readonly schema?: Schema
  /** A record into rows. Default: the body is the row, or an array of rows. What it throws rejects the record. */
  readonly map?: (record: SourceRecord<StandardSchemaV1.InferOutput<Schema>>) => MappedRows | Promise<MappedRows>
  /**
   * Fields of rows that are no column of the table. `error` (default): the record is rejected. `ignore`: dropped. `rest`: kept as
   * JSON in the column `_rest`, which is added to the table when it is missing. `evolve`: added to the table's schema, with the
   * type that their values have.
   */
  readonly unknownColumns?: 'error' | 'ignore' | 'rest' | 'evolve'
  /**
   * `exactly-once` (default): idempotency keys for what the source delivers again. `at-least-once`: none, so that a redelivery
   * can append the same rows again, for the price of fewer requests.
   */
  readonly delivery?: 'exactly-once' | 'at-least-once'
  /**
   * What has a key of its own in ordered sources (Kinesis, DynamoDB, Kafka) and Firehose. `batch` (default): one key for the run
   * of records. `record`: one for each record, for event sources that split batches when a function fails.
   */
  readonly claims?: 'batch' | 'record'
  /**
   * Takes what cannot become a row, with the reason; the record then counts as done. Called at least once. Without it, and
   * without `deadLetter`, the record is reported to the source as failed.
   */
  readonly onReject?: (record: SourceRecord<unknown>, error: DataShardError) => void | Promise<void>
  /** A table for what cannot become a row; created when it is missing. See `DEAD_LETTER_SCHEMA`. */
  readonly deadLetter?: TableInput
  /** As for `loadTable`. */
  readonly s3?: S3Options
  /** As for `loadTable`. */
  readonly store?: ObjectStore
  /** As for `loadTable`. */
  readonly writer?: string
  /** As for `loadTable`. */
  readonly runtime?: Runtime
  /** Time kept back before the function's end, milliseconds. Default 1,500. */
  readonly marginMs?: number
  /** Largest body, unpacked. Default 64 MiB. */
  readonly maxUnpackedBytes?: number
  /** Largest HTTP request before it is unpacked. Default 6 MiB, what Lambda lets through. */
  readonly maxBodyBytes?: number
  /** Firehose: whether records that are in the table go on to the stream's destination. Default `pass`. */
  readonly firehose?: 'pass' | 'drop'
  /** Powertools' Logger, or anything like it. Default: warnings and errors as JSON lines. `false`: none. */
  readonly logger?: LambdaLogger | false
  /** Powertools' Metrics, or anything like it. Default: one line of CloudWatch's embedded metric format. `false`: none. */
  readonly metrics?: LambdaMetrics | { readonly namespace: string } | false
  /** Powertools' Tracer, or anything like it. */
  readonly tracer?: LambdaTracer
}

const HANDLER_OPTIONS: OptionNames<AppendHandlerOptions> = {
  table: true,
  create: true,
  source: true,
  schema: true,
  map: true,
  unknownColumns: true,
  delivery: true,
  claims: true,
  onReject: true,
  deadLetter: true,
  s3: true,
  store: true,
  writer: true,
  runtime: true,
  marginMs: true,
  maxUnpackedBytes: true,
  maxBodyBytes: true,
  firehose: true,
  logger: true,
  metrics: true,
  tracer: true,
}
const CREATE_OPTIONS: OptionNames<NonNullable<AppendHandlerOptions['create']>> = {
  schema: true,
  partitionBy: true,
  sortBy: true,
  properties: true,
  skipProbe: true,
}

/** Options with their defaults. */
export interface Settings extends AppendHandlerOptions {
  readonly unknownColumns: 'error' | 'ignore' | 'rest' | 'evolve'
  readonly exactlyOnce: boolean
  readonly runtime: Runtime
  readonly marginMs: number
  readonly limits: Limits
}

const DEFAULT_MARGIN_MS = 1_500
const DEFAULT_MAX_UNPACKED_BYTES = 64 * 1024 * 1024
/** What a synchronous invocation may carry. */
const DEFAULT_MAX_BODY_BYTES = 6 * 1024 * 1024

/** @throws `invalid-argument` naming the option. */
export function settingsOf<Schema extends StandardSchemaV1, S extends SourceName>(
  options: AppendHandlerOptions<Schema, S>,
): Settings {
  if (typeof options !== 'object' || options === null) {
    invalid(`appendHandler takes an object with a table; found ${describeValue(options)}`)
  }
  checkOptions<AppendHandlerOptions>('appendHandler', options as object as AppendHandlerOptions, HANDLER_OPTIONS)
  checkOptions('create of appendHandler', options.create, CREATE_OPTIONS)
  checkOptions('s3', options.s3, S3_OPTIONS)
  checkTable(options.table, 'table')
  if (options.deadLetter !== undefined) checkTable(options.deadLetter, 'deadLetter')
  oneOf(options, 'source', SOURCE_NAMES)
  oneOf(options, 'unknownColumns', ['error', 'ignore', 'rest', 'evolve'])
  oneOf(options, 'delivery', ['exactly-once', 'at-least-once'])
  oneOf(options, 'claims', ['batch', 'record'])
  oneOf(options, 'firehose', ['pass', 'drop'])
  for (const name of ['map', 'onReject'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'function') wrong(name, value, 'a function')
  }
  checkOpening(options)
  checkHelpers(options)
  if (options.marginMs === Infinity) wrong('marginMs', Infinity, 'milliseconds that end before the function does')
  for (const name of ['marginMs', 'maxUnpackedBytes', 'maxBodyBytes'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) wrong(name, value, 'a number from 0 on')
  }
  const validate: unknown = options.schema?.['~standard']?.validate
  if (options.schema !== undefined && typeof validate !== 'function') {
    wrong(
      'schema',
      options.schema,
      "a validator with the Standard Schema interface; the table's schema goes into create",
    )
  }
  if (options.create !== undefined && typeof options.table !== 'string') {
    invalid('appendHandler: create needs table to be a location')
  }
  if (options.create !== undefined) checkCreate(options.create)
  return {
    ...(options as unknown as AppendHandlerOptions),
    unknownColumns: options.unknownColumns ?? 'error',
    exactlyOnce: options.delivery !== 'at-least-once',
    runtime: options.runtime ?? systemRuntime,
    marginMs: options.marginMs ?? DEFAULT_MARGIN_MS,
    limits: {
      maxUnpackedBytes: options.maxUnpackedBytes ?? DEFAULT_MAX_UNPACKED_BYTES,
      maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
    },
  }
}

/** The schema of a table to be created, which is looked at again only when the table is missing. */
function checkCreate({ schema }: NonNullable<AppendHandlerOptions['create']>): void {
  try {
    resolveSchema(schema)
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    throw new DataShardError(error.code, `appendHandler: create.schema: ${error.message}`, { cause: error })
  }
}

/** Loggers and their like, by shape: what they lack shows when it is called, and what a 5 lacks should show at once. */
function checkHelpers(options: Pick<AppendHandlerOptions, 'logger' | 'metrics' | 'tracer' | 'store'>): void {
  for (const name of ['logger', 'metrics', 'tracer', 'store'] as const) {
    const value: unknown = options[name]
    const isOff = value === undefined || (value === false && (name === 'logger' || name === 'metrics'))
    if (isOff || typeof value === 'function' || (typeof value === 'object' && value !== null)) continue
    wrong(name, value, 'an object')
  }
}

function checkTable(value: unknown, name: string): void {
  if (typeof value === 'string' && value !== '') return
  if (typeof value === 'function') return
  if (typeof value === 'object' && value !== null && 'append' in value) return
  wrong(name, value, 'a location, a table, or a function that gives one')
}

function oneOf(options: object, name: string, allowed: readonly string[]): void {
  const value: unknown = (options as Record<string, unknown>)[name]
  if (value === undefined || allowed.includes(value as string)) return
  wrong(name, value, allowed.map((one) => `'${one}'`).join(', '))
}

function wrong(name: string, found: unknown, expected: string): never {
  throw new DataShardError(
    'invalid-argument',
    `appendHandler: ${name} is ${describeValue(found)}, expected ${expected}`,
  )
}

/** The handle that a `TableInput` comes to; a table has its own row types, which here are of no interest. */
export function asTable(table: AnyTable): Table<RowTypes> {
  return table as Table<RowTypes>
}
