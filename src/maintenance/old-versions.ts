/**
 * Old versions: which may go, and how. Creating a deleted number succeeds again, so no writer that still knows one may be
 * about to build on it: only versions go that lie a window below the hint and were superseded long ago, the oldest first,
 * each batch seen gone before the next. Before that their ledgers are kept, because retries under an idempotency key ask
 * for them.
 */
import { HintWriter } from '../commit/hint.ts'
import { formatLedger, WINDOW } from '../commit/ledger.ts'
import { archiveName, encodeArchive, MAX_ARCHIVED_VERSIONS } from '../commit/ledger-archive.ts'
import { peekVersion } from '../commit/peek.ts'
import type { Place } from '../commit/place.ts'
import { keyIn } from '../commit/place.ts'
import { HINT_NAME, parseHint } from '../commit/version.ts'
import { DataShardError } from '../errors.ts'
import { inParallel } from '../table/in-parallel.ts'
import type { ListedArchive, ListedVersion } from './inventory.ts'

/** Versions archived, deleted, and seen gone before the next ones; their ledgers, of 64 KiB at most, are in memory. */
const BATCH = 500
const AT_ONCE = 16

/**
 * Versions that may be deleted, oldest first, if the hint is at `hint`: those with a number below hint - W whose successor is
 * older than `beforeMs`. A version without a successor lies below a gap, left by a sweep that was interrupted or by a writer
 * that slept; its own age counts.
 */
export function supersededVersions(
  versions: readonly ListedVersion[],
  hint: number,
  beforeMs: number,
): readonly ListedVersion[] {
  const end = versions.findIndex(({ version, form, info }, i) => {
    const next = versions[i + 1]
    const successorMs = next?.version === version + 1 ? next.info.lastModifiedMs : info.lastModifiedMs
    return form !== 'plain' || version >= hint - WINDOW || Math.max(successorMs, info.lastModifiedMs) >= beforeMs
  })
  return end < 0 ? versions : versions.slice(0, end)
}

/** The version that was the head at `ms`: the newest that is older, or the oldest that there is in one chain. */
export function headAt(versions: readonly ListedVersion[], head: number, ms: number): number {
  const modifiedMs = new Map(versions.map(({ version, info }) => [version, info.lastModifiedMs]))
  // The head itself may have been committed after the listing.
  let at = versions.findLast(({ version }) => version <= head)?.version ?? head
  while (modifiedMs.get(at)! >= ms && modifiedMs.has(at - 1)) at -= 1
  return at
}

/**
 * Raises the hint to the head, and says where it is then: versions are deleted by what is there, not by what was tried.
 * Five requests.
 */
export async function raiseHint(place: Place, head: number, signal: AbortSignal | undefined): Promise<number> {
  const writer = new HintWriter(place)
  writer.raise(head)
  await writer.flush()
  const bytes = await place.store.get(keyIn(place, HINT_NAME), { signal })
  return Math.min(head, (bytes && parseHint(bytes)) ?? 0)
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
    await place.store.delete(keys, { signal })
    await seeGone(place, keys, signal)
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
    const peeked = await peekVersion(place, version, signal)
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

async function seeGone(place: Place, keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  await inParallel(keys, AT_ONCE, async (key) => {
    if ((await place.store.head(key, { signal })) === undefined) return
    throw new DataShardError(
      'unavailable',
      `${place.store.urlOf(key)} is still there after it was deleted; newer versions were left. Sweep again later`,
      { details: { table: place.location, object: key } },
    )
  })
}
