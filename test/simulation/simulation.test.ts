/**
 * Seeds of simulated worlds. More of them: `npm run test:simulation -- --seeds 1000`, `-- --minutes 60`, or in this test by
 * `DATASHARD_SIMULATION_SEEDS=5000 npx vitest run test/simulation`.
 */
import { describe, expect, test } from 'vitest'
import { report } from './report.ts'
import type { Outcome } from './simulate.ts'
import { simulate } from './simulate.ts'

/** About 40 s of CPU; a nightly run may take as many as it has time for. */
const SEEDS = Number(process.env['DATASHARD_SIMULATION_SEEDS'] ?? 250)
/** Enough for every kind of trouble to occur. */
const FIRST_SEEDS = 75
const PER_TEST = 25

/** What is wrong with a world, as one would want to read it. */
function wrongIn(outcome: Outcome): readonly string[] {
  return outcome.violations.length === 0 ? [] : [report(outcome, {})]
}

describe('simulated worlds', () => {
  test(
    `the first ${FIRST_SEEDS} seeds are sound, and have all answers and all troubles`,
    { timeout: 600_000 },
    async () => {
      const counts = new Map<string, number>()
      for (let seed = 1; seed <= FIRST_SEEDS; seed++) {
        const outcome = await simulate(seed)
        expect(wrongIn(outcome)).toEqual([])
        for (const [what, count] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + count)
      }
      const answers = ['acknowledged', 'aborted', 'commit-unknown', 'commit-contention', 'not-found', 'replayed']
      for (const what of [...answers, 'scans', 'foreign written', 'versions deleted', 'orphans deleted']) {
        expect(counts.get(what) ?? 0, what).toBeGreaterThan(0)
      }
    },
  )

  const starts = Array.from(
    { length: Math.ceil((SEEDS - FIRST_SEEDS) / PER_TEST) },
    (_, i) => FIRST_SEEDS + 1 + i * PER_TEST,
  )
  test.each(starts)(`seeds %i and the ${PER_TEST - 1} after it are sound`, { timeout: 600_000 }, async (from) => {
    for (let seed = from; seed < from + PER_TEST; seed++) expect(wrongIn(await simulate(seed))).toEqual([])
  })

  test(
    'writers who meet four times a day, and are killed while they do: what they leave is swept',
    { timeout: 600_000 },
    async () => {
      const hours = { pauseMs: 6 * 3_600_000, shifts: true, maintenance: true, drops: 0 }
      const change = { ...hours, writers: 16, appendsPerWriter: 4, concurrency: 1, kills: 0.4 }
      let swept = 0
      for (let seed = 1; seed <= 12; seed++) {
        const outcome = await simulate(seed, { change })
        expect(outcome.violations, report(outcome, { change })).toEqual([])
        swept += outcome.counts.get('inbox deleted') ?? 0
      }
      expect(swept).toBeGreaterThan(0)
    },
  )

  test('64 writers at once: every answer is true', { timeout: 600_000 }, async () => {
    const change = { writers: 64, appendsPerWriter: 1, drops: 0 }
    const outcome = await simulate(1, { size: 'large', change })
    expect(outcome.violations, report(outcome, { size: 'large' })).toEqual([])
    expect(outcome.counts.get('acknowledged')).toBeGreaterThan(30)
  })
})
