/**
 * What is left over in the inbox. An intent that was folded is a live data file, or was read into a manifest; one that was
 * not waits until its window has passed. On a quiet table that may take for ever, so that intents which nobody folds any
 * more are committed as cancelled: from then on nobody may fold them, and who published them learns it.
 */
import { Committer, DEFAULT_TIMEOUT_MS } from '../commit/commit.ts'
import type { TableHead } from '../commit/head.ts'
import type { Ledger } from '../commit/ledger.ts'
import { isCancelled, ledgerOn, roomFor } from '../commit/ledger.ts'
import { ledgerBy, ledgerOf } from '../commit/peek.ts'
import type { Place } from '../commit/place.ts'
import { foldable, lastVersionOf } from '../commit/window.ts'
import type { ObjectInfo } from '../store/store.ts'
import { FORGOTTEN_MS } from './ages.ts'
import type { Inventory } from './inventory.ts'

type Intents = Inventory['intents']

/** Intents cancelled in one commit. */
const MAX_CANCELLED = 1_000

/**
 * Intents that no version can fold any more. The listing must be older than the head: a folder that could still name one of
 * them finds its version taken.
 *
 * @param beforeMs younger ones stay: readers may have a state that names them.
 */
export function closedIntents(intents: Intents, head: TableHead, beforeMs: number): readonly ObjectInfo[] {
  const ledger = ledgerOf(head.metadata)
  const closed = intents.filter(({ id, base, info }) => {
    if (info.lastModifiedMs >= beforeMs) return false
    return head.version >= windowEnd(base, ledger, head) || (ledger !== undefined && isCancelled(ledger, id))
  })
  return closed.map(({ info }) => info)
}

function windowEnd(base: number, ledger: Ledger | undefined, head: TableHead): number {
  return lastVersionOf(base, ledgerOn(ledger, head.version).window)
}

/** Ids of intents that could be folded, and that are so old that nobody does; as many as one commit takes. */
export function forgottenIntents(intents: Intents, head: TableHead, nowMs: number): readonly string[] {
  const ledger = ledgerBy(head)
  const next = head.version + 1
  const old = intents.filter(({ info }) => nowMs - info.lastModifiedMs > FORGOTTEN_MS)
  const ids = [...new Set(foldable(old, ledger, next).map(({ id }) => id))]
  return ids.slice(0, Math.min(MAX_CANCELLED, roomFor(ledger, next)))
}

export function forgottenHolds(holds: readonly ObjectInfo[], nowMs: number): readonly ObjectInfo[] {
  return holds.filter((info) => nowMs - info.lastModifiedMs > FORGOTTEN_MS)
}

/** Commits ids as cancelled. False if another commit came first: the table is not quiet, and windows pass by themselves. */
export async function cancelIntents(
  place: Place,
  head: TableHead,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const committer = new Committer(place, head)
  const created = await committer.createNext({
    base: head,
    updates: [],
    ledger: { snapshotId: 0n, folded: [], cancelled: ids },
    deadlineMs: place.runtime.monotonic() + DEFAULT_TIMEOUT_MS,
    signal,
  })
  await committer.flush()
  return created.outcome === 'won'
}
