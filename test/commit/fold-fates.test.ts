/** Who folds learns what became of its own append, and may commit another's as cancelled. */
import { describe, expect, test } from 'vitest'
import { fold } from '../../src/commit/fold.ts'
import { WINDOW } from '../../src/commit/ledger.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import type { Schema } from '../../src/spec/types.ts'
import { foldingTable, foldRequest, ownOf } from '../support/folding-table.ts'

/** The second column required now. */
const STRICTER: Schema = {
  schemaId: 1,
  fields: [
    { id: 1, name: 'id', required: true, type: { type: 'long' } },
    { id: 2, name: 'text', required: true, type: { type: 'string' } },
  ],
}

async function waiting() {
  const table = await foldingTable()
  const context = await table.writer()
  const request = foldRequest(await ownOf(table))
  return { ...table, table, context, request, own: request.own!.intent, watch: request.watch! }
}

describe('an own append that somebody else decided meanwhile is settled, and no version comes of it', () => {
  test('folded', async () => {
    const { table, context, request, own, watch } = await waiting()
    const version = await table.folds(own.id)
    await table.commit()
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(watch.verdict).toEqual({ kind: 'folded', version, snapshotId: 9n })
    expect((await table.head()).version).toBe(version + 1)
    expect(request.stats).toMatchObject({ roundTrips: 1, attempts: 0 })
  })

  test('cancelled', async () => {
    const { table, context, request, own, watch } = await waiting()
    await table.cancels(own.id)
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(watch.verdict).toEqual({ kind: 'never' })
  })

  test('not folded in any version of its window', async () => {
    const { table, context, request, watch } = await waiting()
    for (let i = 0; i < WINDOW; i++) await table.commit()
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(watch.verdict).toEqual({ kind: 'never' })
    expect((await table.head()).version).toBe(1 + WINDOW)
  })

  test('folded, and a window of versions has passed since', async () => {
    const { table, context, request, own, watch } = await waiting()
    await table.folds(own.id)
    for (let i = 0; i < WINDOW + 4; i++) await table.commit()
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(watch.verdict).toMatchObject({ kind: 'folded', version: 2 })
  })

  test('also when nobody watches it, or asks others to wait', async () => {
    const { table, context, request, own, store, chance } = await waiting()
    await table.cancels(own.id)
    expect(await fold(context, { ...request, watch: undefined })).toEqual({ kind: 'settled' })
    await store.put('t/data/in/hold/someone', new Uint8Array())
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(chance.slept).toEqual([])
    expect((await table.head()).version).toBe(2)
  })

  test('in the last version of its window it is folded still', async () => {
    const { table, context, request } = await waiting()
    for (let i = 0; i < WINDOW - 1; i++) await table.commit()
    expect(await fold(context, request)).toMatchObject({ kind: 'won', version: 1 + WINDOW })
  })

  test('while it waited for a hold', async () => {
    const { table, context, request, own, watch, store, chance } = await waiting()
    await store.put('t/data/in/hold/someone', new Uint8Array())
    chance.onSleep = async () => void (await table.folds(own.id))
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(watch.verdict).toMatchObject({ kind: 'folded', version: 2 })
    expect((await table.head()).version).toBe(2)
  })
})

describe('an own append whose rows do not fit the schema of now', () => {
  test('is committed as cancelled, so that nobody folds it when the schema changes back', async () => {
    const { table, context, request, own, watch } = await waiting()
    const other = await table.publish()
    await table.commit([{ action: 'set-schema', schema: STRICTER }])
    expect(await fold(context, request)).toEqual({ kind: 'settled' })
    expect(watch.verdict).toEqual({ kind: 'never' })
    expect(await table.ledger()).toEqual({ folded: [], cancelled: [own.id] })
    expect(currentSnapshot((await table.head()).metadata)).toBeUndefined()
    // The other one was written by the old schema, too: it stays where it is.
    expect(await table.store.head(other.key)).toBeDefined()
  })

  test('is settled so when nobody watches it, too', async () => {
    const { table, context, request, own } = await waiting()
    await table.commit([{ action: 'set-schema', schema: STRICTER }])
    expect(await fold(context, { ...request, watch: undefined })).toEqual({ kind: 'settled' })
    expect((await table.ledger()).cancelled).toEqual([own.id])
  })

  test('is open still where that version is lost', async () => {
    const { table, context, request, watch, store } = await waiting()
    await table.commit([{ action: 'set-schema', schema: STRICTER }])
    store.rule = ({ verb, key, mode, before }) =>
      verb === 'put' && mode === 'create' && key.endsWith('/v3.metadata.json') && before === 0
        ? async () => void (await table.commit())
        : undefined
    expect(await fold(context, request)).toEqual({ kind: 'lost' })
    expect(watch.isOpen).toBe(true)
    expect((await table.ledger()).cancelled).toEqual([])
  })
})

describe('an intent to be cancelled', () => {
  test('that is not to be seen: its id is committed, without a snapshot', async () => {
    const { table, context, own } = await waiting()
    expect(await fold(context, foldRequest(undefined, { cancel: own }))).toMatchObject({ kind: 'won', ids: [] })
    expect(await table.ledger()).toEqual({ folded: [], cancelled: [own.id] })
    expect(currentSnapshot((await table.head()).metadata)).toBeUndefined()
    expect(table.calls('put').filter((key) => key.endsWith('.avro'))).toEqual([])
  })

  test('that is there: it is folded instead', async () => {
    const { table, context } = await waiting()
    const cancel = await table.publish()
    expect(await fold(context, foldRequest(undefined, { cancel }))).toMatchObject({ kind: 'won', ids: [cancel.id] })
    expect((await table.ledger()).cancelled).toEqual([])
  })

  test('while others wait: they are folded in the same version', async () => {
    const { table, context, own } = await waiting()
    const other = await table.publish()
    await fold(context, foldRequest(undefined, { cancel: own }))
    expect(await table.ledger()).toEqual({ folded: [other.id], cancelled: [own.id] })
  })

  test.each(['folds', 'cancels'] as const)('that was decided already (%s): nothing is committed', async (decide) => {
    const { table, context, own } = await waiting()
    await table[decide](own.id)
    expect(await fold(context, foldRequest(undefined, { cancel: own }))).toEqual({ kind: 'nothing' })
    expect((await table.head()).version).toBe(2)
  })
})
