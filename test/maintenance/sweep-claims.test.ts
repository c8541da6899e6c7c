import { describe, expect, test } from 'vitest'
import { claimName } from '../../src/commit/claims.ts'
import { person } from '../support/tables.ts'
import { DAY_MS, idsIn, newWorld } from './moved-clock.ts'
import type { World } from './moved-clock.ts'

const KEYED = { idempotencyKey: 'm-1' }

/** A keyed append, and enough others after it that its version and the end of its window can be deleted. */
async function keyedAppend(world: World) {
  await world.table.append([person(0)])
  const first = await world.table.append([person(1)], KEYED)
  for (let i = 0; i < 40; i++) await world.table.append([person(2 + i)])
  await world.table.flush()
  return first
}

const again = async (world: World) => (await world.open()).append([person(1)], KEYED)

describe('idempotency keys', () => {
  test('within the horizon a replay is answered from the archive, after its versions were deleted', async () => {
    const world = await newWorld()
    const first = await keyedAppend(world)
    world.pass(2 * DAY_MS)
    expect((await world.sweep()).versions.objects).toBe(43 - 16 - 1)
    expect(await world.names(`metadata/v${first.version}.`)).toEqual([])
    const replayed = { replayed: true, version: first.version, snapshotId: first.snapshotId }
    expect(await again(world)).toMatchObject(replayed)
    world.pass(11 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ claims: { objects: 0 }, archives: { objects: 0 } })
    expect(await again(world)).toMatchObject(replayed)
    expect(await idsIn(await world.open())).toHaveLength(42)
  })

  test('beyond it the claim is gone, then the archive, and the rows are appended anew', async () => {
    const world = await newWorld()
    await keyedAppend(world)
    world.pass(2 * DAY_MS)
    await world.sweep()
    world.pass(13 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ claims: { objects: 1 }, archives: { objects: 0 } })
    expect(await again(world)).toMatchObject({ replayed: false })
    world.pass(2 * DAY_MS)
    // The claim that was made anew is younger than the archive.
    expect(await world.sweep()).toMatchObject({ claims: { objects: 0 }, archives: { objects: 1 } })
    expect(await idsIn(await world.open())).toHaveLength(43)
  })

  test.each(['list', 'delete'])(
    'claimed anew while a sweep is at it (before a %s): the rows are there once',
    async (moment) => {
      const world = await newWorld()
      await world.table.append([person(0)])
      // Somebody claimed the key and died before anything was published.
      const dead = new TextEncoder().encode(JSON.stringify({ id: '0123456789abcdef', base: 2 }))
      await world.store.put(`t/${claimName(world.table.metadata.tableUuid, KEYED.idempotencyKey, 0)}`, dead)
      for (let i = 0; i < 40; i++) await world.table.append([person(2 + i)])
      await world.table.flush()
      world.pass(15 * DAY_MS)
      const table = await world.open()
      let isRenewed = false
      const renew = async (key: string) => {
        if (!key.includes('_ds/claims/') || isRenewed) return
        isRenewed = true
        expect(await table.append([person(1)], KEYED)).toMatchObject({ replayed: false })
      }
      const { list } = world.store
      if (moment === 'list') {
        world.store.list = async function* (prefix, options) {
          await renew(prefix)
          yield* list(prefix, options)
        }
      } else {
        world.store.rule = ({ verb, key }) => (verb === moment ? () => renew(key) : undefined)
      }
      await world.sweep()
      expect(isRenewed).toBe(true)
      expect(await again(world)).toMatchObject({ replayed: true })
      const ids = await idsIn(await world.open())
      expect(ids.filter((id) => id === 1)).toHaveLength(1)
    },
  )

  test('a longer horizon, if asked for', async () => {
    const world = await newWorld()
    await keyedAppend(world)
    world.pass(20 * DAY_MS)
    const minAgeMs = { claims: 30 * DAY_MS }
    expect(await world.sweep({ minAgeMs })).toMatchObject({ claims: { objects: 0 } })
    expect(await again(world)).toMatchObject({ replayed: true })
  })

  test('the archive is lost: nobody guesses', async () => {
    const world = await newWorld()
    await keyedAppend(world)
    world.pass(2 * DAY_MS)
    await world.sweep()
    await world.store.delete((await world.names('metadata/_ds/ledger/')).map((name) => `t/${name}`))
    await expect(again(world)).rejects.toMatchObject({ code: 'commit-unknown' })
    expect(await idsIn(await world.open())).toHaveLength(42)
  })

  test('a claim whose window is open stays at any age, and a damaged one of which that cannot be told', async () => {
    const world = await newWorld()
    await world.table.append([person(0)])
    const { tableUuid } = world.table.metadata
    const [open, damaged, other] = ['open', 'damaged', 'other'].map((key) => claimName(tableUuid, key, 0)) as [
      string,
      string,
      string,
    ]
    await world.put(open, JSON.stringify({ id: '0123456789abcdef', base: 2 }))
    await world.put(damaged, '{')
    await world.put(other, JSON.stringify({ id: '0123456789abcdef', base: 1 }))
    world.pass(20 * DAY_MS)
    for (let i = 1; i < 16; i++) await world.table.append([person(i)])
    await world.table.flush()
    expect(await world.sweep()).toMatchObject({ claims: { objects: 1 } })
    expect((await world.names('metadata/_ds/claims/')).toSorted()).toEqual([open, damaged].toSorted())
    await world.table.append([person(16)])
    // All versions that it could be about are younger now than it is, whatever it said.
    expect(await world.sweep()).toMatchObject({ claims: { objects: 2 } })
    expect(await world.names('metadata/_ds/claims/')).toEqual([])
  })

  test('generations of one key go together: the first is not free while a later one counts', async () => {
    const world = await newWorld()
    const { tableUuid } = world.table.metadata
    // The first generation came to nothing: its intent was in no version of its window.
    await world.put(claimName(tableUuid, 'm-1', 0), JSON.stringify({ id: '0123456789abcdef', base: 1 }))
    for (let i = 0; i < 40; i++) await world.table.append([person(100 + i)])
    await world.table.flush()
    world.pass(2 * DAY_MS)
    await world.sweep()
    world.pass(8 * DAY_MS)
    const first = await world.table.append([person(1)], KEYED)
    expect(first.replayed).toBe(false)
    world.pass(6 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ claims: { objects: 0 }, archives: { objects: 0 } })
    expect(await again(world)).toMatchObject({ replayed: true, version: first.version })
  })

  test('claims of a table that was here before go by their age alone', async () => {
    const world = await newWorld()
    await world.put(claimName('00000000-0000-4000-8000-000000000000', 'k', 0), '{"id":"0123456789abcdef","base":99}')
    world.pass(13 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ objects: 0 })
    world.pass(2 * DAY_MS)
    expect(await world.sweep()).toMatchObject({ objects: 1, claims: { objects: 1 } })
  })
})
