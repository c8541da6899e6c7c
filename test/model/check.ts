/** Many runs of one scenario, from consecutive seeds. */
import type { Mutation } from './mutations.ts'
import type { ScenarioName } from './scenarios.ts'
import type { RunResult } from './world.ts'
import { run } from './world.ts'

export interface CheckOptions {
  readonly scenario: ScenarioName
  readonly from: number
  readonly runs: number
  readonly mutation?: Mutation | undefined
  /** Stop at the first violation. Default false. */
  readonly firstOnly?: boolean
}

export interface Totals {
  readonly scenario: ScenarioName
  runs: number
  violating: number
  /** Seed and text of the first violation. */
  first: { readonly seed: number; readonly violation: string } | undefined
  versions: number
  folded: number
  cancelled: number
  islands: number
  readonly outcomes: Record<keyof RunResult['outcomes'], number>
  cpuMs: number
}

export function check({ scenario, from, runs, mutation, firstOnly = false }: CheckOptions): Totals {
  const outcomes = { done: 0, refused: 0, unknown: 0, crashed: 0, stuck: 0 }
  const counts = { runs: 0, violating: 0, versions: 0, folded: 0, cancelled: 0, islands: 0, cpuMs: 0 }
  const totals: Totals = { scenario, ...counts, first: undefined, outcomes }
  const before = process.cpuUsage()
  for (let seed = from; seed < from + runs; seed++) {
    const result = run({ seed, scenario, mutation })
    totals.runs++
    for (const count of ['versions', 'folded', 'cancelled', 'islands'] as const) totals[count] += result[count]
    for (const outcome of Object.keys(outcomes) as (keyof typeof outcomes)[]) {
      outcomes[outcome] += result.outcomes[outcome]
    }
    const [violation] = result.violations
    if (violation === undefined) continue
    totals.violating++
    totals.first ??= { seed, violation }
    if (firstOnly) break
  }
  const { user, system } = process.cpuUsage(before)
  totals.cpuMs = Math.round((user + system) / 1_000)
  return totals
}

export function describeTotals({ scenario, runs, violating, first, outcomes, cpuMs, ...counts }: Totals): string {
  const numbers = [...Object.entries(counts), ...Object.entries(outcomes)].map(([name, count]) => `${name} ${count}`)
  const found = first ? `; first seed ${first.seed}: ${first.violation}` : ''
  return `${scenario}: ${runs} runs, ${violating} violating${found}; ${numbers.join(', ')}; ${cpuMs} ms of CPU`
}
