/** A change of a transaction that nobody awaits comes into the commit all the same, or there is no commit. */
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTable, DataShardError, eq, loadTable } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { Table } from '../../src/table/table.ts'
import { collect, people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const BAD = { id: 'no number' } as never

async function newTable() {
  const store = memoryStore()
  const table: Table = await createTable(LOCATION, { schema: people, store })
  return { store, table }
}

async function ids(store: ReturnType<typeof memoryStore>): Promise<number[]> {
  const rows = await (await loadTable(LOCATION, { store })).scan().toArray()
  return rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}

/** Rows that take a while, and then may fail. */
async function* slowly(id: number, failure?: Error) {
  await setTimeout(30)
  yield person(id)
  if (failure) throw failure
}

const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => void unhandled.push(error)

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', onUnhandled)
})
afterEach(async () => {
  await setTimeout(20)
  process.off('unhandledRejection', onUnhandled)
  if (unhandled.length > 0) throw new Error('a rejection was left unhandled', { cause: unhandled[0] })
})

describe('changes of a transaction that nobody awaits', () => {
  test.each(['callback', 'explicit'])('%s: rows that are still coming in are waited for', async (form) => {
    const { store, table } = await newTable()
    let result
    if (form === 'callback') {
      result = await table.transaction((tx) => {
        void tx.append([person(1)])
        void tx.append(slowly(2))
      })
    } else {
      const tx = table.newTransaction()
      void tx.append([person(1)])
      void tx.append(slowly(2))
      result = await tx.commit()
    }
    expect(result).toMatchObject({ version: 2, rows: 2 })
    expect(await ids(store)).toEqual([1, 2])
  })

  test.each(['callback', 'explicit'])('%s: one that fails fails the commit, with its error', async (form) => {
    const { store, table } = await newTable()
    const ended = async () => {
      if (form === 'callback') {
        return table.transaction(async (tx) => {
          void tx.append([BAD])
          await tx.append([person(1)])
        })
      }
      const tx = table.newTransaction()
      void tx.append([BAD])
      await tx.append([person(1)])
      return tx.commit()
    }
    await expect(ended()).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining("'no number'") as string,
    })
    expect(await ids(store)).toEqual([])
    expect((await loadTable(LOCATION, { store })).version).toBe(1)
  })

  test('of several that fail the first that was asked for is named, and no file is left', async () => {
    const { store, table } = await newTable()
    const tx = table.newTransaction()
    await tx.append(largeRows())
    void tx.append(slowly(1, new Error('the first')))
    void tx.append([BAD])
    await expect(tx.commit()).rejects.toThrow('the first')
    expect(await collect(store.list('t/data/'))).toEqual([])
    await expect(tx.commit()).rejects.toThrow('rolled back already')
    await expect(tx.append([person(1)])).rejects.toThrow('rolled back already')
  })

  test('overwrites and deletes too', async () => {
    const { store, table } = await newTable()
    await table.append([person(1), person(2)])
    await table.transaction((tx) => void tx.overwrite(eq('id', 1), [person(3)]))
    expect(await ids(store)).toEqual([2, 3])
    await table.transaction((tx) => void tx.delete(eq('id', 2)))
    expect(await ids(store)).toEqual([3])
    const wrong = table.transaction((tx) => void tx.delete(eq('no_column', 2)))
    await expect(wrong).rejects.toThrow('no_column')
    expect(await ids(store)).toEqual([3])
  })

  test('who looks at a failure may go on without the change', async () => {
    const { store, table } = await newTable()
    const later: unknown[] = []
    await table.transaction(async (tx) => {
      await expect(tx.append([BAD])).rejects.toThrow('no number')
      const [bad, good] = await Promise.allSettled([tx.append([BAD]), tx.append([person(1)])])
      expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled'])
      const mine = tx.append([BAD])
      await tx.append([person(2)])
      await mine.catch((error: unknown) => later.push(error))
    })
    expect(later).toHaveLength(1)
    expect(await ids(store)).toEqual([1, 2])
  })

  test('a body that throws is the error; what it left under way is given up', async () => {
    const { store, table } = await newTable()
    const failed = table.transaction((tx) => {
      void tx.append(slowly(1))
      void tx.append([BAD])
      throw new Error('changed my mind')
    })
    await expect(failed).rejects.toThrow('changed my mind')
    await setTimeout(60)
    expect(await ids(store)).toEqual([])
    expect(await collect(store.list('t/data/'))).toEqual([])
  })

  test('a commit that is cancelled while it waits for one that never comes in leaves nothing', async () => {
    const { store, table } = await newTable()
    const tx = table.newTransaction()
    const never = new Promise<never>(() => undefined)
    void tx.append(
      (async function* () {
        yield person(1)
        await never
      })(),
    )
    const end = new AbortController()
    const done = tx.commit({ signal: end.signal })
    end.abort()
    await expect(done).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    await table.close()
    expect(await ids(store)).toEqual([])
  })

  test('while the commit waits nothing more is taken in', async () => {
    const { store, table } = await newTable()
    const tx = table.newTransaction()
    const first = tx.append(slowly(1))
    const done = tx.commit()
    await expect(tx.append([person(2)])).rejects.toThrow('committed already')
    expect(() => tx.setTag('late')).toThrow('committed already')
    await expect(tx.commit()).rejects.toThrow('committed already')
    expect((await done).rows).toBe(1)
    expect(await first).toEqual({ rows: 1 })
    expect(await ids(store)).toEqual([1])
  })

  test('a change that comes after the end is refused to its caller, who hears of it also without awaiting', async () => {
    const { table } = await newTable()
    const tx = table.newTransaction()
    await tx.commit()
    void tx.append([person(1)])
    await setTimeout(10)
    expect(unhandled.splice(0)).toEqual([expect.objectContaining({ name: DataShardError.name })])
  })
})

/** Larger than what stays in memory. */
async function* largeRows() {
  for (let id = 0; id < 60_000; id++) yield { id, name: String(id).repeat(60) }
}
