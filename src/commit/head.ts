/**
 * Finding the head: the newest committed version. Version b is the head only if v{b+1} was missing and *afterwards*
 * v{b} was there (commit-protocol, "Head"). The search starts at the hint, which is a lower bound and nothing more, or
 * at a version seen alive a moment ago, and goes up one by one.
 */
import { DataShardError } from '../errors.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { Sighting } from './custody.ts'
import { ageMs, CUSTODY_MS, inCustody, sighting } from './custody.ts'
import type { Tombstone } from './document.ts'
import { decodeVersion } from './document.ts'
import type { Place } from './place.ts'
import { keyIn, nameIn } from './place.ts'
import type { VersionForm } from './version.ts'
import { HINT_NAME, parseHint, parseVersionName, versionName } from './version.ts'

/** A version that was seen to exist, and when; what it holds was perhaps not read. */
export interface SeenVersion {
  readonly version: number
  readonly form: VersionForm
  readonly nonce: string | undefined
  readonly seen: Sighting
}

export interface TableHead extends SeenVersion {
  readonly kind: 'table'
  readonly metadata: TableMetadata
}

export interface DroppedHead extends SeenVersion {
  readonly kind: 'tombstone'
  readonly tombstone: Tombstone
}

export type Head = TableHead | DroppedHead

/** How often a search may start over because versions vanished under it, before the table is called damaged. */
const MAX_SEARCHES = 5
/** So many steps up, version by version; from then on each is twice as far as the one before. */
const SINGLE_STEPS = 16
/** A search that took longer since it asked for the hint asks again: what it climbed may have been deleted meanwhile. */
const HINT_TRUST_MS = 1_000
/**
 * Who deletes versions waits so long after it saw the hint above them: by then nobody climbs towards them from an older
 * hint without asking for the new one.
 */
export const HINT_SETTLES_MS = 5 * HINT_TRUST_MS

/**
 * The head, or undefined if no version exists. Three requests when the hint is right (hint, next version, head), two
 * when `from` is still the head, one more per version that the start lags behind, and one more when that took long. Where it lags
 * further than {@link SINGLE_STEPS}, twice the logarithm of that.
 */
export async function findHead(
  place: Place,
  from?: Head | SeenVersion,
  signal?: AbortSignal,
): Promise<Head | undefined> {
  if (from && inCustody(from.seen, place.runtime)) {
    const found = await climb(place, from, from, signal)
    if (found) return found
  }
  let asksHint = true
  for (let search = 0; search < MAX_SEARCHES; search++) {
    const asked = sighting(place.runtime)
    const hint = asksHint ? await readHint(place, signal) : undefined
    const start = hint ?? (await listNewest(place, signal))
    if (start === undefined) return undefined
    const found = await climb(place, { ...start, seen: asked }, undefined, signal)
    if (found && !(hint && (await isBelowHole(place, found, asked, signal)))) return found
    // A hint that names nothing, or from which custody was lost, is of no use.
    asksHint = found !== undefined
  }
  throw new DataShardError(
    'unavailable',
    `the newest version of ${place.location} could not be read: versions vanished ${MAX_SEARCHES} times while it was ` +
      `searched. Is somebody deleting metadata files?`,
  )
}

/** Reads one version; undefined if it does not exist. One request. */
export async function readVersion(
  place: Place,
  version: number,
  form: VersionForm,
  signal?: AbortSignal,
): Promise<Head | undefined> {
  const key = keyIn(place, versionName(version, form))
  // When it was asked for: an answer may lie unread while the process is stopped, and the version be long gone.
  const seen = sighting(place.runtime)
  const bytes = await place.store.get(key, { signal })
  if (!bytes) return undefined
  return { ...decodeVersion(bytes, place.store.urlOf(key)), version, form, seen }
}

/**
 * From a version that was alive at `start.seen` to the head; undefined where custody was lost on the way: between a version
 * and what was asked of it so much time passed that a deleted number could have been created anew.
 */
async function climb(
  place: Place,
  start: { readonly version: number; readonly form: VersionForm; readonly seen: Sighting },
  known: Head | SeenVersion | undefined,
  signal: AbortSignal | undefined,
): Promise<Head | undefined> {
  const { form } = start
  const exists = async (version: number) =>
    (await place.store.head(keyIn(place, versionName(version, form)), { signal })) !== undefined
  let { version, seen } = start
  const isLate = () => ageMs(seen, place.runtime) >= CUSTODY_MS
  let stride = 1
  let isNear = false
  for (let steps = 1; ; steps++) {
    const asked = sighting(place.runtime)
    if (!(await exists(version + stride))) {
      if (stride === 1) break
      isNear = true
      stride /= 2
      continue
    }
    // A step counts only while the version below it was seen alive a moment ago. Deletion goes from the oldest on: what is there above
    // such a one is of the same chain, however far.
    if (isLate()) return undefined
    version += stride
    seen = asked
    if (steps >= SINGLE_STEPS && !isNear) stride *= 2
    else if (isNear && stride > 1) stride /= 2
    // Who comes from a version of its own may be far behind: the hint is a shortcut over the first step.
    if (known && version === known.version + 1) {
      const hinted = sighting(place.runtime)
      const hint = (await readHint(place, signal))?.version ?? 0
      if (hint > version) [version, seen] = [hint, hinted]
    }
  }
  if (known?.version === version && 'kind' in known) {
    // It was read before; that it is still there is all that is left to ask.
    const asked = sighting(place.runtime)
    return (await exists(version)) && !isLate() ? { ...known, seen: asked } : undefined
  }
  const found = await readVersion(place, version, form, signal)
  if (isLate()) return undefined
  if (found || form === 'gzip' || version !== start.version) return found
  // Java names compressed versions otherwise: perhaps the hint means one of these.
  const gzip = await place.store.head(keyIn(place, versionName(version, 'gzip')), { signal })
  return gzip && climb(place, { version, form: 'gzip', seen }, undefined, signal)
}

/**
 * Whether the version after `found` is missing because it was deleted. Deletion begins when the hint has been above it for
 * a while, so that a search which began at an older hint, and was slow, learns it from the new one.
 */
async function isBelowHole(
  place: Place,
  { version, form }: Head,
  asked: Sighting,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (ageMs(asked, place.runtime) <= HINT_TRUST_MS) return false
  const hint = (await readHint(place, signal))?.version ?? 0
  if (hint <= version) return false
  return (await place.store.head(keyIn(place, versionName(version + 1, form)), { signal })) === undefined
}

async function readHint(
  place: Place,
  signal?: AbortSignal,
): Promise<{ version: number; form: VersionForm } | undefined> {
  const bytes = await place.store.get(keyIn(place, HINT_NAME), { signal })
  const version = bytes && parseHint(bytes)
  return version === undefined ? undefined : { version, form: 'plain' }
}

/** Without a hint, or with one that names nothing: the slow way, through all pages. */
async function listNewest(
  place: Place,
  signal?: AbortSignal,
): Promise<{ version: number; form: VersionForm } | undefined> {
  let newest: { version: number; form: VersionForm } | undefined
  for await (const { key } of place.store.list(keyIn(place, 'metadata/v'), { signal })) {
    const name = parseVersionName(nameIn(place, key))
    if (name && (newest === undefined || name.version > newest.version)) newest = name
  }
  return newest
}
