/**
 * What is right and wrong with a location: whether a table could live there, and how the one that does is. Every check
 * says what it found and, unless all is well, what to do next; none changes the table.
 */
import { isMetadataFile } from '../commit/version.ts'
import type { Place } from '../commit/place.ts'
import { DataShardError } from '../errors.ts'
import { uuid } from '../runtime.ts'
import { localFindings, rememberDirectories } from './doctor-local.ts'
import { storeFindings } from './doctor-store.ts'
import { tableFindings } from './doctor-table.ts'
import type { OpenOptions } from './open-place.ts'
import { openPlace } from './open-place.ts'

export interface Finding {
  /** A short name, the same in every version: `conditional create`. */
  readonly check: string
  /** `warning`: works, with a catch. `problem`: rows would be lost or cannot be written or read. */
  readonly status: 'ok' | 'warning' | 'problem'
  readonly found: string
  /** What to do about it. */
  readonly next?: string
}

/**
 * Checks a location, one finding after the other as they are made. Writes small objects under
 * `metadata/_ds/doctor-<id>/` there and deletes them again. About 400 requests, most of them the race.
 *
 * Errors: only `aborted`; everything else is a finding.
 */
export async function* diagnose(location: string, options: OpenOptions = {}): AsyncGenerator<Finding> {
  if (isMetadataFile(location)) {
    yield {
      check: 'location',
      status: 'problem',
      found: `${location} is one metadata file: a state of a table, to be read and not written`,
      next: 'name the folder of the table, the one that holds metadata/ and data/',
    }
    return
  }
  const opened = yield* attempt('location', 'correct the location', async () => openPlace(location, options))
  if (opened === undefined) return
  const { place, ownsStore } = opened
  try {
    yield { check: 'location', status: 'ok', found: describePlace(place) }
    yield* diagnosePlace(place, options.signal)
  } finally {
    if (ownsStore) place.store.close()
  }
}

async function* diagnosePlace(place: Place, signal: AbortSignal | undefined): AsyncGenerator<Finding> {
  const scratch = `metadata/_ds/doctor-${uuid(place.runtime)}`
  const forgetDirectories = await rememberDirectories(place, scratch)
  yield* localFindings(place)
  try {
    const usable = yield* storeFindings(place, scratch, signal)
    if (!usable) return
    yield* tableFindings(place, signal)
  } finally {
    await forgetDirectories()
  }
}

function describePlace({ store, prefix, location }: Place): string {
  const inside = prefix === '' ? 'at its root' : `under '${prefix}'`
  const { endpoint } = store.conditionalCreate
  return location.startsWith('s3://') ? `${store.url} at ${endpoint}, ${inside}` : location
}

/** What to do about a check that failed; the error may know better. */
export type Advice = string | ((error: unknown) => string)

/** Runs one check; an error becomes a finding, and undefined is returned. Only the caller's abort goes through. */
export async function* attempt<T>(
  check: string,
  next: Advice,
  body: () => Promise<T>,
): AsyncGenerator<Finding, T | undefined> {
  try {
    return await body()
  } catch (error) {
    if (DataShardError.is(error, 'aborted')) throw error
    yield problemOf(check, error, typeof next === 'string' ? next : next(error))
    return undefined
  }
}

export function problemOf(check: string, error: unknown, next: string): Finding {
  const message = error instanceof Error ? error.message : String(error)
  return { check, status: 'problem', found: message, next }
}
