/** What gets an idempotency key: a record, a run of records, or all of a call. */
import type { Settings } from './options.ts'
import type { LambdaRow } from './record.ts'
import { runContent } from './runs.ts'
import type { Delivery } from './sources/source.ts'
import type { Work } from './work.ts'

/** Records that are claimed together. */
export interface Unit {
  /** None: nothing can tell, or need tell, a repetition. */
  readonly key: string | undefined
  /** What the claim says of them. */
  readonly content: string | undefined
  readonly work: readonly Work[]
  readonly isRun: boolean
}

/** The records that are to be appended, by what is claimed for them. */
export function unitsOf(delivery: Delivery, work: readonly Work[], settings: Settings): Unit[] {
  if (!settings.exactlyOnce) return [{ key: undefined, content: undefined, work, isRun: false }]
  const each = delivery.redelivery === 'record' || (delivery.redelivery === 'run' && settings.claims === 'record')
  if (each) return work.map((one) => ({ key: one.item.key, content: undefined, work: [one], isRun: false }))
  if (delivery.redelivery === 'call') {
    return [{ key: delivery.call?.key, content: delivery.call?.content, work, isRun: false }]
  }
  const runs = new Map<string | undefined, Work[]>()
  for (const one of work) {
    const run = runs.get(one.item.order)
    if (run) run.push(one)
    else runs.set(one.item.order, [one])
  }
  return [...runs.values()].map(runUnit)
}

export function runUnit(work: readonly Work[]): Unit {
  const content = runContent(work.map(({ item }) => item.id))
  // A key of its own: with `claims: 'record'` the first record alone would be claimed by its own name.
  return { key: `run:${work[0]!.item.key}`, content, work, isRun: true }
}

export function rowsOfUnit({ work }: Unit): readonly LambdaRow[] {
  return work.flatMap(({ rows }) => rows)
}
