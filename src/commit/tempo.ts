/**
 * How often a waiting writer looks, and when it loses patience and folds itself. Times follow from how long a commit takes
 * at this store and on this machine: what is right for S3 (three round trips of 40 ms) would make a local directory wait
 * for nothing, and where processors are the limit each look and each fold in vain takes time from the writer who folds.
 *
 * Patience is exponential with a mean of tau x K, where about K writers wait (`crowd.ts`), so that about two of them try to
 * fold per commit, and a dead one costs nothing (docs/decisions/commit-tempo.md).
 */
import type { Runtime } from '../runtime.ts'

/** Before anything was measured. */
const FIRST_REQUEST_MS = 20
const MIN_REQUEST_MS = 1
const MAX_REQUEST_MS = 1_000
/** Weight of a new measurement that is slower than before. */
const RISING = 0.2
/** A faster one says that trouble is over, of which writers who measure seldom would not hear for long. */
const FALLING = 0.6
/** What a fold took beyond its requests is half forgotten after this: folds of one's own are rare among many. */
const FOLD_HALF_LIFE_MS = 2_000
/** Requests of a fold that follow one another: a commit takes no less. */
const FOLD_REQUESTS = 3.5
/** What a fold took in a moment of trouble must not make writers sleep when it is over: looks tell how long requests take now. */
const MAX_FOLD_REQUESTS = 5
/** But where requests are next to nothing, a fold is work: so much of it is believed. */
const BUSY_FOLD_MS = 250
/** More looks per commit would find nothing new. */
const LOOKS_PER_COMMIT = 3.5
/** Each waiting writer looks a little less often, because many share one store. */
const LESS_PER_APPEND = 0.01
const JITTER = 0.2
/** Patience grows shorter when nothing happened for so many commits' time: folders died, or the store was away. */
const IDLE_COMMITS = 2.5
const IDLE_HALVING_COMMITS = 0.5

export class Tempo {
  readonly #runtime: Runtime
  #requestMs: number | undefined
  #foldMs = 0
  #foldedMs = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** How long a small request takes, smoothed. */
  get requestMs(): number {
    return Math.min(MAX_REQUEST_MS, Math.max(MIN_REQUEST_MS, this.#requestMs ?? FIRST_REQUEST_MS))
  }

  /** How long a commit takes from the look into the inbox on, by one's own folds. */
  get commitMs(): number {
    const { requestMs } = this
    const leastMs = FOLD_REQUESTS * requestMs
    const beyondMs =
      Math.max(0, this.#foldMs - leastMs) * 2 ** ((this.#foldedMs - this.#runtime.monotonic()) / FOLD_HALF_LIFE_MS)
    return Math.min(Math.max(MAX_FOLD_REQUESTS * requestMs, BUSY_FOLD_MS), leastMs + beyondMs)
  }

  /** Runs a small request and learns from how long it took. */
  async measured<T>(request: () => Promise<T>): Promise<T> {
    const startMs = this.#runtime.monotonic()
    const result = await request()
    this.#requestMs = smoothed(this.#requestMs, this.#runtime.monotonic() - startMs)
    return result
  }

  /** Learns how long a fold of this process took, won or lost. */
  folded(tookMs: number): void {
    const beforeMs = this.#foldMs === 0 ? tookMs : this.commitMs
    this.#foldMs = beforeMs + RISING * (tookMs - beforeMs)
    this.#foldedMs = this.#runtime.monotonic()
  }

  /** The wait before the next look, with jitter. */
  pollMs(appends: number): number {
    const ms = (this.commitMs / LOOKS_PER_COMMIT) * (1 + LESS_PER_APPEND * appends)
    return ms * (1 - JITTER + 2 * JITTER * this.#runtime.random())
  }

  /** A random wait before folding oneself, when about `appends` writers wait. */
  patienceMs(appends: number): number {
    // One request; and twice what a fold takes far beyond its requests, which is work that a fold in vain takes from others.
    const workMs = Math.max(0, Math.min(this.commitMs, BUSY_FOLD_MS) - 2 * FOLD_REQUESTS * this.requestMs)
    return this.#exponential((this.requestMs + 2 * workMs) * Math.max(1, appends))
  }

  /** The same after `idleMs` without a commit: undefined while that is not unusual yet. */
  impatienceMs(appends: number, idleMs: number): number | undefined {
    const beyond = idleMs / this.commitMs - IDLE_COMMITS
    if (beyond < 0) return undefined
    return this.patienceMs(appends * 2 ** (-beyond / IDLE_HALVING_COMMITS))
  }

  #exponential(meanMs: number): number {
    return -Math.log(1 - this.#runtime.random()) * meanMs
  }
}

function smoothed(before: number | undefined, measured: number): number {
  if (before === undefined) return measured
  return before + (measured < before ? FALLING : RISING) * (measured - before)
}
