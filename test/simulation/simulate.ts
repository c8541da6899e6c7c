/** One seed, from its scenario to the judgement. */
import { startLambda } from './lambdas.ts'
import { startMaintenance } from './maintenance.ts'
import { judge } from './oracle.ts'
import { prepareTable, startDropper, startForeignEngine, startTransactions } from './others.ts'
import { startQueue } from './queue.ts'
import { startReader } from './readers.ts'
import type { Scenario, Size } from './scenario.ts'
import { scenarioOf } from './scenario.ts'
import { takesKeys, warmed } from './warm.ts'
import type { WorldOptions } from './world.ts'
import { World } from './world.ts'
import { startWriter } from './writers.ts'

export interface SimulationOptions extends WorldOptions {
  readonly size?: Size
  /** Changes to what the seed says. */
  readonly change?: Partial<Scenario>
}

export interface Outcome {
  readonly seed: number
  readonly scenario: Scenario
  /** Everything that is wrong. */
  readonly violations: readonly string[]
  readonly traceHash: string
  readonly counts: ReadonlyMap<string, number>
  readonly requests: number
  readonly events: number
  readonly versions: number
  /** Virtual time. */
  readonly elapsedMs: number
  /** How long those waited for their answer who were told that their rows are in the table. */
  readonly waitsMs: readonly number[]
}

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  await warmed()
  const scenario = { ...scenarioOf(seed, options.size), ...options.change }
  const world = new World(scenario, options)
  let violations: string[]
  try {
    await prepareTable(world)
    const keys = scenario.keyed && (await takesKeys())
    populate(world, keys)
    await world.run()
    violations = await judge(world)
  } catch (error) {
    const text = error instanceof Error ? error.stack : String(error)
    violations = [...world.history.violations, ...world.ground.offences, `the world broke off: ${text}`]
  }
  return {
    seed,
    scenario,
    violations,
    traceHash: world.ground.traceHash(),
    counts: world.history.counts,
    requests: world.ground.requests,
    events: world.scheduler.events,
    versions: world.ground.created.length,
    elapsedMs: world.nowMs,
    waitsMs: waitsOf(world),
  }
}

function populate(world: World, keys: boolean): void {
  const { scenario } = world
  for (let index = 0; index < scenario.writers; index++) startWriter(world, index)
  for (let index = 0; index < scenario.lambdas; index++) startLambda(world, index, keys)
  for (let index = 0; index < scenario.readers; index++) startReader(world, index)
  if (scenario.messages > 0 && keys) startQueue(world)
  if (scenario.transactions > 0) startTransactions(world)
  if (scenario.foreignCommits > 0) startForeignEngine(world)
  if (scenario.drops > 0) startDropper(world)
  if (scenario.maintenance) startMaintenance(world)
}

function waitsOf({ history }: World): number[] {
  const tries = history.batches.flatMap((batch) => batch.tries)
  return tries.flatMap((one) => (one.outcome === 'acknowledged' ? [one.endedMs! - one.startedMs] : []))
}
