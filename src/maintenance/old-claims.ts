/** Claims of idempotency keys that nobody may ask for any more, and the ledgers that were kept to answer them. */
import type { TableHead } from '../commit/head.ts'
import { CLAIMS } from '../commit/claims.ts'
import { uuid8 } from '../commit/intent.ts'
import { WINDOW } from '../commit/ledger.ts'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { lastVersionOf } from '../commit/window.ts'
import type { ObjectInfo } from '../store/store.ts'
import { inParallel } from '../table/in-parallel.ts'
import type { ClaimGroup, Inventory, ListedArchive } from './inventory.ts'

const AT_ONCE = 16
/** Far more than the clocks of one store's machines differ. */
const MARGIN_MS = 60_000

export interface ClosedClaims {
  readonly claims: readonly ObjectInfo[]
  /** When the oldest claim was made that stays; Infinity if none does. */
  readonly oldestKeptMs: number
}

/**
 * Of the claims beyond the horizon those whose intent cannot be folded any more. All generations of a key go together: with
 * the first one gone, the key would be free while a later one says where its rows are.
 *
 * Requests: none where the versions around the window are younger than the claim, else one per claim.
 */
export async function closedClaims(
  place: Place,
  { oldClaims, oldestClaimMs, versions }: Inventory,
  head: TableHead,
  signal: AbortSignal | undefined,
): Promise<ClosedClaims> {
  // A claim is made on a base that was there before it.
  const firstOpen = versions.find(({ version }) => version === head.version - WINDOW + 1)?.info.lastModifiedMs ?? 0
  const own = uuid8(head.metadata.tableUuid)
  const claims: ObjectInfo[] = []
  let oldestKeptMs = oldestClaimMs
  const isClosed = async (group: ClaimGroup, claim: ObjectInfo): Promise<boolean> => {
    if (group.uuid8 !== own || claim.lastModifiedMs + MARGIN_MS < firstOpen) return true
    const base = baseOf(await place.store.get(claim.key, { signal }))
    return base !== undefined && head.version >= lastVersionOf(base, WINDOW)
  }
  await inParallel(oldClaims, AT_ONCE, async (group) => {
    let closed = true
    for (const claim of group.claims) closed &&= await isClosed(group, claim)
    if (closed) claims.push(...group.claims)
    else oldestKeptMs = Math.min(oldestKeptMs, ...group.claims.map((one) => one.lastModifiedMs))
  })
  return { claims, oldestKeptMs }
}

/**
 * Deletes claims, but for those of keys that were claimed anew while the sweep was at it: with the first generation gone, nobody would
 * find the one that holds the rows. A key that was claimed in the very moment gets its first generation back, from the new one.
 * Requests: two listings of the table's claims, and the deletion. Resolves to what was deleted.
 */
export async function deleteClaims(
  place: Place,
  claims: readonly ObjectInfo[],
  deleteAll: (objects: readonly ObjectInfo[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<readonly ObjectInfo[]> {
  if (claims.length === 0) return claims
  const before = await renewedClaims(place, claims, signal)
  const gone = claims.filter(({ key }) => !before.has(groupOf(key)))
  await deleteAll(gone)
  for (const [group, key] of await renewedClaims(place, gone, signal)) {
    const bytes = await place.store.get(key, { signal })
    if (bytes) await place.store.put(`${group}.0`, bytes, { mode: 'create', contentType: 'application/json' })
  }
  return gone
}

/** Of the keys of these claims those that have other claims, too: the newest of each. */
async function renewedClaims(
  place: Place,
  claims: readonly ObjectInfo[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const known = new Set(claims.map(({ key }) => key))
  const groups = new Set(claims.map(({ key }) => groupOf(key)))
  const renewed = new Map<string, string>()
  for await (const { key } of place.store.list(keyIn(place, CLAIMS), { signal })) {
    if (groups.has(groupOf(key)) && !known.has(key)) renewed.set(groupOf(key), key)
  }
  return renewed
}

/** The key of a claim without its generation. */
function groupOf(key: string): string {
  return key.slice(0, key.lastIndexOf('.'))
}

/** Undefined for a damaged claim, which stays until versions are young enough to tell. */
function baseOf(bytes: Uint8Array | undefined): number | undefined {
  try {
    const json = JSON.parse(new TextDecoder().decode(bytes)) as { base?: unknown } | null
    return Number.isSafeInteger(json?.base) ? (json!.base as number) : undefined
  } catch {
    return undefined
  }
}

/**
 * Archives that no claim can ask for: beyond the horizon, older than every claim that stays, and of versions that are gone.
 * An archive is written a day or more after the versions in it, so whatever was claimed on them is older than it.
 *
 * @param firstVersion the oldest version that stays.
 */
export function closedArchives(
  archives: readonly ListedArchive[],
  beforeMs: number,
  oldestKeptMs: number,
  firstVersion: number,
): readonly ObjectInfo[] {
  const isClosed = ({ last, info }: ListedArchive) =>
    info.lastModifiedMs < Math.min(beforeMs, oldestKeptMs) && last < firstVersion
  return archives.filter(isClosed).map(({ info }) => info)
}
