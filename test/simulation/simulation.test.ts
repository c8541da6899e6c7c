/** Seeds of simulated worlds. More of them: `npm run test:simulation -- --seeds 1000`, `-- --minutes 60`. */
import { describe, expect, test } from 'vitest'
import { KNOWN_DEFECTS } from './known-defects.ts'
import { report } from './report.ts'
import { simulate } from './simulate.ts'

/** About a minute of CPU. */
const SEEDS = 300
const PER_TEST = 25

describe('simulated worlds', () => {
  const starts = Array.from({ length: SEEDS / PER_TEST }, (_, index) => 1 + index * PER_TEST)
  test.each(starts)(`seeds %i and the ${PER_TEST - 1} after it are sound`, { timeout: 300_000 }, async (from) => {
    for (let seed = from; seed < from + PER_TEST; seed++) {
      const outcome = await simulate(seed)
      expect(outcome.violations, report(outcome, {})).toEqual([])
    }
  })

  test('64 writers at once: every answer is true', { timeout: 300_000 }, async () => {
    const change = { writers: 64, appendsPerWriter: 1, drops: 0 }
    const outcome = await simulate(1, { size: 'large', change })
    expect(outcome.violations, report(outcome, { size: 'large' })).toEqual([])
    expect(outcome.counts.get('acknowledged')).toBeGreaterThan(30)
  })

  test('the seeds make worlds of every kind: all answers occur, and all troubles', { timeout: 300_000 }, async () => {
    const counts = new Map<string, number>()
    for (let seed = 1; seed <= 60; seed++) {
      for (const [what, count] of (await simulate(seed)).counts) counts.set(what, (counts.get(what) ?? 0) + count)
    }
    for (const what of ['acknowledged', 'aborted', 'commit-unknown', 'scans', 'foreign written', 'versions deleted']) {
      expect(counts.get(what) ?? 0, what).toBeGreaterThan(0)
    }
  })

  test.each(KNOWN_DEFECTS)('known, and to be taken off the list when it is mended: $what', async (defect) => {
    const { violations } = await simulate(defect.seed, { strict: true })
    expect(violations.filter((text) => defect.violation.test(text))).not.toEqual([])
  })
})
