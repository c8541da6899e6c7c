/**
 * Deleting versions. Creating a deleted number succeeds again, so no writer that still knows one may be about to build on
 * it: only versions go that the hint has passed and that were superseded long ago, the oldest first, each batch seen gone
 * before the next (commit-protocol, "Deletion").
 */
import { HINT_SETTLES_MS } from '../commit/head.ts'
import { HintWriter } from '../commit/hint.ts'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import type { VersionName } from '../commit/version.ts'
import { HINT_NAME, parseHint } from '../commit/version.ts'
import { DataShardError } from '../errors.ts'
import type { ObjectInfo } from '../store/store.ts'
import { inParallel } from './in-parallel.ts'

export interface ListedVersion extends VersionName {
  readonly info: ObjectInfo
}

/** Heads under way at once. */
const AT_ONCE = 16

/**
 * Versions that may be deleted, oldest first: those with a number below `end` whose successor is older than `beforeMs`. A
 * version without a successor lies below a gap, left by a deletion that was interrupted or by a writer that slept; its own
 * age counts.
 *
 * @param versions by number
 */
export function supersededVersions(
  versions: readonly ListedVersion[],
  end: number,
  beforeMs: number,
): readonly ListedVersion[] {
  const stays = versions.findIndex(({ version, info }, i) => {
    const next = versions[i + 1]
    const successorMs = next?.version === version + 1 ? next.info.lastModifiedMs : info.lastModifiedMs
    return version >= end || Math.max(successorMs, info.lastModifiedMs) >= beforeMs
  })
  return stays < 0 ? versions : versions.slice(0, stays)
}

/** Where the hint is, as it was read back: versions are deleted by what is there, not by what was tried. */
export interface RaisedHint {
  /** At most the head's. */
  readonly version: number
  /** Resolves when nobody climbs any more from a hint that was lower; see {@link HINT_SETTLES_MS}. */
  settled(signal: AbortSignal | undefined): Promise<void>
}

/** Raises the hint to the head. Five requests. */
export async function raiseHint(place: Place, head: number, signal: AbortSignal | undefined): Promise<RaisedHint> {
  const { runtime } = place
  const writer = new HintWriter(place)
  writer.raise(head)
  await writer.flush()
  const bytes = await place.store.get(keyIn(place, HINT_NAME), { signal })
  const readMs = runtime.monotonic()
  return {
    version: Math.min(head, (bytes && parseHint(bytes)) ?? 0),
    settled: async (stop) => {
      const waitMs = readMs + HINT_SETTLES_MS - runtime.monotonic()
      if (waitMs > 0) await runtime.sleep(waitMs, stop)
    },
  }
}

/**
 * Deletes versions and looks whether they are gone. Two requests per version at most.
 *
 * @throws `unavailable` if one stays although it was deleted
 */
export async function deleteSeenGone(
  place: Place,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await place.store.delete(keys, { signal })
  await inParallel(keys, AT_ONCE, async (key) => {
    if ((await place.store.head(key, { signal })) === undefined) return
    throw new DataShardError(
      'unavailable',
      `${place.store.urlOf(key)} is still there after it was deleted; newer versions were left. Try again later`,
      { details: { table: place.location, object: key } },
    )
  })
}
