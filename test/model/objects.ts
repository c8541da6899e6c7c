/** What the modelled store holds, and under which names. */

/** A version file as far as the protocol reads it. */
export interface VersionRecord {
  readonly nonce: string
  /** Nonce of the version that it was computed from. */
  readonly parent: string
  readonly table: string
  readonly isTombstone: boolean
  /** The table property; undefined where another engine unset it. */
  readonly ledger: string | undefined
  /** Inbox objects that the snapshots of this version name: their rows are in the table. */
  readonly files: readonly string[]
  /** Ground truth for the oracle, which does not trust ledgers: what this version itself did. */
  readonly deed: Deed
}

export interface Deed {
  readonly by: string
  readonly folds: readonly string[]
  readonly cancels: readonly string[]
  /** The name of an ordinary change: something that must happen exactly once. */
  readonly change: string | undefined
  /** Pending files of earlier bases are invalid from here on. */
  readonly raisesFloor: boolean
}

export const NO_DEED: Omit<Deed, 'by'> = { folds: [], cancels: [], change: undefined, raisesFloor: false }

export interface Intent {
  readonly id: string
  readonly base: number
}

export type Value = VersionRecord | Intent | number

export const HINT_KEY = 'hint'
export const VERSIONS = 'v/'
export const INBOX = 'inbox/'

export const versionKey = (version: number): string => `${VERSIONS}${version}`
export const archiveKey = (version: number): string => `archive/${version}`
export const inboxOf = (table: string): string => `${INBOX}${table}/`
export const intentKey = (table: string, { base, id }: Intent): string => `${inboxOf(table)}${base}-${id}`
export const claimKey = (table: string, key: string, generation: number): string =>
  `claims/${table}/${key}.${generation}`

export function versionOfKey(key: string): number | undefined {
  return key.startsWith(VERSIONS) ? Number(key.slice(VERSIONS.length)) : undefined
}

export function intentOfKey(key: string): Intent {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const dash = name.indexOf('-')
  return { base: Number(name.slice(0, dash)), id: name.slice(dash + 1) }
}

export const tableOfInbox = (key: string): string => key.split('/')[1]!
