/** Idempotency keys: a claim gives a key to one intent; who finds another's resolves that one first. */
import { fold } from './fold.ts'
import type { Intent } from './objects.ts'
import { claimKey } from './objects.ts'
import type { Process, Steps } from './process.ts'
import { get, isOff, untilAnswered } from './process.ts'
import { fateOf } from './verdict.ts'

const MAX_LOOKS = 40
/** How long to look on before helping, at most; doubled with each name that was cancelled under us. */
const PATIENCE_TICKS = 15
const MAX_DOUBLINGS = 4

/** The keys of one append, and how far it has got with them. */
export interface Claims {
  /** For each key the generation to try: the ones before are known to have failed for ever. */
  readonly generations: Map<string, number>
  /** How many names this append has used up. */
  names: number
}

/** `mine`: the intent may carry the key's rows. `replayed`: they are in the table. `unknown`: found out by nobody in time. */
export function* claim(me: Process, claims: Claims, key: string, own: Intent): Steps<'mine' | 'replayed' | 'unknown'> {
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const generation = claims.generations.get(key) ?? 0
    const next = () => claims.generations.set(key, generation + 1)
    const name = claimKey(me.table, key, generation)
    const condition = isOff(me, 'claim-create-only') ? {} : { onlyIf: 'absent' as const }
    yield* untilAnswered({ verb: 'put', key: name, value: own, ...condition })
    // Read whatever the answer was: a repeated request is answered with 412 over its own effect.
    const holder = (yield* get(name)).object!.value as Intent
    if (holder.id === own.id) return 'mine'
    const fate = yield* fateOf(me, holder)
    if (fate === 'folded') return 'replayed'
    if (fate === 'unknown') return 'unknown'
    if (fate === 'never' || (isOff(me, 'claim-until-never') && looks > 1)) next()
    else yield* help(me, holder, claims.names)
  }
  return 'unknown'
}

/** Looks on for a moment first, longer each time: two attempts must not cancel each other for ever. */
function* help(me: Process, holder: Intent, names: number): Steps<void> {
  const longest = PATIENCE_TICKS * 2 ** Math.min(names, MAX_DOUBLINGS)
  yield { pauseTicks: 1 + Math.floor(me.model.runtime.random() * longest) }
  if ((yield* fateOf(me, holder)) === 'open') yield* fold(me, { suspect: holder })
}
