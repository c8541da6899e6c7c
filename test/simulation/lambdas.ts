/**
 * Short-lived processes: each is started for one event, loads the table, appends, and ends. The event source starts
 * another one with the same event when the process died or failed, as SQS does, until one has succeeded.
 */
import type { AppendOptions } from '../../src/table/append.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Batch } from './history.ts'
import { rowsOf, wasAcknowledged } from './history.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'
import { actorOf } from './writers.ts'

const MAX_TRIES = 12
/** After these, nothing is done to the processes any more: an event must get through in the end. */
const TROUBLED_TRIES = 5
const VISIBILITY_MS = 30_000

export function startLambda(world: World, index: number, keys: boolean): void {
  const chance = world.chance.fork(`lambda ${index}`)
  world.supervise(async () => {
    await world.scheduler.sleep(chance.exponential(1_000 + world.scenario.pauseMs))
    let batch: Batch | undefined
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      // Without a key another try may double the rows: it has rows of its own.
      const before = keys ? batch : undefined
      const one = runOnce(world, `l${index}.${tries}`, before, keys ? `event-${index}` : undefined)
      const isTroubled = tries < TROUBLED_TRIES
      if (isTroubled && chance.is(0.4)) {
        world.scheduler.after(chance.exponential(150), () => one.process.kill())
      }
      // A redelivery does not wait for the end of a process that is only slow.
      const patienceMs = isTroubled && chance.is(0.3) ? chance.between(50, 2_000) : VISIBILITY_MS
      batch = await one.planned(patienceMs)
      if (batch && wasAcknowledged(batch)) return
      await world.scheduler.sleep(chance.exponential(500))
    }
    world.history.count('event given up')
  })
}

function runOnce(world: World, name: string, known: Batch | undefined, key: string | undefined) {
  const actor = actorOf(world, name)
  const { process } = actor
  let batch = known
  world.start(process, async () => {
    try {
      const table = await loadTable(LOCATION, actor.open)
      const { tableUuid } = table.metadata
      batch ??= world.history.plan(actor.chance.whole(1, 3), { tableUuid, ...(key !== undefined && { key }) })
      const options: AppendOptions = key === undefined ? {} : { idempotencyKey: key }
      const rows = rowsOf(batch)
      await world.history.attempt(
        batch,
        name,
        () => world.nowMs,
        () => table.append(rows, options),
      )
      await table.close()
    } catch (error) {
      world.history.expectedCode(error, `the function ${name}`)
    }
  })
  return {
    process,
    /** The batch, when the process has ended or `ms` have passed. */
    planned: async (ms: number): Promise<Batch | undefined> => {
      const untilMs = world.nowMs + ms
      while (process.isAlive && world.nowMs < untilMs) await world.scheduler.sleep(25)
      return batch
    },
  }
}
