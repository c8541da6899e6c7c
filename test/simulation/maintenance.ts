/** Sweeps beside the writers, by two processes that know nothing of each other, and may be killed or stopped in between. */
import { sweep } from '../../src/maintenance/index.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'
import { actorOf } from './writers.ts'

const HOUR_MS = 3_600_000
/** Before that nothing is old enough. */
const FIRST_MS = 24 * HOUR_MS
const SWEEPS = 4
const ORPHANS_MS = 24 * HOUR_MS

/** How long a process sleeps that shall wake when versions that it knows are gone. */
export const LONG_STOP_MS = 27 * HOUR_MS

export function startMaintenance(world: World): void {
  for (let index = 0; index < 2; index++) startSweeper(world, index)
}

function startSweeper(world: World, index: number): void {
  const { process, open, chance } = actorOf(world, `sweeper${index}`)
  const { history, scenario, scheduler } = world
  const options = { store: open.store!, runtime: process.runtime, minAgeMs: { orphans: ORPHANS_MS } }
  world.start(process, async () => {
    await process.runtime.sleep(FIRST_MS)
    for (let sweeps = 0; sweeps < SWEEPS; sweeps++) {
      await process.runtime.sleep(chance.exponential(3 * HOUR_MS))
      if (chance.is(scenario.kills / 2)) scheduler.after(chance.exponential(3_000), () => process.kill())
      if (chance.is(scenario.stops)) scheduler.after(chance.exponential(3_000), () => process.stop(HOUR_MS, true))
      try {
        const { versions, inbox, orphans, cancelledIntents } = await sweep(LOCATION, options)
        history.count('versions deleted', versions.objects)
        history.count('inbox deleted', inbox.objects)
        history.count('orphans deleted', orphans.objects)
        history.count('intents cancelled', cancelledIntents)
      } catch (error) {
        history.expectedCode(error, `a sweep by ${process.name}`)
      }
    }
  })
}
