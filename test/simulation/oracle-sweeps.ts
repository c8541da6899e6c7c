/**
 * After the life of a world: everything that is swept goes, in some sweeps weeks apart, and nothing that is needed. It also
 * shows what nobody deleted, and what nobody may.
 */
import { sweep } from '../../src/maintenance/index.ts'
import type { Runtime } from '../../src/runtime.ts'
import { wallMs } from './process.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'

const PAUSE_MS = 20 * 24 * 3_600_000
/** The first may cancel intents, the second delete these, the next one what only that made unnamed. */
const SWEEPS = 4

/** What is wrong with the sweeps themselves. */
export async function sweepAll(world: World): Promise<string[]> {
  const { store } = world.ground
  let nowMs = wallMs(world.nowMs)
  const chance = world.chance.fork('last sweeps')
  const runtime: Runtime = {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async (ms) => void (nowMs += ms),
    after: () => () => undefined,
    random: () => chance.next(),
    randomBytes: (n) => chance.bytes(n),
  }
  let objects = 0
  for (let sweeps = 0; sweeps < SWEEPS; sweeps++) {
    nowMs += PAUSE_MS
    const result = await sweep(LOCATION, { store, runtime })
    objects = result.objects + result.cancelledIntents
    world.history.count('objects swept at last', result.objects)
    if (result.leftAlone.objects > 0) return [`a sweep does not know ${result.leftAlone.objects} objects`]
  }
  return objects > 0 ? [`the last sweep still found ${objects} objects`] : []
}
