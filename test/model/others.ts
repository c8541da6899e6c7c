/** Who else writes to the table: ordinary changes of ours, other engines, a drop; and who reads it. */
import { uuid } from '../../src/runtime.ts'
import { createVersion } from './create.ts'
import { findAnyHead, findHead } from './head.ts'
import { newNonce, newTableLedger, nextVersion } from './ledgers.ts'
import type { VersionRecord } from './objects.ts'
import { NO_DEED, versionKey, versionOfKey, VERSIONS } from './objects.ts'
import type { Outcome, Process, Steps } from './process.ts'
import { chance, isOff, untilAnswered } from './process.ts'

const MAX_ATTEMPTS = 20
/** How long another engine works between reading the head and creating the next version. */
const MAX_WORK_TICKS = 40

/** An ordinary optimistic change of ours, which must happen exactly once; some make pending files invalid. */
export function* change(me: Process): Steps<Outcome> {
  const raisesFloor = chance(me, 0.3)
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const head = yield* findHead(me)
    const record = nextVersion(me, head, { ...NO_DEED, by: me.name, change: me.name, raisesFloor })
    const created = yield* createVersion(me, head, record)
    if (created === 'won') return 'done'
    if (created === 'unknown') return 'unknown'
  }
  return me.exposed ? 'unknown' : 'refused'
}

/** Another engine: works (or sleeps) for a while on what it read, knows no age rule, and keeps our property or does not. */
export function* foreignCommit(me: Process, sleepTicks: number): Steps<Outcome> {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const head = yield* findHead(me)
    const work = 1 + Math.floor(me.model.runtime.random() * MAX_WORK_TICKS)
    yield { pauseTicks: attempts === 0 ? work + sleepTicks : work }
    const record: VersionRecord = {
      ...head.record,
      nonce: newNonce(me),
      parent: head.record.nonce,
      ledger: chance(me, 0.5) ? undefined : head.record.ledger,
      deed: { ...NO_DEED, by: me.name },
    }
    const answer = yield { verb: 'put', key: versionKey(head.version + 1), value: record, onlyIf: 'absent' }
    if (answer.status === 200) return 'done'
    if (answer.status === 'timeout') return 'unknown'
  }
  return 'refused'
}

/** Drops the table, and most often creates another one in its place. */
export function* dropTable(me: Process): Steps<Outcome> {
  const head = yield* findHead(me)
  const grave: VersionRecord = {
    ...head.record,
    nonce: newNonce(me),
    parent: head.record.nonce,
    isTombstone: true,
    ledger: undefined,
    files: [],
    deed: { ...NO_DEED, by: me.name },
  }
  if ((yield* createVersion(me, head, grave)) !== 'won') return 'unknown'
  if (isOff(me, 'drop-keeps-versions')) {
    const listing = yield* untilAnswered({ verb: 'list', prefix: VERSIONS })
    for (const key of listing.keys!) {
      if (versionOfKey(key)! <= head.version) yield* untilAnswered({ verb: 'delete', key })
    }
  }
  return chance(me, 0.8) ? yield* createTable(me) : 'done'
}

/** Goes on with the next number, under a new uuid. */
function* createTable(me: Process): Steps<Outcome> {
  const head = yield* findAnyHead(me)
  if (!head.record.isTombstone) return 'refused'
  const first: VersionRecord = {
    ...firstVersion(newNonce(me), uuid(me.model.runtime), me.model.window, me.name),
    parent: head.record.nonce,
  }
  return (yield* createVersion(me, head, first)) === 'won' ? 'done' : 'unknown'
}

export function firstVersion(nonce: string, table: string, window: number, by: string): VersionRecord {
  return {
    nonce,
    parent: '',
    table,
    isTombstone: false,
    ledger: newTableLedger(window),
    files: [],
    deed: { ...NO_DEED, by },
  }
}
