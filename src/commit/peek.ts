/**
 * Looking at a version without reading all of it: who made it, and its ledger, stand in its first bytes. That is all that
 * a writer needs who waits for others to fold its append in.
 */
import type { TableMetadata } from '../spec/metadata.ts'
import type { Sighting } from './custody.ts'
import { sighting } from './custody.ts'
import type { VersionDocument } from './document.ts'
import { decodeVersion, leadingFields } from './document.ts'
import type { TableHead } from './head.ts'
import type { Ledger } from './ledger.ts'
import { LEDGER_PROPERTY, ledgerBytes, ledgerOn, MAX_LEDGER_BYTES, parseLedger } from './ledger.ts'
import type { Place } from './place.ts'
import { keyIn } from './place.ts'
import { versionName } from './version.ts'

/** Holds the ledger of a busy table, and all of a small table's metadata. */
export const PEEK_BYTES = 32 * 1024
/** Holds every ledger that is written. Hundreds of writers come to half of it and more. */
const WIDE_PEEK_BYTES = MAX_LEDGER_BYTES + 4 * 1024

export interface Peeked {
  readonly version: number
  readonly form: 'plain'
  readonly nonce: string | undefined
  /** Undefined for a tombstone. */
  readonly tableUuid: string | undefined
  /** Undefined where another engine's commit unset it. */
  readonly ledger: Ledger | undefined
  /** Name of the current snapshot's manifest list, where the version says it early. */
  readonly manifestList: string | undefined
  /** All of it, if it was short enough to be read at once, or had to be. */
  readonly document: (() => VersionDocument) | undefined
  readonly seen: Sighting
}

export interface PeekOptions {
  readonly signal?: AbortSignal | undefined
  /** Of the version before, where it is known: the next one will be about as long. */
  readonly before?: Ledger | undefined
}

/**
 * The beginning of a version; undefined if the version does not exist. One request; two for a version that another engine
 * wrote, and where a ledger is much longer than the one before.
 */
export async function peekVersion(
  place: Place,
  version: number,
  { signal, before }: PeekOptions = {},
): Promise<Peeked | undefined> {
  const key = keyIn(place, versionName(version))
  const seen = sighting(place.runtime)
  const look = async (end: number) => {
    const start = await place.store.get(key, { range: { start: 0, end }, signal })
    return start && { start, isWhole: start.length < end, leading: leadingFields(start) }
  }
  const isLong = before !== undefined && GROWTH * ledgerBytes(before) > PEEK_BYTES
  let found = await look(isLong ? WIDE_PEEK_BYTES : PEEK_BYTES)
  if (found?.leading === 'cut' && !isLong) found = await look(WIDE_PEEK_BYTES)
  if (!found) return undefined
  const { start, isWhole, leading } = found
  const name = { version, form: 'plain', seen } as const
  if (leading !== undefined && leading !== 'cut') {
    const document = isWhole ? once(() => decodeVersion(start, place.store.urlOf(key))) : undefined
    return { ...name, ...leading, ledger: parseLedger(leading.ledger), document }
  }
  const bytes = isWhole ? start : await place.store.get(key, { signal })
  if (!bytes) return undefined
  const document = decodeVersion(bytes, place.store.urlOf(key))
  return { ...name, ...fieldsOf(document), document: () => document }
}

/** From one version to the next a ledger seldom grows more. */
const GROWTH = 1.5

function fieldsOf(document: VersionDocument): Pick<Peeked, 'nonce' | 'tableUuid' | 'ledger' | 'manifestList'> {
  const { nonce } = document
  if (document.kind === 'tombstone') {
    return { nonce, tableUuid: undefined, ledger: undefined, manifestList: undefined }
  }
  const { metadata } = document
  return { nonce, tableUuid: metadata.tableUuid, ledger: ledgerOf(metadata), manifestList: undefined }
}

/** The ledger that a version carries; undefined where it is missing. */
export function ledgerOf(metadata: TableMetadata): Ledger | undefined {
  if (!parsed.has(metadata)) parsed.set(metadata, parseLedger(metadata.properties[LEDGER_PROPERTY]))
  return parsed.get(metadata)
}

/** Each commit asks its base several times, and a busy table's ledger is 64 KiB of text. */
const parsed = new WeakMap<TableMetadata, Ledger | undefined>()

/** The ledger by which the version after `head` folds. */
export function ledgerBy({ metadata, version }: Pick<TableHead, 'metadata' | 'version'>): Ledger {
  return ledgerOn(ledgerOf(metadata), version)
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
