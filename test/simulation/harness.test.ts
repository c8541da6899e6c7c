/** The simulation itself: that it repeats, and that what it promises about time, death and late requests is so. */
import { setTimeout as realTime } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Chance } from './chance.ts'
import { Ground } from './ground.ts'
import { CALM, type NetworkProfile } from './network.ts'
import { SimulatedProcess } from './process.ts'
import { Scheduler } from './scheduler.ts'
import { simulate } from './simulate.ts'
import { SimulatedStore } from './simulated-store.ts'

const LIMITS = { nowMs: 1e9, events: 1e6 }
const BYTES = new Uint8Array([1, 2, 3])

function setUp(network: Partial<NetworkProfile> = {}, seed = 1) {
  const scheduler = new Scheduler()
  const ground = new Ground({ scheduler, skewMs: 0 })
  const chance = new Chance(seed)
  const process = new SimulatedProcess({ name: 'p', scheduler, chance: chance.fork('runtime'), skewMs: 60_000 })
  const options = { ground, scheduler, process, chance, network: { ...CALM, ...network }, pageKeys: 2 }
  return { scheduler, ground, process, store: new SimulatedStore(options) }
}

describe('one seed', () => {
  test('has one trace, whatever ran before', { timeout: 120_000 }, async () => {
    const seeds = [3, 7, 11, 19, 42, 77]
    const first = []
    for (const seed of seeds) first.push((await simulate(seed)).traceHash)
    const again = []
    for (const seed of seeds.toReversed()) again.unshift((await simulate(seed)).traceHash)
    expect(again).toEqual(first)
    expect(new Set(first).size).toBe(seeds.length)
  })

  test('prints the trace that its hash is of', async () => {
    const lines: string[] = []
    const { traceHash, requests } = await simulate(5, { onTrace: (line) => lines.push(line) })
    const { createHash } = await import('node:crypto')
    expect(
      createHash('sha256')
        .update(lines.map((line) => `${line}\n`).join(''))
        .digest('hex'),
    ).toBe(traceHash)
    expect(lines.length).toBeGreaterThan(requests / 2)
  })
})

describe('the virtual clock', () => {
  test('events happen in the order of their times, and of their making where these are equal', async () => {
    const { scheduler } = setUp()
    const seen: string[] = []
    for (const [ms, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [2, 'b'],
    ] as const) {
      scheduler.after(ms, () => seen.push(`${name}${scheduler.nowMs}`))
    }
    scheduler.after(3, () => seen.push('cancelled'))()
    expect(await scheduler.run(() => false, LIMITS)).toBe('idle')
    expect(seen).toEqual(['a1', 'b2', 'c5', 'd5'])
  })

  test('it stands still until all that an event set off has come to rest', async () => {
    const { scheduler } = setUp()
    let after = -1
    scheduler.after(1, async () => {
      for (let turns = 0; turns < 1_000; turns++) await undefined
      after = scheduler.nowMs
    })
    scheduler.after(2, () => undefined)
    await scheduler.run(() => false, LIMITS)
    expect(after).toBe(1)
  })

  test('what waits for real time is found out', async () => {
    const { scheduler } = setUp()
    let done = false
    scheduler.after(1, async () => {
      await realTime(5)
      done = true
    })
    await expect(scheduler.run(() => done, LIMITS)).rejects.toThrow('outside of the virtual clock')
  })
})

describe('a process', () => {
  test('killed, it never hears of its request again, which has its effect all the same', async () => {
    const { scheduler, ground, process, store } = setUp()
    let answered = false
    // Ten of them: some may still lie in the process when it dies.
    for (let index = 0; index < 10; index++) {
      void store.put(`k/${index}`, BYTES, { mode: 'create' }).then(() => (answered = true))
    }
    scheduler.after(1, () => process.kill())
    await scheduler.run(() => false, LIMITS)
    const kept = await keysOf(ground)
    expect(answered).toBe(false)
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.length).toBeLessThan(10)
  })

  test('stopped, its sleep ends when it wakes; its wall clock jumps, and the other one may stand still', async () => {
    const { scheduler, process } = setUp()
    const began = { wall: process.runtime.now(), monotonic: process.runtime.monotonic() }
    let woke: { wall: number; monotonic: number } | undefined
    void process.runtime.sleep(100).then(() => {
      woke = { wall: process.runtime.now() - began.wall, monotonic: process.runtime.monotonic() - began.monotonic }
    })
    scheduler.after(50, () => process.stop(3_600_000, true))
    await scheduler.run(() => false, LIMITS)
    expect(woke).toEqual({ wall: 3_600_050, monotonic: 50 })
  })

  test('its wrong clock does not spoil the time that it learns from the store', async () => {
    const { scheduler, store } = setUp()
    void (async () => {
      for (let index = 0; index < 30; index++) await store.get('k')
    })()
    await scheduler.run(() => false, LIMITS)
    expect(Math.abs(store.clockOffsetMs() + 60_000)).toBeLessThan(1_000)
  })
})

describe('the way to the store', () => {
  test('a conditional put without an answer is unknown, sent once, and may have its effect minutes later', async () => {
    const results = new Set<string>()
    const late: number[] = []
    for (let seed = 1; seed <= 30; seed++) {
      const { scheduler, ground, store } = setUp({ hanging: 1 }, seed)
      void store.put('t/metadata/v1.metadata.json', BYTES, { mode: 'create' }).then((put) => results.add(put.outcome))
      await scheduler.run(() => false, LIMITS)
      expect(ground.requests).toBe(1)
      late.push(...ground.created.map((version) => version.atMs))
    }
    expect(results).toEqual(new Set(['unknown']))
    expect(late.length).toBeGreaterThan(0)
    expect(late.length).toBeLessThan(30)
    expect(Math.max(...late)).toBeGreaterThan(10_000)
  })

  test('an unconditional request is repeated, and throws in the end', async () => {
    const { scheduler, ground, store } = setUp({ failing: 1 })
    let error: unknown
    store.get('k').catch((thrown: unknown) => (error = thrown))
    await scheduler.run(() => false, LIMITS)
    expect(error).toMatchObject({ name: 'DataShardError', code: 'unavailable' })
    expect(ground.requests).toBe(8)
  })

  test('a create that a proxy repeats meets its own object', async () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 20; seed++) {
      const { scheduler, store } = setUp({ repeated: 1 }, seed)
      void store.put('k', BYTES, { mode: 'create' }).then((put) => outcomes.add(put.outcome))
      await scheduler.run(() => false, LIMITS)
    }
    expect(outcomes).toEqual(new Set(['written', 'precondition-failed']))
  })

  test('a listing takes many pages, and shows what was put meanwhile behind where it is', async () => {
    const { scheduler, ground, store } = setUp()
    for (const key of ['a', 'b', 'c', 'd', 'e']) await ground.store.put(`k/${key}`, BYTES)
    const seen: string[] = []
    void (async () => {
      for await (const { key } of store.list('k/')) {
        if (seen.push(key) === 1) await ground.store.put('k/z', BYTES)
      }
    })()
    await scheduler.run(() => false, LIMITS)
    expect(seen).toEqual(['k/a', 'k/b', 'k/c', 'k/d', 'k/e', 'k/z'])
    expect(ground.requests).toBe(3)
  })
})

async function keysOf(ground: Ground): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of ground.store.list('')) keys.push(key)
  return keys
}
