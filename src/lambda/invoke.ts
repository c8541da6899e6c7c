/** One invocation: the event taken apart, its rows delivered, what was done told, nothing left running. */
import { startDeadline } from './deadline.ts'
import type { DeliverContext } from './deliver.ts'
import { deliver } from './deliver.ts'
import type { Buckets } from './object-bytes.ts'
import { bucketStores } from './object-bytes.ts'
import type { Invocation, LambdaLogger } from './observe.ts'
import { errorFields, loggerOf, startInvocation } from './observe.ts'
import type { Settings } from './options.ts'
import type { Outcome } from './outcome.ts'
import { DEAD_LETTER_SCHEMA, rejectSink } from './reject.ts'
import { sourceOf } from './sources/detect.ts'
import type { Delivery, EventSource, InvocationFacts, ObjectDelivery } from './sources/source.ts'
import { tellOutcome } from './tell-outcome.ts'
import type { WarmTable } from './warm-table.ts'
import { withinTime, warmTable } from './warm-table.ts'

/** What is used of Lambda's context. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
  readonly awsRequestId?: string
  readonly functionName?: string
}

/** What an instance of the function keeps from one invocation to the next. */
export interface Instance {
  readonly settings: Settings
  readonly warm: WarmTable
  readonly deadLetter: WarmTable | undefined
  readonly buckets: Buckets
  readonly log: LambdaLogger
  isCold: boolean
}

/** No request is sent. */
export function startInstance(settings: Settings): Instance {
  const { table, create, deadLetter } = settings
  return {
    settings,
    warm: warmTable(table, create, settings),
    deadLetter: deadLetter === undefined ? undefined : warmTable(deadLetter, { schema: DEAD_LETTER_SCHEMA }, settings),
    buckets: bucketStores(settings),
    log: loggerOf(settings),
    isCold: true,
  }
}

/** @throws what the source of the event can be told in no other way */
export async function invoke(instance: Instance, event: unknown, context: InvocationContext): Promise<unknown> {
  const { settings } = instance
  const { runtime, limits, firehose = 'pass' } = settings
  const source = sourceOf(event, settings.source)
  const report = startInvocation(() => runtime.monotonic(), instance.isCold)
  instance.isCold = false
  const deadline = startDeadline(runtime, context.getRemainingTimeInMillis?.(), settings.marginMs)
  const facts: InvocationFacts = { requestId: context.awsRequestId ?? '', nowMs: runtime.now(), limits, firehose }
  let outcome: Outcome | undefined
  try {
    const { answer, ...done } = await attempt(
      instance,
      source,
      event,
      facts,
      contextOf(instance, source, deadline, report),
    )
    outcome = done.outcome
    return answer()
  } finally {
    await flush(instance, deadline.lastSignal)
    deadline.stop()
    tellOutcome(instance, outcome, { source: source.name, facts, functionName: context.functionName, report })
  }
}

function contextOf(
  { settings, warm, deadLetter, buckets, log }: Instance,
  source: EventSource,
  deadline: DeliverContext['deadline'],
  report: Invocation,
): DeliverContext {
  const warn = (message: string, error: unknown) => log.warn(message, errorFields(error))
  const rejects = rejectSink(source.name, settings, deadLetter, warn)
  return { settings, warm, deadline, rejects, report, source: source.name, buckets }
}

/** The answer as a function, because it may be an error. */
async function attempt(
  { log }: Instance,
  source: EventSource,
  event: unknown,
  facts: InvocationFacts,
  context: DeliverContext,
): Promise<{ outcome: Outcome | undefined; answer: () => unknown }> {
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

/** Readers of objects are loaded by functions that are given some. */
async function outcomeOf(delivery: Delivery | ObjectDelivery, context: DeliverContext): Promise<Outcome> {
  if (delivery.kind === 'records') return deliver(delivery, context)
  const { deliverObjects } = await import('./deliver-objects.ts')
  return deliverObjects(delivery, context)
}

/** The hint, which DuckDB trusts to be exact; after the answer nothing of this instance may run. */
async function flush({ warm, deadLetter }: Instance, signal: AbortSignal): Promise<void> {
  for (const table of [warm.current, deadLetter?.current]) {
    if (table) await withinTime(table.flush(), signal, 'the version hint').catch(() => undefined)
  }
}
