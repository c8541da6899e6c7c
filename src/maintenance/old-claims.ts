/** Claims of idempotency keys that nobody may ask for any more, and the ledgers that were kept to answer them. */
import type { TableHead } from '../commit/head.ts'
import { CLAIMS, generationOf } from '../commit/claims.ts'
import { uuid8 } from '../commit/intent.ts'
import { DataShardError } from '../errors.ts'
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
 * find the one that holds the rows. A key that was claimed in the very moment gets its first generation back.
 * Requests: two listings of the table's claims, and the deletion.
 *
 * @returns what was deleted, and since when claims stay
 */
export async function deleteClaims(
  place: Place,
  { claims, oldestKeptMs }: ClosedClaims,
  deleteAll: (objects: readonly ObjectInfo[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<ClosedClaims> {
  if (claims.length === 0) return { claims, oldestKeptMs }
  const before = await renewedClaims(place, claims, signal)
  const gone = claims.filter(({ key }) => !before.has(groupOf(key)))
  const kept = claims.filter(({ key }) => before.has(groupOf(key)))
  await deleteAll(gone)
  const renewed = await renewedClaims(place, gone, signal)
  await restoreFirst(place, [...renewed.values()], signal)
  return { claims: gone, oldestKeptMs: Math.min(oldestKeptMs, ...kept.map((one) => one.lastModifiedMs)) }
}

/**
 * Gives keys the generations below the newest back where the first is missing: a sweep was stopped between the deletion of the first and
 * the look whether the key was claimed meanwhile. One request for each key and one for each generation; the first one comes last, so that
 * whoever is stopped within leaves work that is seen.
 *
 * @param newest of each key the newest claim
 */
export async function restoreFirst(
  place: Place,
  newest: readonly ObjectInfo[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const isLater = newest.filter(({ key }) => generationOf(key) > 0)
  await inParallel(isLater, AT_ONCE, async ({ key }) => {
    const bytes = await place.store.get(key, { signal })
    if (!bytes) return
    for (let generation = generationOf(key) - 1; generation >= 0; generation--) {
      await createOnce(place, `${groupOf(key)}.${generation}`, bytes, signal)
    }
  })
}

const MAX_TRIES = 5

async function createOnce(
  place: Place,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const put = await place.store.put(key, bytes, { mode: 'create', contentType: 'application/json', signal })
    if (put.outcome !== 'unknown') return
    if (tries === MAX_TRIES) {
      throw new DataShardError(
        'unavailable',
        `the claim ${place.store.urlOf(key)} could not be written; sweep again soon, or its idempotency key is free while its rows ` +
          `are in the table`,
        { cause: put.cause },
      )
    }
    await place.runtime.sleep(tries * PAUSE_MS, signal)
  }
}

const PAUSE_MS = 500

/** Of the keys of these claims those that were claimed anew since these were listed: the newest claim of each. */
async function renewedClaims(
  place: Place,
  claims: readonly ObjectInfo[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ObjectInfo>> {
  const known = new Map(claims.map(({ key, lastModifiedMs }) => [key, lastModifiedMs]))
  const groups = new Set(claims.map(({ key }) => groupOf(key)))
  const renewed = new Map<string, ObjectInfo>()
  for await (const info of place.store.list(keyIn(place, CLAIMS), { signal })) {
    const group = groupOf(info.key)
    if (!groups.has(group) || known.get(info.key) === info.lastModifiedMs) continue
    const last = renewed.get(group)
    if (last === undefined || generationOf(last.key) < generationOf(info.key)) renewed.set(group, info)
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
