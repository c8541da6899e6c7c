/** Who else is at the table: transactions, readers, other engines, and somebody who drops it. */
import { encodeMetadata } from '../../src/codec/metadata-file.ts'
import { findHead } from '../../src/commit/head.ts'
import { keyIn } from '../../src/commit/place.ts'
import { versionName } from '../../src/commit/version.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { applyUpdates } from '../../src/spec/updates.ts'
import { createTable } from '../../src/table/create.ts'
import { dropTable } from '../../src/table/drop.ts'
import { openPlace } from '../../src/table/open-place.ts'
import type { Table } from '../../src/table/table.ts'
import type { OpenOptions } from '../../src/table/open-place.ts'
import { rowsOf } from './history.ts'
import type { World } from './world.ts'
import { LOCATION } from './world.ts'
import { actorOf, impatienceOf, load, trouble } from './writers.ts'

const LEDGER = 'datashard.ledger'

/** Three snapshots, and one or two of each kind of older ones. */
const THINNED = {
  'datashard.retention.thin-from': '1',
  'datashard.retention.tail-age-ms': '0',
  'datashard.retention.tail-min': '3',
  'datashard.retention.tail-max': '3',
  'datashard.retention.minutes': '2',
  'datashard.retention.hours': '2',
  'datashard.retention.days': '1',
}

export async function createWorldTable(world: World, open: OpenOptions): Promise<Table> {
  return createTable(LOCATION, {
    ...open,
    schema: schema({ id: t.int, shard: t.int }),
    ...(world.scenario.partitioned && { partitionBy: ['shard'] }),
    ...(world.scenario.thinned && { properties: THINNED }),
    ifNotExists: true,
  }) as Promise<Table>
}

/** Rows and metadata in one commit; the third kind changes the schema under those who append. */
export function startTransactions(world: World): void {
  const actor = actorOf(world, 'transactor')
  trouble(actor)
  world.start(actor.process, async () => {
    const { history, scenario } = world
    for (let count = 0; count < scenario.transactions; count++) {
      await actor.process.runtime.sleep(actor.chance.exponential(300 + scenario.pauseMs / 2))
      const table = await load(actor)
      if (!table) return
      const marks = { property: `mark.${count}`, tag: `mark-${count}` }
      const batch = history.plan(actor.chance.whole(1, 3), { tableUuid: table.metadata.tableUuid, marks })
      const widens = actor.chance.is(0.4)
      await history.attempt(
        batch,
        actor.process.name,
        () => world.nowMs,
        () =>
          table.transaction(async (tx) => {
            if (widens) tx.updateSchema((change) => change.addColumn(`extra_${count}`, 'string'))
            await tx.append(rowsOf(batch))
            tx.setProperties({ [marks.property]: String(batch.number) })
            tx.setTag(marks.tag)
          }, impatienceOf(actor)),
      )
      await table.close()
    }
  })
}

/** An engine that creates versions conditionally, but knows nothing of the ledger and drops it. */
export function startForeignEngine(world: World): void {
  const actor = actorOf(world, 'foreign')
  world.start(actor.process, async () => {
    const { place } = openPlace(LOCATION, actor.open)
    for (let count = 0; count < world.scenario.foreignCommits; count++) {
      await actor.process.runtime.sleep(actor.chance.exponential(200 + world.scenario.pauseMs / 4))
      try {
        const head = await findHead(place)
        if (head?.kind !== 'table') continue
        const nowMs = Math.max(head.metadata.lastUpdatedMs + 1, Math.round(place.runtime.now()))
        const baseFile = `${head.metadata.location}/${versionName(head.version)}`
        const updates = [
          { action: 'remove-properties', removals: actor.chance.is(0.7) ? [LEDGER] : [] },
          { action: 'set-properties', updates: { 'foreign.commit': String(count) } },
        ] as const
        const { unknown: _, ...known } = applyUpdates(head.metadata, updates, { nowMs, baseFile })
        const key = keyIn(place, versionName(head.version + 1))
        const put = await place.store.put(key, encodeMetadata(known), { mode: 'create' })
        world.history.count(`foreign ${put.outcome}`)
      } catch (error) {
        world.history.expectedCode(error, 'the foreign engine')
      }
    }
  })
}

/** Drops the table under everybody, and creates it again. */
export function startDropper(world: World): void {
  const { process, open, chance } = actorOf(world, 'dropper')
  world.start(process, async () => {
    for (let count = 0; count < world.scenario.drops; count++) {
      await process.runtime.sleep(chance.exponential(500 + world.scenario.pauseMs))
      await persist(world, 'dropping', () => dropTable(LOCATION, { ...open, ifExists: true }))
      await process.runtime.sleep(chance.exponential(100))
      await persist(world, 'creating again', async () => (await createWorldTable(world, open)).close())
    }
  })

  async function persist(world: World, what: string, action: () => Promise<void>): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
      try {
        await action()
        return
      } catch (error) {
        world.history.expectedCode(error, what)
        await process.runtime.sleep(1_000)
      }
    }
  }
}

/** The table exists before anybody comes. */
export async function prepareTable(world: World): Promise<void> {
  const { process, open } = world.process('founder', true)
  world.start(process, async () => (await createWorldTable(world, open)).close())
  await world.until(() => process.finished)
}
