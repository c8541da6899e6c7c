/** What became of an intent: asked of the last version of its window, not of a later one. */
import { lastVersionOf, verdictAt } from '../../src/commit/window.ts'
import { findHead, readOld } from './head.ts'
import { ledgerAt } from './ledgers.ts'
import type { Intent } from './objects.ts'
import type { Process, Steps } from './process.ts'
import { isOff } from './process.ts'

export type Fate = 'folded' | 'never' | 'open' | 'unknown'

export function* fateOf(me: Process, intent: Intent): Steps<Fate> {
  const fate = yield* askLedgers(me, intent)
  me.model.oracle.verdictGiven(me.name, intent.id, fate)
  return fate
}

function* askLedgers(me: Process, intent: Intent): Steps<Fate> {
  const head = yield* findHead(me)
  const last = lastVersionOf(intent.base, me.model.window)
  let version = isOff(me, 'verdict-in-window') ? head.version : Math.min(head.version, last)
  for (let belowFloor = false; ; belowFloor = true) {
    const record = version === head.version ? head.record : yield* readOld(me, version, head)
    if (!record) return isOff(me, 'archive') ? 'never' : 'unknown'
    const verdict = verdictAt(intent, ledgerAt(me, version, record), version)
    // Open below a floor means never: whoever comes after the floor does not fold it.
    if (verdict.kind === 'open') return belowFloor ? 'never' : 'open'
    if (verdict.kind !== 'before-floor') return verdict.kind
    version = verdict.floor - 1
    if (version <= intent.base) return 'never'
  }
}
