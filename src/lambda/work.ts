/** The records of an event on their way: their rows, and what became of them. */
import type { DataShardError } from '../errors.ts'
import type { Fate } from './outcome.ts'
import type { LambdaRow } from './record.ts'
import type { MadeRows } from './rows.ts'
import type { Item } from './sources/source.ts'

export interface Work {
  readonly item: Item
  /** Rows as the record gave them; undefined until then, and when they have to be made again. */
  made: MadeRows | undefined
  /** Rows as the table takes them. */
  rows: readonly LambdaRow[]
  /** Why the record cannot become rows. */
  rejection: DataShardError | undefined
  fate: Fate | undefined
  /** Whether a claim was looked at for it. */
  isSettled: boolean
}

export function newWork(item: Item): Work {
  return { item, made: undefined, rows: [], rejection: undefined, fate: undefined, isSettled: false }
}

/** A record that is there twice is one record: the second is answered as the first. */
export function workOf(items: readonly Item[]): { work: Work[]; byItem: readonly Work[] } {
  const byKey = new Map<string, Work>()
  const byItem = items.map((item) => {
    const known = byKey.get(item.key)
    if (known) return known
    const work = newWork(item)
    byKey.set(item.key, work)
    return work
  })
  return { work: [...byKey.values()], byItem }
}

export function isOpenWork(work: Work): boolean {
  return work.fate === undefined
}
