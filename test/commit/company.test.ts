/** An append that is published waits for others, and folds itself when nobody comes. */
import { describe, expect, test } from 'vitest'
import { waitInCompany } from '../../src/commit/company.ts'
import { listOpen } from '../../src/commit/fold.ts'
import type { LandControl } from '../../src/commit/landing.ts'
import { Watch } from '../../src/commit/watch.ts'
import { DataShardError } from '../../src/errors.ts'
import { landControl, stateOf } from '../support/appending.ts'
import { foldingTable } from '../support/folding-table.ts'

type Change = Partial<LandControl> & { readonly withinMs?: number }

/** Among so many others that are published. */
async function among(others: number, { withinMs = Infinity, ...change }: Change = {}) {
  const table = await foldingTable()
  const own = await table.publish()
  for (let i = 0; i < others; i++) await table.publish()
  const context = await table.writer()
  const watch = new Watch(own)
  const control = landControl({ ...change, deadlineMs: table.runtime.monotonic() + withinMs })
  const look = () => listOpen(context, 0, own.id, undefined)
  const state = await stateOf(table, own)
  const wait = async (view?: Awaited<ReturnType<typeof look>>) => waitInCompany(context, state, watch, view, control)
  /** What others do at the first wait. */
  const once = (event: () => unknown) => {
    table.chance.onSleep = async () => {
      table.chance.onSleep = async () => undefined
      await event()
    }
  }
  return { ...table, table, own, context, watch, control, look, wait, once }
}

describe('who has looked into the inbox', () => {
  test('folds at once beside one other', async () => {
    const { chance, look, wait, head, control } = await among(1)
    chance.random = () => 0.99
    const done = await wait(await look())
    expect(done).toEqual({
      version: 2,
      snapshotId: (await head()).metadata.currentSnapshotId,
      by: 'own-fold',
      foldSize: 2,
    })
    expect(chance.slept).toEqual([])
    expect(control.stats).toMatchObject({ attempts: 1, waitedMs: 0 })
  })

  test.each([
    [0.09, 11],
    [0.1, undefined],
  ])('among ten others folds at once if chance (%d) is below 1/11', async (random, foldSize) => {
    const { chance, look, wait, own, once, table } = await among(10)
    chance.random = () => random
    once(() => table.folds(own.id))
    expect((await wait(await look()))?.foldSize).toBe(foldSize)
  })

  test('and loses that fold waits like the others', async () => {
    const { wait, look, store, table, own, watch } = await among(1)
    store.rule = ({ verb, key, before }) =>
      verb === 'put' && key.endsWith('/v2.metadata.json') && before === 0
        ? async () => void (await table.folds(own.id))
        : undefined
    expect(await wait(await look())).toBeUndefined()
    expect(watch.verdict).toMatchObject({ kind: 'folded', version: 2 })
  })
})

