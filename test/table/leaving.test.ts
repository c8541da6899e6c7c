/** Appends that are cancelled, or whose time is over, beside others of the handle and while the store is silent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { loadTable } from '../../src/index.ts'
import type { FaultCall } from '../../src/store/fault-plan.ts'
import { faultedTable, hang, LOCATION, timed as timedAtMost } from '../support/people-table.ts'
import { collect, person } from '../support/tables.ts'

const isVersion = ({ verb, key }: FaultCall) => verb === 'PUT' && key.endsWith('.metadata.json')
const isData = ({ verb, key }: FaultCall) => verb === 'PUT' && key.includes('/data/')

const timed = (append: Promise<unknown>) => timedAtMost(append, 8_000)

describe('an append is cancelled', () => {
  test('while the request of a commit that others share hangs: it does not wait for it', async () => {
    const { state, writer, ids } = await faultedTable()
    const abort = new AbortController()
    state.plan = (call) => (isData(call) ? { kind: 'delay', when: 'before', ms: 700 } : undefined)
    const first = writer.append([person(1)])
    const cancelled = timed(writer.append([person(2)], { signal: abort.signal }))
    const third = writer.append([person(3)])
    await first
    // The second and the third are in one commit now.
    await sleep(200)
    abort.abort(new Error('enough'))
    const { ended, ms } = await cancelled
    expect(ended).toMatchObject({ code: 'aborted', committed: 'no' })
    expect(ms).toBeLessThan(700 + 500)
    expect(await Promise.race([third, 'under way'])).toBe('under way')
    await third
    expect(await ids()).toEqual([0, 1, 3])
  })

  test.each(['before', 'after'] as const)('while its version is under way (%s its effect), silently', async (when) => {
    const { state, writer, ids } = await faultedTable()
    const abort = new AbortController()
    state.plan = (call) => {
      if (!isVersion(call)) return undefined
      setTimeout(() => abort.abort(new Error('enough')), 50)
      return { kind: 'hang', when }
    }
    const { ended, ms } = await timed(writer.append([person(1)], { signal: abort.signal }))
    expect(ended).toMatchObject(when === 'after' ? { rows: 1, version: 3 } : { code: 'commit-unknown' })
    expect(ms).toBeLessThan(2_000)
    expect(await ids()).toEqual(when === 'after' ? [0, 1] : [0])
    // And the handle is free again.
    expect(await writer.append([person(2)], { timeoutMs: 3_000 })).toMatchObject({ rows: 1 })
  })
})

test('an append fails alone, not with one of the same key that came with it', async () => {
  const { state, writer, ids } = await faultedTable()
  state.plan = (call) => (isData(call) ? { kind: 'delay', when: 'before', ms: 300 } : undefined)
  const first = writer.append([person(1)])
  const hasty = writer.append([person(2)], { idempotencyKey: 'k', timeoutMs: 900 })
  const patient = writer.append([person(2)], { idempotencyKey: 'k' })
  await first
  state.plan = (call) => (isVersion(call) ? hang : undefined)
  await expect(hasty).rejects.toMatchObject({ code: 'commit-unknown' })
  state.plan = () => undefined
  expect(await patient).toMatchObject({ rows: 1, replayed: false })
  expect(await ids()).toEqual([0, 1, 2])
})

test('a commit is not begun again because somebody left who has to wait for the next one', async () => {
  const { state, writer, ids } = await faultedTable()
  const abort = new AbortController()
  state.plan = (call) => (isData(call) ? { kind: 'delay', when: 'before', ms: 300 } : undefined)
  const first = writer.append([person(1)])
  const second = writer.append([person(2)], { idempotencyKey: 'k' })
  const same = writer.append([person(2)], { idempotencyKey: 'k', signal: abort.signal })
  await first
  let claims = 0
  state.plan = (call) => {
    if (call.verb === 'PUT' && call.key.includes('/claims/') && claims++ === 0) setTimeout(() => abort.abort(), 50)
    return isData(call) ? { kind: 'delay', when: 'before', ms: 300 } : undefined
  }
  await expect(same).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
  expect(await second).toMatchObject({ rows: 1, attempts: 1 })
  expect(claims).toBe(1)
  expect(await ids()).toEqual([0, 1, 2])
})

test('an append that has to wait for manifests to be merged is answered in time, and cancelled like any', async () => {
  const { state, store, writer, other } = await faultedTable()
  await other.transaction((tx) => tx.setProperties({ 'commit.manifest-merge.enabled': 'false' }))
  for (let i = 1; i <= 80; i++) await other.append([person(i)])
  await other.transaction((tx) => tx.setProperties({ 'commit.manifest-merge.enabled': 'true' }))
  await other.flush()
  await writer.refresh()
  const isMerge = ({ verb, key }: FaultCall) => verb === 'GET' && key.endsWith('-m0.avro')
  let merges = 0
  const abort = new AbortController()
  state.plan = (call) => {
    if (!isMerge(call)) return undefined
    if (merges++ === 0) setTimeout(() => abort.abort(new Error('enough')), 50)
    return hang
  }
  const { ended, ms } = await timed(writer.append([person(100)], { signal: abort.signal }))
  expect(ended).toMatchObject({ code: 'aborted', committed: 'no' })
  expect(ms).toBeLessThan(2_000)
  expect(merges).toBeGreaterThan(0)
  // What hangs without end hangs without the next one.
  expect(await timed(writer.append([person(101)], { timeoutMs: 300 }))).toMatchObject({
    ended: { code: 'commit-contention' },
  })
  state.plan = () => undefined
  expect(await (await loadTable(LOCATION, { store })).append([person(102)])).toMatchObject({ rows: 1 })
})

/** More than is kept in memory. */
const LARGE = Array.from({ length: 2_000 }, (_, i) => ({ id: i, name: `${i}`.padEnd(8_000, 'x') }))

test('files that a large append leaves are gone when it is answered', async () => {
  const { state, store, writer } = await faultedTable()
  const files = async () => (await collect(store.list('t/data/'))).length
  const before = await files()
  state.plan = ({ verb }) => {
    if (verb === 'LIST') return hang
    return verb === 'DELETE' ? { kind: 'delay', when: 'before', ms: 50 } : undefined
  }
  const { ended } = await timed(writer.append(LARGE, { timeoutMs: 300 }))
  state.plan = () => undefined
  expect(ended).toMatchObject({ code: 'commit-contention', committed: 'no' })
  expect(await files()).toBe(before)
})

test('files that a large append leaves are deleted in the background where the store is silent', async () => {
  const { state, writer } = await faultedTable()
  const deleted: string[] = []
  state.plan = ({ verb, key }) => {
    if (verb === 'DELETE') deleted.push(key)
    return verb === 'LIST' || verb === 'DELETE' ? hang : undefined
  }
  const { ended, ms } = await timed(writer.append(LARGE, { timeoutMs: 300 }))
  expect(ended).toMatchObject({ code: 'commit-contention', committed: 'no' })
  expect(ms).toBeLessThan(6_000)
  expect(deleted.some((key) => key.endsWith('.parquet'))).toBe(true)
})
