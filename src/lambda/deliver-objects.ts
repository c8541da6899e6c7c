/**
 * Objects into the table: the rows of each in one append, as they stream in, under one key. An object is all or nothing,
 * unless somebody takes the rows that cannot be appended.
 */
import { DataShardError } from '../errors.ts'
import type { AppendInput } from '../write/input.ts'
import { Table } from '../table/table.ts'
import { answeredInTime } from './append-units.ts'
import type { DeliverContext } from './deliver.ts'
import { addColumns, fitAll, inTime, makeAll, setAside } from './deliver.ts'
import { openObject } from './object-bytes.ts'
import type { ObjectRows, RowGroup } from './object-rows.ts'
import { openRows } from './object-rows.ts'
import type { Fate, Outcome } from './outcome.ts'
import { asDataShardError, isOpen } from './outcome.ts'
import type { LambdaRow } from './record.ts'
import { parserFor } from './rows.ts'
import type { ObjectDelivery, ObjectItem } from './sources/source.ts'
import type { Work } from './work.ts'
import { newWork } from './work.ts'

/** Requests per object: a HEAD at its begin and end, a GET for each 8 MiB, then an append. */
export async function deliverObjects(delivery: ObjectDelivery, context: DeliverContext): Promise<Outcome> {
  const fates: Fate[] = []
  let acceptedRows = 0
  const seen = new Map<string, Fate>()
  for (const item of delivery.items) {
    const known = seen.get(item.key)
    const fate = known ?? (await oneObject(item, context))
    if (!known && fate.kind === 'committed') acceptedRows += fate.rows
    seen.set(item.key, fate)
    fates.push(fate)
  }
  const { version, rows } = context.report.totals()
  return { items: delivery.items, fates, version, rows, acceptedRows }
}

async function oneObject(item: ObjectItem, context: DeliverContext): Promise<Fate> {
  const { deadline } = context
  try {
    if (item.problem) throw item.problem
    if (!item.object) return { kind: 'empty' }
    return await answeredInTime(appendObject(item, context), deadline)
  } catch (error) {
    const failure = inTime(asDataShardError(error, `reading ${item.id} failed`), context)
    const isBad = failure.code === 'invalid-argument' || failure.code === 'corrupt' || failure.code === 'unsupported'
    if (!isBad) return { kind: 'failed', error: failure }
    const told = new DataShardError('invalid-argument', `${item.id}: ${failure.message}`, {
      cause: failure,
      details: { ...failure.details, record: item.id },
    })
    const record = { ...item, order: undefined, body: () => undefined }
    const [handled] = await context.rejects.take([{ item: record, error: told }], deadline.signal)
    return { kind: 'rejected', error: told, handled: handled! }
  }
}

async function appendObject(item: ObjectItem, context: DeliverContext): Promise<Fate> {
  const { warm, deadline, settings, report } = context
  const table = await warm.open(deadline.signal)
  // Rows are checked while they are on their way: by the newest schema from the beginning.
  await table.refresh({ signal: deadline.signal })
  const bytes = await openObject(item.object!, context.buckets, deadline.signal)
  if (bytes.size === 0) return { kind: 'empty' }
  const rows = await openRows(bytes, item.object!.key, item, deadline.signal)
  await learnColumns(table, rows, context)
  const result = await Table.appendClaiming(table, inputOf(table, rows, context), {
    unknownColumns: settings.unknownColumns === 'ignore' ? 'ignore' : 'error',
    signal: deadline.signal,
    timeoutMs: Math.max(1, deadline.remainingMs()),
    ...(settings.exactlyOnce && { idempotencyKey: item.key }),
  })
  report.appended(result)
  if (result.replayed) return { kind: 'replayed' }
  return result.rows === 0 ? { kind: 'empty' } : { kind: 'committed', rows: result.rows }
}

/** Rows are looked at one by one where the user's code or somebody who takes bad ones wants to see them. */
function inputOf(table: Table, rows: ObjectRows, context: DeliverContext): AppendInput {
  const { map, schema, unknownColumns, onReject, deadLetter } = context.settings
  const isPlain = !map && !schema && !onReject && !deadLetter && /^(?:error|ignore)$/.test(unknownColumns)
  return rows.batches && isPlain ? rows.batches() : checkedRows(table, rows, context)
}

async function* checkedRows(table: Table, rows: ObjectRows, context: DeliverContext): AsyncGenerator<LambdaRow> {
  for await (const group of rows.groups(parserFor(context.settings).numbers)) {
    const work = await made(group, context)
    fitAll(table, work, context.settings)
    await setAside(work, context)
    const open = work.find(({ fate }) => fate && isOpen(fate))
    if (open) throw open.rejection
    for (const { rows: fitting } of work) yield* fitting
  }
}

async function made({ items, form }: RowGroup, context: DeliverContext): Promise<readonly Work[]> {
  const work = items.map(newWork)
  await makeAll(work, context, form)
  return work
}

/** Rows are written by the schema that the table has when the append begins: what they add to it has to be known before. */
async function learnColumns(table: Table, rows: ObjectRows, context: DeliverContext): Promise<void> {
  const { settings } = context
  if (settings.unknownColumns !== 'rest' && settings.unknownColumns !== 'evolve') return
  for await (const group of rows.groups(parserFor(settings).numbers)) {
    await addColumns(table, await made(group, context), context)
  }
}
