/** Finding the head, reading old versions, raising the hint. */
import { inCustody, sighting } from '../../src/commit/custody.ts'
import { archiveKey, HINT_KEY, versionKey, versionOfKey, VERSIONS } from './objects.ts'
import type { VersionRecord } from './objects.ts'
import type { Process, SeenHead, Steps } from './process.ts'
import { chance, GaveUp, get, isOff, TableGone, untilAnswered } from './process.ts'
import type { Sighting } from '../../src/commit/custody.ts'

const MAX_SEARCHES = 50

interface Start {
  readonly version: number
  readonly seen: Sighting
}

/** The head of the table that the process has opened. */
export function* findHead(me: Process): Steps<SeenHead> {
  const head = yield* findAnyHead(me)
  const { table, isTombstone } = head.record
  if (!isOff(me, 'table-uuid') && (table !== me.table || isTombstone)) throw new TableGone()
  if (isTombstone) throw new TableGone()
  return head
}

/** The newest version, whatever it is. */
export function* findAnyHead(me: Process): Steps<SeenHead> {
  const { oracle, runtime } = me.model
  const newestBefore = oracle.newest
  for (let search = 0; search < MAX_SEARCHES; search++) {
    const isUsable = me.head && (inCustody(me.head.seen, runtime) || trustsCache(me))
    const cached = isUsable ? me.head : undefined
    const found = yield* climb(me, cached ?? (yield* startAtHint(me)))
    me.head = found
    if (!found) continue
    oracle.headFound(me.name, found.version, found.record, newestBefore)
    return found
  }
  throw new GaveUp()
}

function* startAtHint(me: Process): Steps<Start> {
  const asked = sighting(me.model.runtime)
  const hint = yield* get(HINT_KEY)
  if (hint.status === 200) return { version: hint.object!.value as number, seen: sightingOf(me, asked) }
  const listed = yield* untilAnswered({ verb: 'list', prefix: VERSIONS })
  return { version: Math.max(...listed.keys!.map((key) => versionOfKey(key)!)), seen: sightingOf(me, asked) }
}

/** Undefined: versions vanished on the way, or the process slept; start again. */
function* climb(me: Process, start: Start): Steps<SeenHead | undefined> {
  const { runtime } = me.model
  let { version, seen } = start
  for (;;) {
    const asked = sighting(runtime)
    const above = yield* get(versionKey(version + 1))
    // A step counts only while the version below it was seen alive a moment ago.
    if (!inCustody(seen, runtime) && !isOff(me, 'custody') && !trustsCache(me)) return undefined
    if (above.status === 404) break
    version += 1
    seen = sightingOf(me, asked)
  }
  if (isOff(me, 'look-back') && me.head?.version === version) return { ...me.head, seen: sighting(runtime) }
  const asked = sighting(runtime)
  const still = yield* get(versionKey(version))
  if (still.status === 404) return undefined
  // The look back is a step too: repeated after a long sleep, it would find an island where the version was.
  if (!inCustody(seen, runtime) && !isOff(me, 'custody-of-look-back') && !isOff(me, 'custody') && !trustsCache(me)) {
    return undefined
  }
  return { version, record: still.object!.value as VersionRecord, seen: sightingOf(me, asked) }
}

function trustsCache(me: Process): boolean {
  return isOff(me, 'custody-of-cache') || isOff(me, 'look-back')
}

/** Alive when the question was asked, is what an answer proves; it may have waited in a stopped process since. */
function sightingOf(me: Process, asked: Sighting): Sighting {
  return isOff(me, 'sighted-when-asked') ? sighting(me.model.runtime) : asked
}

/**
 * A version that may be deleted already, from itself or from the archive. Where it may, the archive goes before: what
 * stands under a deleted number is an island that somebody planted who had slept.
 */
export function* readOld(me: Process, version: number, head: SeenHead): Steps<VersionRecord | undefined> {
  const itself = yield* get(versionKey(version))
  const found = itself.object?.value as VersionRecord | undefined
  const isRecent = version >= head.version - me.model.window && inCustody(head.seen, me.model.runtime)
  if (found && (isRecent || isOff(me, 'archive-before-islands'))) return found
  const archived = yield* get(archiveKey(version))
  return (archived.object?.value as VersionRecord | undefined) ?? found
}

/** Best effort, and only upwards. */
export function* raiseHint(me: Process, version: number): Steps<void> {
  if (chance(me, me.model.hintNeglect)) return
  const hint = yield* get(HINT_KEY)
  if (isOff(me, 'hint-only-upwards')) yield { verb: 'put', key: HINT_KEY, value: version }
  else if (hint.status === 404) yield { verb: 'put', key: HINT_KEY, value: version, onlyIf: 'absent' }
  else if ((hint.object!.value as number) < version)
    yield { verb: 'put', key: HINT_KEY, value: version, onlyIf: hint.object!.etag }
}
