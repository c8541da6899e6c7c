/** How long a fold gives way to others, and what it does not commit any more after a wait. */
import { describe, expect, test } from 'vitest'
import { fold } from '../../src/commit/fold.ts'
import { foldingTable, foldRequest, ownOf } from '../support/folding-table.ts'

async function slow(properties: Record<string, string> = {}) {
  const table = await foldingTable(properties)
  const context = await table.writer()
  const own = await ownOf(table)
  return { ...table, table, context, own }
}

describe('a hold', () => {
  test('is waited for until it is two seconds old by the store clock', async () => {
    const { store, runtime, chance, context, own } = await slow()
    await store.put('t/data/in/hold/someone', new Uint8Array())
    runtime.advance({ wallMs: 500, monotonicMs: 500 })
    expect(await fold(context, foldRequest(own))).toMatchObject({ kind: 'won' })
    expect(chance.slept).toEqual([1_500])
  })

  test('that is old, or left by a dead writer, is not', async () => {
    const { store, runtime, chance, context, own } = await slow()
    await store.put('t/data/in/hold/someone', new Uint8Array())
    runtime.advance({ wallMs: 2_000, monotonicMs: 2_000 })
    expect(await fold(context, foldRequest(own))).toMatchObject({ kind: 'won' })
    expect(chance.slept).toEqual([])
  })

  test('lets the holder commit first: the fold is built on its version', async () => {
    const { store, table, chance, context, own } = await slow()
    await store.put('t/data/in/hold/someone', new Uint8Array())
    chance.onSleep = async () => void (await table.commit([{ action: 'set-properties', updates: { held: 'yes' } }]))
    expect(await fold(context, foldRequest(own))).toMatchObject({ kind: 'won', version: 3 })
    expect((await table.head()).metadata.properties).toMatchObject({ held: 'yes' })
  })

  test('takes no more time than there is, and then nothing is committed', async () => {
    const { store, runtime, chance, context, own, table } = await slow()
    await store.put('t/data/in/hold/someone', new Uint8Array())
    const deadlineMs = runtime.monotonic() + 300
    expect(await fold(context, foldRequest(own, { deadlineMs }))).toEqual({ kind: 'lost' })
    expect(chance.slept).toEqual([300])
    expect((await table.head()).version).toBe(1)
  })
})

describe('datashard.pace-ms', () => {
  test.each([
    ['700', 500, [200]],
    ['700', 700, []],
    ['90000', 0, [60_000]],
    ['-5', 0, []],
    ['often', 0, []],
    ['Infinity', 0, []],
  ])('%s, %i ms after the last version: waits %j', async (pace, sinceMs, waits) => {
    const { runtime, chance, context, own } = await slow({ 'datashard.pace-ms': pace })
    runtime.advance({ wallMs: sinceMs, monotonicMs: sinceMs })
    const done = await fold(context, foldRequest(own))
    expect(chance.slept).toEqual(waits)
    // After a minute what was listed may have been swept.
    expect(done.kind).toBe(waits[0] === 60_000 ? 'lost' : 'won')
  })

  test('beside a hold: the longer of the two', async () => {
    const { store, chance, context, own } = await slow({ 'datashard.pace-ms': '5000' })
    await store.put('t/data/in/hold/someone', new Uint8Array())
    expect(await fold(context, foldRequest(own))).toMatchObject({ kind: 'won' })
    expect(chance.slept).toEqual([5_000])
  })
})

describe('a fold does not commit', () => {
  test('what it listed a minute ago: it may have been swept since', async () => {
    const { table, runtime, context, own } = await slow()
    const view = { intents: [], heldUntilMs: undefined, newestBase: 0, seen: own.begun }
    runtime.advance({ wallMs: 59_999, monotonicMs: 59_999 })
    await table.commit()
    await context.committer.refresh()
    runtime.advance({ wallMs: 1 })
    expect(await fold(context, foldRequest(own, { view }))).toEqual({ kind: 'lost' })
    expect((await table.head()).version).toBe(2)
  })

  test('when its time is over, and asks for no version then', async () => {
    const { context, own, runtime, table, store } = await slow()
    store.calls.length = 0
    expect(await fold(context, foldRequest(own, { deadlineMs: runtime.monotonic() }))).toEqual({ kind: 'lost' })
    expect(table.calls('get')).toEqual([])
    expect(table.calls('put')).toEqual([])
  })

  test('appends that nobody folded for an hour', async () => {
    const { table, runtime, context } = await slow()
    await table.publish()
    runtime.advance({ wallMs: 3_600_001, monotonicMs: 3_600_001 })
    expect(await fold(context, foldRequest(undefined))).toEqual({ kind: 'nothing' })
  })
})
