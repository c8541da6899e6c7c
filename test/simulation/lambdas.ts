/**
 * Short-lived processes: each is started for one event, loads the table, appends, and ends. The event source starts
 * another one with the same event when the process died or failed, as SQS does, until one has succeeded.
 */
import type { AppendOptions } from '../../src/table/append.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Delivered } from './deliveries.ts'
import { batchOn } from './deliveries.ts'
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
    const event: Delivered = { key: keys ? `event-${index}` : undefined, batches: new Map(), batch: undefined }
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const one = runOnce(world, `l${index}.${tries}`, event)
      const isTroubled = tries < TROUBLED_TRIES
      if (isTroubled && chance.is(0.4)) {
        world.scheduler.after(chance.exponential(150), () => one.process.kill())
      }
      // A redelivery does not wait for the end of a process that is only slow.
      await one.ended(isTroubled && chance.is(0.3) ? chance.between(50, 2_000) : VISIBILITY_MS)
      if (event.batch && wasAcknowledged(event.batch)) return
      await world.scheduler.sleep(chance.exponential(500))
    }
    world.history.count('event given up')
  })
}

function runOnce(world: World, name: string, event: Delivered) {
  const actor = actorOf(world, name)
  const { process } = actor
  world.start(process, async () => {
    try {
      const table = await loadTable(LOCATION, actor.open)
      const batch = batchOn(world.history, event, table.metadata.tableUuid, actor.chance.whole(1, 3))
      const options: AppendOptions = event.key === undefined ? {} : { idempotencyKey: event.key }
      await world.history.attempt(
        batch,
        name,
        () => world.nowMs,
        () => table.append(rowsOf(batch), options),
      )
      await table.close()
    } catch (error) {
      world.history.expectedCode(error, `the function ${name}`)
    }
  })
  return {
    process,
    /** Resolves when the process has ended or `ms` have passed. */
    ended: async (ms: number): Promise<void> => {
      const untilMs = world.nowMs + ms
      while (process.isAlive && world.nowMs < untilMs) await world.scheduler.sleep(25)
    },
  }
}
