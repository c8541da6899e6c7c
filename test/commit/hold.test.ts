/** Asking for room: one object in the inbox, that ends by itself, and never the reason of a failure. */
import { expect, test } from 'vitest'
import { Hold } from '../../src/commit/hold.ts'
import { listInbox } from '../../src/commit/inbox.ts'
import { DataShardError } from '../../src/errors.ts'
import { foldingTable } from '../support/folding-table.ts'
import { collect } from '../support/tables.ts'

async function holder() {
  const table = await foldingTable()
  const { runtime, place, store } = table
  const hold = new Hold(place)
  const holds = async () => (await collect(store.list('t/data/in/hold/'))).map(({ key }) => key)
  const pass = (monotonicMs: number) => runtime.advance({ monotonicMs, wallMs: monotonicMs })
  return { ...table, hold, holds, pass }
}

test('is asked for by one object that folders see in their listing, and lasts two seconds', async () => {
  const { hold, holds, pass, place, runtime } = await holder()
  const seen = () => listInbox(place, '00000000', 0, new Set())
  expect(hold.isAsked).toBe(false)
  const startMs = runtime.now()
  await hold.ask()
  expect(await holds()).toHaveLength(1)
  expect((await seen()).heldUntilMs).toBe(startMs + 2_000)
  pass(1_999)
  expect(hold.isAsked).toBe(true)
  expect((await seen()).heldUntilMs).toBe(startMs + 2_000)
  pass(1)
  expect(hold.isAsked).toBe(false)
  expect((await seen()).heldUntilMs).toBeUndefined()
})

test('is asked for again only after a pause as long, in place of the first one', async () => {
  const { hold, holds, pass } = await holder()
  await hold.ask()
  const first = await holds()
  pass(3_999)
  await hold.ask()
  expect(await holds()).toEqual(first)
  expect(hold.isAsked).toBe(false)
  pass(1)
  await hold.ask()
  expect(hold.isAsked).toBe(true)
  const second = await holds()
  expect(second).toHaveLength(1)
  expect(second).not.toEqual(first)
})

test('is taken back by one request, and by none where nobody asked', async () => {
  const { hold, holds, calls } = await holder()
  await hold.release()
  expect(calls('delete')).toEqual([])
  await hold.ask()
  const asked = await holds()
  await hold.release()
  expect(await holds()).toEqual([])
  expect(calls('delete')).toEqual(asked)
})

test('that the store refuses does not fail the change', async () => {
  const { hold, holds, pass, store } = await holder()
  const refused = new DataShardError('denied', 'no right')
  store.rule = ({ key }) => (key.includes('/hold/') ? refused : undefined)
  await hold.ask()
  pass(4_000)
  await hold.ask()
  await hold.release()
  expect(await holds()).toEqual([])
})
