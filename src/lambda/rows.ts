/** A record into rows: read, validated, mapped. Whatever goes wrong on the way is wrong with this record only. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DataShardError, invalid } from '../errors.ts'
import { describeValue } from '../spec/describe.ts'
import type { BodyParser } from './body.ts'
import type { Settings } from './options.ts'
import type { LambdaRow, SourceName, SourceRecord } from './record.ts'
import type { Item } from './sources/source.ts'

/** Issues of a validator in one message. */
const MAX_ISSUES = 5

export type RowForm = 'json' | 'csv' | 'own'

/** Rows as their record had them, in JSON or CSV, whose values columns take in forms of their own, or as the user's code made them. */
export interface MadeRows {
  readonly rows: readonly LambdaRow[]
  readonly form: RowForm
}

/** How bodies are parsed for these settings. */
export function parserFor({ map, schema, limits }: Settings): BodyParser {
  const isOwn = map === undefined && schema === undefined
  return { numbers: isOwn ? 'exact' : 'plain', maxUnpackedBytes: limits.maxUnpackedBytes }
}

export function recordOf(source: SourceName, { id, time, raw }: Item, body: unknown): SourceRecord {
  return { source, id, time, body, raw }
}

/** @throws DataShardError `invalid-argument`: why the record cannot become rows */
export async function makeRows(
  source: SourceName,
  item: Item,
  settings: Settings,
  form: RowForm = 'json',
): Promise<MadeRows> {
  const { schema, map } = settings
  const record = recordOf(source, item, item.body(parserFor(settings)))
  const checked = schema === undefined ? record : { ...record, body: await validated(schema, record) }
  if (map === undefined) return { rows: asRows(checked.body, 'the body'), form: schema === undefined ? form : 'own' }
  let mapped: unknown
  try {
    mapped = await map(checked)
  } catch (error) {
    throw thrown('map', error)
  }
  if (mapped === null || mapped === undefined) return { rows: [], form: 'own' }
  return { rows: asRows(mapped, 'what map returned'), form: 'own' }
}

/** Whatever the user's code throws is about the record that it was given. */
function thrown(what: string, error: unknown): DataShardError {
  if (DataShardError.is(error, 'invalid-argument')) return error
  const why = error instanceof Error ? error.message : String(error)
  return new DataShardError('invalid-argument', `${what} threw: ${why}`, { cause: error })
}

async function validated(schema: StandardSchemaV1, record: SourceRecord<unknown>): Promise<unknown> {
  let result: StandardSchemaV1.Result<unknown>
  try {
    result = await schema['~standard'].validate(record.body)
  } catch (error) {
    throw thrown('the validator', error)
  }
  if (!result.issues) return result.value
  const issues = result.issues.slice(0, MAX_ISSUES).map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  const more = result.issues.length > MAX_ISSUES ? `; and ${result.issues.length - MAX_ISSUES} more` : ''
  return invalid(`the body does not fit the schema: ${issues.join('; ')}${more}`)
}

function asRows(value: unknown, what: string): readonly LambdaRow[] {
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const row of rows) {
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) continue
    const why = typeof row === 'string' && /^\s*[[{]/.test(row) ? '; it looks like JSON, but cannot be parsed' : ''
    invalid(`${what} is ${describeValue(row)}, expected a row: an object with a value for each column${why}`)
  }
  return rows as readonly LambdaRow[]
}
