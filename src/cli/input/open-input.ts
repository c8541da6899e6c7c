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
import { type CoerceOptions, csvRowCoercer, jsonRowCoercer } from '../../input/coerce.ts'
import { readCsv } from '../../input/csv.ts'
import { type InputFormat, formatOf } from '../../input/format.ts'
import { createInference } from '../../input/infer.ts'
import { decodeText } from '../../input/lines.ts'
import { type TextRecord, readJson, readNdjson } from '../../input/ndjson.ts'
import { type Positions, positionText, trackPositions } from './positions.ts'
import { rowError } from '../../input/row-error.ts'

export interface InputOptions extends CoerceOptions {
  readonly stdin: Readable
  readonly signal: AbortSignal
  readonly format?: InputFormat | undefined
  readonly delimiter?: string | undefined
  readonly unknownColumns?: 'error' | 'ignore' | undefined
  /** Called with the length of what is read, before it is unpacked. */
  readonly onBytes?: (bytes: number) => void
  /** Called with the number of rows that come next. */
  readonly onRows?: (rows: number) => void
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

/** Records of a text format that came in together, with the file that they are from. */
interface RecordGroup {
  readonly records: readonly TextRecord[]
  readonly file: string
  readonly isCsv: boolean
}

const COLUMNAR: readonly InputFormat[] = ['parquet', 'arrow']

/** A sample is kept in memory. */
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
  const firstFormat = formatOf(first, options.format, options.delimiter !== undefined)
  const sources = async function* (): Sources {
    yield { source: first, format: firstFormat }
    for (const path of paths.slice(1)) {
      const source = await openSource(path, options)
      const format = formatOf(source, options.format, options.delimiter !== undefined)
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
  const groups = readRecords(sources, options)
  const sample: RecordGroup[] = []
  return {
    kind: 'rows',
    positions,
    async infer(sampleRows) {
      const inference = createInference(options.mixedAsText)
      const wanted = Math.min(sampleRows, MAX_SAMPLE_ROWS)
      while (inference.rows < wanted) {
        const next = await groups.next()
        if (next.done === true) break
        const { records, file, isCsv } = next.value
        for (const { row, line } of records.slice(0, wanted - inference.rows)) {
          if (isCsv) inference.addTexts(row, options.nullText ?? '')
          else inference.addJson(row, positionText({ file, line }))
        }
        sample.push(next.value)
      }
      return inference.schema(name)
    },
    async *rows(schema) {
      const convert = createConverter(schema, options)
      for (const group of sample.splice(0)) yield* convert(group, positions)
      for await (const group of groups) yield* convert(group, positions)
    },
  }
}

async function* readRecords(sources: Sources, options: InputOptions): AsyncGenerator<RecordGroup> {
  for await (const { source, format } of sources) {
    const file = source.name
    const isCsv = format === 'csv' || format === 'tsv'
    const groups = isCsv
      ? readCsv(source.chunks, file, { delimiter: delimiterOf(options.delimiter, format) })
      : format === 'json'
        ? readJson(decodeText(source.chunks, file), file)
        : readNdjson(decodeText(source.chunks, file), file)
    for await (const records of groups) yield { records, file, isCsv }
  }
}

/** @throws DataShardError `invalid-argument` if it is not one character. */
function delimiterOf(given: string | undefined, format: InputFormat): string {
  if (given === undefined) return format === 'tsv' ? '\t' : ','
  // What a shell passes on unchanged.
  if (given === '\\t' || given === 'tab') return '\t'
  if (given.length !== 1 || given === '"') invalid(`--delimiter '${given}' is not one character`)
  return given
}

type Convert = (group: RecordGroup, positions: Positions) => Generator<Row>

/** Records to rows of this schema. What fails is named by its file and line. */
function createConverter(schema: Schema, options: InputOptions): Convert {
  const fromCsv = csvRowCoercer(schema, options)
  const fromJson = jsonRowCoercer(schema, options)
  let checkedFile: string | undefined
  return function* ({ records, file, isCsv }, positions) {
    if (isCsv && checkedFile !== file) checkHeader(schema, records[0]!.row, file, options)
    checkedFile = file
    const coerce = isCsv ? fromCsv : fromJson
    options.onRows?.(records.length)
    for (const { row, line } of records) {
      positions.add(file, line)
      try {
        coerce(row)
      } catch (error) {
        if (!DataShardError.is(error)) throw error
        throw rowError(file, line, error.message, error)
      }
      yield row
    }
  }
}

/** All rows of a CSV file have the columns of its header: what is wrong with them is said once, and there. */
function checkHeader(schema: Schema, row: Row, file: string, options: InputOptions): void {
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
        options.onRows?.(rows)
        yield batch
      }
    },
  }
}
