/**
 * When a version was last seen alive. Versions that were superseded long ago get deleted, and creating a *deleted*
 * number succeeds again: it would make an island that looks like a head to who comes from below. So a version may be
 * built upon only for a short time after it was seen alive; a process that slept longer must look again.
 */
import type { Runtime } from '../runtime.ts'

/** Far below the 24 h that a superseded version is kept, far above one append. */
export const CUSTODY_MS = 60_000

/** Both clocks: the wall clock may be set back, the monotonic one stands still while a machine is suspended. */
export interface Sighting {
  readonly wallMs: number
  readonly monotonicMs: number
}

export function sighting(runtime: Runtime): Sighting {
  return { wallMs: runtime.now(), monotonicMs: runtime.monotonic() }
}

export function ageMs(seen: Sighting, runtime: Runtime): number {
  return Math.max(runtime.now() - seen.wallMs, runtime.monotonic() - seen.monotonicMs)
}

export function inCustody(seen: Sighting, runtime: Runtime): boolean {
  return ageMs(seen, runtime) < CUSTODY_MS
}
