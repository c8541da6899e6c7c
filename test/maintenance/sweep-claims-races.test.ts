/** A key whose claim is so old that a sweep frees it, claimed anew while the sweep is at it: its rows are there once all the same. */
import { describe, expect, test } from 'vitest'
import { claimName } from '../../src/commit/claims.ts'
import { deleteClaims, restoreFirst } from '../../src/maintenance/old-claims.ts'
import { systemRuntime } from '../../src/runtime.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect, person } from '../support/tables.ts'
import type { World } from './moved-clock.ts'
import { DAY_MS, idsIn, newWorld } from './moved-clock.ts'

const KEYED = { idempotencyKey: 'm-1' }
const again = async (world: World) => (await world.open()).append([person(1)], KEYED)
const ones = async (world: World) => (await idsIn(await world.open())).filter((id) => id === 1)

/** A table with the claim of an append that died, and whose window is over. */
async function withDeadClaim() {
  const world = await newWorld()
  await world.table.append([person(0)])
  const dead = new TextEncoder().encode(JSON.stringify({ id: '0123456789abcdef', base: 2 }))
  const name = `t/${claimName(world.table.metadata.tableUuid, KEYED.idempotencyKey, 0)}`
  await world.store.put(name, dead)
  for (let i = 0; i < 40; i++) await world.table.append([person(2 + i)])
  await world.table.flush()
  return { world, name }
}

/** Calls `meanwhile` once, before the first listing of the claims. */
function beforeClaimsAreListed({ store }: World, meanwhile: () => Promise<void>): { readonly didIt: () => boolean } {
  const { list } = store
  let did = false
  store.list = async function* (prefix, options) {
    if (prefix.includes('_ds/claims/') && !did) {
      did = true
      await meanwhile()
    }
    yield* list(prefix, options)
  }
  return { didIt: () => did }
}

describe('a key is claimed anew', () => {
  test('after another sweep took its claim, which this one has in its inventory', async () => {
    const { world } = await withDeadClaim()
    world.pass(15 * DAY_MS)
    const { didIt } = beforeClaimsAreListed(world, async () => {
      await world.sweep()
      expect(await again(world)).toMatchObject({ replayed: false })
    })
    await world.sweep()
    expect(didIt()).toBe(true)
    expect(await again(world)).toMatchObject({ replayed: true })
    expect(await ones(world)).toEqual([1])
  })

  test('by two: one was stopped before its second generation while a sweep took the first, the other took that', async () => {
    const { world, name } = await withDeadClaim()
    world.pass(15 * DAY_MS)
    const slow = await world.open()
    let did = false
    world.store.rule = ({ verb, key }) =>
      verb === 'put' && key === name.replace(/0$/, '1') && !did
        ? async () => {
            did = true
            await world.sweep()
            expect(await again(world)).toMatchObject({ replayed: false })
          }
        : undefined
    expect(await slow.append([person(1)], KEYED)).toMatchObject({ replayed: true })
    expect(did).toBe(true)
    expect(await ones(world)).toEqual([1])
  })

  test.each([true, false])('before the sweep began: %s; the archive that answers for it stays', async (early) => {
    const { world } = await withDeadClaim()
    world.pass(2 * DAY_MS)
    await world.sweep()
    world.pass(15 * DAY_MS)
    const renew = async () => expect(await again(world)).toMatchObject({ replayed: false })
    if (early) await renew()
    const { didIt } = beforeClaimsAreListed(world, async () => {
      if (!early) await renew()
    })
    expect((await world.sweep()).claims.objects).toBe(0)
    expect(didIt()).toBe(!early)
    expect(await again(world)).toMatchObject({ replayed: true })
    expect(await ones(world)).toEqual([1])
  })

  test('and the sweep dies right after it deleted the first claim: the next sweep puts it back', async () => {
    const { world } = await withDeadClaim()
    world.pass(15 * DAY_MS)
    const { delete: remove } = world.store
    let did = false
    world.store.delete = async (keys, options) => {
      if (!did && keys.some((key) => key.includes('_ds/claims/'))) {
        did = true
        expect(await again(world)).toMatchObject({ replayed: false })
        await remove(keys, options)
        throw new Error('killed')
      }
      return remove(keys, options)
    }
    await expect(world.sweep()).rejects.toThrow('killed')
    await world.sweep()
    expect(await again(world)).toMatchObject({ replayed: true })
    expect(await ones(world)).toEqual([1])
  })
})

describe('the first claim of a key is put back', () => {
  const key = (generation: number) => `t/${claimName('12345678-0000-4000-8000-000000000000', 'k', generation)}`
  const bytes = (text: string) => new TextEncoder().encode(text)
  const place = (store: ObjectStore) => {
    const runtime = { ...systemRuntime, sleep: () => Promise.resolve() }
    return { store, prefix: 't', location: 'memory://store/t', runtime }
  }

  test('from the newest: 10 is newer than 9', async () => {
    const store = memoryStore()
    for (let generation = 0; generation < 9; generation++) await store.put(key(generation), bytes(`${generation}`))
    const claims = await collect(store.list('t/metadata/_ds/claims/'))
    const closed = { claims, oldestKeptMs: Infinity }
    const deleted = await deleteClaims(
      place(store),
      closed,
      async (objects) => {
        await store.put(key(9), bytes('9'))
        await store.put(key(10), bytes('10'))
        await store.delete(objects.map((one) => one.key))
      },
      undefined,
    )
    expect(deleted.claims).toHaveLength(9)
    const restored = await Promise.all(
      [0, 5, 8].map(async (generation) => new TextDecoder().decode(await store.get(key(generation)))),
    )
    expect(restored).toEqual(['10', '10', '10'])
  })

  test.each([
    { unknowns: 2, answer: 'done' },
    { unknowns: 99, answer: 'unavailable' },
  ])('also where its create is not answered $unknowns times: $answer', async ({ unknowns, answer }) => {
    const store = faultyStore(memoryStore(), () => undefined)
    await store.put(key(1), bytes('1'))
    const { put } = store
    let left = unknowns
    store.put = async (...call) => (left-- > 0 ? { outcome: 'unknown', cause: new Error('503') } : put(...call))
    const newest = await collect(store.list('t/metadata/_ds/claims/'))
    const said = await restoreFirst(place(store), newest, undefined).then(
      () => 'done',
      (error: { code: string }) => error.code,
    )
    expect(said).toBe(answer)
    expect((await store.get(key(0))) !== undefined).toBe(answer === 'done')
  })
})
