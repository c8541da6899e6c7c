/** Faults on purpose: what a store in memory is told to do wrong, so that protocols can be tested without chance. */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { PutMode, RequestEvent } from './store.ts'

/** One request, as a fault plan sees it. */
export interface FaultCall {
  readonly verb: RequestEvent['verb']
  /** The key; the prefix of a LIST; the first key of a DELETE. */
  readonly key: string
  /** Of a PUT. */
  readonly mode?: PutMode
  /** Requests with this verb and key so far, this one included. */
  readonly count: number
  /** Requests of the store so far, this one included. */
  readonly total: number
}

/**
 * What goes wrong. `before`: the request has no effect; `after`: it has, and the answer is lost.
 *
 * - `unavailable`: throws that the store does not answer. For a conditional put use `unknown`: that is what a store says.
 * - `unknown`: a put ends with the outcome `unknown`; any other verb throws `unavailable`.
 * - `hang`: no answer until the caller's signal fires; without a signal, never.
 * - `delay`: goes on after so many milliseconds of the runtime's clock.
 */
export type Fault =
  | { readonly kind: 'unavailable' | 'unknown' | 'hang'; readonly when: 'before' | 'after' }
  | { readonly kind: 'delay'; readonly when: 'before' | 'after'; readonly ms: number }

/** Called once for every request, in the order in which they arrive; the faults it returns happen, all of them. */
export type FaultPlan = (call: FaultCall) => Fault | readonly Fault[] | undefined

/** How a request went that a fault made unanswerable. */
export class LostAnswer {
  readonly cause: DataShardError
  constructor(cause: DataShardError) {
    this.cause = cause
  }
}

/** Runs one request of a store under its plan. Throws LostAnswer for `unknown`. */
export class Faults {
  readonly #plan: FaultPlan | undefined
  readonly #runtime: Runtime
  readonly #counts = new Map<string, number>()
  #total = 0

  constructor(plan: FaultPlan | undefined, runtime: Runtime) {
    this.#plan = plan
    this.#runtime = runtime
  }

  async run<T>(call: Omit<FaultCall, 'count' | 'total'>, signal: AbortSignal | undefined, effect: () => T): Promise<T> {
    const faults = this.#faultsOf(call)
    for (const fault of faults) if (fault.when === 'before') await this.#happen(fault, call, signal)
    const result = effect()
    for (const fault of faults) if (fault.when === 'after') await this.#happen(fault, call, signal)
    return result
  }

  #faultsOf(call: Omit<FaultCall, 'count' | 'total'>): readonly Fault[] {
    if (!this.#plan) return []
    const name = `${call.verb} ${call.key}`
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    this.#total += 1
    const planned = this.#plan({ ...call, count, total: this.#total })
    return planned === undefined ? [] : [planned].flat()
  }

  async #happen(
    fault: Fault,
    call: Omit<FaultCall, 'count' | 'total'>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const what = `${call.verb} ${call.key}`
    if (fault.kind === 'delay') return this.#runtime.sleep(fault.ms, signal)
    if (fault.kind === 'hang') {
      await untilAborted(signal)
      return throwIfAborted(signal, what)
    }
    const lost = new DataShardError('unavailable', `${what} failed: an injected fault ${fault.when} the effect`)
    throw fault.kind === 'unknown' ? new LostAnswer(lost) : lost
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}
