/** Maintenance: old versions and dead intents, deleted so that nobody who sleeps can do harm. */
import { lastVersionOf } from '../../src/commit/window.ts'
import { findAnyHead, raiseHint } from './head.ts'
import {
  archiveKey,
  HINT_KEY,
  INBOX,
  intentOfKey,
  tableOfInbox,
  versionKey,
  versionOfKey,
  VERSIONS,
} from './objects.ts'
import type { Outcome, Process, Steps } from './process.ts'
import { get, isOff, RETENTION_TICKS, TICK_MS, untilAnswered } from './process.ts'

export function* sweep(me: Process): Steps<Outcome> {
  yield* sweepVersions(me)
  yield* sweepInbox(me)
  return 'done'
}

function* sweepVersions(me: Process): Steps<void> {
  const head = yield* findAnyHead(me)
  let limit = head.version
  if (!isOff(me, 'hint-before-deletion')) {
    yield* raiseHint(me, head.version)
    // What the hint says now, not what was to be written: the write may have been lost.
    limit = (yield* get(HINT_KEY)).object!.value as number
  }
  const listing = yield* untilAnswered({ verb: 'list', prefix: VERSIONS })
  const versions = listing.keys!.map((key) => versionOfKey(key)!).sort((a, b) => a - b)
  if (isOff(me, 'oldest-first')) versions.reverse()
  for (const version of versions) {
    if (version >= limit - me.model.window) {
      if (isOff(me, 'oldest-first')) continue
      return
    }
    if (!isOff(me, 'retention') && !(yield* isSuperseded(me, version))) return
    if (!isOff(me, 'archive')) yield* archive(version)
    yield* untilAnswered({ verb: 'delete', key: versionKey(version) })
    // A request in flight may still be on its way: the next only when this one is seen gone.
    if ((yield* get(versionKey(version))).status === 200) return
  }
}

/** Whether its successor is old enough. Without a successor it is an island, which counts from its own age. */
function* isSuperseded(me: Process, version: number): Steps<boolean> {
  const successor = yield* get(versionKey(version + 1))
  const object = successor.object ?? (yield* get(versionKey(version))).object
  return object === undefined || me.model.runtime.now() - object.createdMs > RETENTION_TICKS * TICK_MS
}

/** Create-only: an island must not take the place of the version that it stands for. */
function* archive(version: number): Steps<void> {
  const itself = yield* get(versionKey(version))
  if (itself.object) {
    yield* untilAnswered({ verb: 'put', key: archiveKey(version), value: itself.object.value, onlyIf: 'absent' })
  }
}

/** LIST first, then the head: what is listed and beyond its window by then, and not named, is named by nobody later. */
function* sweepInbox(me: Process): Steps<void> {
  const listing = yield* untilAnswered({ verb: 'list', prefix: INBOX })
  const head = yield* findAnyHead(me)
  if (head.record.isTombstone) return
  const named = new Set(head.record.files)
  for (const key of listing.keys!) {
    const intent = intentOfKey(key)
    if (tableOfInbox(key) !== head.record.table || named.has(intent.id)) continue
    const isClosed = head.version >= lastVersionOf(intent.base, me.model.window)
    if (isClosed || isOff(me, 'sweep-closed-intents')) yield* untilAnswered({ verb: 'delete', key })
  }
}
