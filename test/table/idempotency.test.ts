import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { claimName } from '../../src/commit/claims.ts'
import { ID_LENGTH } from '../../src/commit/intent-id.ts'
import { WINDOW } from '../../src/commit/ledger.ts'
import { createTable, DataShardError, loadTable, schema, t } from '../../src/index.ts'
import type { Table } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { dyingStore } from '../support/dying-store.ts'
import { faultyStore } from '../support/faulty-store.ts'

const LOCATION = 'memory://store/t'
const people = schema({ id: t.string, n: t.long })
const row = (id: string, n = 1) => ({ id, n })

async function newTable() {
  const store = faultyStore(memoryStore(), () => undefined)
  const table = await createTable(LOCATION, { schema: people, store })
  await table.append([row('first')])
  await table.flush()
  return { store, table }
}

const open = (store: ObjectStore) => loadTable(LOCATION, { store })

async function idsIn(table: Table): Promise<string[]> {
  await table.refresh()
  return (await table.scan().toArray()).map((one) => String(one['id'])).toSorted()
}

describe('idempotency key', () => {
  test('a repetition returns what the first append did, from whatever process, and appends nothing', async () => {
    const { store, table } = await newTable()
    const first = await table.append([row('a'), row('b')], { idempotencyKey: 'm-1' })
    expect(first).toMatchObject({ replayed: false, rows: 2 })
    for (const writer of [table, await open(store)]) {
      const again = await writer.append([row('a'), row('b')], { idempotencyKey: 'm-1' })
      expect(again).toMatchObject({ replayed: true, rows: 2, attempts: 0 })
      expect([again.version, again.snapshotId]).toEqual([first.version, first.snapshotId])
    }
    expect(await idsIn(table)).toEqual(['a', 'b', 'first'])
  })

  test('it costs a writer who is alone one request more, and no round trip', async () => {
    const { table } = await newTable()
    await table.append([row('warm')])
    await table.flush()
    const plain = await table.append([row('a')])
    await table.flush()
    const keyed = await table.append([row('b')], { idempotencyKey: 'k' })
    expect(keyed.stats!.roundTrips).toBe(plain.stats!.roundTrips)
    expect(keyed.stats!.requests.put).toBe(plain.stats!.requests.put + 1)
  })

  test('a store that takes no claim, and will not later, says so at once', async () => {
    const { store, table } = await newTable()
    const full = new DataShardError('unavailable', 'the disks of the store are full', { retryable: false })
    const put = store.put
    const isClaim = (key: string) => key.includes('/claims/')
    store.put = async (key, body, options) =>
      isClaim(key) ? { outcome: 'unknown', cause: full } : put(key, body, options)
    const before = performance.now()
    await expect(table.append([row('a')], { idempotencyKey: 'm-1', timeoutMs: 30_000 })).rejects.toBe(full)
    expect(performance.now() - before).toBeLessThan(10_000)
    store.put = put
    expect(await table.append([row('a')], { idempotencyKey: 'm-1' })).toMatchObject({ replayed: false })
    expect(await idsIn(table)).toEqual(['a', 'first'])
  })

  test('long after, when other versions have forgotten it, the answer is the same', async () => {
    const { store, table } = await newTable()
    const first = await table.append([row('a')], { idempotencyKey: 'm-1' })
    const other = await open(store)
    for (let i = 0; i < WINDOW + 3; i++) await other.append([row(`x${i}`)])
    const again = await (await open(store)).append([row('a')], { idempotencyKey: 'm-1' })
    expect(again).toMatchObject({ replayed: true, version: first.version, snapshotId: first.snapshotId })
  })

  test('sixteen attempts at once under one key: the rows are there once, and all are told where', async () => {
    const { store, table } = await newTable()
    const writers = await Promise.all(Array.from({ length: 16 }, () => open(store)))
    const results = await Promise.all(writers.map((writer) => writer.append([row('a')], { idempotencyKey: 'k' })))
    expect(results.filter((result) => !result.replayed)).toHaveLength(1)
    expect(new Set(results.map((result) => result.version)).size).toBe(1)
    expect(await idsIn(table)).toEqual(['a', 'first'])
  })

  test('twice in one process at once: the second is a replay of the first', async () => {
    const { table } = await newTable()
    const results = await Promise.all([1, 2, 3].map(() => table.append([row('a')], { idempotencyKey: 'k' })))
    expect(results.map((result) => result.replayed)).toEqual([false, true, true])
    expect(await idsIn(table)).toEqual(['a', 'first'])
  })

  test.each([true, false])(
    'killed at any request (which %s has its effect), tried again: once',
    async (takesEffect) => {
      for (let request = 1; ; request++) {
        const { store } = await newTable()
        const dying = dyingStore(store, Infinity, true)
        const victim = await open(dying)
        const before = dying.requests()
        const mortal = dyingStore(store, request, takesEffect)
        Object.assign(dying, {
          put: mortal.put,
          get: mortal.get,
          head: mortal.head,
          list: mortal.list,
          delete: mortal.delete,
        })
        const died = await victim.append([row('a')], { idempotencyKey: 'k', timeoutMs: 200 }).then(
          () => false,
          () => true,
        )
        const again = await (await open(store)).append([row('a')], { idempotencyKey: 'k' })
        expect(await idsIn(await open(store)), `killed at request ${request}`).toEqual(['a', 'first'])
        expect(again.rows).toBe(1)
        expect(before).toBeGreaterThan(0)
        if (!died && mortal.requests() < request) break
      }
    },
  )

  test('the owner of a claim sleeps before it publishes: it is cancelled, and cannot commit when it wakes', async () => {
    const { store, table } = await newTable()
    const sleeper = await open(store)
    let wake = () => {}
    const asleep = new Promise<void>((resolve) => (wake = resolve))
    let sleeping = false
    let fellAsleep = () => {}
    const isAsleep = new Promise<void>((resolve) => (fellAsleep = resolve))
    store.rule = ({ verb, mode, key }) =>
      verb === 'put' && mode === 'create' && key.endsWith('v3.metadata.json') && !sleeping
        ? () => ((sleeping = true), fellAsleep(), asleep)
        : undefined
    const slow = sleeper.append([row('a')], { idempotencyKey: 'k' })
    await isAsleep
    const fast = await table.append([row('a')], { idempotencyKey: 'k' })
    expect(fast.replayed).toBe(false)
    wake()
    expect(await slow).toMatchObject({ replayed: true, version: fast.version })
    expect(await idsIn(table)).toEqual(['a', 'first'])
  })

  test.each(['its time is over', 'it is cancelled'])(
    'another append under the key is still on its way when %s: that nothing is committed is not said',
    async (why) => {
      const { store, table } = await newTable()
      const owner = await open(store)
      let wake = () => undefined as void
      const asleep = new Promise<void>((resolve) => (wake = resolve))
      let fellAsleep = () => undefined as void
      const isAsleep = new Promise<void>((resolve) => (fellAsleep = resolve))
      let slept = false
      store.rule = ({ verb, key }) => {
        // It ends while the second one reads whose the key is.
        if (verb === 'get' && key.includes('/claims/')) return () => delay(400)
        if (verb !== 'put' || !key.endsWith('v3.metadata.json') || slept) return undefined
        slept = true
        fellAsleep()
        return () => asleep
      }
      const slow = owner.append([row('a')], { idempotencyKey: 'k' })
      await isAsleep
      const end = new AbortController()
      const options = why === 'its time is over' ? { timeoutMs: 300 } : { signal: end.signal }
      const second = table.append([row('a')], { idempotencyKey: 'k', ...options })
      setTimeout(() => end.abort(), 300)
      await expect(second).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
      store.rule = () => undefined
      wake()
      expect(await slow).toMatchObject({ replayed: false })
      expect(await idsIn(table)).toEqual(['a', 'first'])
    },
  )

  test('the answer to the commit is lost for good: the same key tells what happened', async () => {
    const { store, table } = await newTable()
    store.rule = ({ verb, key }) =>
      key.endsWith('v3.metadata.json') ? (verb === 'put' ? 'lost-after' : 'lost-before') : undefined
    const call = table.append([row('a')], { idempotencyKey: 'k', timeoutMs: 200 })
    await expect(call).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
    store.rule = () => undefined
    const again = await (await open(store)).append([row('a')], { idempotencyKey: 'k' })
    expect(again).toMatchObject({ replayed: true, version: 3 })
    expect(await idsIn(table)).toEqual(['a', 'first'])
  })

  test('the same key with other rows: the first ones count, unless they are to be compared', async () => {
    const { table } = await newTable()
    await table.append([row('a')], { idempotencyKey: 'k', sameKey: 'compare' })
    expect(await table.append([row('b')], { idempotencyKey: 'k' })).toMatchObject({ replayed: true })
    const compared = table.append([row('b')], { idempotencyKey: 'k', sameKey: 'compare' })
    await expect(compared).rejects.toMatchObject({ code: 'invalid-argument', committed: 'no' })
    expect(await table.append([{ n: 1n, id: 'a' }], { idempotencyKey: 'k', sameKey: 'compare' })).toMatchObject({
      replayed: true,
    })
    expect(await idsIn(table)).toEqual(['a', 'first'])
  })

  const id = '0'.repeat(ID_LENGTH)
  test.each([
    'no JSON',
    'null',
    '5',
    '[]',
    '{}',
    '{"id":"?","base":1}',
    `{"id":"${id.slice(1)}","base":1}`,
    `{"id":${id.replaceAll('0', '1')},"base":1}`,
    `{"id":"${id}"}`,
    `{"id":"${id}","base":"1"}`,
    `{"id":"${id}","base":1.5}`,
    `{"id":"${id}","base":-1}`,
    `{"id":"${id}","base":1e300}`,
  ])('a damaged claim (%s) is an unknown outcome that says what to do', async (text) => {
    const { store, table } = await newTable()
    const name = claimName(table.metadata.tableUuid, 'k', 0)
    await store.put(`t/${name}`, new TextEncoder().encode(text))
    const call = table.append([row('a')], { idempotencyKey: 'k' })
    await expect(call).rejects.toMatchObject({
      code: 'commit-unknown',
      message: expect.stringContaining(name) as string,
    })
    expect(await idsIn(table)).toEqual(['first'])
  })

  test('batches with the same keys in another order do not wait for each other for ever: one has them all', async () => {
    const { store, table } = await newTable()
    const rows = Array.from({ length: 5 }, (_, i) => row(`r${i}`))
    const keys = rows.map(({ id: key }) => key)
    const writers = await Promise.all(Array.from({ length: 4 }, () => open(store)))
    const results = await Promise.all(
      writers.map((writer, i) =>
        i % 2 === 0
          ? writer.append(rows, { idempotencyKeys: keys })
          : writer.append(rows.toReversed(), { idempotencyKeys: keys.toReversed() }),
      ),
    )
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(await idsIn(table)).toEqual(['first', ...keys].toSorted())
  })

  test.each([
    [{ idempotencyKey: '' }, 'expected a text'],
    [{ idempotencyKey: 5 as unknown as string }, 'expected a text'],
    [{ idempotencyKey: '\ud800' }, 'surrogate'],
    [{ idempotencyKey: 'x'.repeat(5_000) }, '5000 characters'],
    [{ idempotencyKey: 'a', idempotencyKeys: ['b'] }, 'not both'],
    [{ idempotencyKeys: [] }, '0 idempotencyKeys for 1 rows'],
    [{ idempotencyKeys: [''] }, 'idempotencyKeys[0]'],
    [{ idempotencyKey: 'a', sameKey: 'maybe' as unknown as 'replay' }, 'sameKey'],
  ])('%j is refused before anything is written', async (options, message) => {
    const { store, table } = await newTable()
    store.calls.length = 0
    await expect(table.append([row('a')], options)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(message) as string,
    })
    expect(store.calls).toEqual([])
  })
})

