/** The inbox as a listing shows it: appends that wait to be folded, and writers that ask for room. */
import type { ObjectInfo } from '../store/store.ts'
import type { Sighting } from './custody.ts'
import { sighting } from './custody.ts'
import type { Intent } from './intent.ts'
import { HOLDS, idInName, INBOX, inboxStart, parseIntentName } from './intent.ts'
import type { Place } from './place.ts'
import { keyIn, nameIn, storeNow } from './place.ts'

/** An intent that is there. */
export interface ListedIntent extends Intent {
  readonly key: string
  readonly size: number
}

export interface InboxView {
  readonly intents: readonly ListedIntent[]
  /** Until when, by the store's clock, somebody asks all others not to commit. */
  readonly heldUntilMs: number | undefined
  /** The newest base among the intents: one above our head says that our head is old. */
  readonly newestBase: number
  /** Before it was asked for. */
  readonly seen: Sighting
}

/** An intent that nobody folded for so long was left by a dead writer; a sweep cancels and removes it. */
const MAX_AGE_MS = 3_600_000
/** A hold is a favour for one commit, not a lock. */
export const HOLD_MS = 2_000
/** Objects looked at in one listing: many windows of a busy table. */
const MAX_LISTED = 20_000

/**
 * Intents of this table with a base of `fromBase` or more, but for the ids in `decided`. One request per 1,000 objects; on a local
 * directory one per folder. Whatever else lies in the inbox is passed over.
 */
export async function listInbox(
  place: Place,
  uuid8: string,
  fromBase: number,
  decided: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<InboxView> {
  const isWanted = (key: string) => {
    const id = idInName(nameIn(place, key))
    return id === undefined || !decided.has(id)
  }
  const startAfter = keyIn(place, inboxStart(Math.max(0, fromBase)))
  const intents: ListedIntent[] = []
  let heldUntilMs: number | undefined
  let newestBase = 0
  const nowMs = storeNow(place)
  const seen = sighting(place.runtime)
  for await (const info of place.store.list(keyIn(place, INBOX), { startAfter, limit: MAX_LISTED, isWanted, signal })) {
    if (!isWanted(info.key)) continue
    const name = nameIn(place, info.key)
    if (name.startsWith(HOLDS)) {
      const untilMs = holdEnds(info)
      if (untilMs > nowMs) heldUntilMs = Math.max(heldUntilMs ?? 0, untilMs)
      continue
    }
    const intent = parseIntentName(name)
    if (!intent || intent.uuid8 !== uuid8 || nowMs - info.lastModifiedMs > MAX_AGE_MS) continue
    newestBase = Math.max(newestBase, intent.base)
    intents.push({ ...intent, key: info.key, size: info.size })
  }
  return { intents, heldUntilMs, newestBase, seen }
}

function holdEnds(info: ObjectInfo): number {
  return info.lastModifiedMs + HOLD_MS
}
