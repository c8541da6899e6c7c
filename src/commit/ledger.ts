/**
 * The ledger: which appends the last versions folded in, and which they cancelled. It is a table property, so that
 * commits of other engines carry it along; it stands at the beginning of our version files, so that a writer who waits
 * reads only the first bytes of a version (commit-protocol, "Ledger").
 *
 *     1 16 0|812,3051729675574597004,{id}{id}{id}|811,8744736658442914487,{id},{id}
 *
 * Format, window W, floor; then one entry per version that folded or cancelled something, newest first: version, snapshot
 * id, ids folded, ids cancelled. Ids have a fixed length and stand without separators.
 */
import { DataShardError, unsupported } from '../errors.ts'
import { ID_LENGTH } from './intent-id.ts'

export const LEDGER_PROPERTY = 'datashard.ledger'

/**
 * W: how many versions an intent may be folded in, counted from its base. Fixed for ever: two windows on one table double
 * rows. 16 commits last a second at the fastest, which is long enough to be folded, and short enough to carry along.
 */
export const WINDOW = 16

/**
 * A ledger that would grow beyond this takes no more ids. Carried in each version, it is paid by each commit; 64 KiB is
 * what six engines were seen to carry, and leaves room for 4,000 appends in a window (docs/decisions/commit-ledger.md).
 */
export const MAX_LEDGER_BYTES = 64 * 1024

const FORMAT = 1

export interface LedgerEntry {
  readonly version: number
  /** The snapshot that added the folded appends; 0n if there were none. */
  readonly snapshotId: bigint
  readonly folded: readonly string[]
  readonly cancelled: readonly string[]
}

export interface Ledger {
  readonly window: number
  /** Intents with a base below it are never folded any more: what earlier versions folded is not known here. */
  readonly floor: number
  /** Newest first; only versions of the window that folded or cancelled something. */
  readonly entries: readonly LedgerEntry[]
}

/** What a table begins with. */
export const EMPTY_LEDGER: Ledger = { window: WINDOW, floor: 0, entries: [] }

/**
 * The ledger in a table property; undefined where it is missing or unreadable, because somebody else wrote the version.
 *
 * @throws `unsupported` for the ledger of a newer DataShard: who does not know it must not write.
 */
export function parseLedger(text: string | undefined): Ledger | undefined {
  if (text === undefined) return undefined
  const format = /^(\d+)\b/.exec(text)?.[1]
  if (format !== undefined && format !== String(FORMAT)) {
    unsupported(`the table is written by a newer DataShard (ledger format ${format}); upgrade this one to write to it`)
  }
  const [head, ...parts] = text.split('|')
  const match = /^1 ([1-9]\d{0,5}) (\d{1,15})$/.exec(head!)
  if (!match) return undefined
  const entries = parts.map(rememberedEntry)
  if (!entries.every((entry) => entry !== undefined)) return undefined
  if (entries.some((entry, i) => i > 0 && entry.version >= entries[i - 1]!.version)) return undefined
  return { window: Number(match[1]), floor: Number(match[2]), entries }
}

/** A waiting writer reads each version, and all but one of a version's entries were in the one before. */
function rememberedEntry(text: string): LedgerEntry | undefined {
  const known = remembered.get(text)
  if (known) return known
  const entry = parseEntry(text)
  if (!entry) return undefined
  // A copy of the text: as a part of it, it would keep the whole version in memory.
  remembered.set(Buffer.from(text, 'latin1').toString('latin1'), entry)
  if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!)
  return entry
}

/** Windows of some tables. */
const REMEMBERED = 4 * WINDOW
const remembered = new Map<string, LedgerEntry>()

function parseEntry(text: string): LedgerEntry | undefined {
  const match = /^(\d{1,15}),(\d{1,19}),([0-9a-v]*)(?:,([0-9a-v]+))?$/.exec(text)
  const folded = match && idsIn(match[3]!)
  const cancelled = match && idsIn(match[4] ?? '')
  if (!folded || !cancelled) return undefined
  return { version: Number(match[1]), snapshotId: BigInt(match[2]!), folded, cancelled }
}

/** Of digits of ids. */
function idsIn(text: string): readonly string[] | undefined {
  if (text.length % ID_LENGTH !== 0) return undefined
  const ids: string[] = []
  for (let at = 0; at < text.length; at += ID_LENGTH) ids.push(text.slice(at, at + ID_LENGTH))
  return ids
}

export function formatLedger(ledger: Ledger): string {
  const entries = ledger.entries.map(({ version, snapshotId, folded, cancelled }) => {
    const rest = cancelled.length === 0 ? '' : `,${cancelled.join('')}`
    return `|${version},${snapshotId},${folded.join('')}${rest}`
  })
  return `${FORMAT} ${ledger.window} ${ledger.floor}${entries.join('')}`
}

/** About how long the ledger is as text; exact to some bytes per entry, and without making the text. */
export function ledgerBytes({ entries }: Ledger): number {
  return entries.reduce((sum, { folded, cancelled }) => sum + 40 + ID_LENGTH * (folded.length + cancelled.length), 16)
}

/**
 * The ledger on which version `head` + 1 builds: its own, or, where somebody unset it, one that knows nothing before. One that
 * tells of later versions is not its own: by such a floor nothing would ever be folded again.
 */
export function ledgerOn(ledger: Ledger | undefined, head: number): Ledger {
  const isOwn = ledger !== undefined && ledger.floor <= head && (ledger.entries[0]?.version ?? 0) <= head
  return isOwn ? ledger : { ...EMPTY_LEDGER, floor: head }
}

/** The ledger of version `version`, from that of the version before it. Entries that leave the window go. */
export function advance(
  before: Ledger,
  version: number,
  added: Omit<LedgerEntry, 'version'> = { snapshotId: 0n, folded: [], cancelled: [] },
): Ledger {
  const kept = before.entries.filter((entry) => entry.version > version - before.window)
  const isEmpty = added.folded.length + added.cancelled.length === 0
  return { ...before, entries: isEmpty ? kept : [{ version, ...added }, ...kept] }
}

/** How many ids version `version` may add; at least 1, so that a lone writer always gets through. */
export function roomFor(before: Ledger, version: number): number {
  const bytes = formatLedger(advance(before, version)).length
  return Math.max(1, Math.floor((MAX_LEDGER_BYTES - bytes - 64) / ID_LENGTH))
}

export function foldedIn(ledger: Ledger, id: string): LedgerEntry | undefined {
  return ledger.entries.find((entry) => entry.folded.includes(id))
}

export function isCancelled(ledger: Ledger, id: string): boolean {
  return ledger.entries.some((entry) => entry.cancelled.includes(id))
}

/** Refuses a window that this version does not work with: two windows on one table double rows. */
export function checkWindow(ledger: Ledger | undefined, where: string): void {
  if (ledger === undefined || ledger.window === WINDOW) return
  throw new DataShardError(
    'unsupported',
    `the table at ${where} folds appends within ${ledger.window} versions, this DataShard within ${WINDOW}; write to it ` +
      `with the version of DataShard that made it`,
  )
}
