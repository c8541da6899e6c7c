/**
 * A queue of messages, each with a key of its own: a function is started for some of them at once and appends them as one
 * batch. A message that was not acknowledged in time is delivered again, with others, perhaps while the first function is
 * still at it.
 */
import type { AppendOptions } from '../../src/table/append.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Chance } from './chance.ts'
import type { Delivered } from './deliveries.ts'
import { batchOn } from './deliveries.ts'
import { rowsOf, wasAcknowledged } from './history.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'
import { actorOf } from './writers.ts'

const CONSUMERS = 3
const MAX_IN_BATCH = 10
const MAX_DELIVERIES = 40
/** After these nothing is done to the functions any more: a message must get through in the end. */
const TROUBLED_DELIVERIES = 12

interface Message extends Delivered {
  readonly key: string
  hiddenUntilMs: number
}

export function startQueue(world: World): void {
  const messages: Message[] = Array.from({ length: world.scenario.messages }, (_, index) => ({
    key: `message-${index}`,
    batches: new Map(),
    batch: undefined,
    hiddenUntilMs: 0,
  }))
  let deliveries = 0
  for (let index = 0; index < CONSUMERS; index++) {
    const chance = world.chance.fork(`consumer ${index}`)
    world.supervise(async () => {
      await world.scheduler.sleep(chance.exponential(500))
      while (messages.some(isOpen) && deliveries < MAX_DELIVERIES) {
        const some = visible(world, messages, chance)
        if (some.length > 0) await deliver(world, some, `q${index}.${deliveries++}`, chance, deliveries)
        await world.scheduler.sleep(chance.exponential(200))
      }
      if (index === 0) world.history.count('messages given up', messages.filter(isOpen).length)
    })
  }
}

function isOpen({ batch }: Message): boolean {
  return !batch || !wasAcknowledged(batch)
}

/** Some messages that nobody works on, as far as the queue knows; they are hidden for a while. */
function visible(world: World, messages: readonly Message[], chance: Chance): Message[] {
  const some = messages.filter((one) => isOpen(one) && one.hiddenUntilMs <= world.nowMs && chance.is(0.7))
  const batch = some.slice(0, MAX_IN_BATCH)
  // Some are delivered twice at once, as queues do.
  for (const one of batch) one.hiddenUntilMs = world.nowMs + (chance.is(0.2) ? 0 : chance.pick([1_000, 10_000, 40_000]))
  return batch
}

async function deliver(
  world: World,
  messages: readonly Message[],
  name: string,
  chance: Chance,
  deliveries: number,
): Promise<void> {
  const actor = actorOf(world, name)
  const { process } = actor
  world.start(process, async () => {
    try {
      const table = await loadTable(LOCATION, actor.open)
      const batches = messages.map((message) =>
        batchOn(world.history, message, table.metadata.tableUuid, 1 + (message.key.length % 2)),
      )
      const options: AppendOptions = {
        idempotencyKeys: batches.flatMap((batch) => batch.rowIds.map(() => batch.key!)),
        ...(chance.is(0.3) && { sameKey: 'compare' }),
      }
      await world.history.attemptAll(
        batches,
        name,
        () => world.nowMs,
        () => table.append(batches.flatMap(rowsOf), options),
      )
      await table.close()
    } catch (error) {
      world.history.expectedCode(error, `the function ${name}`)
    }
  })
  const isTroubled = deliveries < TROUBLED_DELIVERIES
  if (isTroubled && chance.is(0.3)) world.scheduler.after(chance.exponential(200), () => process.kill())
  const untilMs = world.nowMs + (isTroubled && chance.is(0.3) ? chance.between(50, 2_000) : 30_000)
  while (process.isAlive && world.nowMs < untilMs) await world.scheduler.sleep(25)
}
