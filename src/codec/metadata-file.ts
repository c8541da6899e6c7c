/** A table metadata file (`v{N}.metadata.json`) as bytes: JSON, gzipped or not (spec: "Table Metadata", appendix C). */
import { gunzipSync } from 'node:zlib'
import { corrupt, DataShardError } from '../errors.ts'
import { metadataFromJson, metadataToJson } from '../spec/metadata-json.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { schemaToJson } from '../spec/schema.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { Schema } from '../spec/types.ts'
import { JsonSyntaxError, parseJson, RawJson, stringifyJson } from './lossless-json.ts'
import type { JsonValue } from './lossless-json.ts'
import { snapshotText, splitDocument } from './snapshot-texts.ts'

/** The longest text: V8 has no strings much longer, and 100,000 snapshots make 64 MiB. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024

/** The JSON of a metadata file; its snapshots apart, where those are remembered. */
export interface ParsedDocument {
  readonly json: JsonValue
  readonly snapshots: readonly Snapshot[] | undefined
}

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The JSON in a metadata file, not yet taken for table metadata. Gzip is recognised by its first bytes, not by the
 * object's name.
 *
 * @param where names the object in errors: "s3://bucket/table/metadata/v3.metadata.json".
 * @throws `corrupt` if it is empty, cut off, no UTF-8 or no JSON.
 */
export function parseDocument(bytes: Uint8Array, where: string): ParsedDocument {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, where) : bytes
  if (plain.length === 0) corrupt(`${where} is damaged: it is empty`)
  if (plain.length > MAX_DOCUMENT_BYTES) corrupt(`${where} is damaged: ${plain.length} bytes are no table metadata`)
  const text = decodeText(plain, where)
  const split = splitDocument(text)
  try {
    if (split) return { json: parseJson(split.rest), snapshots: split.snapshots }
    return { json: parseJson(text), snapshots: undefined }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    const size = `${bytes.length} bytes${plain === bytes ? '' : `, ${plain.length} unzipped`}`
    return corrupt(`${where} is damaged: it is no JSON (${size}): ${error.message}`, undefined, error)
  }
}

function gunzip(bytes: Uint8Array, where: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_DOCUMENT_BYTES })
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    return corrupt(
      `${where} is damaged: its ${bytes.length} gzipped bytes cannot be unzipped: ${cause}`,
      undefined,
      error,
    )
  }
}

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return strictUtf8.decode(bytes)
  } catch (error) {
    return corrupt(`${where} is damaged: it is not UTF-8 text`, undefined, error)
  }
}

/**
 * Table metadata from the JSON of a metadata file.
 *
 * @throws `corrupt` naming the object and what is wrong in it, `unsupported` for a format newer than v3.
 */
export function metadataOfDocument({ json, snapshots }: ParsedDocument, where: string): TableMetadata {
  try {
    return metadataFromJson(json, snapshots)
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    throw new DataShardError(error.code, `${where}: ${error.message}`, { cause: error, details: error.details })
  }
}

/** {@link parseDocument}, then {@link metadataOfDocument}. */
export function decodeMetadata(bytes: Uint8Array, where: string): TableMetadata {
  return metadataOfDocument(parseDocument(bytes, where), where)
}

/**
 * Table metadata as compact JSON.
 *
 * @param first top-level fields put before all others: a reader that fetches only the beginning of the file finds them.
 *   They replace fields of the same name.
 */
export function encodeMetadata(metadata: TableMetadata, first: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const isV1 = metadata.formatVersion === 1
  const json = metadataToJson(isV1 ? metadata : { ...metadata, schemas: [], snapshots: [] })
  if (!isV1) {
    json['schemas'] = metadata.schemas.map((one) => new RawJson(schemaText(one)))
    json['snapshots'] = metadata.snapshots.map((one) => new RawJson(snapshotText(one)))
  }
  return utf8.encode(stringifyJson({ ...first, ...json, ...first }))
}

const schemaTexts = new WeakMap<Schema, string>()

/** Written once for each schema object: a table keeps all that it ever had, and each commit repeats them. */
function schemaText(schema: Schema): string {
  let text = schemaTexts.get(schema)
  if (text === undefined) schemaTexts.set(schema, (text = stringifyJson(schemaToJson(schema))))
  return text
}
