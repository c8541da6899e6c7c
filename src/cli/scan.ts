/** `datashard scan`: rows of a table, or of an earlier state, on stdout or into a file. */
import { invalid } from '../errors.ts'
import type { Schema } from '../spec/types.ts'
import { type AsOfOptions, asOfOption, snapshotIdOption } from './as-of.ts'
import type { CommandCall } from './command-spec.ts'
import { withTable } from './location.ts'
import type { RowWriter } from './output/row-writer.ts'
import type { Sink } from './output/sink.ts'
import { type Progress, countOf, formatDuration, startProgress } from './progress.ts'
import { type Session, note, printResult, terminalWidth } from './session.ts'
import type { OUTPUT_FORMAT_NAMES } from './shared-options.ts'

type OutputFormat = (typeof OUTPUT_FORMAT_NAMES)[number]

interface ScanCommandOptions extends AsOfOptions {
  readonly select?: readonly string[]
  readonly where?: string
  readonly limit?: number
  readonly since?: string
  readonly count?: boolean
  readonly format?: OutputFormat
  readonly output?: string
  readonly timestamps?: 'iso' | 'micros'
  readonly null?: string
}

type Call = CommandCall<ScanCommandOptions>

export async function run(call: Call): Promise<void> {
  const { session, args, options } = call
  const format = chooseFormat(session, options)
  const asOf = asOfOption(options)
  const since = options.since === undefined ? undefined : { snapshotId: snapshotIdOption('--since', options.since) }
  const select = options.select?.flatMap((list) => list.split(',').map((name) => name.trim()))
  const where = options.where === undefined ? undefined : (await import('./where.ts')).parseWhere(options.where)
  await withTable(session, args[0]!, async (table) => {
    const scan = table.scan({
      ...(select !== undefined && { select }),
      ...(where !== undefined && { where }),
      ...(options.limit !== undefined && { limit: options.limit }),
      ...(asOf !== undefined && { asOf }),
      ...(since !== undefined && { since }),
      timestamps: 'micros',
      signal: session.signal,
    })
    if (options.count === true) {
      const count = await scan.count()
      await printResult(session, { count }, () => `${count}\n`)
      return
    }
    await writeRows(call, format, scan.schema, scan as AsyncIterable<Record<string, unknown>>)
  })
}

const BY_EXTENSION: Readonly<Record<string, OutputFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  csv: 'csv',
  tsv: 'tsv',
  parquet: 'parquet',
  arrow: 'arrow',
  arrows: 'arrow',
}

function chooseFormat({ options: common, io }: Session, options: ScanCommandOptions): OutputFormat {
  const { format, output } = options
  if (common.json === true && format !== undefined && format !== 'ndjson' && format !== 'json') {
    invalid(`--json is --format ndjson; give one of it and --format ${format}`)
  }
  const extension = output === undefined ? undefined : /\.(\w+)$/.exec(output)?.[1]?.toLowerCase()
  const chosen =
    format ?? (common.json === true ? 'ndjson' : extension === undefined ? undefined : BY_EXTENSION[extension])
  if (output !== undefined && chosen === undefined) invalid(`the name ${output} tells no format; give --format`)
  const isBinary = chosen === 'parquet' || chosen === 'arrow'
  if (isBinary && output === undefined && io.stdout.isTTY === true) {
    invalid(`${chosen} is not for a terminal: give --output FILE, or pipe it somewhere`)
  }
  return chosen ?? 'table'
}

async function writeRows(
  { session, options }: Call,
  format: OutputFormat,
  schema: Schema,
  rows: AsyncIterable<Record<string, unknown>>,
): Promise<void> {
  const sink = await openSink(session, options.output)
  const toTerminal = options.output === undefined && session.io.stdout.isTTY === true
  const progress = toTerminal ? undefined : startProgress(session, 'scanned')
  let count = 0
  try {
    const writer = await openWriter(session, format, schema, sink, options)
    for await (const row of rows) {
      const pending = writer.write(row)
      if (pending) await pending
      count++
      progress?.add({ rows: 1 })
      if (sink.closed) break
    }
    await writer.end()
    await sink.end()
  } catch (error) {
    await sink.discard()
    throw error
  } finally {
    progress?.end()
  }
  if (options.output !== undefined) note(session, wrote(options.output, count, sink, progress))
  else if (format === 'table' && toTerminal) note(session, countOf(count, 'row'))
}

function wrote(output: string, count: number, sink: Sink, progress: Progress | undefined): string {
  const took = progress === undefined ? '' : ` in ${formatDuration(progress.elapsedMs)}`
  return `${countOf(count, 'row')}, ${countOf(sink.bytes, 'byte')} to ${output}${took}`
}

async function openSink(session: Session, output: string | undefined): Promise<Sink> {
  if (output === undefined || output === '-') {
    const { streamSink } = await import('./output/sink.ts')
    return streamSink(session.io.stdout)
  }
  const { fileSink } = await import('./output/file-sink.ts')
  return fileSink(output, session.runtime)
}

async function openWriter(
  session: Session,
  format: OutputFormat,
  schema: Schema,
  sink: Sink,
  options: ScanCommandOptions,
): Promise<RowWriter> {
  if (format === 'parquet' || format === 'arrow') {
    const { createColumnarWriter } = await import('./output/columnar-writer.ts')
    return createColumnarWriter(format, schema, sink)
  }
  const { createRowWriter } = await import('./output/row-writer.ts')
  const { timestamps } = options
  return createRowWriter(format, schema, sink, {
    ...(timestamps !== undefined && { timestamps }),
    nullText: options.null,
    width: options.output === undefined ? terminalWidth(session) : undefined,
    onHidden: (columns) => note(session, `${columns} more columns do not fit; --select chooses, --json shows all`),
  })
}
