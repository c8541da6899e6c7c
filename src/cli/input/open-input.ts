/**
 * Everything that `append` and `create --infer` read: files and stdin of any format, one after the other, as rows that
 * the table takes, or as record batches when the files are columnar.
 */
import { access } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { DataShardError, invalid } from '../../errors.ts'
import { nearMisses } from '../../spec/describe.ts'
import type { Schema } from '../../spec/types.ts'
import { fileError, openSource } from './byte-source.ts'
import type { ColumnarFiles, Sources } from './columnar.ts'
import { type CoerceOptions, csvRowCoercer, jsonRowCoercer } from './coerce.ts'
import { readCsv } from './csv.ts'
import { type InputFormat, formatOf } from './format.ts'
import { createInference } from './infer.ts'
import { decodeText } from './lines.ts'
import { type TextRecord, readJson, readNdjson } from './ndjson.ts'
import { type Positions, positionText, trackPositions } from './positions.ts'
import { rowError } from './row-error.ts'

export interface InputOptions extends CoerceOptions {
  readonly stdin: Readable
  readonly signal: AbortSignal
  readonly format?: InputFormat | undefined
  readonly delimiter?: string | undefined
  readonly unknownColumns?: 'error' | 'ignore' | undefined
  readonly onBytes?: (bytes: number) => void
}

export type Row = Record<string, unknown>

/** Input that is open; its rows are to be read once. */
export type OpenInput = TextInput | ColumnarInput

interface AnyInput {
  /** A schema from the beginning of the input, which is still read as a whole afterwards. */
  infer(sampleRows: number): Promise<Schema>
  readonly positions: Positions
}

/** Text formats. */
export interface TextInput extends AnyInput {
  readonly kind: 'rows'
  rows(schema: Schema): AsyncGenerator<Row>
}

/** Parquet and Arrow. */
export interface ColumnarInput extends AnyInput {
  readonly kind: 'batches'
  /** Arrow record batches. */
  batches(): AsyncGenerator<unknown>
}

/** A record of a text format with the file that it comes from. */
interface FileRecord extends TextRecord {
  readonly file: string
  readonly isCsv: boolean
}

const COLUMNAR: readonly InputFormat[] = ['parquet', 'arrow']

/** A sample of this many characters is enough, however few rows it has; it is kept in memory. */
const MAX_SAMPLE_ROWS = 1_000_000

/**
 * @param paths files in the order in which their rows come; `-` is stdin.
 * @throws DataShardError `not-found` for files that are not there, `invalid-argument` for formats that cannot be told.
 */
export async function openInput(paths: readonly string[], options: InputOptions): Promise<OpenInput> {
  for (const path of paths) {
    if (path !== '-') {
      await access(path).catch((error: unknown) => {
        throw fileError(error, path)
      })
    }
  }
  if (paths.filter((path) => path === '-').length > 1) invalid("stdin ('-') can be read only once")
  const first = await openSource(paths[0]!, options)
  const firstFormat = formatOf(first, options.format)
  const sources = async function* (): Sources {
    yield { source: first, format: firstFormat }
    for (const path of paths.slice(1)) {
      const source = await openSource(path, options)
      const format = formatOf(source, options.format)
      if (COLUMNAR.includes(format) !== COLUMNAR.includes(firstFormat)) {
        invalid(
          `${source.name} is ${format} and ${first.name} is ${firstFormat}: append text and columnar files separately`,
        )
      }
      yield { source, format }
    }
  }
  return COLUMNAR.includes(firstFormat) ? columnarInput(sources(), options) : textInput(sources(), options, first.name)
}

function textInput(sources: Sources, options: InputOptions, name: string): TextInput {
  const positions = trackPositions()
  const records = readRecords(sources, options)
  const sample: FileRecord[] = []
  return {
    kind: 'rows',
    positions,
    async infer(sampleRows) {
      const inference = createInference()
      while (sample.length < Math.min(sampleRows, MAX_SAMPLE_ROWS)) {
        const next = await records.next()
        if (next.done === true) break
        const { row, file, line, isCsv } = next.value
        if (isCsv) inference.addTexts(row, options.nullText ?? '')
        else inference.addJson(row, positionText({ file, line }))
        sample.push(next.value)
      }
      return inference.schema(name)
    },
    async *rows(schema) {
      const convert = createConverter(schema, options)
      for (const record of sample.splice(0)) yield convert(record, positions)
      for await (const record of records) yield convert(record, positions)
    },
  }
}

async function* readRecords(sources: Sources, options: InputOptions): AsyncGenerator<FileRecord> {
  for await (const { source, format } of sources) {
    const file = source.name
    const isCsv = format === 'csv' || format === 'tsv'
    const records = isCsv
      ? readCsv(source.chunks, file, { delimiter: options.delimiter ?? (format === 'tsv' ? '\t' : ',') })
      : format === 'json'
        ? readJson(decodeText(source.chunks, file), file)
        : readNdjson(decodeText(source.chunks, file), file)
    for await (const { line, row } of records) yield { line, row, file, isCsv }
  }
}

/** Records to rows of this schema. What fails is named by its file and line. */
function createConverter(schema: Schema, options: InputOptions): (record: FileRecord, positions: Positions) => Row {
  const fromCsv = csvRowCoercer(schema, options)
  const fromJson = jsonRowCoercer(schema, options)
  let checkedFile: string | undefined
  return (record, positions) => {
    if (record.isCsv && checkedFile !== record.file) {
      checkHeader(schema, record, options)
      checkedFile = record.file
    }
    positions.add(record.file, record.line)
    try {
      return record.isCsv ? fromCsv(record.row) : fromJson(record.row)
    } catch (error) {
      if (!DataShardError.is(error)) throw error
      throw rowError(record.file, record.line, error.message, error)
    }
  }
}

/** All rows of a CSV file have the columns of its header: what is wrong with them is said once, and there. */
function checkHeader(schema: Schema, { row, file }: FileRecord, options: InputOptions): void {
  const names = new Set(schema.fields.map((field) => field.name))
  const unknown = Object.keys(row).find((name) => !names.has(name))
  if (unknown !== undefined && options.unknownColumns !== 'ignore') {
    const near = nearMisses(unknown, names)
    const hint = near.length > 0 ? `did you mean '${near[0]}'?` : '--unknown-columns ignore drops it'
    throw rowError(file, 1, `the header has the column '${unknown}', which the table does not have; ${hint}`)
  }
  const missing = schema.fields.find((field) => field.required && !Object.hasOwn(row, field.name))
  if (missing !== undefined) {
    throw rowError(file, 1, `the header lacks the column '${missing.name}', which the table requires`)
  }
}

function columnarInput(sources: Sources, options: InputOptions): ColumnarInput {
  const positions = trackPositions()
  let files: Promise<ColumnarFiles> | undefined
  const opened = () => {
    files ??= import('./columnar.ts').then((columnar) => columnar.openColumnar(sources, options.onBytes ?? (() => {})))
    return files
  }
  return {
    kind: 'batches',
    positions,
    infer: async () => (await opened()).schema,
    async *batches() {
      for await (const { file, rows, batch } of (await opened()).batches) {
        positions.addRows(file, rows)
        yield batch
      }
    },
  }
}
