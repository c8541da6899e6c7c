/** What a publication without an answer means, and how long what was written ahead may be named. */
import { describe, expect, test } from 'vitest'
import { createTable, loadTable } from '../../src/index.ts'
import { MAX_UNNAMED_MS } from '../../src/commit/unnamed.ts'
import { DataShardError } from '../../src/errors.ts'
import { checkAges } from '../../src/maintenance/ages.ts'
import type { FaultRule } from '../support/faulty-store.ts'
import { HOUR_MS, LOCATION, idsIn, newWorld } from '../maintenance/moved-clock.ts'
import { collect, people, person } from '../support/tables.ts'

const ROWS = [person(1), person(2)]

/** A writer that is about to lose its commit alone, and so to publish; two partitions make it name its files in a manifest. */
async function aboutToPublish() {
  const world = await newWorld()
  const { store, runtime } = world
  const location = `${LOCATION}2`
  const table = await createTable(location, { schema: people, partitionBy: ['id'], store, runtime })
  const writer = await loadTable(location, { store, runtime })
  let hasLost = false
  const losesTo = (rule: FaultRule): FaultRule => {
    return (call) => {
      if (call.verb !== 'put' || !call.key.endsWith('/v2.metadata.json') || hasLost) return rule(call)
      hasLost = true
      return async () => void (await table.append([person(0)]))
    }
  }
  const files = async () => (await collect(store.list('t2/data/id='))).length
  return { ...world, table, writer, losesTo, files }
}

const isIntent = (key: string) => key.includes('/data/in/')

describe('a publication', () => {
  test('without an answer, then refused: whether it is there is unknown, and its files stay', async () => {
    const { store, writer, table, losesTo, files, pass } = await aboutToPublish()
    store.rule = losesTo(({ verb, key, before }) => {
      if (verb !== 'put' || !isIntent(key)) return undefined
      if (before === 0) return 'lost-after'
      return () => {
        pass(HOUR_MS)
        throw new DataShardError('unavailable', 'nothing listens')
      }
    })
    await expect(writer.append(ROWS, { timeoutMs: HOUR_MS })).rejects.toMatchObject({ code: 'commit-unknown' })
    await writer.flush()
    expect(await files()).toBe(3)
    // And so it is: the next writer folds it, if it comes within the hour.
    store.rule = () => undefined
    pass(-HOUR_MS)
    await table.append([person(3)])
    expect(await idsIn(await table.refresh())).toEqual([0, 1, 2, 3])
  })

  test('cancelled while it has no answer: unknown, and its files stay', async () => {
    const { store, writer, table, losesTo, files } = await aboutToPublish()
    const controller = new AbortController()
    store.rule = losesTo(({ verb, key, before }) => {
      if (verb !== 'put' || !isIntent(key) || before > 0) return undefined
      setTimeout(() => controller.abort(), 20)
      return 'lost-after'
    })
    const append = writer.append(ROWS, { signal: controller.signal })
    await expect(append).rejects.toMatchObject({ code: 'commit-unknown' })
    await writer.flush()
    expect(await files()).toBe(3)
    await table.append([person(3)])
    expect(await idsIn(await table.refresh())).toEqual([0, 1, 2, 3])
  })

  test.each([
    ['and is not there: a clear error at once, and its files go', false],
    ['and is there all the same, as the first of a repeated request: it counts', true],
  ])('refused for a full disk, %s', async (_what, hasEffect) => {
    const { store, writer, losesTo, files } = await aboutToPublish()
    store.rule = losesTo(() => undefined)
    const full = new DataShardError('unavailable', 'the disks of the store are full', { retryable: false })
    const { put } = store
    store.put = async (key, body, options) => {
      if (!isIntent(key)) return put(key, body, options)
      if (hasEffect) await put(key, body, options)
      return { outcome: 'unknown', cause: full }
    }
    const append = writer.append(ROWS, { timeoutMs: 20_000 })
    const before = performance.now()
    if (hasEffect) await expect(append).resolves.toMatchObject({ rows: 2 })
    else await expect(append).rejects.toBe(full)
    expect(performance.now() - before).toBeLessThan(10_000)
    await writer.flush()
    expect(await files()).toBe(hasEffect ? 3 : 1)
  })

  test('full at the second try, the first of which had no answer: it is unknown', async () => {
    const { store, writer, losesTo } = await aboutToPublish()
    store.rule = losesTo(() => undefined)
    const cause = [
      undefined,
      new DataShardError('unavailable', 'the disks of the store are full', { retryable: false }),
    ]
    let tries = 0
    const { put } = store
    store.put = async (key, body, options) =>
      isIntent(key) ? { outcome: 'unknown', cause: cause[Math.min(tries++, 1)] } : put(key, body, options)
    const append = writer.append(ROWS, { timeoutMs: 1_000 })
    await expect(append).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
    expect(tries).toBeGreaterThan(1)
  })

  test('refused at the first try: certain, and its files go', async () => {
    const { store, writer, losesTo, files } = await aboutToPublish()
    store.rule = losesTo(({ verb, key }) =>
      verb === 'put' && isIntent(key) ? new DataShardError('denied', 'no right') : undefined,
    )
    await expect(writer.append(ROWS)).rejects.toMatchObject({ code: 'denied', committed: 'no' })
    await writer.flush()
    expect(await files()).toBe(1)
  })
})

