/** Readers that scan in a loop: each scan sees exactly one committed state, and none older than what was known before. */
import { DataShardError } from '../../src/errors.ts'
import type { Table } from '../../src/table/table.ts'
import { ROWS_PER_BATCH } from './history.ts'
import type { World } from './world.ts'
import type { Actor } from './writers.ts'
import { actorOf, load } from './writers.ts'

const SCANS = 6
const HOUR_MS = 3_600_000

export function startReader(world: World, index: number): void {
  const actor = actorOf(world, `r${index}`)
  world.start(actor.process, async () => {
    let table: Table | undefined
    let before: ReadonlySet<number> = new Set()
    for (let scans = 0; scans < SCANS; scans++) {
      await actor.process.runtime.sleep(actor.chance.exponential(300 + world.scenario.pauseMs / 2))
      const acknowledged = acknowledgedNow(world)
      // By turns a handle that follows the table and a new one.
      const isNew = !table || actor.chance.is(0.4)
      if (isNew) table = await load(actor)
      if (!table) return
      const ids = await scan(actor, table, isNew)
      if (!ids || world.scenario.drops > 0) continue
      judge(world, actor.process.name, ids, before, acknowledged)
      before = new Set(ids)
      if (actor.chance.is(0.2)) await scanAgain(actor, table, before)
    }
  })
}

/** Who goes on with a state that it has read sees the same, for a day, whatever is expired and swept meanwhile. */
async function scanAgain(actor: Actor, table: Table, before: ReadonlySet<number>): Promise<void> {
  await actor.process.runtime.sleep(actor.chance.pick([1_000, HOUR_MS, 22 * HOUR_MS]))
  const ids = await scan(actor, table, true)
  if (!ids || (ids.length === before.size && ids.every((id) => before.has(id)))) return
  actor.world.history.violation(`${actor.process.name} scanned one state twice, and it differs`)
}

function acknowledgedNow(world: World): number[] {
  return world.history.batches
    .filter((batch) => batch.tries.some((one) => one.outcome === 'acknowledged'))
    .flatMap((batch) => batch.rowIds)
}

/** The row ids of the newest state; undefined if the store was in the way. */
async function scan({ world, process }: Actor, table: Table, isNew: boolean): Promise<number[] | undefined> {
  try {
    if (!isNew) await table.refresh()
    const rows = await table.scan().toArray()
    world.history.count('scans')
    return rows.map((row) => row['id'] as number)
  } catch (error) {
    // Of a table that is dropped the files vanish while they are read.
    const vanished = world.scenario.drops > 0 && DataShardError.is(error, 'corrupt')
    if (!vanished) world.history.expectedCode(error, `a scan by ${process.name}`)
    return undefined
  }
}

function judge(
  world: World,
  by: string,
  ids: readonly number[],
  before: ReadonlySet<number>,
  acknowledged: readonly number[],
): void {
  const { history } = world
  const seen = new Set(ids)
  const wrong = (what: string) => history.violation(`${by} at ${world.nowMs.toFixed(0)} ms: ${what}`)
  if (seen.size < ids.length) wrong(`a scan has ${ids.length - seen.size} rows twice`)
  const gone = [...before].filter((id) => !seen.has(id))
  if (gone.length > 0) wrong(`rows of its last scan are gone: ${gone.join(', ')}`)
  const missing = acknowledged.filter((id) => !seen.has(id))
  if (missing.length > 0) wrong(`rows that were acknowledged before are not in a scan: ${missing.join(', ')}`)
  for (const number of new Set(ids.map((id) => Math.floor(id / ROWS_PER_BATCH)))) {
    const batch = history.batches[number]
    const part = batch?.rowIds.filter((id) => seen.has(id)).length
    if (!batch) wrong(`a row of nobody's: ${number * ROWS_PER_BATCH}`)
    else if (part !== batch.rowIds.length) wrong(`batch ${number} is there in part: ${part} of ${batch.rowIds.length}`)
  }
}
