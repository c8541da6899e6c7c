/** A simulation that finds nothing proves nothing: each protection that is switched off must be missed by it. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { MUTATIONS, REDELIVERED } from './mutations.ts'
import type { SimulationOptions } from './simulate.ts'

type Simulate = typeof import('./simulate.ts').simulate

afterEach(() => {
  vi.resetModules()
})

/** The first seed that fails. */
async function firstFailure(
  simulate: Simulate,
  within: number,
  options: SimulationOptions,
): Promise<{ seed: number; violations: readonly string[] } | undefined> {
  for (let seed = 1; seed <= within; seed++) {
    const { violations } = await simulate(seed, options)
    if (violations.length > 0) return { seed, violations }
  }
  return undefined
}

describe('a protection is switched off, and the simulation finds it:', () => {
  test.each(MUTATIONS)('$off', { timeout: 300_000 }, async ({ module, replace, change, within, shows }) => {
    let seed: number
    const path = `../../src/${module}`
    vi.resetModules()
    vi.doMock(path, async (importOriginal) => {
      const original = await importOriginal<object>()
      return { ...original, ...replace(original as never) }
    })
    try {
      const { simulate } = await import('./simulate.ts')
      const found = await firstFailure(simulate, within, { change })
      expect(found, `nothing found within ${within} seeds`).toBeDefined()
      expect(found!.violations.join('\n')).toMatch(shows)
      seed = found!.seed
    } finally {
      vi.doUnmock(path)
    }
    // With the protection on, the same world is sound.
    vi.resetModules()
    const { simulate } = await import('./simulate.ts')
    expect((await simulate(seed, { change })).violations).toEqual([])
  })

  test('the store overwrites claims', async () => {
    const { simulate } = await import('./simulate.ts')
    const found = await firstFailure(simulate, 40, { change: REDELIVERED, ignoresConditions: /_ds\/claims\// })
    expect(found?.violations.join('\n')).toMatch(/is in the table 2 times|with different snapshots/)
  })

  test('the store does not honour conditions', async () => {
    const { simulate } = await import('./simulate.ts')
    const change = { writers: 4, appendsPerWriter: 2 }
    const found = await firstFailure(simulate, 5, { change, ignoresConditions: /metadata\/v\d/ })
    expect(found?.violations.join('\n')).toContain('was overwritten by')
  })
})
