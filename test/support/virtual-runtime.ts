/** A runtime whose clock moves only when somebody sleeps, and whose randomness comes from a seed. */
import type { Runtime } from '../../src/runtime.ts'

export interface VirtualRuntime extends Runtime {
  /** Moves the wall clock, the monotonic clock, or both, as a suspended machine or a corrected clock does. */
  advance(ms: { readonly wallMs?: number; readonly monotonicMs?: number }): void
}

export function virtualRuntime(seed = 1, startMs = Date.UTC(2026, 0, 1)): VirtualRuntime {
  let wall = startMs
  let monotonic = 0
  let state = seed
  // mulberry32
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  const events: { atMs: number; event: () => void }[] = []
  const forget = (one: (typeof events)[number]) => {
    const at = events.indexOf(one)
    if (at >= 0) events.splice(at, 1)
  }
  const ring = () => {
    for (const one of events.filter(({ atMs }) => atMs <= monotonic)) {
      forget(one)
      one.event()
    }
  }
  return {
    now: () => wall,
    monotonic: () => monotonic,
    sleep: async (ms) => {
      wall += ms
      monotonic += ms
      ring()
    },
    after: (ms, event) => {
      const one = { atMs: monotonic + ms, event }
      events.push(one)
      return () => forget(one)
    },
    random,
    randomBytes: (n) => Uint8Array.from({ length: n }, () => Math.floor(random() * 256)),
    advance: ({ wallMs = 0, monotonicMs = 0 }) => {
      wall += wallMs
      monotonic += monotonicMs
      ring()
    },
  }
}
