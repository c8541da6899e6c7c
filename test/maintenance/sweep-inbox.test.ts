import { describe, expect, test } from 'vitest'
import { intentName, uuid8 } from '../../src/commit/intent.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { isCancelled, WINDOW } from '../../src/commit/ledger.ts'
import { ledgerOf } from '../../src/commit/peek.ts'
import { verifyTable } from '../../src/table/verify.ts'
import { collect, person } from '../support/tables.ts'
import { DAY_MS, HOUR_MS, idsIn, LOCATION, newWorld, THINNED } from './moved-clock.ts'
import type { World } from './moved-clock.ts'

const WRITERS = 8
const ROUNDS = 6

/** Several writers at once, so that appends go through the inbox. */
async function appendInCompany(world: World, from: number): Promise<number> {
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => world.open()))
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(writers.map((writer, i) => writer.append([person(from + round * WRITERS + i)])))
  }
  await Promise.all(writers.map((writer) => writer.flush()))
  return from + ROUNDS * WRITERS
}

/** An intent that no folder can make sense of, left behind. */
async function leaveIntent(world: World, base: number, tableUuid = world.table.metadata.tableUuid) {
  const id = newIntentId(world.runtime)
  const descriptor = new Uint8Array([1, 2, 3])
  const name = intentName({ kind: 'file', base, id, uuid8: uuid8(tableUuid), descriptor })!
  await world.put(name)
  return { id, name }
}

describe('the inbox', () => {
  test('live files in it survive, what was not folded or was read into a manifest goes', async () => {
    const world = await newWorld(THINNED)
    const rows = await appendInCompany(world, 0)
    const table = await world.open()
    const live = (await collect(table.files())).map(({ path }) => path.slice(LOCATION.length + 1))
    const inInbox = live.filter((name) => name.startsWith('data/in/'))
    expect(inInbox.length).toBeGreaterThan(WRITERS)
    const left = await leaveIntent(world, 1)
    for (let i = 0; i < WINDOW; i++) await table.append([person(rows + i)])
    world.pass(10 * DAY_MS)
    await table.append([person(rows + WINDOW)])
    await table.flush()
    world.pass(2 * DAY_MS)
    const result = await world.sweep()
    expect(result.inbox.objects).toBeGreaterThanOrEqual(1)
    const names = await world.names('data/in/')
    expect(names).not.toContain(left.name)
    expect(names).toEqual(expect.arrayContaining(inInbox))
    expect(await idsIn(await world.open())).toEqual(Array.from({ length: rows + WINDOW + 1 }, (_, i) => i))
    const report = await verifyTable(LOCATION, { store: world.store, snapshots: 'all', deep: true })
    expect(report.problems).toEqual([])
    expect(await world.sweep()).toMatchObject({ objects: 0 })
  })

  test('on a quiet table a forgotten intent is cancelled after an hour, and deleted by a later sweep', async () => {
    const world = await newWorld()
    await world.table.append([person(0)])
    const { id, name } = await leaveIntent(world, 2)
    world.pass(HOUR_MS / 2)
    expect(await world.sweep()).toMatchObject({ cancelledIntents: 0, version: 2 })
    world.pass(HOUR_MS)
    expect(await world.sweep({ dryRun: true })).toMatchObject({ cancelledIntents: 1 })
    expect(await world.sweep()).toMatchObject({ cancelledIntents: 1, objects: 0 })
    const { version, metadata, ...table } = await refreshed(world)
    expect(version).toBe(3)
    expect(isCancelled(ledgerOf(metadata)!, id)).toBe(true)
    expect(table.rows).toEqual([0])
    expect(await world.sweep()).toMatchObject({ cancelledIntents: 0, objects: 0 })
    world.pass(DAY_MS)
    expect(await world.sweep()).toMatchObject({ cancelledIntents: 0, inbox: { objects: 1, bytes: 1 } })
    expect(await world.names('data/in/')).not.toContain(name)
  })

  test('an open intent that is young stays, and a base from the future', async () => {
    const world = await newWorld()
    await world.table.append([person(0)])
    world.pass(5 * DAY_MS)
    const young = await leaveIntent(world, 2)
    const ahead = await leaveIntent(world, 50)
    world.pass(HOUR_MS / 2)
    expect(await world.sweep()).toMatchObject({ objects: 0, cancelledIntents: 0 })
    world.pass(5 * DAY_MS)
    await world.sweep()
    expect(await world.names('data/in/')).toEqual(expect.arrayContaining([ahead.name, young.name]))
  })

  test('of another table, or with no sensible name: by the age of orphans; holds after an hour', async () => {
    const world = await newWorld()
    await world.table.append([person(0)])
    await leaveIntent(world, 1, '00000000-0000-4000-8000-000000000000')
    await world.put('data/in/what/is/this')
    await world.put('data/in/hold/0000000000000000')
    world.pass(HOUR_MS / 2)
    expect(await world.sweep()).toMatchObject({ objects: 0 })
    world.pass(HOUR_MS)
    expect(await world.sweep()).toMatchObject({ objects: 1, inbox: { objects: 1 } })
    world.pass(2 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ objects: 0 })
    world.pass(DAY_MS)
    expect(await world.sweep()).toMatchObject({ objects: 2, orphans: { objects: 2 } })
    expect((await world.names('data/')).length).toBe(1)
  })
})

async function refreshed(world: World) {
  const table = await world.open()
  return { version: table.version, metadata: table.metadata, rows: await idsIn(table) }
}

describe('beside writers', () => {
  test('writers in company and sweeps at once, with days in between: nothing is lost', async () => {
    const world = await newWorld(THINNED)
    let rows = 0
    for (let day = 0; day < 4; day++) {
      const sweeps = (async () => {
        for (let i = 0; i < 4; i++) await world.sweep()
      })()
      const [next] = await Promise.all([appendInCompany(world, rows), sweeps])
      rows = next
      world.pass(2 * DAY_MS)
    }
    const [one, two] = await Promise.all([world.sweep(), world.sweep()])
    expect(one!.versions.objects + two!.versions.objects).toBeGreaterThan(0)
    const table = await world.open()
    expect(await idsIn(table)).toEqual(Array.from({ length: rows }, (_, i) => i))
    const report = await verifyTable(LOCATION, { store: world.store, snapshots: 'all', deep: true })
    expect(report.problems).toEqual([])
  })

  test('a manifest that was merged ahead, days before it could be used: it is made anew', async () => {
    const world = await newWorld()
    const { table } = world
    for (let id = 0; id < 16; id++) await table.append([person(id)])
    await table.flush()
    const before = await world.names('metadata/')
    world.pass(4 * DAY_MS)
    await world.sweep()
    expect((await world.names('metadata/')).length).toBe(before.length - 1)
    await table.append([person(16)])
    await table.flush()
    expect(await idsIn(await world.open())).toEqual(Array.from({ length: 17 }, (_, i) => i))
  })
})
