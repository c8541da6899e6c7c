/** The create that is the commit, and what its answers mean. */
import { inCustody } from '../../src/commit/custody.ts'
import { findAnyHead, raiseHint, readOld } from './head.ts'
import type { VersionRecord } from './objects.ts'
import { versionKey } from './objects.ts'
import type { Process, SeenHead, Steps } from './process.ts'
import { isOff, LATENESS_TICKS } from './process.ts'

/** `stale`: nothing was sent, the base is too old to build upon. */
export type Created = 'won' | 'lost' | 'stale' | 'unknown'

/** Resolves an ambiguous answer by sending the same bytes again, until the version certainly exists. */
export function* createVersion(me: Process, base: SeenHead, record: VersionRecord): Steps<Created> {
  const { runtime } = me.model
  const isFresh = () => inCustody(base.seen, runtime) || isOff(me, 'base-age')
  const version = base.version + 1
  for (let tries = 0; ; tries++) {
    // Before every send: what arrives later than this may land on a number that was deleted.
    if (!isFresh()) return tries === 0 ? 'stale' : yield* resolveLate(me, version, record)
    me.exposed = true
    const answer = yield {
      verb: 'put',
      key: versionKey(version),
      value: record,
      ...(isOff(me, 'conditional-create') ? {} : { onlyIf: 'absent' as const }),
    }
    if (answer.status === 200) {
      if (!isFresh()) return yield* resolveLate(me, version, record)
      yield* raiseHint(me, version)
      return 'won'
    }
    if (isOff(me, 'nonce')) return 'lost'
    if (answer.status === 412) return yield* whoseIs(me, version, record)
  }
}

function* whoseIs(me: Process, version: number, record: VersionRecord): Steps<Created> {
  const there = yield* readOld(me, version, yield* findAnyHead(me))
  if (!there) return 'unknown'
  return there.nonce === record.nonce ? 'won' : 'lost'
}

/** Not sent again: but what was sent may still arrive, until the store would refuse it as too late. */
function* resolveLate(me: Process, version: number, record: VersionRecord): Steps<Created> {
  yield { pauseTicks: LATENESS_TICKS + 1 }
  return yield* whoseIs(me, version, record)
}
