/** `datashard schema`: columns, partitioning and sort order. */
import { invalid } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { defaultSortOrder, defaultSpec, schemaById } from '../spec/metadata.ts'
import { indexSchema, schemaToJson } from '../spec/schema.ts'
import { transformName } from '../spec/transforms.ts'
import type { Transform } from '../spec/transforms.ts'
import type { Schema } from '../spec/types.ts'
import type { CommandCall } from './command-spec.ts'
import { withTable } from './location.ts'
import { renderTable } from './output/table-text.ts'
import { schemaToText, typeToText } from './schema-text.ts'
import { printResult, terminalWidth } from './session.ts'

interface SchemaOptions {
  readonly id?: string
  readonly text?: boolean
}

export async function run({ session, args, options }: CommandCall<SchemaOptions>): Promise<void> {
  await withTable(session, args[0]!, async ({ metadata }) => {
    const schema = chooseSchema(metadata, options.id)
    await printResult(session, schemaToJson(schema), () =>
      options.text === true ? `${schemaToText(schema, ',\n')}\n` : describe(metadata, schema, terminalWidth(session)),
    )
  })
}

function chooseSchema(metadata: TableMetadata, id: string | undefined): Schema {
  const wanted = id === undefined ? metadata.currentSchemaId : Number(id)
  const schema = schemaById(metadata, wanted)
  if (schema !== undefined) return schema
  const ids = metadata.schemas.map((known) => known.schemaId).join(', ')
  return invalid(`the table has no schema ${id}; its schemas are ${ids}`)
}

const COLUMNS = [
  { header: 'id', align: 'right' },
  { header: 'column', align: 'left' },
  { header: 'type', align: 'left' },
  { header: 'null', align: 'left' },
  { header: 'doc', align: 'left' },
] as const

function describe(metadata: TableMetadata, schema: Schema, width: number | undefined): string {
  const rows = schema.fields.map((field) => [
    String(field.id),
    field.name,
    typeToText(field.type),
    field.required ? 'not null' : '',
    field.doc ?? '',
  ])
  const hasDocs = schema.fields.some((field) => field.doc !== undefined)
  const spec = defaultSpec(metadata).fields.map((field) => applied(field.transform, nameOf(schema, field.sourceId)))
  const order = defaultSortOrder(metadata).fields.map((field) => {
    const usual = field.direction === 'asc' ? 'nulls-first' : 'nulls-last'
    const nulls = field.nullOrder === usual ? '' : ` ${field.nullOrder.replace('-', ' ')}`
    return `${applied(field.transform, nameOf(schema, field.sourceId))} ${field.direction}${nulls}`
  })
  const lines = [
    `schema ${schema.schemaId}${schema.schemaId === metadata.currentSchemaId ? '' : ` (current: ${metadata.currentSchemaId})`}`,
    ...(spec.length > 0 ? [`partitioned by ${spec.join(', ')}`] : []),
    ...(order.length > 0 ? [`sorted by ${order.join(', ')}`] : []),
  ]
  return `${renderTable(hasDocs ? COLUMNS : COLUMNS.slice(0, 4), rows, width)}\n${lines.join('\n')}\n`
}

function nameOf(schema: Schema, fieldId: number): string {
  return indexSchema(schema).byId.get(fieldId)?.name ?? `field ${fieldId}`
}

/** `day(at)`, `bucket(id, 16)`, or the column itself. */
export function applied(transform: Transform, column: string): string {
  const name = transformName(transform)
  if (name === 'identity') return column
  const parameter = /^(\w+)\[(\d+)\]$/.exec(name)
  return parameter ? `${parameter[1]}(${column}, ${parameter[2]})` : `${name}(${column})`
}
