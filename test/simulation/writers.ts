/** Long-lived processes that append, as tasks of a server do. */
import { DEFAULT_TIMEOUT_MS } from '../../src/commit/commit.ts'
import { loadTable } from '../../src/table/load.ts'
import type { OpenOptions } from '../../src/table/open-place.ts'
import type { Table } from '../../src/table/table.ts'
import type { Chance } from './chance.ts'
import { rowsOf } from './history.ts'
import { LONG_STOP_MS } from './maintenance.ts'
import type { SimulatedProcess } from './process.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'

const MAX_LOADS = 20

export interface Actor {
  readonly world: World
  readonly process: SimulatedProcess
  readonly open: OpenOptions
  readonly chance: Chance
}

export function actorOf(world: World, name: string): Actor {
  return { world, ...world.process(name), chance: world.chance.fork(`${name} work`) }
}

/** The table, tried again while the world is in trouble or has none; undefined if that lasts too long. */
export async function load({ world, process, open }: Actor): Promise<Table | undefined> {
  for (let tries = 0; tries < MAX_LOADS; tries++) {
    try {
      return await loadTable(LOCATION, open)
    } catch (error) {
      world.history.expectedCode(error, `loading by ${process.name}`)
      await process.runtime.sleep(500)
    }
  }
  world.history.count('gave up loading')
  return undefined
}

export function startWriter(world: World, index: number): void {
  const actor = actorOf(world, `w${index}`)
  trouble(actor)
  world.start(actor.process, async () => {
    const { scenario } = world
    let table = await load(actor)
    let left = scenario.appendsPerWriter
    while (table && left > 0) {
      const together = Math.min(left, scenario.concurrency)
      const current = table
      const dropped = await Promise.all(Array.from({ length: together }, () => appendOnce(actor, current)))
      left -= together
      if (dropped.some(Boolean)) table = await load(actor)
      if (scenario.pauseMs > 0) await rest(actor)
    }
    await table?.close()
  })
}

async function rest({ world, process, chance }: Actor): Promise<void> {
  const { scenario, scheduler } = world
  const { pauseMs } = scenario
  if (!scenario.shifts) return process.runtime.sleep(chance.exponential(pauseMs))
  await process.runtime.sleep(pauseMs - (scheduler.nowMs % pauseMs) + chance.exponential(100))
  // Few are hit by chance while all of them append.
  if (chance.is(scenario.kills / 2)) scheduler.after(chance.exponential(300), () => process.kill())
}

/** Returns whether the table was dropped. */
async function appendOnce(actor: Actor, table: Table): Promise<boolean> {
  const { world, process, chance } = actor
  const { scenario, history } = world
  const batch = history.plan(chance.whole(1, scenario.maxRows), { tableUuid: table.metadata.tableUuid })
  const impatience = impatienceOf(actor)
  const lateMs = latenessOf(actor, impatience)
  const one = await history.attempt(
    batch,
    process.name,
    () => world.nowMs,
    () => table.append(rowsOf(batch), impatience),
  )
  const ms = lateMs()
  if (ms > MAX_LATE_MS)
    history.violation(`${process.name} was answered ${ms} ms after its time (batch ${batch.number})`)
  return one.code === 'not-found'
}

/** So long after its time, or after it was cancelled, an append has its answer: 750 ms, and what clocks lose by rounding. */
const MAX_LATE_MS = 752

/** How long an append that begins now has been waited for beyond its time; 0 where its process was stopped meanwhile. */
function latenessOf({ world, process }: Actor, { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: Impatience): () => number {
  const { stops } = process
  let endMs = world.nowMs + timeoutMs
  signal?.addEventListener('abort', () => (endMs = Math.min(endMs, world.nowMs)), { once: true })
  return () => (process.stops > stops ? 0 : world.nowMs - endMs)
}

interface Impatience {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** Some appends are cancelled at any moment, some have little time. */
export function impatienceOf({ world, process, chance }: Actor): Impatience {
  if (!chance.is(world.scenario.impatient)) return {}
  if (chance.is(0.5)) return { timeoutMs: chance.between(5, chance.pick([300, 8_000])) }
  const controller = new AbortController()
  process.after(chance.exponential(chance.pick([30, 300, 5_000])), () => controller.abort(new Error('impatient')))
  return { signal: controller.signal }
}

/** What befalls a process in the course of its life: the moments are most often while it appends. */
export function trouble({ world, process, chance }: Actor): void {
  const { scenario, scheduler } = world
  const lifeMs = Math.max(1_000, scenario.pauseMs * scenario.appendsPerWriter)
  if (chance.is(scenario.kills)) scheduler.after(chance.between(0, lifeMs * 2), () => process.kill())
  if (!chance.is(scenario.stops)) return
  const ms = chance.pick([5_000, 70_000, 600_000, scenario.maintenance ? LONG_STOP_MS : 3_600_000])
  const clockStandsStill = chance.is(0.5)
  scheduler.after(chance.between(0, lifeMs * 2), () => process.stop(ms, clockStandsStill))
}
