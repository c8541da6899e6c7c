/** Folding published intents, one's own among them, into the next version; or cancelling one that cannot be seen. */
import { isCancelled, roomFor } from '../../src/commit/ledger.ts'
import { chooseCandidates, mayFold } from '../../src/commit/window.ts'
import { createVersion } from './create.ts'
import { findHead } from './head.ts'
import { ledgerAt, ledgerToFoldBy, nextVersion } from './ledgers.ts'
import type { Intent } from './objects.ts'
import { INBOX, inboxOf, intentOfKey, NO_DEED } from './objects.ts'
import type { Process, Steps } from './process.ts'
import { chance, isOff, untilAnswered } from './process.ts'

/** How often a listing in pages misses a key that was there. */
const LIST_MISSES = 0.05

export interface FoldPlan {
  /** Folded whether it is visible or not; without it in the fold there is none. */
  readonly own?: Intent
  /** An intent that holds a claim: folded if it is visible, cancelled if not. */
  readonly suspect?: Intent
  /** The own intent is not published: the version names it directly. */
  readonly alone?: boolean
}

/** Whether a version was created. */
export function* fold(me: Process, { own, suspect, alone = false }: FoldPlan): Steps<boolean> {
  const listing = yield* untilAnswered({ verb: 'list', prefix: isOff(me, 'table-uuid') ? INBOX : inboxOf(me.table) })
  const published = listing.keys!.filter(() => !chance(me, LIST_MISSES)).map(intentOfKey)
  const head = yield* findHead(me)
  const next = head.version + 1
  const ledger = ledgerAt(me, head.version, head.record)
  const by = ledgerToFoldBy(me, ledger)
  const room = Math.min(me.model.room, roomFor(ledger, next))
  const folds = chooseCandidates(published, own, by, next, room).map(({ id }) => id)
  if (own && alone && isOff(me, 'own-may-be-named') && isCancelled(ledger, own.id)) folds.push(own.id)
  if (own && !folds.includes(own.id)) return false
  const isHidden = suspect && !folds.includes(suspect.id)
  const cancels = isHidden && (mayFold(suspect, by, next) || isOff(me, 'cancel-only-open')) ? [suspect.id] : []
  if (folds.length + cancels.length === 0) return false
  const created = yield* createVersion(me, head, nextVersion(me, head, { ...NO_DEED, by: me.name, folds, cancels }))
  return created === 'won'
}
