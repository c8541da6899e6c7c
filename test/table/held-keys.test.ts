/**
 * Appends that run out of time, or are cancelled, while another append has their key: that nothing was committed is not said, for
 * the other one may commit the rows yet.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import type { Table } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { FaultRule, FaultyCall } from '../support/faulty-store.ts'
import { faultyStore } from '../support/faulty-store.ts'

const LOCATION = 'memory://store/t'
const unknown = { code: 'commit-unknown', committed: 'unknown' }
const row = (id: string) => ({ id })
const isClaim = (key: string) => key.includes('/claims/')

/** A table, and another writer that has these keys and sleeps before it commits. */
async function held(...keys: readonly string[]) {
  const inner = memoryStore()
  const table = await createTable(LOCATION, { schema: schema({ id: t.string }), store: inner })
  let wake = () => undefined as void
  const asleep = new Promise<void>((resolve) => (wake = resolve))
  let fellAsleep = () => undefined as void
  const isAsleep = new Promise<void>((resolve) => (fellAsleep = resolve))
  const sleepy = faultyStore(inner, ({ verb, key }) => {
    if (verb !== 'put' || !key.endsWith('v2.metadata.json')) return undefined
    fellAsleep()
    return () => asleep
  })
  const owner = await loadTable(LOCATION, { store: sleepy })
  const slow = owner.append(keys.map(row), { idempotencyKeys: keys })
  await isAsleep
  const store = faultyStore(inner, () => undefined)
  const writer = await loadTable(LOCATION, { store })
  const idsAfterIt = async () => {
    store.rule = () => undefined
    wake()
    await slow
    await table.refresh()
    return (await table.scan().toArray()).map((one) => String(one['id'])).toSorted()
  }
  return { store, writer, idsAfterIt }
}

/** Appends that come into one group: while another one of the handle is under way. */
async function together<T>(writer: Table, store: { rule: FaultRule }, rule: FaultRule, appends: () => T): Promise<T> {
  let began = () => undefined as void
  const isUnderWay = new Promise<void>((resolve) => (began = resolve))
  let go = () => undefined as void
  const waits = new Promise<void>((resolve) => (go = resolve))
  store.rule = ({ verb, key }) => {
    if (verb !== 'put' || !key.endsWith('.metadata.json')) return undefined
    began()
    return () => waits
  }
  const first = writer.append([row('first')])
  await isUnderWay
  const begun = appends()
  store.rule = rule
  go()
  await first
  return begun
}

describe('several appends of one handle under keys that another writer has', () => {
  test.each([1, 2, 3])(
    'whose time is over together: %i of them, and each is told that it is unknown',
    async (count) => {
      const keys = ['k1', 'k2', 'k3'].slice(0, count)
      const { store, writer, idsAfterIt } = await held(...keys)
      const appends = await together(
        writer,
        store,
        // Their time ends while they look whose the keys are.
        ({ verb, key }) => (verb === 'get' && isClaim(key) ? () => sleep(400) : undefined),
        () => keys.map((key) => writer.append([row(key)], { idempotencyKey: key, timeoutMs: 300 })),
      )
      for (const result of await Promise.allSettled(appends)) expect(result).toMatchObject({ reason: unknown })
      expect(await idsAfterIt()).toEqual(['first', ...keys])
    },
  )

  test('of whom the first to look has time left: it goes on, and the other is told that it is unknown', async () => {
    const { store, writer, idsAfterIt } = await held('k1', 'k2')
    const [patient, hasty] = await together(
      writer,
      store,
      ({ verb, key, before }) => (verb === 'get' && isClaim(key) && before === 0 ? () => sleep(400) : undefined),
      () => [
        writer.append([row('k1')], { idempotencyKey: 'k1' }),
        writer.append([row('k2')], { idempotencyKey: 'k2', timeoutMs: 300 }),
      ],
    )
    await expect(hasty).rejects.toMatchObject(unknown)
    expect((await patient!).rows).toBe(1)
    expect(await idsAfterIt()).toEqual(['first', 'k1', 'k2'])
  })

  test('one whose rows are all there is told so, also when its time is over', async () => {
    const { store, writer, idsAfterIt } = await held('k1')
    const first = await writer.append([row('k0')], { idempotencyKey: 'k0' })
    const [again, other] = await together(
      writer,
      store,
      ({ verb, key }) => (verb === 'put' && key.includes('/data/') ? () => sleep(400) : undefined),
      () => [
        writer.append([row('k0')], { idempotencyKey: 'k0', timeoutMs: 300 }),
        writer.append([row('plain')], { timeoutMs: 300 }),
      ],
    )
    expect(await again).toMatchObject({ replayed: true, version: first.version })
    await expect(other).rejects.toMatchObject({ code: 'commit-contention', committed: 'no' })
    expect(await idsAfterIt()).toEqual(['first', 'k0', 'k1'])
  })
})

describe('an append that is cancelled in the middle of a look at a claim', () => {
  const places: readonly (readonly [string, (call: FaultyCall) => boolean])[] = [
    ['while it reads whose the claim is', ({ verb, key }) => verb === 'get' && isClaim(key)],
    ['while it looks for the newest version', ({ verb, key }) => verb === 'head' && key.endsWith('v3.metadata.json')],
    ['while it looks again', ({ verb, key, before }) => verb === 'get' && isClaim(key) && before === 1],
    ['while it cancels the other one', ({ verb, key }) => verb === 'put' && key.endsWith('v3.metadata.json')],
  ]
  test.each(places)('%s: that nothing is committed is not said', async (_where, isPlace) => {
    const { store, writer, idsAfterIt } = await held('k1')
    // Not alone, so that the claim comes first; and the base of the other one is not the newest any more.
    await writer.append([row('first')])
    const end = new AbortController()
    let reached = 0
    store.rule = (call) => {
      if (store.calls.some(({ key }) => isClaim(key)) && isPlace(call)) {
        reached += 1
        end.abort()
      }
      return undefined
    }
    const append = writer.append([row('k1')], { idempotencyKey: 'k1', signal: end.signal })
    await expect(append).rejects.toMatchObject(unknown)
    expect(reached).toBeGreaterThan(0)
    expect(await idsAfterIt()).toEqual(['first', 'k1'])
  })
})
