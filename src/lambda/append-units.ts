/** Units into one append; and again for the part of a run that an earlier delivery did not have. */
import { DataShardError } from '../errors.ts'
import type { ClaimingAppendResult } from '../table/append.ts'
import { Table } from '../table/table.ts'
import type { Deadline } from './deadline.ts'
import type { DeliverContext } from './deliver.ts'
import { claimedPrefix } from './runs.ts'
import type { Fate } from './outcome.ts'
import type { Delivery } from './sources/source.ts'
import type { Unit } from './units.ts'
import { rowsOfUnit, runUnit, unitsOf } from './units.ts'
import { withinTime } from './warm-table.ts'
import type { Work } from './work.ts'

/** Keys of one append; more come in several. */
const MAX_KEYS = 10_000

/** Gives every record of `work` its fate, or throws for all that have none yet. */
export async function appendUnits(
  table: Table,
  delivery: Delivery,
  work: readonly Work[],
  context: DeliverContext,
): Promise<void> {
  let units = unitsOf(delivery, work, context.settings)
  while (units.length > 0) {
    const rest: Unit[] = []
    for (let at = 0; at < units.length; at += MAX_KEYS) {
      const some = withRows(units.slice(at, at + MAX_KEYS))
      if (some.length === 0) continue
      const result = await append(table, some, context)
      context.report.appended(result)
      for (const unit of some) rest.push(...settle(unit, result))
    }
    units = rest
  }
}

/** Units without rows need no append. */
function withRows(units: readonly Unit[]): readonly Unit[] {
  return units.filter((unit) => {
    const isEmpty = unit.work.every(({ rows }) => rows.length === 0)
    if (isEmpty) settleAll(unit.work, () => ({ kind: 'empty' }))
    return !isEmpty
  })
}

async function append(table: Table, units: readonly Unit[], context: DeliverContext): Promise<ClaimingAppendResult> {
  const { deadline, settings } = context
  const remainingMs = deadline.remainingMs()
  if (remainingMs <= 0) {
    throw new DataShardError('aborted', 'no time was left for the append; nothing of it was committed')
  }
  const rows = units.map(rowsOfUnit)
  const isKeyed = units.every(({ key }) => key !== undefined)
  const contents = units.flatMap(({ key, content }) =>
    key === undefined || content === undefined ? [] : [[key, content] as const],
  )
  const appending = Table.appendClaiming(table, rows.flat(), {
    unknownColumns: settings.unknownColumns === 'ignore' ? 'ignore' : 'error',
    signal: deadline.signal,
    timeoutMs: remainingMs,
    ...(isKeyed && {
      idempotencyKeys: units.flatMap(({ key }, index) => rows[index]!.map(() => key!)),
      claimContents: new Map(contents),
    }),
  })
  return answeredInTime(appending, deadline)
}

/** An append ends by its own clock. This is for a request that hangs on in spite of its signal. */
export function answeredInTime<T>(appending: Promise<T>, { lastSignal }: Deadline): Promise<T> {
  return withinTime(appending, lastSignal, 'the append').catch((error: unknown) => {
    const isCut = DataShardError.is(error, 'aborted') && lastSignal.aborted
    throw isCut
      ? new DataShardError('commit-unknown', `${error.message}: it may be committed`, { cause: error })
      : error
  })
}

/** Fates for the records of a unit; what of a run is still to be appended comes back. */
function settle(unit: Unit, result: ClaimingAppendResult): readonly Unit[] {
  const { key, work } = unit
  if (key === undefined || !result.replayedKeys.includes(key)) {
    settleAll(work, ({ rows }) => (rows.length === 0 ? { kind: 'empty' } : { kind: 'committed', rows: rows.length }))
    return []
  }
  const claimed = result.replayedContents.get(key)
  try {
    const done = unit.isRun
      ? claimedPrefix(
          work.map(({ item }) => item.id),
          claimed,
        )
      : sameCall(unit, claimed)
    settleAll(work.slice(0, done), ({ rows }) => ({ kind: rows.length === 0 ? 'empty' : 'replayed' }))
    return done === work.length ? [] : [runUnit(work.slice(done))]
  } catch (error) {
    settleAll(work, () => ({ kind: 'failed', error: error as DataShardError }))
    return []
  }
}

/** Those that were set aside keep their fate. */
function settleAll(work: readonly Work[], fate: (one: Work) => Fate): void {
  for (const one of work) {
    one.fate ??= fate(one)
    one.isSettled = true
  }
}

/** A caller's own key under which something else was sent before. */
function sameCall({ key, content, work }: Unit, claimed: string | undefined): number {
  if (content === undefined || claimed === undefined || content === claimed) return work.length
  throw new DataShardError(
    'invalid-argument',
    `the idempotency key ${JSON.stringify(key)} was used for another content before; nothing was appended. Use another key ` +
      `for other content`,
  )
}
