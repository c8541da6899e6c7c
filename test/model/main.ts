/**
 * Long runs of the model checker, and the replay of one.
 *
 *     npm run test:model -- --runs 200000
 *     npm run test:model -- --mutation custody --runs 20000
 *     npm run test:model -- --seed 17 --scenario sleepers [--mutation custody]
 */
import { parseArgs } from 'node:util'
import { check, describeTotals } from './check.ts'
import { isMutation, MUTATIONS } from './mutations.ts'
import type { Mutation } from './mutations.ts'
import type { ScenarioName } from './scenarios.ts'
import { SCENARIO_NAMES } from './scenarios.ts'
import { run } from './world.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    scenario: { type: 'string' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
  },
})

process.exitCode = main() ? 0 : 1

function main(): boolean {
  const mutation = values.mutation === undefined ? undefined : mutationNamed(values.mutation)
  const scenario = values.scenario === undefined ? undefined : scenarioNamed(values.scenario)
  if (values.seed !== undefined) return replay(Number(values.seed), scenario ?? 'plain', mutation)
  const from = Number(values.from)
  const runs = Number(values.runs)
  if (!values.mutations) return report(undefined, { from, runs, scenario, mutation }) === 0
  // Each mutation in turn; here it is a success that it is found.
  return (Object.keys(MUTATIONS) as Mutation[])
    .map((each) => report(each, { from, runs, scenario: scenario ?? MUTATIONS[each].scenario, mutation: each }))
    .every((violating) => violating > 0)
}

interface Job {
  readonly from: number
  readonly runs: number
  readonly scenario: ScenarioName | undefined
  readonly mutation: Mutation | undefined
}

function report(title: string | undefined, job: Job): number {
  let violating = 0
  for (const scenario of job.scenario ? [job.scenario] : SCENARIO_NAMES) {
    const runs = job.scenario ? job.runs : Math.ceil(job.runs / SCENARIO_NAMES.length)
    const totals = check({ scenario, from: job.from, runs, mutation: job.mutation })
    console.log(`${title ?? job.mutation ?? 'whole'} ${describeTotals(totals)}`)
    violating += totals.violating
  }
  return violating
}

function replay(seed: number, scenario: ScenarioName, mutation: Mutation | undefined): boolean {
  const { violations, ...rest } = run({ seed, scenario, mutation, trace: (line) => console.log(line) })
  console.log(JSON.stringify(rest))
  for (const violation of violations) console.log(violation)
  return violations.length === 0
}

function mutationNamed(name: string): Mutation {
  if (isMutation(name)) return name
  throw new Error(`there is no mutation ${name}; there are ${Object.keys(MUTATIONS).join(', ')}`)
}

function scenarioNamed(name: string): ScenarioName {
  const found = SCENARIO_NAMES.find((each) => each === name)
  if (found) return found
  throw new Error(`there is no scenario ${name}; there are ${SCENARIO_NAMES.join(', ')}`)
}
