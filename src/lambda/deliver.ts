/**
 * The records of an event into the table: rows made and checked record by record, what is wrong set aside, the rest
 * appended under the claims of their source, and an answer for each.
 */
import { DataShardError } from '../errors.ts'
import { inParallel } from '../table/in-parallel.ts'
import type { Table } from '../table/table.ts'
import { appendUnits } from './append-units.ts'
import type { Deadline } from './deadline.ts'
import { rowFitter } from './fit.ts'
import type { Buckets } from './object-bytes.ts'
import type { InvocationReport } from './observe.ts'
import type { Settings } from './options.ts'
import type { Fate, Outcome } from './outcome.ts'
import { asDataShardError, isOpen } from './outcome.ts'
import type { RejectSink } from './reject.ts'
import type { RowForm } from './rows.ts'
import { makeRows } from './rows.ts'
import type { SourceName } from './record.ts'
import type { Delivery } from './sources/source.ts'
import type { WarmTable } from './warm-table.ts'
import { withinTime } from './warm-table.ts'
import type { Work } from './work.ts'
import { isOpenWork, workOf } from './work.ts'

/** Records that are validated and mapped at once, where that is asynchronous. */
const MAPPED_AT_ONCE = 16
/** The table can change under an invocation, its schema above all; who changes it more often than this has the last word. */
const MAX_ATTEMPTS = 3

export interface DeliverContext {
  readonly settings: Settings
  readonly warm: WarmTable
  readonly deadline: Deadline
  readonly rejects: RejectSink
  readonly report: InvocationReport
  readonly source: SourceName
  readonly buckets: Buckets
}

export async function deliver(delivery: Delivery, context: DeliverContext): Promise<Outcome> {
  const { work, byItem } = workOf(delivery.items)
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await attemptOnce(delivery, work, context)
        break
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !(await canTryAgain(error, context))) throw error
      }
    }
  } catch (error) {
    const failure = inTime(asDataShardError(error, 'the append failed'), context)
    for (const one of work) one.fate ??= { kind: 'failed', error: failure }
  }
  return outcomeOf(delivery, byItem, context)
}

async function attemptOnce(delivery: Delivery, work: readonly Work[], context: DeliverContext): Promise<void> {
  const { warm, deadline } = context
  const open = work.filter(isOpenWork)
  if (open.length === 0) return
  // Of an attempt before, on another schema or another table.
  for (const one of open) one.rejection = undefined
  // The table is looked for while rows are made.
  const opening = warm.open(deadline.signal)
  opening.catch(() => undefined)
  await withinTime(makeAll(open, context), deadline.signal, 'validating and mapping the records')
  const table = await opening
  await addColumns(table, open, context)
  await fitNewest(table, open, context)
  await setAside(open, context)
  const ready = inOrder(work, delivery)
  await appendUnits(table, delivery, ready, context)
}

/** Requests none; runs the user's validator and `map`. */
export async function makeAll(
  work: readonly Work[],
  { settings, source }: DeliverContext,
  form?: RowForm,
): Promise<void> {
  await inParallel(work, MAPPED_AT_ONCE, async (one) => {
    if (one.made !== undefined || one.rejection !== undefined) return
    try {
      one.made = await makeRows(source, one.item, settings, form)
    } catch (error) {
      one.rejection = rejectionOf(error, one, source)
    }
  })
}

/** Requests: none, but where the rows bring what the table has not, and it shall have it. */
export async function addColumns(table: Table, work: readonly Work[], context: DeliverContext): Promise<void> {
  const { unknownColumns } = context.settings
  if (unknownColumns !== 'rest' && unknownColumns !== 'evolve') return
  const { columnsFor } = await import('./new-columns.ts')
  await columnsFor(table, work, unknownColumns, context.deadline)
}

/**
 * A warm handle may know an old schema. What does not fit is looked at again by the newest one before it is rejected.
 * Requests: two, if something does not fit.
 */
async function fitNewest(table: Table, work: readonly Work[], context: DeliverContext): Promise<void> {
  const { settings, deadline } = context
  const { schema } = table
  const misfits = fitAll(table, work, settings)
  if (misfits.length === 0) return
  await table.refresh({ signal: deadline.signal })
  if (table.schema.schemaId === schema.schemaId) return
  for (const one of misfits) one.rejection = undefined
  const again = work.filter(({ rejection }) => rejection === undefined)
  await makeAll(again, context)
  await addColumns(table, again, context)
  fitAll(table, again, settings)
}

