/**
 * What a version file holds: a table's metadata, or the tombstone of a dropped table. Each carries the nonce of the
 * commit that wrote it, by which a writer recognises its own create when the answer was lost.
 */
import { encodeMetadata, metadataOfDocument, parseDocument } from '../codec/metadata-file.ts'
import { corrupt } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'

/** First in the JSON, so that a ranged read of the beginning finds it. */
const COMMIT_FIELD = 'datashard-commit'
const TOMBSTONE_FIELD = 'datashard-tombstone'

export interface Tombstone {
  readonly tableUuid: string
  readonly droppedAtMs: number
}

export type VersionDocument =
  | { readonly kind: 'table'; readonly metadata: TableMetadata; readonly nonce: string | undefined }
  | { readonly kind: 'tombstone'; readonly tombstone: Tombstone; readonly nonce: string | undefined }

export function encodeTable(metadata: TableMetadata, nonce: string): Uint8Array {
  const { [COMMIT_FIELD]: _previous, ...unknown } = metadata.unknown ?? {}
  return encodeMetadata({ ...metadata, unknown }, { [COMMIT_FIELD]: { nonce } })
}

/** A document that is no table metadata, so that every engine fails on it at once instead of showing old rows. */
export function encodeTombstone(tombstone: Tombstone, nonce: string): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({
      [COMMIT_FIELD]: { nonce },
      [TOMBSTONE_FIELD]: { 'table-uuid': tombstone.tableUuid, 'dropped-at-ms': tombstone.droppedAtMs },
    }),
  )
}

/** Reads a version file; `corrupt` names `where`. */
export function decodeVersion(bytes: Uint8Array, where: string): VersionDocument {
  const json = parseDocument(bytes, where)
  const fields = isRecord(json) ? json : {}
  const commit = fields[COMMIT_FIELD]
  const nonce = isRecord(commit) && typeof commit['nonce'] === 'string' ? commit['nonce'] : undefined
  const grave = fields[TOMBSTONE_FIELD]
  if (grave === undefined) return { kind: 'table', metadata: metadataOfDocument(json, where), nonce }
  if (!isRecord(grave) || typeof grave['table-uuid'] !== 'string' || typeof grave['dropped-at-ms'] !== 'number') {
    corrupt(`${where} is a tombstone of a dropped table, but not a complete one`)
  }
  return {
    kind: 'tombstone',
    tombstone: { tableUuid: grave['table-uuid'], droppedAtMs: grave['dropped-at-ms'] },
    nonce,
  }
}

/** The nonce at the beginning of a version file, if it is there; another engine's version has none. */
export function leadingNonce(start: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(start)
  return /^\s*\{\s*"datashard-commit"\s*:\s*\{\s*"nonce"\s*:\s*"([0-9a-z-]+)"\s*\}/.exec(text)?.[1]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
