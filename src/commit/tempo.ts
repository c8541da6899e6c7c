/**
 * How often a waiting writer looks, and when it loses patience and folds itself. Times follow from how long a request
 * takes at this store: what is right for S3 (40 ms) would make a local directory (0.3 ms) wait for nothing.
 *
 * Patience is exponential with a mean of tau x K, K the number of appends in the last commit: about as many writers wait,
 * so that about two of them try to fold per commit, and a dead one costs nothing (commit-protocol, "append", step 5).
 */
import type { Runtime } from '../runtime.ts'

/** Before anything was measured. */
const FIRST_REQUEST_MS = 20
const MIN_REQUEST_MS = 1
const MAX_REQUEST_MS = 1_000
/** Weight of a new measurement. */
const SMOOTHING = 0.2
/** Of a request: a version can hardly appear sooner than one after the last. */
const POLL_REQUESTS = 1.1
/** Per waiting writer, as a part of a request: many writers share one store. */
const POLL_REQUESTS_PER_APPEND = 0.01
const JITTER = 0.2
/** Patience grows shorter when nothing happened for so many requests: folders died, or the store was away. */
const IDLE_REQUESTS = 12
const IDLE_HALVING_REQUESTS = 5

export class Tempo {
  readonly #runtime: Runtime
  #requestMs: number | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** How long a small request takes, smoothed. */
  get requestMs(): number {
    return Math.min(MAX_REQUEST_MS, Math.max(MIN_REQUEST_MS, this.#requestMs ?? FIRST_REQUEST_MS))
  }

  /** Runs a small request and learns from how long it took. */
  async measured<T>(request: () => Promise<T>): Promise<T> {
    const startMs = this.#runtime.monotonic()
    const result = await request()
    const tookMs = this.#runtime.monotonic() - startMs
    this.#requestMs = this.#requestMs === undefined ? tookMs : this.#requestMs + SMOOTHING * (tookMs - this.#requestMs)
    return result
  }

  /** The wait before the next look, with jitter. */
  pollMs(appends: number): number {
    const ms = this.requestMs * (POLL_REQUESTS + POLL_REQUESTS_PER_APPEND * appends)
    return ms * (1 - JITTER + 2 * JITTER * this.#runtime.random())
  }

  /** A random wait before folding oneself, when about `appends` writers wait. */
  patienceMs(appends: number): number {
    return this.#exponential(this.requestMs * Math.max(1, appends))
  }

  /** The same after `idleMs` without a commit: undefined while that is not unusual yet. */
  impatienceMs(appends: number, idleMs: number): number | undefined {
    const beyond = idleMs / this.requestMs - IDLE_REQUESTS
    if (beyond < 0) return undefined
    return this.patienceMs(appends * 2 ** (-beyond / IDLE_HALVING_REQUESTS))
  }

  #exponential(meanMs: number): number {
    return -Math.log(1 - this.#runtime.random()) * meanMs
  }
}
