/** What became of the records of an event. */
import { DataShardError } from '../errors.ts'
import type { Item } from './sources/source.ts'

/** What an answer needs to know of a record or an object. */
export type Named = Pick<Item, 'id' | 'failure' | 'time'>

export type Fate =
  /** Its rows are in the table, by this invocation or an earlier one, or it had none. */
  | { readonly kind: 'committed'; readonly rows: number }
  | { readonly kind: 'replayed' }
  | { readonly kind: 'empty' }
  /** It cannot become a row. `handled`: somebody took it, and it need not come again. */
  | { readonly kind: 'rejected'; readonly error: DataShardError; readonly handled: boolean }
  /** Not committed, or not known to be, though nothing is wrong with it. */
  | { readonly kind: 'failed'; readonly error: DataShardError }
  /** Not tried, because one before it, or beside it, was rejected. */
  | { readonly kind: 'held'; readonly error: DataShardError }

export interface Outcome {
  readonly items: readonly Named[]
  /** One for each item. */
  readonly fates: readonly Fate[]
  /** That holds the rows; undefined if nothing was appended. */
  readonly version: number | undefined
  /** Rows that are in the table by this invocation. */
  readonly rows: number
  /** Rows that this event brings, wherever they were committed: what a caller that repeats itself expects to be told. */
  readonly acceptedRows: number
}

/** Whether the source must deliver the record again. */
export function isOpen(fate: Fate): boolean {
  return fate.kind === 'failed' || fate.kind === 'held' || (fate.kind === 'rejected' && !fate.handled)
}

/** What the source is to be told is not done, in the event's order. */
export function openItems({ items, fates }: Outcome): readonly Named[] {
  return items.filter((_, index) => isOpen(fates[index]!))
}

/** The error to throw where a source knows no partial failure; undefined if nothing is open. */
export function failureOf({ items, fates }: Outcome): DataShardError | undefined {
  const open = fates.flatMap((fate, index) => (isOpen(fate) ? [{ id: items[index]!.id, fate }] : []))
  const first = open.find(({ fate }) => fate.kind === 'failed') ?? open.find(({ fate }) => fate.kind === 'rejected')
  if (!first || !('error' in first.fate)) return undefined
  const { error } = first.fate
  if (open.length === 1) return error
  return new DataShardError(
    error.code,
    `${open.length} of ${items.length} records are not in the table; the first is ${first.id}: ${error.message}`,
    {
      cause: error,
      retryable: error.retryable,
      committed: error.committed,
      details: { ...error.details, records: open.slice(0, MAX_NAMED).map(({ id }) => id) },
    },
  )
}

/** Ids in the details of an error: a message of thousands helps nobody. */
const MAX_NAMED = 20

/** `batchItemFailures`, which SQS, Kinesis, DynamoDB and Kafka expect. */
export function batchItemFailures(outcome: Outcome): { batchItemFailures: { itemIdentifier: unknown }[] } {
  return { batchItemFailures: openItems(outcome).map(({ failure }) => ({ itemIdentifier: failure })) }
}

/** Any error as one of ours. */
export function asDataShardError(error: unknown, what: string): DataShardError {
  if (DataShardError.is(error)) return error
  const why = error instanceof Error ? error.message : String(error)
  return new DataShardError('internal', `${what}: ${why}`, { cause: error })
}
