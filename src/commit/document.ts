/**
 * What a version file holds: a table's metadata, or the tombstone of a dropped table. Each carries the nonce of the
 * commit that wrote it, by which a writer recognises its own create when the answer was lost.
 */
import { encodeMetadata, metadataOfDocument, parseDocument } from '../codec/metadata-file.ts'
import { corrupt } from '../errors.ts'
import { isTime } from '../spec/json-reader.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import { LEDGER_PROPERTY } from './ledger.ts'

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

/**
 * A version's bytes. What a waiting writer looks for comes first: whose it is, and the ledger; the other properties stay
 * together with it, as the spec has them in one object.
 */
export function encodeTable(metadata: TableMetadata, nonce: string): Uint8Array {
  const { [COMMIT_FIELD]: _previous, ...unknown } = metadata.unknown ?? {}
  const { [LEDGER_PROPERTY]: ledger, ...others } = metadata.properties
  const properties = ledger === undefined ? others : { [LEDGER_PROPERTY]: ledger, ...others }
  const list = currentSnapshot(metadata)?.manifestList
  const name = list?.slice(list.lastIndexOf('/') + 1)
  const commit = {
    nonce,
    'table-uuid': metadata.tableUuid,
    ...(name !== undefined && PLAIN_TEXT.test(name) && { 'manifest-list': name }),
  }
  return encodeMetadata({ ...metadata, properties, unknown }, { [COMMIT_FIELD]: commit, properties })
}

/** What can stand in JSON as it is. */
const PLAIN_TEXT = /^[\w.-]+$/

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
  const document = parseDocument(bytes, where)
  const { json } = document
  const fields = isRecord(json) ? json : {}
  const commit = fields[COMMIT_FIELD]
  const nonce = isRecord(commit) && typeof commit['nonce'] === 'string' ? commit['nonce'] : undefined
  const grave = fields[TOMBSTONE_FIELD]
  if (grave === undefined) {
    const metadata = metadataOfDocument(document, where)
    checkOwner(commit, metadata, where)
    return { kind: 'table', metadata, nonce }
  }
  if (!isRecord(grave) || typeof grave['table-uuid'] !== 'string' || !isTime(grave['dropped-at-ms'])) {
    corrupt(`${where} is a tombstone of a dropped table, but not a complete one`)
  }
  return {
    kind: 'tombstone',
    tombstone: { tableUuid: grave['table-uuid'], droppedAtMs: grave['dropped-at-ms'] },
    nonce,
  }
}

/** Claims and the inbox go by the table's uuid: with another one, what is in the table already would be appended again. */
function checkOwner(commit: unknown, { tableUuid }: TableMetadata, where: string): void {
  const owner = isRecord(commit) ? commit['table-uuid'] : undefined
  if (typeof owner !== 'string' || owner === tableUuid) return
  corrupt(
    `${where} is damaged: its table-uuid is ${tableUuid}, but ${COMMIT_FIELD} says that ${owner} wrote it; correct the ` +
      `one that is wrong (the versions before have it)`,
    { tableUuid, owner },
  )
}

/** What the first bytes of one of our versions say. */
export interface LeadingFields {
  readonly nonce: string
  readonly tableUuid: string
  readonly manifestList: string | undefined
  readonly ledger: string
}

const LEADING =
  /^\{"datashard-commit":\{"nonce":"([0-9a-z-]+)","table-uuid":"([0-9a-zA-Z-]+)"(?:,"manifest-list":"([\w.-]+)")?\},"properties":\{"datashard\.ledger":"([\w |,-]*)("?)/

/**
 * The beginning of a version of ours; `cut` where the bytes end within its ledger; undefined for tombstones, for what other
 * engines wrote, and without a ledger.
 */
export function leadingFields(start: Uint8Array): LeadingFields | 'cut' | undefined {
  const text = latin1.decode(start)
  const match = LEADING.exec(text)
  if (!match) return undefined
  if (match[5] === '') return match[0].length === text.length ? 'cut' : undefined
  return { nonce: match[1]!, tableUuid: match[2]!, manifestList: match[3], ledger: match[4]! }
}

/** Bytes as they are: what is looked for is ASCII, and the range may end within a character. */
const latin1 = new TextDecoder('latin1')

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
