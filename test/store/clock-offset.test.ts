/** The difference to a store's clock, as far as its answers tell it. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClockOffset } from '../../src/store/clock-offset.ts'

/** An answer of a store whose clock is `offsetMs` ahead, given `latencyMs` after it was asked for at `atMs`. */
function sample(atMs: number, latencyMs: number, offsetMs: number) {
  const handledMs = atMs + latencyMs / 2 + offsetMs
  return {
    storeMs: Math.floor(handledMs / 1_000) * 1_000,
    resolutionMs: 1_000,
    sentMs: atMs,
    receivedMs: atMs + latencyMs,
  }
}

test('nothing is known before the first answer', () => {
  expect(new ClockOffset().ms).toBe(0)
})

test('clocks that agree are not moved apart by the seconds of a header', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1e9), fc.nat(300)), { minLength: 1 }), (answers) => {
      const clock = new ClockOffset()
      for (const [at, latency] of answers) clock.learn(sample(at, latency, 0))
      expect(clock.ms).toBe(0)
    }),
  )
})

test('the true difference is met within a second by one answer, and better by many', () => {
  const offset = fc.integer({ min: -1e8, max: 1e8 })
  fc.assert(
    fc.property(offset, fc.nat(1e9), fc.nat(300), (offset, at, latency) => {
      const clock = new ClockOffset()
      clock.learn(sample(at, latency, offset))
      expect(Math.abs(clock.ms - offset)).toBeLessThanOrEqual(1_000 + latency)
      for (let i = 0; i < 100; i++) clock.learn(sample(at + i * 1_010, 20, offset))
      // Below a second the two clocks may as well agree.
      expect(Math.abs(clock.ms - offset)).toBeLessThanOrEqual(Math.abs(offset) > 1_000 ? 30 : 1_000)
    }),
  )
})

test('a clock that is set is learnt anew', () => {
  const clock = new ClockOffset()
  for (let i = 0; i < 50; i++) clock.learn(sample(i * 1_010, 20, 600_000))
  clock.learn(sample(100_000, 20, 0))
  expect(Math.abs(clock.ms)).toBeLessThanOrEqual(1_000)
})

test('what is no time teaches nothing', () => {
  const clock = new ClockOffset()
  clock.learn({ storeMs: Number.NaN, resolutionMs: 1_000, sentMs: 0, receivedMs: 10 })
  expect(clock.ms).toBe(0)
})
