/** `datashard append`: rows from files or stdin, in one commit or in many. */
import { DataShardError, invalid } from '../errors.ts'
import type { AppendOptions, AppendResult } from '../table/append.ts'
import type { Table } from '../table/table.ts'
import type { CommandCall } from './command-spec.ts'
import { DEFAULT_SAMPLE_ROWS } from './create.ts'
import { type DesignOptions, readSchemaOption, tableDesign } from './design-options.ts'
import { inPieces } from './input/batching.ts'
import type { TimestampUnit } from '../input/coerce.ts'
import type { InputFormat } from '../input/format.ts'
import { type OpenInput, openInput } from './input/open-input.ts'
import { type Positions, positionText } from './input/positions.ts'
import { type OpenLocation, openLocation } from './location.ts'
import { type Progress, countOf, formatBytes, formatDuration, startProgress } from './progress.ts'
import { schemaToText } from './schema-text.ts'
import { type Session, note, printResult } from './session.ts'

interface AppendCommandOptions extends DesignOptions {
  readonly format?: InputFormat
  readonly delimiter?: string
  readonly null?: string
  readonly timestamps?: TimestampUnit
  readonly unknownColumns?: 'error' | 'ignore'
  readonly mixedAsText?: boolean
  readonly asFiles?: boolean
  readonly batchRows?: number
  readonly batchSeconds?: number
  readonly writer?: string
  readonly timeout?: number
  readonly create?: boolean
  readonly infer?: boolean
  readonly sample?: number
}

type Call = CommandCall<AppendCommandOptions>

/** What all commits of one call came to. */
interface Total {
  rows: number
  commits: number
  attempts: number
  last: AppendResult | undefined
}

export async function run({ session, args, options }: Call): Promise<void> {
  const [location, ...given] = args as [string, ...string[]]
  checkOptions(options)
  await using place = await openLocation(session, location, options.writer)
  if (options.asFiles === true) return appendReadyFiles(session, place, given, options)
  if (given.length === 0 && session.io.stdin.isTTY === true) {
    invalid('no files are named, and stdin is a terminal: name files, or pipe rows into it')
  }
  const progress = startProgress(session, 'appending')
  try {
    const input = await openInput(given.length === 0 ? ['-'] : given, {
      stdin: session.io.stdin,
      signal: session.signal,
      format: options.format,
      delimiter: options.delimiter,
      nullText: options.null,
      timestamps: options.timestamps,
      timestampHint: 'say what it counts: --timestamps seconds|millis|micros',
      unknownColumns: options.unknownColumns,
      mixedAsText: options.mixedAsText,
      onBytes: (bytes) => progress.add({ bytes }),
      onRows: (rows) => progress.add({ rows }),
    })
    await using table = await openOrCreate(session, place, input, options)
    const total = await appendInput(session, table, input, options, progress)
    progress.end()
    await report(session, table, total, progress)
  } finally {
    progress.end()
  }
}

function checkOptions(options: AppendCommandOptions): void {
  const designs = [
    options.infer && '--infer',
    options.schema && '--schema',
    options.partition && '--partition',
    options.sort && '--sort',
  ]
  const design = designs.find((name) => typeof name === 'string')
  if (options.create !== true && design !== undefined) invalid(`${design} is for a new table: give --create as well`)
  if (options.create === true && options.infer !== true && options.schema === undefined) {
    invalid('--create needs --schema, or --infer')
  }
  if (options.infer === true && options.schema !== undefined) invalid('give one of --schema and --infer')
  if (options.asFiles === true && options.create === true)
    invalid('--as-files cannot create the table; use `create --infer`')
}

/** The table; a new one if there is none and `--create` was given. */
async function openOrCreate(
  session: Session,
  place: OpenLocation,
  input: OpenInput,
  options: AppendCommandOptions,
): Promise<Table> {
  const { loadTable } = await import('../table/load.ts')
  try {
    return await loadTable(place.location, place.open)
  } catch (error) {
    if (!DataShardError.is(error, 'not-found')) throw error
    if (options.create !== true) {
      throw new DataShardError('not-found', `${error.message}; --create --infer makes one for these rows`, {
        cause: error,
      })
    }
  }
  const schema =
    options.schema === undefined ? await infer(session, input, options) : await readSchemaOption(options.schema)
  const { createTable } = await import('../table/create.ts')
  return createTable(place.location, { ...place.open, ...tableDesign(options), schema, ifNotExists: true })
}

