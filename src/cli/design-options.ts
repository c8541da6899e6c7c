/** The options that say what a new table is like, shared by `create` and `append --create`. */
import { readFile } from 'node:fs/promises'
import { invalid } from '../errors.ts'
import type { SchemaInput } from '../spec/builder.ts'
import { fileError } from './input/byte-source.ts'
import { parseSchemaText } from './schema-text.ts'

export interface DesignOptions {
  readonly schema?: string
  readonly partition?: readonly string[]
  readonly sort?: readonly string[]
  readonly property?: readonly string[]
  readonly skipProbe?: boolean
}

/** What `createTable` takes, but for the schema. */
export function tableDesign(options: DesignOptions) {
  return {
    partitionBy: (options.partition ?? []).flatMap(splitList),
    sortBy: (options.sort ?? []).flatMap(splitList),
    properties: parseProperties(options.property ?? []),
    ...(options.skipProbe === true && { skipProbe: true }),
  }
}

/**
 * The schema that `--schema` says: a file with Iceberg's JSON or with columns as text, or the text itself.
 *
 * @throws DataShardError `invalid-argument` saying what cannot be read, `not-found` for a `.json` that is not there.
 */
export async function readSchemaOption(given: string): Promise<SchemaInput> {
  const { parseJson } = await import('../codec/lossless-json.ts')
  const text = given.trimStart().startsWith('{') || given.trimStart().startsWith('[') ? given : await readIfFile(given)
  const source = text ?? given
  if (!/^\s*[{[]/.test(source)) return parseSchemaText(source)
  try {
    return parseJson(source) as unknown as SchemaInput
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return invalid(`--schema ${text === given ? '' : `${given} `}is not valid JSON: ${why}`)
  }
}

/** The content of a file, or undefined for what can only be a schema. */
async function readIfFile(given: string): Promise<string | undefined> {
  const looksLikeFile = /\.\w+$/.test(given) && !/[\s,<(]/.test(given)
  try {
    return await readFile(given, 'utf8')
  } catch (error) {
    if (looksLikeFile) throw fileError(error, given)
    return undefined
  }
}

/** `day(at), bucket(id, 16)` as two, commas inside parentheses left alone. */
export function splitList(text: string): string[] {
  return text
    .split(/,(?![^()]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function parseProperties(given: readonly string[]): Record<string, string> {
  const properties: Record<string, string> = {}
  for (const text of given) {
    const at = text.indexOf('=')
    if (at < 1) invalid(`--property '${text}' is not name=value`)
    properties[text.slice(0, at)] = text.slice(at + 1)
  }
  return properties
}
