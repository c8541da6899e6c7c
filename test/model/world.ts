/** One run: a store, a network with faults, and processes that come, crash, stop, thaw and finish. */
import { virtualRuntime } from '../support/virtual-runtime.ts'
import { findAnyHead } from './head.ts'
import type { Mutation } from './mutations.ts'
import { Network } from './network.ts'
import { HINT_KEY, versionKey } from './objects.ts'
import { Oracle } from './oracle.ts'
import { change, dropTable, firstVersion, foreignCommit } from './others.ts'
import type { Model, Outcome, Process, Step, Steps } from './process.ts'
import { GaveUp, RETENTION_TICKS, TableGone, TICK_MS } from './process.ts'
import type { Scenario, ScenarioName } from './scenarios.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Answer } from './store.ts'
import { ModelStore } from './store.ts'
import { sweep } from './sweep.ts'
import { append } from './writer.ts'

export interface RunOptions {
  readonly seed: number
  readonly scenario: ScenarioName
  readonly mutation?: Mutation | undefined
  readonly trace?: ((line: string) => void) | undefined
}

export interface RunResult {
  readonly violations: readonly string[]
  readonly versions: number
  readonly folded: number
  readonly cancelled: number
  readonly islands: number
  /** Of appends and changes, how many ended how; `crashed` ones count nowhere else. */
  readonly outcomes: Readonly<Record<Outcome | 'crashed' | 'stuck', number>>
}

type Kind = 'writer' | 'change' | 'foreign' | 'drop' | 'sweep'

interface Task {
  readonly process: Process
  readonly kind: Kind
  readonly keys: readonly string[] | undefined
  readonly steps: Steps<Outcome>
  state: 'running' | 'crashed' | Outcome
  frozenUntil: number
  /** What the task goes on with, and from when. */
  next: { readonly tick: number; readonly answer: Answer } | undefined
}

/** After the faults, so many times the ticks are enough for all to finish; who has not is stuck. */
const EPILOGUE = 4
/** Time enough to commit a window of versions, and to delete them. */
const LONG_SLEEP_TICKS = 2 * RETENTION_TICKS
const RESUMED: Answer = { status: 200 }

export function run(options: RunOptions): RunResult {
  return new World(options).run()
}

class World {
  readonly #scenario: Scenario
  readonly #model: Model
  readonly #network: Network
  readonly #tasks: Task[] = []
  readonly #trace: ((line: string) => void) | undefined
  #tick = 0
  #writersLeft: number