describe('a key for each row', () => {
  test('rows whose keys are there already are dropped, and the result says which', async () => {
    const { store, table } = await newTable()
    await table.append([row('a'), row('b')], { idempotencyKeys: ['a', 'b'] })
    const again = await (await open(store)).append([row('b'), row('c'), row('d')], { idempotencyKeys: ['b', 'c', 'd'] })
    expect(again).toMatchObject({ replayed: false, rows: 2, replayedKeys: ['b'] })
    const all = await table.append([row('c'), row('a')], { idempotencyKeys: ['c', 'a'] })
    expect(all).toMatchObject({ replayed: true, rows: 0, version: again.version })
    expect(all.replayedKeys.toSorted()).toEqual(['a', 'c'])
    expect(await idsIn(table)).toEqual(['a', 'b', 'c', 'd', 'first'])
  })

  test('several rows may share a key: they are one group', async () => {
    const { table } = await newTable()
    const keys = ['m1', 'm2', 'm1']
    await table.append([row('a'), row('b'), row('c')], { idempotencyKeys: keys })
    const again = await table.append([row('a'), row('c'), row('z')], { idempotencyKeys: ['m1', 'm1', 'm3'] })
    expect(again).toMatchObject({ rows: 1, replayedKeys: ['m1'] })
    expect(await idsIn(table)).toEqual(['a', 'b', 'c', 'first', 'z'])
  })

  test('overlapping batches at once, from many processes: each row once', async () => {
    const { store, table } = await newTable()
    const names = Array.from({ length: 12 }, (_, i) => `r${i}`)
    await Promise.all(
      Array.from({ length: 8 }, async (_, w) => {
        const mine = names.slice(w % 6, (w % 6) + 6)
        await (
          await open(store)
        ).append(
          mine.map((id) => row(id)),
          { idempotencyKeys: mine },
        )
      }),
    )
    expect(await idsIn(table)).toEqual([...new Set(['first', ...names.slice(0, 11)])].toSorted())
  })
})
