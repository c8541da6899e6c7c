/**
 * The only source of nondeterminism: clock, sleep, random numbers, ids. Everything else in `src/` is a function of
 * its input, which is what lets a simulation run the real code on a virtual clock from a seed.
 */
import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { DataShardError, invalid } from './errors.ts'

export interface Runtime {
  /** Wall clock, milliseconds since the epoch. */
  now(): number
  /** Monotonic clock in milliseconds, unrelated to the wall clock; it may stand still while a machine is suspended. */
  monotonic(): number
  /** Resolves after `ms`; rejects with `aborted` as soon as `signal` fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `event` once in `ms`, unless the function that it returns is called before. */
  after(ms: number, event: () => void): () => void
  /** Uniform in [0, 1). */
  random(): number
  /** `n` random bytes, unpredictable in production. */
  randomBytes(n: number): Uint8Array
}

/** 24 days, the most that Node's timers take; what is to happen later than that does not happen. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** The real clock and the operating system's random numbers. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const cancelled = () => new DataShardError('aborted', 'the wait was cancelled', { cause: signal?.reason })
      if (signal?.aborted) return reject(cancelled())
      const onAbort = () => {
        clearTimeout(timer)
        reject(cancelled())
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  after: (ms, event) => {
    if (ms > MAX_TIMER_MS) return () => undefined
    const timer = setTimeout(event, ms)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
  randomBytes: (n) => new Uint8Array(randomBytes(n)),
}

/**
 * To be called where a user's signal comes in. Many requests and waits may listen to one signal, each until it ends; Node
 * takes more than ten of them for a leak, and warns.
 */
export function takeSignal(signal: AbortSignal | undefined): void {
  if (!signal) return
  if (typeof signal.addEventListener !== 'function')
    invalid(`found ${typeof signal} as signal, expected an AbortSignal`)
  if (signal instanceof EventTarget) setMaxListeners(0, signal)
}

/** A version 4 UUID from the runtime's random bytes (RFC 9562 section 5.4). */
export function uuid(runtime: Runtime): string {
  const b = runtime.randomBytes(16)
  b[6] = (b[6]! & 0x0f) | 0x40
  b[8] = (b[8]! & 0x3f) | 0x80
  const hex = Array.from(b, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** A positive 63-bit snapshot id, random so that two writers on one base never choose the same. */
export function snapshotId(runtime: Runtime): bigint {
  const b = runtime.randomBytes(8)
  const id = new DataView(b.buffer, b.byteOffset, 8).getBigUint64(0) & 0x7fff_ffff_ffff_ffffn
  return id === 0n ? 1n : id
}
