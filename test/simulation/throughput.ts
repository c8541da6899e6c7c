/**
 * How many appends the protocol itself allows: the real library on the virtual clock, each writer a process with a store of its own,
 * every request on its way for about `requestMs`, and work that takes no time. What real processors come to below this is their limit,
 * not the protocol's; and the same seed gives the same figures on any machine.
 */
import { schema, t } from '../../src/spec/builder.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { OpenOptions } from '../../src/table/open-place.ts'
import { Chance } from './chance.ts'
import { Ground, LOCATION } from './ground.ts'
import { CALM, MEAN_WAY } from './network.ts'
import { SimulatedProcess } from './process.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedStore } from './simulated-store.ts'
import { warmed } from './warm.ts'

const LIMITS = { nowMs: 3_600_000, events: 50_000_000 }
const PATIENT = { timeoutMs: 3_600_000 }
const PAGE_KEYS = 1_000

export interface ThroughputOptions {
  readonly seed: number
  readonly writers: number
  /** Measured appends of each writer, one after the other. */
  readonly appends: number
  /** Appends of each writer before: after them all begin at the same moment. */
  readonly warm: number
  /** Mean time of a request, there and back, milliseconds; single ways differ between about 0.5 and 2 times their mean. */
  readonly requestMs: number
}

export interface Throughput {
  /** Virtual milliseconds of each measured append. */
  readonly timesMs: readonly number[]
  readonly appendsPerSecond: number
  readonly requestsPerAppend: number
  readonly versions: number
  /** Of the measured rows, in the table at the end. */
  readonly lost: number
  readonly doubled: number
}

export async function measureThroughput(options: ThroughputOptions): Promise<Throughput> {
  await warmed()
  const { writers, appends, warm } = options
  const world = new Measured(options)
  await world.until(
    createTable(LOCATION, { ...world.open('creator'), schema: schema({ writer: t.int, append: t.int }) }),
  )
  const timesMs: number[] = []
  const begin = barrier(writers)
  const start = { atMs: 0, requests: 0, versions: 0 }
  const write = async (writer: number): Promise<void> => {
    const table = await loadTable(LOCATION, world.open(`w${writer}`))
    for (let i = 1; i <= warm; i++) await table.append([{ writer, append: -i }], PATIENT)
    await table.flush()
    await begin(() => Object.assign(start, world.count()))
    for (let append = 0; append < appends; append++) {
      const beganMs = world.scheduler.nowMs
      await table.append([{ writer, append }], PATIENT)
      timesMs.push(world.scheduler.nowMs - beganMs)
    }
  }
  await world.until(Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))))
  const end = world.count()
  const found = await rowsOf(world.ground)
  const distinct = new Set(found).size
  return {
    timesMs,
    appendsPerSecond: timesMs.length / ((end.atMs - start.atMs) / 1_000),
    requestsPerAppend: (end.requests - start.requests) / timesMs.length,
    versions: end.versions - start.versions,
    lost: writers * appends - distinct,
    doubled: found.length - distinct,
  }
}

/** A table in a store of its own, on a clock of its own. */
export class Measured {
  readonly scheduler = new Scheduler()
  readonly ground = new Ground({ scheduler: this.scheduler, skewMs: 0 })
  readonly #chance: Chance
  readonly #wayMs: number

  constructor({ seed, requestMs }: Pick<ThroughputOptions, 'seed' | 'requestMs'>) {
    this.#chance = new Chance(seed)
    this.#wayMs = requestMs / 2 / MEAN_WAY
  }

  open(name: string): OpenOptions {
    const { scheduler, ground } = this
    const chance = this.#chance.fork(name)
    const process = new SimulatedProcess({ name, scheduler, skewMs: 0, chance: chance.fork('runtime') })
    const store = new SimulatedStore({
      ground,
      scheduler,
      process,
      pageKeys: PAGE_KEYS,
      chance: chance.fork('network'),
      network: { ...CALM, latencyMs: this.#wayMs },
    })
    return { store, runtime: process.runtime, writer: name }
  }

  count(): { atMs: number; requests: number; versions: number } {
    const { scheduler, ground } = this
    return { atMs: scheduler.nowMs, requests: ground.requests, versions: ground.created.length }
  }

  /** Lets time pass until a piece of work is done. */
  async until(work: Promise<unknown>): Promise<void> {
    let isDone = false
    const done = work.finally(() => (isDone = true))
    done.catch(() => undefined)
    const how = await this.scheduler.run(() => isDone, LIMITS)
    if (how !== 'done') throw new Error(`the work did not come to its end (${how}) at ${this.scheduler.nowMs} ms`)
    await done
  }
}

/** Resolves for all when the last one has come, after `opens`. */
function barrier(count: number): (opens: () => void) => Promise<void> {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  let left = count
  return (opens) => {
    left -= 1
    if (left === 0) {
      opens()
      open()
    }
    return opened
  }
}

async function rowsOf({ store }: Ground): Promise<readonly string[]> {
  const table = await loadTable(LOCATION, { store })
  const rows = await table.scan().toArray()
  return rows.flatMap(({ writer, append }) => (Number(append) < 0 ? [] : [`${writer} ${append}`]))
}