describe('a base that was swept while its writer slept', () => {
  test('is no damage: the append may be called again', async () => {
    const world = await newWorld()
    await world.table.append([person(0)])
    const writer = await world.open()
    let slept = false
    world.store.rule = ({ verb, key }) => {
      if (slept || verb !== 'get' || !key.includes('/snap-')) return undefined
      slept = true
      return async () => {
        await world.table.append([person(1)])
        world.pass(30 * HOUR_MS)
        await world.store.delete([key])
      }
    }
    await expect(writer.append([person(2)], { timeoutMs: 300 * HOUR_MS })).rejects.toMatchObject({
      code: 'commit-contention',
      message: expect.stringContaining('did not run') as string,
    })
    await writer.append([person(2)])
    expect(await idsIn(await writer.refresh())).toEqual([0, 1, 2])
  })
})

describe('what was written a day ago, before its process was suspended', () => {
  const late = { code: 'commit-contention', committed: 'no', message: expect.stringContaining('begin again') as string }

  test('is not published', async () => {
    const { store, writer, pass, losesTo, table } = await aboutToPublish()
    let slept = false
    store.rule = losesTo(({ verb, key }) => {
      if (slept || verb !== 'get' || !key.endsWith('/v2.metadata.json')) return undefined
      slept = true
      return () => pass(30 * HOUR_MS)
    })
    await expect(writer.append(ROWS, { timeoutMs: 300 * HOUR_MS })).rejects.toMatchObject(late)
    expect(slept).toBe(true)
    expect(await idsIn(await table.refresh())).toEqual([0])
  })

  test('is not committed by a transaction, however long it may take', async () => {
    const world = await newWorld()
    const tx = world.table.newTransaction()
    await tx.append(
      Array.from({ length: 300_000 }, (_, id) => ({ id: BigInt(id), name: `person ${id} of many`.repeat(3) })),
    )
    world.pass(MAX_UNNAMED_MS)
    await expect(tx.commit({ timeoutMs: 300 * HOUR_MS })).rejects.toMatchObject(late)
    expect(await world.names('data/')).toEqual([])
  })

  test('is younger than any orphan that a sweep deletes', () => {
    expect(checkAges().orphans).toBeGreaterThan(MAX_UNNAMED_MS)
    expect(() => checkAges({ orphans: MAX_UNNAMED_MS + 2 * HOUR_MS })).toThrow('safe from')
  })
})