  constructor({ seed, scenario, mutation, trace }: RunOptions) {
    const runtime = virtualRuntime(Math.imul(seed, 0x9e3779b1))
    const window = 2 + (seed % 3)
    const oracle = new Oracle(window, RETENTION_TICKS * TICK_MS, () => runtime.now())
    const store = new ModelStore(oracle)
    this.#scenario = SCENARIOS[scenario]
    this.#writersLeft = this.#scenario.writers - 2 + (seed % 5)
    this.#model = {
      runtime,
      oracle,
      mutation,
      window,
      room: 2 + (Math.floor(seed / 3) % 3),
      hintNeglect: this.#scenario.hintNeglect,
    }
    this.#trace = trace
    this.#network = new Network(store, this.#model, trace)
    const first = firstVersion('first', 'table', window, 'founder')
    store.apply({ verb: 'put', key: versionKey(1), value: first }, runtime.now())
    store.apply({ verb: 'put', key: HINT_KEY, value: 1 }, runtime.now())
  }

  run(): RunResult {
    const { oracle } = this.#model
    const { ticks } = this.#scenario
    for (; this.#tick < ticks * (1 + EPILOGUE); this.#tick++) {
      const faulty = this.#tick < ticks
      this.#model.runtime.advance({ wallMs: TICK_MS, monotonicMs: TICK_MS })
      if (faulty) this.#disturb()
      this.#resume()
      this.#network.step(this.#tick, faulty)
      if (oracle.violations.length > 0) break
      if (!faulty && this.#tasks.every(({ state }) => state !== 'running')) break
    }
    const stuck = this.#tasks.filter(({ state }) => state === 'running')
    if (oracle.violations.length === 0) {
      for (const { process } of stuck) oracle.violations.push(`liveness: ${process.name} is stuck`)
    }
    const count = (state: Task['state']) =>
      this.#tasks.filter((task) => task.state === state && (task.kind === 'writer' || task.kind === 'change')).length
    return {
      violations: oracle.violations,
      versions: oracle.newest,
      folded: oracle.folded,
      cancelled: oracle.cancelled,
      islands: oracle.islands,
      outcomes: {
        done: count('done'),
        refused: count('refused'),
        unknown: count('unknown'),
        crashed: count('crashed'),
        stuck: stuck.length,
      },
    }
  }

  /** Who comes, who dies, who stops. */
  #disturb(): void {
    const { scenario, chance } = { scenario: this.#scenario, chance: (rate: number) => this.#random() < rate }
    if (this.#writersLeft > 0 && chance((2.5 * scenario.writers) / scenario.ticks)) {
      this.#writersLeft--
      this.#startWriter(chance(scenario.keyedShare) ? this.#someKeys() : undefined)
    }
    if (chance(scenario.redeliver)) {
      const earlier = this.#pick(this.#tasks.filter(({ keys }) => keys !== undefined))
      if (earlier && this.#running('writer') < 6) this.#startWriter(chance(0.5) ? earlier.keys : this.#someKeys())
    }
    if (chance(scenario.change)) this.#start('change', change)
    if (chance(scenario.foreign)) {
      const sleepTicks = chance(scenario.foreignSleeps) ? LONG_SLEEP_TICKS : 0
      this.#start('foreign', (me) => foreignCommit(me, sleepTicks))
    }
    if (chance(scenario.drop)) this.#start('drop', dropTable)
    if (chance(scenario.sweep) && this.#running('sweep') < 2) this.#start('sweep', sweep)
    if (chance(scenario.crash)) this.#crash()
    if (chance(scenario.freeze)) this.#freeze()
  }

  #startWriter(keys: readonly string[] | undefined): void {
    const plan = { keys, alone: this.#random() < 0.5, aborts: this.#random() < 0.04 }
    this.#start('writer', (me) => append(me, plan), keys)
  }

  #start(kind: Kind, body: (me: Process) => Steps<Outcome>, keys?: readonly string[]): void {
    const name = `${kind}-${this.#tasks.length}`
    const process: Process = { name, model: this.#model, table: '', head: undefined, exposed: false }
    const steps = opened(process, kind, body)
    const task: Task = { process, kind, keys, steps, state: 'running', frozenUntil: 0, next: undefined }
    this.#tasks.push(task)
    this.#trace?.(`${this.#tick} ${name} starts ${keys?.join(' ') ?? ''}`)
    this.#advance(task, RESUMED)
  }

  #crash(): void {
    const victim = this.#pick(this.#tasks.filter(({ state }) => state === 'running'))
    if (!victim) return
    this.#trace?.(`${this.#tick} ${victim.process.name} crashes`)
    victim.state = 'crashed'
  }

  #freeze(): void {
    const until = this.#tick + LONG_SLEEP_TICKS + Math.floor(this.#random() * 100)
    for (const task of this.#tasks) {
      if (task.state !== 'running' || task.frozenUntil > this.#tick || this.#random() < 0.5) continue
      this.#trace?.(`${this.#tick} ${task.process.name} stops until ${until}`)
      task.frozenUntil = until
    }
  }

  /** Thawed, rested and answered tasks go on. */
  #resume(): void {
    for (const task of this.#tasks) {
      if (!task.next || task.next.tick > this.#tick || task.frozenUntil > this.#tick) continue
      const { answer } = task.next
      task.next = undefined
      this.#advance(task, answer)
    }
  }

  #advance(task: Task, answer: Answer): void {
    if (task.state !== 'running') return
    if (task.frozenUntil > this.#tick) {
      task.next = { tick: this.#tick, answer }
      return
    }
    const result = task.steps.next(answer)
    if (result.done) this.#finish(task, result.value)
    else this.#take(task, result.value)
  }

  #take(task: Task, step: Step): void {
    if ('pauseTicks' in step) task.next = { tick: this.#tick + step.pauseTicks, answer: RESUMED }
    else this.#network.send(step, this.#tick, (answer) => this.#answered(task, step, answer))
  }

  #answered(task: Task, step: Step, answer: Answer): void {
    if (this.#trace && 'verb' in step) this.#trace(`${this.#tick} ${task.process.name}: ${step.verb} ${answer.status}`)
    this.#advance(task, answer)
  }

  #finish(task: Task, outcome: Outcome): void {
    const { oracle } = this.#model
    const { name } = task.process
    task.state = outcome
    this.#trace?.(`${this.#tick} ${name} ends: ${outcome}`)
    if (task.kind !== 'writer' && task.kind !== 'change') return
    if (outcome === 'done') oracle.acknowledged(name)
    if (outcome === 'refused') oracle.refused(name)
  }

  #someKeys(): readonly string[] {
    const keys = new Set<string>()
    const count = 1 + Math.floor(this.#random() * 3)
    while (keys.size < count) keys.add(`k${Math.floor(this.#random() * this.#scenario.keys)}`)
    return [...keys]
  }

  #running(kind: Kind): number {
    return this.#tasks.filter((task) => task.kind === kind && task.state === 'running').length
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)]
  }

  #random(): number {
    return this.#model.runtime.random()
  }
}

/** Opens the table, and turns what ends a process early into its answer. */
function* opened(me: Process, kind: Kind, body: (me: Process) => Steps<Outcome>): Steps<Outcome> {
  try {
    const { record } = yield* findAnyHead(me)
    if (record.isTombstone && kind !== 'sweep') return 'refused'
    me.table = record.table
    return yield* body(me)
  } catch (error) {
    if (error instanceof TableGone) return me.exposed ? 'unknown' : 'refused'
    if (error instanceof GaveUp) return 'unknown'
    throw error
  }
}