/** Those that do not fit have a rejection then, and are given back. */
export function fitAll(table: Table, work: readonly Work[], settings: Settings): readonly Work[] {
  const misfits: Work[] = []
  const fitter = rowFitter(table.schema, settings)
  for (const one of work) {
    if (one.made === undefined || one.rejection !== undefined) continue
    try {
      one.rows = fitter.fit(one.made)
    } catch (error) {
      one.rejection = rejectionOf(error, one, undefined)
      misfits.push(one)
    }
    // Values of JSON were changed in place for this schema; for another one they are read again.
    if (one.made.form !== 'own') one.made = undefined
  }
  return misfits
}

function rejectionOf(error: unknown, { item }: Work, source: SourceName | undefined): DataShardError {
  if (!DataShardError.is(error, 'invalid-argument')) throw error
  const details = { ...error.details, record: item.id, ...(source && { source }) }
  return new DataShardError('invalid-argument', `record ${item.id}: ${error.message}`, { cause: error, details })
}

/** Hands what cannot become rows to whoever takes it. It has its fate then, also if the others fail. */
export async function setAside(work: readonly Work[], { rejects, deadline }: DeliverContext): Promise<void> {
  const rejected = work.flatMap((one) => (one.rejection && !one.fate ? [{ work: one, error: one.rejection }] : []))
  if (rejected.length === 0) return
  const taking = rejects.take(
    rejected.map(({ work: { item }, error }) => ({ item, error })),
    deadline.signal,
  )
  const taken = await withinTime(taking, deadline.signal, 'setting rejected records aside')
  rejected.forEach(({ work: one, error }, index) => {
    one.fate = { kind: 'rejected', error, handled: taken[index]! }
  })
}

/**
 * Those that may be appended: none after one of its order that must come again, and none at all if all must go together. In
 * a run, also those that were set aside: whether they can be rows must not change what the run is called.
 */
function inOrder(work: readonly Work[], delivery: Delivery): readonly Work[] {
  const stuck = new Map<string, DataShardError>()
  const first = delivery.allOrNothing ? work.find(({ fate }) => fate && isOpen(fate)) : undefined
  for (const one of work) {
    const { order, id } = one.item
    const before = first?.rejection ?? (order === undefined ? undefined : stuck.get(order))
    if (one.fate) {
      if (order !== undefined && isOpen(one.fate) && 'error' in one.fate && !stuck.has(order))
        stuck.set(order, one.fate.error)
    } else if (before) {
      const message = `record ${id} was not appended, because one ${first ? 'beside' : 'before'} it was rejected: ${before.message}`
      one.fate = { kind: 'held', error: new DataShardError('invalid-argument', message, { cause: before }) }
    }
  }
  const isOfRun = ({ fate, item }: Work) => fate?.kind === 'rejected' && (fate.handled || item.order === undefined)
  return work.filter((one) => !one.isSettled && (isOpenWork(one) || (delivery.redelivery === 'run' && isOfRun(one))))
}

async function canTryAgain(error: unknown, { warm, deadline }: DeliverContext): Promise<boolean> {
  const table = warm.current
  if (!table || deadline.signal.aborted) return false
  if (DataShardError.is(error, 'not-found')) return warm.forget()
  const schemaMoved =
    DataShardError.is(error, 'commit-conflict') ||
    (DataShardError.is(error, 'invalid-argument') && error.details['row'] !== undefined)
  if (!schemaMoved) return false
  await table.refresh({ signal: deadline.signal })
  return true
}

/** Our own signal is not the caller's: it says that there was no time. */
export function inTime(error: DataShardError, { deadline, settings }: DeliverContext): DataShardError {
  if (error.code !== 'aborted' || !deadline.signal.aborted) return error
  const { committed, details } = error
  return new DataShardError(
    'unavailable',
    `the invocation's time, less ${settings.marginMs} ms for the answer, was over: ${error.message}`,
    { cause: error, retryable: true, committed, details },
  )
}

function outcomeOf({ items }: Delivery, byItem: readonly Work[], { report }: DeliverContext): Outcome {
  const fates = byItem.map(({ fate }): Fate => fate ?? { kind: 'empty' })
  const isIn = ({ fate }: Work) => fate?.kind === 'committed' || fate?.kind === 'replayed'
  const acceptedRows = [...new Set(byItem)].filter(isIn).reduce((sum, { rows }) => sum + rows.length, 0)
  const { version, rows } = report.totals()
  return { items, fates, version, rows, acceptedRows }
}
