/** The handler: an event in, its rows in the table, and the answer that its source expects. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { invalid } from '../errors.ts'
import type { Table } from '../table/table.ts'
import { startDeadline } from './deadline.ts'
import type { DeliverContext } from './deliver.ts'
import { deliver } from './deliver.ts'
import { bucketStores } from './object-bytes.ts'
import { errorFields, loggerOf, startInvocation, tellNumbers } from './observe.ts'
import type { AppendHandlerOptions } from './options.ts'
import { settingsOf } from './options.ts'
import type { Outcome } from './outcome.ts'
import { failureOf, isOpen } from './outcome.ts'
import { DEAD_LETTER_SCHEMA, rejectSink } from './reject.ts'
import type { AnyBody, SourceName } from './record.ts'
import { sourceOf } from './sources/detect.ts'
import type { AnswerOf, EventOf } from './sources/events.ts'
import type { Delivery, EventSource, InvocationFacts, ObjectDelivery } from './sources/source.ts'
import { unlessAborted, warmTable } from './warm-table.ts'

/** What is used of Lambda's context. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
  readonly awsRequestId?: string
  readonly functionName?: string
}

/** A Lambda handler. Callbacks are not needed: it answers by its promise. */
export interface AppendHandler<S extends SourceName = SourceName> {
  (event: EventOf<S>, context?: InvocationContext): Promise<AnswerOf<S>>
  /**
   * Opens the table before the first event, for the time that an instance has to start: `await handler.open()` at the end of
   * the module.
   */
  open(): Promise<Table>
}

/** Claims are kept for 14 days at least; of what is older than that less a day, an earlier delivery may be forgotten. */
const STALE_MS = 13 * 24 * 3_600_000

/**
 * A handler that appends the rows of each event to one table, and answers as the source of the event expects. Events of SQS,
 * Kinesis, DynamoDB streams, EventBridge, SNS, S3 (the rows of the object), Kafka, HTTP, Firehose and direct calls are told
 * apart by what they look like. A record that cannot become a row never stops the others, and is never lost without a word:
 * it goes to `onReject` or `deadLetter`, or its source is told that it failed.
 *
 * Requests, warm and alone: 4 for data file, manifest, list and version, 1 for the hint, 1 to list the inbox, and one for each
 * idempotency key: one per message (SQS, SNS, EventBridge), per run of records (Kinesis, DynamoDB, Kafka, Firehose), per object
 * (S3) or per call. The first invocation looks for the table: 3 more.
 *
 * Errors: `invalid-argument` for options that are none, at once. Of an invocation: see the answers of each source; what a source
 * cannot be told in an answer is thrown.
 *
 * @example
 * ```ts
 * import { appendHandler } from 'datashard/lambda'
 *
 * export const handler = appendHandler({
 *   table: './events',
 *   map: (record) => ({ id: record.id, at: record.time, kind: record.body.kind }),
 * })
 * console.log(await handler({ kind: 'login' })) // a direct call; Lambda gives queues and streams to the same function
 * ```
 */
export function appendHandler<
  Schema extends StandardSchemaV1 = StandardSchemaV1<AnyBody, AnyBody>,
  const S extends SourceName = SourceName,
>(options: AppendHandlerOptions<Schema, S>): AppendHandler<S> {
  const settings = settingsOf(options)
  const { runtime } = settings
  const observers = {
    logger: settings.logger,
    metrics: settings.metrics,
    tracer: settings.tracer,
    now: () => runtime.now(),
  }
  const log = loggerOf(observers)
  const warm = warmTable(settings.table, settings.create, settings)
  const deadLetter =
    settings.deadLetter === undefined
      ? undefined
      : warmTable(settings.deadLetter, { schema: DEAD_LETTER_SCHEMA }, settings)
  const buckets = bucketStores(settings)
  let isCold = true

  const invoke = async (event: unknown, context: InvocationContext = {}): Promise<unknown> => {
    const source = sourceOf(event, settings.source)
    const invocation = startInvocation(() => runtime.monotonic(), isCold)
    isCold = false
    const deadline = startDeadline(runtime, context.getRemainingTimeInMillis?.(), settings.marginMs)
    const facts: InvocationFacts = {
      requestId: context.awsRequestId ?? '',
      nowMs: runtime.now(),
      limits: settings.limits,
      firehose: settings.firehose ?? 'pass',
    }
    const rejects = rejectSink(source.name, settings, deadLetter, (message, error) =>
      log.warn(message, errorFields(error)),
    )
    const deliverContext = { settings, warm, deadline, rejects, report: invocation, source: source.name, buckets }
    let outcome: Outcome | undefined
    try {
      const { answer, ...done } = await attempt(source, event, facts, deliverContext)
      outcome = done.outcome
      return answer()
    } finally {
      await flush(deadline.lastSignal)
      deadline.stop()
      tell(outcome)
    }

    function tell(done: Outcome | undefined): void {
      const stale =
        settings.exactlyOnce && done ? done.items.filter(({ time }) => isStale(time, facts.nowMs)).length : 0
      logOutcome(done, stale)
      tellNumbers(
        invocation.numbers(done, 1, stale),
        {
          source: source.name,
          table: warm.current?.location ?? locationOf(settings.table),
          functionName: context.functionName,
          requestId: facts.requestId,
        },
        observers,
      )
    }
  }

  async function attempt(source: EventSource, event: unknown, facts: InvocationFacts, context: DeliverContext) {
    try {
      const delivery = await source.open(event, facts)
      const outcome = await outcomeOf(delivery, context)
      return { outcome, answer: () => delivery.answer(outcome) }
    } catch (error) {
      log.error('the event was not appended', { source: source.name, ...errorFields(error) })
      if (!source.refuse) throw error
      const { refuse } = source
      return { outcome: undefined, answer: () => refuse(event, error) }
    }
  }

  /** The hint, which DuckDB trusts to be exact; after the answer nothing of this instance may run. */
  async function flush(signal: AbortSignal): Promise<void> {
    for (const table of [warm.current, deadLetter?.current]) {
      if (table) await unlessAborted(table.flush(), signal, 'the version hint').catch(() => undefined)
    }
  }

  function logOutcome(outcome: Outcome | undefined, stale: number): void {
    if (!outcome) return
    const rejected = outcome.fates.filter((fate) => fate.kind === 'rejected')
    const failure = failureOf(outcome)
    if (failure) {
      const open = outcome.fates.filter(isOpen).length
      log.error(`${open} of ${outcome.fates.length} records are to be delivered again`, errorFields(failure))
    } else if (rejected[0]) log.warn(`${rejected.length} records were rejected`, errorFields(rejected[0].error))
    if (stale > 0) {
      log.warn(
        `${stale} records are older than idempotency keys are kept: if they came before, they are appended again`,
      )
    }
  }

  return Object.assign(invoke, { open: () => warm.open() }) as AppendHandler<S>
}

/** Readers of objects are loaded by functions that are given some. */
async function outcomeOf(delivery: Delivery | ObjectDelivery, context: DeliverContext): Promise<Outcome> {
  if (delivery.kind === 'records') return deliver(delivery, context)
  const { deliverObjects } = await import('./deliver-objects.ts')
  return deliverObjects(delivery, context)
}

const isStale = (time: Date, nowMs: number) => nowMs - time.getTime() > STALE_MS

function locationOf(table: AppendHandlerOptions['table']): string {
  return typeof table === 'string' ? table : typeof table === 'function' ? '' : (table.location ?? invalid('no table'))
}
