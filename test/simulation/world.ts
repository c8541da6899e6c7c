/** One simulated world: its clock, its store, its processes, and their life until everything has come to rest. */
import type { OpenOptions } from '../../src/table/open-place.ts'
import { Chance } from './chance.ts'
import { Ground, LOCATION } from './ground.ts'
import { History } from './history.ts'
import { CALM } from './network.ts'
import { SimulatedProcess } from './process.ts'
import type { Scenario } from './scenario.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedStore } from './simulated-store.ts'

/** No world needs longer; one that does not come to rest within it hangs. */
const LIMITS = { nowMs: 200 * 3_600_000, events: 3_000_000 }

export interface WorldOptions {
  readonly onTrace?: ((line: string) => void) | undefined
  readonly ignoresConditions?: RegExp | undefined
}

export class World {
  readonly scenario: Scenario
  readonly scheduler = new Scheduler()
  readonly history: History
  readonly ground: Ground
  readonly chance: Chance
  readonly #processes: SimulatedProcess[] = []
  #supervisors = 0

  constructor(scenario: Scenario, options: WorldOptions = {}) {
    this.scenario = scenario
    this.history = new History()
    this.chance = new Chance(scenario.seed)
    const skewMs = Math.round(this.chance.fork('store').between(-3_000, 3_000))
    this.ground = new Ground({
      scheduler: this.scheduler,
      skewMs,
      onTrace: options.onTrace,
      ignoresConditions: options.ignoresConditions,
    })
  }

  get nowMs(): number {
    return this.scheduler.nowMs
  }

  /** A process without work yet, and how it opens tables. `calm`: nothing ever happens to its requests. */
  process(name: string, calm = false): { process: SimulatedProcess; open: OpenOptions } {
    const chance = this.chance.fork(name)
    const { maxSkewMs, network, pageKeys } = this.scenario
    const skewMs = calm ? 0 : Math.round(chance.between(-maxSkewMs, maxSkewMs))
    const { scheduler, ground } = this
    const process = new SimulatedProcess({ name, scheduler, skewMs, chance: chance.fork('runtime') })
    const store = new SimulatedStore({
      ground,
      scheduler,
      process,
      pageKeys,
      chance: chance.fork('network'),
      network: calm ? CALM : network,
    })
    return { process, open: { store, runtime: process.runtime, writer: name } }
  }

  /** Starts work in a process. It must not fail: what may go wrong, the work itself notes. */
  start(process: SimulatedProcess, work: () => Promise<void>): void {
    this.#processes.push(process)
    const ended = (error?: unknown) => {
      if (error !== undefined) this.history.violation(`${process.name} broke off: ${stackOf(error)}`)
      process.finished = true
    }
    work().then(() => ended(), ended)
  }

  /** Starts what lives outside of all processes (an event source, a scheduler) and never fails nor dies. */
  supervise(work: () => Promise<void>): void {
    this.#supervisors += 1
    work().then(
      () => (this.#supervisors -= 1),
      (error: unknown) => {
        this.#supervisors -= 1
        this.history.violation(`a supervisor broke off: ${stackOf(error)}`)
      },
    )
  }

  /** Runs until all work is done, and then until the last late request has arrived. */
  async run(): Promise<void> {
    await this.until(() => this.#supervisors === 0 && !this.#processes.some((process) => process.isAlive))
    await this.#run(() => false, 'the late requests never end')
  }

  /** Runs until a condition holds. */
  async until(isDone: () => boolean): Promise<void> {
    const how = await this.#run(isDone, 'it does not come to rest')
    if (how === 'idle' && !isDone()) {
      const stuck = this.#processes.filter((process) => process.isAlive).map((process) => process.name)
      throw new Error(`nothing is left to happen, but these wait for ever: ${stuck.join(', ') || 'supervisors'}`)
    }
  }

  async #run(isDone: () => boolean, trouble: string): Promise<string> {
    const how = await this.scheduler.run(isDone, LIMITS)
    if (how === 'limit') throw new Error(`${trouble} within ${this.scheduler.events} events, ${this.nowMs} ms`)
    return how
  }
}

export { LOCATION }

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
