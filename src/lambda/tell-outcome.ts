/** What an invocation did, for the log and as numbers. */
import { DataShardError } from '../errors.ts'
import type { Instance } from './invoke.ts'
import type { Invocation, LambdaLogger } from './observe.ts'
import { errorFields, tellNumbers } from './observe.ts'
import type { Outcome } from './outcome.ts'
import { failureOf, isOpen } from './outcome.ts'
import type { SourceName } from './record.ts'
import type { InvocationFacts } from './sources/source.ts'

/** Claims are kept for 14 days at least; of what is older than that less a day, an earlier delivery may be forgotten. */
const STALE_MS = 13 * 24 * 3_600_000

/** @param outcome Undefined if the event could not be taken apart, or the answer is an error. */
export function tellOutcome(
  { settings, warm, log }: Instance,
  outcome: Outcome | undefined,
  about: {
    readonly source: SourceName
    readonly facts: InvocationFacts
    readonly functionName: string | undefined
    readonly report: Invocation
  },
): void {
  const { source, facts, functionName, report } = about
  const { nowMs, requestId } = facts
  const isStale = ({ time }: { time: Date }) => settings.exactlyOnce && nowMs - time.getTime() > STALE_MS
  const stale = outcome?.items.filter(isStale).length ?? 0
  if (outcome) logOutcome(log, outcome, { source, stale })
  const { table } = settings
  const location = typeof table === 'string' ? table : typeof table === 'function' ? '' : table.location
  const facets = { source, table: warm.current?.location ?? location, functionName, requestId }
  tellNumbers(report.numbers(outcome, 1, stale), facets, settings)
}

/** Whoever asked directly has the answer, and nothing comes again unless it is sent again. */
const ASKED: readonly SourceName[] = ['http', 'direct']

function logOutcome(
  log: LambdaLogger,
  outcome: Outcome,
  { source, stale }: { readonly source: SourceName; readonly stale: number },
): void {
  const rejected = outcome.fates.filter((fate) => fate.kind === 'rejected')
  const failure = failureOf(outcome)
  if (failure) {
    const open = outcome.fates.filter(isOpen).length
    const isUnknown = DataShardError.is(failure) && failure.committed === 'unknown'
    const lost = isUnknown ? 'may not have been appended' : 'were not appended'
    const next = ASKED.includes(source) ? lost : 'are to be delivered again'
    log.error(`${open} of ${outcome.fates.length} records ${next}`, errorFields(failure))
  } else if (rejected[0]) log.warn(`${rejected.length} records were rejected`, errorFields(rejected[0].error))
  if (stale > 0) {
    const message = `${stale} records are older than idempotency keys are kept: if they came before, they are appended again`
    log.warn(message, { stale })
  }
}
