/**
 * Ledgers of versions that were deleted. Before a sweep deletes old versions it writes their ledgers here, so that a retry
 * under an idempotency key is answered with certainty for as long as its claim is kept.
 *
 *     metadata/_ds/ledger/{first}-{last}      JSON: { "format": 1, "ledgers": { "812": "1 16 0|...", "813": null } }
 *
 * `null`: the version carried none. Numbers in names are hexadecimal of fixed width, so that a listing is in order.
 */
import type { Ledger } from './ledger.ts'
import { parseLedger } from './ledger.ts'
import type { Place } from './place.ts'
import { keyIn, nameIn } from './place.ts'

/** Engines leave names alone that begin with an underscore. */
export const ARCHIVE = 'metadata/_ds/ledger/'
const DIGITS = 10
/** Versions in one archive object. */
export const MAX_ARCHIVED_VERSIONS = 10_000

export function archiveName(first: number, last: number): string {
  return `${ARCHIVE}${hex(first)}-${hex(last)}`
}

export function parseArchiveName(name: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^metadata\/_ds\/ledger\/([0-9a-f]{10})-([0-9a-f]{10})$/.exec(name)
  if (!match) return undefined
  return { first: Number.parseInt(match[1]!, 16), last: Number.parseInt(match[2]!, 16) }
}

/** `ledgers`: the property of each version, null where it had none. */
export function encodeArchive(ledgers: ReadonlyMap<number, string | null>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: 1, ledgers: Object.fromEntries(ledgers) }))
}

export function decodeArchive(bytes: Uint8Array): ReadonlyMap<number, string | null> | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof json !== 'object' || json === null || !('format' in json) || json.format !== 1) return undefined
    const ledgers = 'ledgers' in json ? json.ledgers : undefined
    if (typeof ledgers !== 'object' || ledgers === null) return undefined
    const entries = Object.entries(ledgers as Record<string, unknown>)
    if (!entries.every(([, text]) => text === null || typeof text === 'string')) return undefined
    return new Map(entries.map(([version, text]) => [Number(version), text as string | null]))
  } catch {
    return undefined
  }
}

/** The ledger of a deleted version; undefined if no archive has it. One list, and one request. */
export async function archivedLedger(
  place: Place,
  version: number,
  signal?: AbortSignal,
): Promise<{ readonly ledger: Ledger | undefined } | undefined> {
  const startAfter = keyIn(place, `${ARCHIVE}${hex(Math.max(0, version - MAX_ARCHIVED_VERSIONS))}`)
  for await (const { key } of place.store.list(keyIn(place, ARCHIVE), { startAfter, signal })) {
    const span = parseArchiveName(nameIn(place, key))
    if (!span || span.last < version) continue
    if (span.first > version) return undefined
    const bytes = await place.store.get(key, { signal })
    const text = bytes && decodeArchive(bytes)?.get(version)
    if (text !== undefined) return { ledger: text === null ? undefined : parseLedger(text) }
  }
  return undefined
}

function hex(version: number): string {
  return version.toString(16).padStart(DIGITS, '0')
}
