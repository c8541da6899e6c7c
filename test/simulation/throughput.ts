/**
 * How many appends the protocol itself allows: the real library on the virtual clock, each writer a process with a store of its own,
 * every request on its way for about `requestMs`, and work that takes no time. What real processors come to below this is their limit,
 * not the protocol's; and the same seed gives the same figures on any machine.
 */
import { schema, t } from '../../src/spec/builder.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Ground } from './ground.ts'
import { CALM, MEAN_WAY } from './network.ts'
import { scenarioOf } from './scenario.ts'
import { warmed } from './warm.ts'
import { LOCATION, World } from './world.ts'

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
  const world = calmWorld(options)
  const create = { ...world.process('creator').open, schema: schema({ writer: t.int, append: t.int }) }
  await finished(world, createTable(LOCATION, create))
  const timesMs: number[] = []
  const begin = barrier(writers)
  const start = { atMs: 0, requests: 0, versions: 0 }
  const write = async (writer: number): Promise<void> => {
    const table = await loadTable(LOCATION, world.process(`w${writer}`).open)
    for (let i = 1; i <= warm; i++) await table.append([{ writer, append: -i }], PATIENT)
    await table.flush()
    await begin(() => Object.assign(start, countsOf(world)))
    for (let append = 0; append < appends; append++) {
      const beganMs = world.nowMs
      await table.append([{ writer, append }], PATIENT)
      timesMs.push(world.nowMs - beganMs)
    }
  }
  await finished(world, Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))))
  const end = countsOf(world)
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

/** A world in which nothing goes wrong, and each request takes about so long. */
export function calmWorld({ seed, requestMs }: Pick<ThroughputOptions, 'seed' | 'requestMs'>): World {
  const network = { ...CALM, latencyMs: requestMs / 2 / MEAN_WAY }
  return new World({ ...scenarioOf(seed), maxSkewMs: 0, pageKeys: PAGE_KEYS, network })
}

/** Lets time pass until a piece of work is done. */
export async function finished<T>(world: World, work: Promise<T>): Promise<T> {
  let isDone = false
  const done = work.finally(() => (isDone = true))
  done.catch(() => undefined)
  await world.until(() => isDone)
  return done
}

function countsOf({ nowMs, ground }: World): { atMs: number; requests: number; versions: number } {
  return { atMs: nowMs, requests: ground.requests, versions: ground.created.length }
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
