/**
 * Data files and manifests are written before the version that names them. A sweep takes what nothing names for an orphan
 * when it is a day old, so that a process which was suspended for that long must not name what it wrote before: it may be
 * gone.
 */
import { DataShardError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Sighting } from './custody.ts'
import { ageMs, sighting } from './custody.ts'
import type { Place } from './place.ts'

/**
 * From the first object to the version, or to the intent that names it. An intent is folded within an hour, if at all; the
 * least age of orphans is 24 h (maintenance/ages.ts).
 */
export const MAX_UNNAMED_MS = 20 * 3_600_000

/** The oldest of these moments, or now. */
export function begunFirst(begun: readonly (Sighting | undefined)[], runtime: Runtime): Sighting {
  const known = begun.filter((one) => one !== undefined)
  return known.reduce((a, b) => (ageMs(b, runtime) > ageMs(a, runtime) ? b : a), sighting(runtime))
}

export function isOverdue(begun: Sighting, runtime: Runtime): boolean {
  return ageMs(begun, runtime) >= MAX_UNNAMED_MS
}

/** @throws `commit-contention` if something that was begun then may not be committed any more. */
export function checkNamedInTime(begun: Sighting, { runtime, location }: Place): void {
  if (!isOverdue(begun, runtime)) return
  const hours = Math.floor(ageMs(begun, runtime) / 3_600_000)
  throw new DataShardError(
    'commit-contention',
    `a change of ${location} wrote its first file ${hours} h ago: what nothing names for so long may have been swept. ` +
      `Nothing was committed; begin again, and commit within ${MAX_UNNAMED_MS / 3_600_000} h`,
    { details: { table: location } },
  )
}
