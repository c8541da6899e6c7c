/** The protocol as it is: no invariant is violated and nobody is stuck, whatever the scenario. */
import { describe, expect, test } from 'vitest'
import { check } from './check.ts'
import { SCENARIO_NAMES } from './scenarios.ts'

const RUNS = 1_000

describe('commit protocol, model', () => {
  test.each(SCENARIO_NAMES)('%s: every invariant holds, and nobody is stuck', (scenario) => {
    const totals = check({ scenario, from: 1, runs: RUNS })
    expect(totals.first).toBeUndefined()
    expect(totals.outcomes.stuck).toBe(0)
    // A run in which nothing happens proves nothing.
    expect(totals.folded).toBeGreaterThan(RUNS)
    expect(totals.outcomes.done).toBeGreaterThan(2 * RUNS)
    expect(totals.outcomes.crashed).toBeGreaterThan(RUNS / 10)
  })

  test('the scenarios reach what they are there for: cancellations, islands', () => {
    expect(check({ scenario: 'keyed', from: 1, runs: 50 }).cancelled).toBeGreaterThan(10)
    expect(check({ scenario: 'islands', from: 1, runs: 50 }).islands).toBeGreaterThan(20)
  })

  test('a seed replays the same run', () => {
    const once = check({ scenario: 'sleepers', from: 7, runs: 3 })
    const again = check({ scenario: 'sleepers', from: 7, runs: 3 })
    expect({ ...again, cpuMs: 0 }).toEqual({ ...once, cpuMs: 0 })
  })
})
