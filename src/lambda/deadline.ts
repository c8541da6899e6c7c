/**
 * The time of an invocation. A function that is still at work when its time is over is killed, and nobody hears what it
 * did; so work ends a margin before, and what is not certain by then is reported as failed, which a redelivery resolves.
 */
import type { Runtime } from '../runtime.ts'
import { takeSignal } from '../runtime.ts'

/** Of the margin, what a cancelled append gets to say what became of it; the rest is for the answer. */
const SETTLE_SHARE = 0.4
/** Where nobody says how much time there is: the longest that Lambda gives. */
const UNBOUNDED_MS = 15 * 60_000

export interface Deadline {
  /** Fires a margin before the end. */
  readonly signal: AbortSignal
  /** Fires a little later: what does not answer by then is not waited for. */
  readonly lastSignal: AbortSignal
  /** Until `signal` fires; 0 once it has. */
  remainingMs(): number
  /** To be called when the invocation ends: nothing may run on. */
  stop(): void
}

/** @param remainingMs of the invocation, as Lambda's context says; undefined where there is none */
export function startDeadline(runtime: Runtime, remainingMs: number | undefined, marginMs: number): Deadline {
  const endMs = runtime.monotonic() + (remainingMs ?? UNBOUNDED_MS)
  const work = timer(runtime, endMs - marginMs - runtime.monotonic())
  const last = timer(runtime, endMs - marginMs * (1 - SETTLE_SHARE) - runtime.monotonic())
  return {
    signal: work.signal,
    lastSignal: last.signal,
    remainingMs: () => Math.max(0, endMs - marginMs - runtime.monotonic()),
    stop: () => {
      work.stop()
      last.stop()
    },
  }
}

function timer(runtime: Runtime, ms: number): { signal: AbortSignal; stop: () => void } {
  const fired = new AbortController()
  const stopped = new AbortController()
  takeSignal(fired.signal)
  const fire = () => fired.abort(new Error('the time of the invocation is nearly over'))
  if (ms <= 0) fire()
  else runtime.sleep(ms, stopped.signal).then(fire, () => undefined)
  return { signal: fired.signal, stop: () => stopped.abort() }
}
