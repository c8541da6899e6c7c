/** A disk that is full at the version itself, up the stack: what the version may name stays, and nobody is told that nothing was committed. */
import { expect, test } from 'vitest'
import { eq, loadTable, type Table } from '../../src/index.ts'
import { DataShardError } from '../../src/errors.ts'
import { countedTable, LOCATION } from '../support/people-table.ts'
import { person } from '../support/tables.ts'

const full = new DataShardError('unavailable', 'the disks of the store are full', { retryable: false })
const leftOpen = { code: 'unavailable', message: full.message, committed: 'unknown' }

/** More than is kept in memory: its files are uploaded before the commit. */
const LARGE = Array.from({ length: 2_000 }, (_, i) => ({ id: 100 + i, name: `${i}`.padEnd(8_000, 'x') }))

/** Versions are refused from now on, until `arrive` has those have their effect that were sent. */
async function fullTable() {
  const { store, table } = await countedTable()
  const { put } = store
  const sent: (() => Promise<unknown>)[] = []
  store.put = async (key, body, options) => {
    if (!key.endsWith('.metadata.json')) return put(key, body, options)
    sent.push(() => put(key, body, options))
    return { outcome: 'unknown', cause: full }
  }
  const arrive = async () => {
    store.put = put
    for (const one of sent) await one()
  }
  const deletions = () => store.calls.filter(({ verb }) => verb === 'delete').map(({ key }) => key)
  return { store, put, table, sent, arrive, deletions }
}

const CHANGES: readonly (readonly [what: string, change: (table: Table) => Promise<unknown>, rows: number])[] = [
  ['an append', (table) => table.append([person(2)]), 2],
  ['an append with a key', (table) => table.append([person(2)], { idempotencyKey: 'a' }), 2],
  ['an append of a large input', (table) => table.append(LARGE), 2_001],
  ['a transaction', (table) => table.transaction(async (tx) => void (await tx.append([person(2)]))), 2],
  ['an overwrite', (table) => table.overwrite(eq('id', 1), [person(2), person(3), person(4)]), 3],
  ['a delete', (table) => table.delete(eq('id', 1)), 0],
]

test.each(CHANGES)('%s is left open at once, and all is there when the version comes late', async (_, change, rows) => {
  const { table, sent, arrive, deletions } = await fullTable()
  const startMs = performance.now()
  await expect(change(table)).rejects.toMatchObject(leftOpen)
  expect(performance.now() - startMs).toBeLessThan(10_000)
  await table.flush()
  expect(sent).toHaveLength(1)
  expect(deletions()).toEqual([])
  await arrive()
  await table.refresh()
  expect(await table.scan().toArray()).toHaveLength(rows)
})

test('an append that is published already does not fold again and again', async () => {
  const { store, put, table, sent, arrive } = await fullTable()
  const other = await loadTable(LOCATION, { store })
  const refusing = store.put
  let hasLost = false
  store.put = async (key, body, options) => {
    if (hasLost || !key.endsWith('.metadata.json')) return refusing(key, body, options)
    // Somebody else is first, once.
    hasLost = true
    store.put = put
    await other.append([person(3)])
    await other.flush()
    store.put = refusing
    return put(key, body, options)
  }
  await expect(table.append([person(2)], { timeoutMs: 20_000 })).rejects.toMatchObject(leftOpen)
  expect(sent).toHaveLength(1)
  await table.flush()
  await arrive()
  await table.refresh()
  expect((await table.scan().toArray()).map(({ id }) => Number(id)).toSorted()).toEqual([1, 2, 3])
})
