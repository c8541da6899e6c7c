/**
 * Old versions: which a sweep deletes (see table/superseded.ts), and what of them is kept: their ledgers, because retries
 * under an idempotency key ask for them.
 */
import { formatLedger, WINDOW } from '../commit/ledger.ts'
import { archiveName, encodeArchive, MAX_ARCHIVED_VERSIONS } from '../commit/ledger-archive.ts'
import { peekVersion } from '../commit/peek.ts'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { DataShardError } from '../errors.ts'
import { inParallel } from '../table/in-parallel.ts'
import type { ListedVersion } from '../table/superseded.ts'
import { deleteSeenGone, supersededVersions } from '../table/superseded.ts'
import type { ListedArchive } from './inventory.ts'

/** Versions archived, deleted, and seen gone before the next ones; their ledgers, of 64 KiB at most, are in memory. */
const BATCH = 500
const AT_ONCE = 16

/**
 * Versions that a sweep may delete, oldest first: a window below the hint, superseded before `beforeMs`, and no compressed
 * ones, which are another engine's.
 */
export function sweepable(
  versions: readonly ListedVersion[],
  hint: number,
  beforeMs: number,
): readonly ListedVersion[] {
  const superseded = supersededVersions(versions, hint - WINDOW, beforeMs)
  const foreign = superseded.findIndex(({ form }) => form !== 'plain')
  return foreign < 0 ? superseded : superseded.slice(0, foreign)
}

/** The version that was the head at `ms`: the newest that is older, or the oldest that there is in one chain. */
export function headAt(versions: readonly ListedVersion[], head: number, ms: number): number {
  const modifiedMs = new Map(versions.map(({ version, info }) => [version, info.lastModifiedMs]))
  // The head itself may have been committed after the listing.
  let at = versions.findLast(({ version }) => version <= head)?.version ?? head
  while (modifiedMs.get(at)! >= ms && modifiedMs.has(at - 1)) at -= 1
  return at
}

export interface VersionDeletion {
  readonly place: Place
  /** Oldest first. */
  readonly versions: readonly ListedVersion[]
  /** What they hold is there already. */
  readonly archives: readonly ListedArchive[]
  readonly signal: AbortSignal | undefined
  readonly onDeleted: (versions: readonly ListedVersion[]) => void
}

/**
 * Archives and deletes versions. Requests: two per version (its ledger; that it is gone), one archive and one delete per 500.
 *
 * @returns how many ledgers were archived
 * @throws `unavailable` if versions stay although they were deleted
 */
export async function deleteVersions(request: VersionDeletion): Promise<number> {
  const { place, versions, archives, signal } = request
  const isArchived = coverage(archives)
  let archived = 0
  for (let at = 0; at < versions.length; at += BATCH) {
    const batch = versions.slice(at, at + BATCH)
    const missing = batch.filter(({ version }) => !isArchived(version))
    for (const run of unbroken(missing)) {
      if (!(await archive(place, run, signal))) return archived
      archived += run.length
    }
    const keys = batch.map(({ info }) => info.key)
    await deleteSeenGone(place, keys, signal)
    request.onDeleted(batch)
  }
  return archived
}

/** To be asked for versions in their order. */
function coverage(archives: readonly ListedArchive[]): (version: number) => boolean {
  const spans = archives.toSorted((a, b) => a.first - b.first)
  let at = 0
  return (version) => {
    while (at < spans.length && spans[at]!.last < version) at += 1
    return at < spans.length && spans[at]!.first <= version
  }
}

/** An archive's name says from where to where it goes: nothing in between may be missing. */
function unbroken(versions: readonly ListedVersion[]): readonly (readonly ListedVersion[])[] {
  const runs: ListedVersion[][] = []
  for (const one of versions) {
    const run = runs.at(-1)
    if (run && run.length < MAX_ARCHIVED_VERSIONS && run.at(-1)!.version === one.version - 1) run.push(one)
    else runs.push([one])
  }
  return runs
}

/** Puts the ledgers of these versions into one object. False if another sweep has deleted one of them meanwhile. */
async function archive(
  place: Place,
  versions: readonly ListedVersion[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const ledgers = new Map<number, string | null>(versions.map(({ version }) => [version, null]))
  let isWhole = true
  await inParallel(versions, AT_ONCE, async ({ version }) => {
    const peeked = await peekVersion(place, version, { signal })
    if (!peeked) isWhole = false
    else if (peeked.ledger) ledgers.set(version, formatLedger(peeked.ledger))
  })
  if (!isWhole) return false
  const name = archiveName(versions[0]!.version, versions.at(-1)!.version)
  // Under this name the same ledgers always: to write them again does no harm, so the store may repeat it.
  const put = await place.store.put(keyIn(place, name), encodeArchive(ledgers), {
    contentType: 'application/json',
    signal,
  })
  if (put.outcome === 'written') return true
  throw new DataShardError('unavailable', `the ledgers of old versions could not be written to ${name}`, {
    cause: put.outcome === 'unknown' ? put.cause : undefined,
  })
}