describe('who waits', () => {
  test('learns from the next version that it was folded, and has tried nothing itself', async () => {
    const { wait, own, once, table, watch, control, chance } = await among(10)
    chance.random = () => 0.99
    once(() => table.folds(own.id))
    expect(await wait()).toBeUndefined()
    expect(watch.verdict).toEqual({ kind: 'folded', version: 2, snapshotId: 9n })
    expect(control.stats).toMatchObject({ attempts: 0, roundTrips: 1, waitedMs: chance.slept[0] })
    expect(control.ticks()).toBeGreaterThan(0)
  })

  test('learns that it was cancelled', async () => {
    const { wait, own, once, table, watch } = await among(10)
    once(() => table.cancels(own.id))
    expect(await wait()).toBeUndefined()
    expect(watch.verdict).toEqual({ kind: 'never' })
  })

  test('is patient as long as versions come, whoever they bring', async () => {
    const { wait, own, table, watch, control, chance, look } = await among(10)
    await look()
    let versions = 1
    chance.random = () => 0.99
    // Longer, all of it, than its patience was when it began.
    chance.onSleep = async () => {
      table.runtime.advance({ wallMs: 100, monotonicMs: 100 })
      await (versions++ < 13 ? table.commit() : table.folds(own.id))
    }
    expect(await wait()).toBeUndefined()
    expect(watch.verdict).toMatchObject({ kind: 'folded' })
    expect(control.stats.attempts).toBe(0)
  })

  test('folds itself when nobody comes, and takes those for dead whom nobody folded', async () => {
    const { wait, context, chance, look, control } = await among(10)
    await look()
    chance.random = () => 0.99
    expect(await wait()).toMatchObject({ by: 'own-fold', foldSize: 11, version: 2 })
    expect(chance.slept.length).toBeGreaterThan(2)
    expect(control.stats.waitedMs).toBeCloseTo(chance.slept.reduce((sum, ms) => sum + ms))
    expect(context.crowd.size(context.follower.tip)).toBe(1)
  })

  test('and folds out of hand, because its patience was short by chance, knows nothing of the kind', async () => {
    const { wait, context, chance, look } = await among(10)
    await look()
    chance.random = () => 0.01
    expect(await wait()).toMatchObject({ by: 'own-fold', foldSize: 11 })
    expect(context.crowd.size(context.follower.tip)).toBe(11)
  })

  test('and finds version after version goes to the end by the hint, without a pause', async () => {
    const { wait, own, once, table, watch, chance, store, calls } = await among(10)
    chance.random = () => 0.99
    once(async () => {
      for (let i = 0; i < 14; i++) await table.commit()
      await table.folds(own.id)
      store.calls.length = 0
    })
    expect(await wait()).toBeUndefined()
    expect(watch.verdict).toMatchObject({ kind: 'folded', version: 16 })
    expect(chance.slept.length).toBeLessThanOrEqual(2)
    expect(new Set(calls('get').filter((key) => key.endsWith('.metadata.json'))).size).toBeLessThan(10)
  })
})

describe('the wait ends', () => {
  test('when its time is over', async () => {
    const { wait, chance, runtime } = await among(10, { withinMs: 100 })
    chance.random = () => 0.99
    const startMs = runtime.monotonic()
    chance.onSleep = async () => runtime.advance({ monotonicMs: 50 })
    await expect(wait()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('time') as string,
    })
    expect(runtime.monotonic() - startMs).toBeLessThan(250)
  })

  test('when it is cancelled', async () => {
    const controller = new AbortController()
    const { wait, once, chance } = await among(10, { signal: controller.signal })
    chance.random = () => 0.99
    once(() => controller.abort(new Error('enough')))
    await expect(wait()).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } })
  })

  test('when the store refuses to answer', async () => {
    const { wait, store } = await among(10)
    store.rule = ({ verb }) => (verb === 'get' ? new DataShardError('denied', 'no right') : undefined)
    await expect(wait()).rejects.toMatchObject({ code: 'denied' })
  })
})

describe('a store that is away for a while', () => {
  test('is asked again after half a second', async () => {
    const { wait, own, table, watch, store, chance } = await among(10)
    chance.random = () => 0.99
    let fails = 2
    store.rule = ({ verb }) => (verb === 'get' && fails-- > 0 ? 'lost-before' : undefined)
    chance.onSleep = async () => {
      if (fails < 0 || chance.slept.filter((ms) => ms === 500).length < 2) return
      fails = 0
      chance.onSleep = async () => undefined
      await table.folds(own.id)
    }
    expect(await wait()).toBeUndefined()
    expect(watch.verdict).toMatchObject({ kind: 'folded' })
    expect(chance.slept.filter((ms) => ms === 500)).toHaveLength(2)
  })

  test('while it folds: whether that came to be is found out, and nothing is folded twice', async () => {
    const { wait, look, own, watch, store, ledger, chance } = await among(1)
    let isAway = false
    store.rule = ({ verb, key }) => {
      isAway ||= verb === 'put' && key.endsWith('/v2.metadata.json') && chance.slept.length === 0
      return isAway && key.endsWith('.metadata.json') ? 'lost-after' : undefined
    }
    chance.onSleep = async () => void (chance.slept.at(-1) === 500 && (isAway = false))
    const done = await wait(await look())
    expect(done ?? watch.verdict).toMatchObject({ version: 2 })
    expect((await ledger()).folded).toContain(own.id)
  })
})
