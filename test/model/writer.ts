/** An append: alone or in company, with idempotency keys or without, again under a new name after its window. */
import { newIntentId } from '../../src/commit/intent-id.ts'
import type { Claims } from './claims.ts'
import { claim } from './claims.ts'
import { fold } from './fold.ts'
import { findHead } from './head.ts'
import type { Intent } from './objects.ts'
import { intentKey } from './objects.ts'
import type { Outcome, Process, Steps } from './process.ts'
import { chance, isOff, untilAnswered } from './process.ts'
import type { Fate } from './verdict.ts'
import { fateOf } from './verdict.ts'

export interface AppendPlan {
  /** One row per key; undefined: one row without a key. */
  readonly keys: readonly string[] | undefined
  /** Tries to commit before it publishes, as a writer does that saw nobody else. */
  readonly alone: boolean
  /** Is cancelled by its caller before anything is sent. */
  readonly aborts: boolean
}

const MAX_NAMES = 12
const MAX_WAITS = 60

export function* append(me: Process, plan: AppendPlan): Steps<Outcome> {
  const { oracle } = me.model
  // In order: who holds a key waits only for later ones, so no two appends wait for each other.
  let open: readonly string[] = plan.keys?.toSorted() ?? [me.name]
  const claims: Claims = { generations: new Map(), names: 0 }
  oracle.appendBegins(me.name, open, me.table)
  for (; claims.names < MAX_NAMES; claims.names++) {
    const own = yield* newIntent(me, open)
    if (plan.keys) {
      if (isOff(me, 'claim-before-publish')) yield* publish(me, own)
      const mine: string[] = []
      for (const key of open) {
        const answer = yield* claim(me, claims, key, own)
        if (answer === 'unknown') return 'unknown'
        if (answer === 'mine') mine.push(key)
      }
      open = mine
      if (open.length === 0) return 'done'
      if (!isOff(me, 'claim-before-publish')) oracle.intentIs(me.name, own, open, me.table)
    }
    if (plan.aborts && !me.exposed) return 'refused'
    const fate = yield* attempt(me, own, plan.alone)
    if (fate === 'folded') return 'done'
    if (fate !== 'never') return 'unknown'
  }
  return 'unknown'
}

/** A name of one's own, for as long as the window from the head lasts; an id has one publisher, ever. */
function* newIntent(me: Process, rows: readonly string[]): Steps<Intent> {
  const own = { id: newIntentId(me.model.runtime), base: (yield* findHead(me)).version }
  me.model.oracle.intentIs(me.name, own, rows, me.table)
  return own
}

function* publish(me: Process, own: Intent): Steps<void> {
  me.exposed = true
  yield* untilAnswered({ verb: 'put', key: intentKey(me.table, own), value: own })
}

function* attempt(me: Process, own: Intent, alone: boolean): Steps<Fate> {
  // Nobody is asked before: the version itself must not bring what was cancelled while keys were claimed.
  if (alone && (yield* fold(me, { own, alone }))) return 'folded'
  let fate = yield* fateOf(me, own)
  if (fate !== 'open') return fate
  yield* publish(me, own)
  for (let waits = 0; waits < MAX_WAITS; waits++) {
    if (isOff(me, 'publish-again-after-never') && waits > 2) return 'never'
    if (chance(me, 0.5) && (yield* fold(me, { own }))) return 'folded'
    fate = yield* fateOf(me, own)
    if (fate !== 'open') return fate
  }
  return 'unknown'
}
