/**
 * A process of a simulated world: it has clocks of its own, it can be killed between any two events, and it can be stopped
 * and woken later. Nothing reaches it while it is stopped, and nothing at all once it is dead: its promises stay open.
 */
import { DataShardError } from '../../src/errors.ts'
import type { Runtime } from '../../src/runtime.ts'
import type { Chance } from './chance.ts'
import type { Scheduler } from './scheduler.ts'

/** When every world begins. */
const EPOCH_MS = Date.UTC(2026, 0, 1)

/** What a virtual time is on a correct wall clock. */
export function wallMs(nowMs: number): number {
  return EPOCH_MS + Math.floor(nowMs)
}

export interface ProcessOptions {
  readonly name: string
  readonly scheduler: Scheduler
  readonly chance: Chance
  /** How wrong its wall clock is. */
  readonly skewMs: number
}

export class SimulatedProcess {
  readonly name: string
  readonly runtime: Runtime
  /** Whether its work came to an end by itself. */
  finished = false
  readonly #scheduler: Scheduler
  #state: 'running' | 'stopped' | 'dead' = 'running'
  #held: (() => void)[] = []
  /** How much of the time its monotonic clock did not see. */
  #stoodStillMs = 0
  #stops = 0

  constructor({ name, scheduler, chance, skewMs }: ProcessOptions) {
    this.name = name
    this.#scheduler = scheduler
    const startedMs = chance.between(0, 1e7)
    this.runtime = {
      now: () => wallMs(scheduler.nowMs) + skewMs,
      monotonic: () => startedMs + scheduler.nowMs - this.#stoodStillMs,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      after: (ms, event) => this.after(ms, event),
      random: () => chance.next(),
      randomBytes: (n) => chance.bytes(n),
    }
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** How often it was stopped: what was under way meanwhile is lost more often than not. */
  get stops(): number {
    return this.#stops
  }

  /** Whether the world still waits for it. */
  get isAlive(): boolean {
    return !this.finished && this.#state !== 'dead'
  }

  /** As `kill -9`. Requests that it has sent may still have their effect. */
  kill(): void {
    this.#state = 'dead'
    this.#held = []
  }

  /** As SIGSTOP, or a frozen virtual machine, whose monotonic clock stands still. */
  stop(ms: number, clockStandsStill: boolean): void {
    if (this.#state !== 'running') return
    this.#state = 'stopped'
    this.#stops += 1
    this.#scheduler.after(ms, () => this.#wake(clockStandsStill ? ms : 0))
  }

  #wake(stoodStillMs: number): void {
    if (this.#state !== 'stopped') return
    this.#state = 'running'
    this.#stoodStillMs += stoodStillMs
    const held = this.#held
    this.#held = []
    // One after the other, as events of their own: it may be killed between any two of them.
    for (const event of held) this.after(0, event)
  }

  /** Calls `event` inside of the process: now, or when it wakes, or never. */
  deliver(event: () => void): void {
    if (this.#state === 'running') event()
    else if (this.#state === 'stopped') this.#held.push(event)
  }

  /** As {@link deliver}, in `ms`. */
  after(ms: number, event: () => void): () => void {
    return this.#scheduler.after(ms, () => this.deliver(event))
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancelled = () => new DataShardError('aborted', 'the wait was cancelled', { cause: signal?.reason })
      if (signal?.aborted) return reject(cancelled())
      const onAbort = () => {
        cancel()
        reject(cancelled())
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
