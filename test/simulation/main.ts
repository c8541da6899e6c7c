/**
 * `npm run test:simulation -- --seeds 1000 --from 1 [--size large]`: runs seeds. `--seed N`: one, with its trace.
 * `--minutes M`: as many as there is time for, from a random seed on. Ends with 1 at the first seed that fails, or with
 * `--keep-going` after all of them.
 */
import { parseArgs } from 'node:util'
import type { Outcome, SimulationOptions } from './simulate.ts'
import { simulate } from './simulate.ts'
import type { Size } from './scenario.ts'
import { report, Totals } from './report.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    size: { type: 'string', default: 'small' },
    'keep-going': { type: 'boolean', default: false },
  },
})

const options: SimulationOptions = { size: values.size as Size }

async function replay(seed: number): Promise<Outcome> {
  const outcome = await simulate(seed, { ...options, onTrace: (line) => console.log(line) })
  console.log(JSON.stringify(outcome.scenario, undefined, 2))
  return outcome
}

async function runSeeds(from: number, count: number, untilMs: number): Promise<number> {
  const totals = new Totals()
  let failed = 0
  for (let seed = from; seed < from + count && Date.now() < untilMs; seed++) {
    const outcome = await simulate(seed, options)
    totals.add(outcome)
    if (outcome.violations.length === 0) continue
    failed += 1
    console.log(report(outcome, options))
    if (!values['keep-going']) break
  }
  console.log(totals.text())
  return failed
}

if (values.seed !== undefined) {
  const outcome = await replay(Number(values.seed))
  console.log(report(outcome, options))
  process.exitCode = outcome.violations.length > 0 ? 1 : 0
} else {
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  const from = minutes === undefined ? Number(values.from) : Math.floor(Math.random() * 1e9)
  const untilMs = minutes === undefined ? Infinity : Date.now() + minutes * 60_000
  const failed = await runSeeds(from, minutes === undefined ? Number(values.seeds) : Infinity, untilMs)
  process.exitCode = failed > 0 ? 1 : 0
}
