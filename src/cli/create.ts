/** `datashard create`: a table, from a schema given or inferred. */
import { invalid } from '../errors.ts'
import type { SchemaInput } from '../spec/builder.ts'
import type { CommandCall } from './command-spec.ts'
import { type DesignOptions, readSchemaOption, tableDesign } from './design-options.ts'
import type { InputFormat } from '../input/format.ts'
import { openLocation } from './location.ts'
import { schemaToText } from './schema-text.ts'
import { schemaToJson } from '../spec/schema.ts'
import { type Session, note, printResult } from './session.ts'

interface CreateOptions extends DesignOptions {
  readonly infer?: string
  readonly sample?: number
  readonly format?: InputFormat
  readonly delimiter?: string
  readonly null?: string
  readonly mixedAsText?: boolean
  readonly ifNotExists?: boolean
  readonly dryRun?: boolean
}

/** Rows that a schema is inferred from unless `--sample` says otherwise. */
export const DEFAULT_SAMPLE_ROWS = 10_000

export async function run({ session, args, options }: CommandCall<CreateOptions>): Promise<void> {
  const location = args[0]!
  const design = tableDesign(options)
  const schema = await chooseSchema(session, options)
  if (options.dryRun === true) return showSchema(session, schema)
  await using place = await openLocation(session, location)
  const { createTable } = await import('../table/create.ts')
  const ifNotExists = options.ifNotExists === true
  await using table = await createTable(location, { ...place.open, ...design, schema, ifNotExists })
  await printResult(
    session,
    {
      location: table.location,
      version: table.version,
      tableUuid: table.metadata.tableUuid,
      schema: schemaToJson(table.schema),
    },
    () => `table ${table.location}, version ${table.version}\n${schemaToText(table.schema)}\n`,
  )
}

async function chooseSchema(session: Session, options: CreateOptions): Promise<SchemaInput> {
  if (options.schema !== undefined && options.infer !== undefined) invalid('give one of --schema and --infer')
  if (options.schema !== undefined) return readSchemaOption(options.schema)
  if (options.infer === undefined) {
    return invalid("a table needs columns: --schema 'id long not null, at timestamptz', --schema FILE, or --infer FILE")
  }
  const { openInput } = await import('./input/open-input.ts')
  const { infer, format, delimiter } = options
  const input = await openInput([infer], {
    stdin: session.io.stdin,
    signal: session.signal,
    format,
    delimiter,
    nullText: options.null,
    mixedAsText: options.mixedAsText,
  })
  const schema = await input.infer(options.sample ?? DEFAULT_SAMPLE_ROWS)
  note(session, `inferred from ${infer}: ${schemaToText(schema)}`)
  return schema
}

async function showSchema(session: Session, input: SchemaInput): Promise<void> {
  const { resolveSchema } = await import('../spec/builder.ts')
  const schema = resolveSchema(input)
  await printResult(session, schemaToJson(schema), () => `${schemaToText(schema, ',\n')}\n`)
}