async function infer(session: Session, input: OpenInput, options: AppendCommandOptions) {
  const schema = await input.infer(options.sample ?? DEFAULT_SAMPLE_ROWS)
  note(session, `new table with the columns ${schemaToText(schema)}`)
  return schema
}

async function appendInput(
  session: Session,
  table: Table,
  input: OpenInput,
  options: AppendCommandOptions,
  progress: Progress,
): Promise<Total> {
  const total: Total = { rows: 0, commits: 0, attempts: 0, last: undefined }
  const settings: AppendOptions = {
    signal: session.signal,
    ...(options.unknownColumns !== undefined && { unknownColumns: options.unknownColumns }),
    ...(options.timeout !== undefined && { timeoutMs: options.timeout * 1000 }),
  }
  const items: AsyncGenerator<unknown> = input.kind === 'rows' ? input.rows(table.schema) : input.batches()
  const ms = options.batchSeconds === undefined ? undefined : options.batchSeconds * 1000
  const pieces =
    options.batchRows === undefined && ms === undefined
      ? [items]
      : inPieces(items, { rows: options.batchRows, ms }, session.runtime)
  try {
    for await (const piece of pieces) {
      const result = await table.append(piece as AsyncIterable<Record<string, unknown>>, settings)
      total.rows += result.rows
      total.commits += result.attempts > 0 ? 1 : 0
      total.attempts += result.attempts
      total.last = result
    }
    return total
  } catch (error) {
    progress.end()
    throw withPosition(error, input.positions, total)
  }
}

/** A row that does not fit is named by its file and line; and whatever failed, what is committed already is said. */
function withPosition(error: unknown, positions: Positions, total: Total): unknown {
  if (!DataShardError.is(error)) return error
  const { row } = error.details
  const position = typeof row === 'number' ? positions.of(total.rows + row) : undefined
  let { message } = error
  let { details } = error
  if (position !== undefined) {
    const where = positionText(position)
    message = /^row \d+/.test(message) ? message.replace(/^row \d+(, )?/, `${where}: `) : `${where}: ${message}`
    const { file, line } = position
    details = { ...details, file, ...(line !== undefined && { line }) }
  }
  const were = total.rows === 1 ? 'was' : 'were'
  const committed = `${countOf(total.rows, 'row')} ${were} appended before, in ${countOf(total.commits, 'commit')}`
  if (total.commits > 0) message = `${message}\n${committed}; the last is version ${total.last!.version}`
  else if (error.code === 'aborted') message = `${message}; nothing was appended`
  const { code, retryable } = error
  return new DataShardError(code, message, {
    cause: error,
    retryable,
    committed: error.committed,
    details: { ...details, ...(total.commits > 0 && { rowsCommitted: total.rows, commits: total.commits }) },
  })
}

async function appendReadyFiles(
  session: Session,
  place: OpenLocation,
  files: readonly string[],
  options: AppendCommandOptions,
): Promise<void> {
  if (files.length === 0) invalid('--as-files needs the names of Parquet files')
  const progress = startProgress(session, 'appending')
  const { loadTable } = await import('../table/load.ts')
  await using table = await loadTable(place.location, place.open)
  const timeout = options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }
  const result = await table.appendFiles(files, { signal: session.signal, ...timeout })
  const total = { rows: result.rows, commits: result.attempts > 0 ? 1 : 0, attempts: result.attempts, last: result }
  await report(session, table, total, progress)
}

async function report(session: Session, table: Table, total: Total, progress: Progress): Promise<void> {
  const { rows, commits, attempts, last } = total
  const version = last?.version ?? table.version
  const document = {
    location: table.location,
    rows,
    commits,
    attempts,
    version,
    snapshotId: last === undefined || last.snapshotId === -1n ? null : String(last.snapshotId),
    elapsedMs: Math.round(progress.elapsedMs),
  }
  await printResult(session, document, () => {
    if (rows === 0) return `no rows; ${table.location} stays at version ${version}\n`
    const read = progress.bytes > 0 ? ` (${formatBytes(progress.bytes)} read)` : ''
    const where = commits > 1 ? `${countOf(commits, 'commit')}, the last is version ${version}` : `version ${version}`
    return `${countOf(rows, 'row')}${read} in ${formatDuration(progress.elapsedMs)}: ${where}\n`
  })
}
