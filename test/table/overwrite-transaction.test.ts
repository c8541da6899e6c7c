import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { eq, gte, isNull, startsWith } from '../../src/spec/expressions.ts'
import { bucket } from '../../src/spec/partition-builder.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

async function newTable() {
  const store = faultyStore(memoryStore(), () => undefined)
  await createTable(LOCATION, { schema: schema({ id: t.long, kind: t.optional(t.string) }), store })
  const table = await loadTable(LOCATION, { store })
  await table.append([row(1, 'a'), row(2, 'b')])
  const objects = async () => (await collect(store.list('t/'))).map(({ key }) => key)
  return { store, table, objects }
}

const row = (id: number, kind: string | null = null) => ({ id, kind })

async function ids(table: { scan(): { toArray(): Promise<Record<string, unknown>[]> } }) {
  return (await table.scan().toArray()).map((one) => Number(one['id'])).toSorted((a, b) => a - b)
}

describe('overwrite in a transaction', () => {
  test('removes what was appended before it, not what is appended after it, in one snapshot', async () => {
    const { table } = await newTable()
    const result = await table.transaction(async (tx) => {
      await tx.append([row(3, 'a'), row(4, 'c')])
      expect(await tx.overwrite(eq('kind', 'a'), [row(5, 'a')])).toEqual({ rows: 1 })
      await tx.append([row(6, 'a')])
      await tx.delete(eq('kind', 'c'))
      await tx.append([row(7, 'c')])
      tx.setProperties({ cleaned: 'yes' })
      tx.setTag('clean')
    })
    expect(result).toMatchObject({ version: 3, rows: 3, deletedRows: 1 })
    expect(table.snapshots().length).toBe(2)
    expect(await ids(table)).toEqual([2, 5, 6, 7])
    expect(table.properties['cleaned']).toBe('yes')
    expect(await ids(table.timeTravel({ ref: 'clean' }))).toEqual([2, 5, 6, 7])
  })

  test('a large append before it is read back, and its files of before are gone', { timeout: 30_000 }, async () => {
    const { table, objects } = await newTable()
    const name = (id: number) => `${id % 3} ${((id * 2_654_435_761) % 2 ** 32).toString(36).repeat(30)}`
    const many = function* () {
      for (let id = 100; id < 60_100; id++) yield row(id, name(id))
    }
    const result = await table.transaction(async (tx) => {
      await tx.append(many())
      await tx.delete(startsWith('kind', '1 '))
    })
    expect(result).toMatchObject({ rows: 40_000, deletedRows: 0 })
    const rows = await table.scan({ where: gte('id', 100) }).toArray()
    expect(rows.length).toBe(40_000)
    expect(rows.every(({ id, kind }) => kind === name(Number(id)) && Number(id) % 3 !== 1)).toBe(true)
    const named = (await collect(table.files())).map(({ path }) => path.slice('memory://store/'.length))
    expect((await objects()).filter((key) => key.startsWith('t/data/')).toSorted()).toEqual(named.toSorted())
  })

  test('rows that were appended before the schema changed are taken as any others, by names of now', async () => {
    const { table, objects } = await newTable()
    const result = await table.transaction(async (tx) => {
      await tx.append([row(3, 'a'), row(4, 'c')])
      tx.updateSchema((s) => s.addColumn('country', t.optional(t.string)).renameColumn('kind', 'type'))
      tx.updatePartitionSpec((p) => p.add(bucket('id', 4)))
      await tx.append([{ id: 5, type: 'a', country: 'FR' }] as never)
      await tx.overwrite(eq('type', 'a'), [{ id: 6, type: 'a', country: 'DE' }] as never)
      await tx.append([{ id: 7, type: 'a', country: null }] as never)
    })
    expect(result).toMatchObject({ version: 3, rows: 3, deletedRows: 1 })
    expect((await table.scan().toArray()).toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([
      { id: 2n, type: 'b', country: null },
      { id: 4n, type: 'c', country: null },
      { id: 6n, type: 'a', country: 'DE' },
      { id: 7n, type: 'a', country: null },
    ])
    const named = async (of: typeof table | ReturnType<typeof table.timeTravel>) =>
      (await collect(of.files())).map(({ path }) => path.slice('memory://store/'.length))
    const before = table.timeTravel({ snapshotId: table.snapshots()[0]!.snapshotId })
    expect((await objects()).filter((key) => key.startsWith('t/data/')).toSorted()).toEqual(
      [...(await named(table)), ...(await named(before))].toSorted(),
    )
  })

  test('with nothing left to add or remove, what else it does is committed without a snapshot', async () => {
    const { table } = await newTable()
    const result = await table.transaction(async (tx) => {
      await tx.append([row(3, 'x')])
      await tx.delete(eq('kind', 'x'))
      tx.setProperties({ a: 'b' })
    })
    expect(result).toMatchObject({ version: 3, rows: 0, deletedRows: 0 })
    expect(table.snapshots().length).toBe(1)
    expect(table.properties['a']).toBe('b')
  })

  test('of a column that the transaction adds, and by a partition spec that it changes', async () => {
    const { table } = await newTable()
    await table.transaction(async (tx) => {
      tx.updateSchema((s) => s.addColumn('extra', t.optional(t.int)).renameColumn('kind', 'type'))
      await tx.overwrite(eq('type', 'a'), [{ id: 3, type: 'a', extra: 1 }])
      tx.updatePartitionSpec((spec) => spec.add(bucket('id', 2)))
    })
    expect(await ids(table)).toEqual([2, 3])
    await table.delete(isNull('extra'))
    expect(await table.scan().toArray()).toEqual([{ id: 3n, type: 'a', extra: 1 }])
  })

  test('orders that would be ambiguous are refused', async () => {
    const { table } = await newTable()
    const tx = table.newTransaction()
    await tx.delete(eq('kind', 'a'))
    expect(() => tx.updateSchema((s) => s.dropColumn('kind'))).toThrow(/removes rows already/)
    await tx.rollback()
    const other = table.newTransaction()
    const append = other.append([row(4)])
    await expect(other.delete(eq('kind', 'a'))).rejects.toThrow(/not finished/)
    await append
    await other.rollback()
    expect(await ids(table)).toEqual([1, 2])
  })

  test('an append that begins while an overwrite is under way comes after it', async () => {
    const { table } = await newTable()
    await table.transaction(async (tx) => {
      await tx.append([row(3, 'a')])
      let go: (() => void) | undefined
      const slow = async function* () {
        await new Promise<void>((resolve) => (go = resolve))
        yield row(4, 'a')
      }
      const overwrite = tx.overwrite(eq('kind', 'a'), slow())
      await tx.append([row(5, 'a')])
      go!()
      await overwrite
    })
    expect(await ids(table)).toEqual([2, 4, 5])
  })

  test('an overwrite that fails leaves the transaction as it was', async () => {
    const { table } = await newTable()
    await table.transaction(async (tx) => {
      await tx.append([row(3, 'a')])
      const wrong = [row(4), { id: 'no number' }]
      await expect(tx.overwrite(eq('kind', 'a'), wrong as never)).rejects.toMatchObject({ code: 'invalid-argument' })
      await expect(tx.overwrite(eq('nothing', 'a'), [row(5)])).rejects.toMatchObject({ code: 'invalid-argument' })
      await expect(tx.delete(undefined as never)).rejects.toMatchObject({ code: 'invalid-argument' })
      const none = tx.overwrite(eq('kind', 'a'), undefined as never)
      await expect(none).rejects.toMatchObject({ code: 'invalid-argument' })
    })
    expect(await ids(table)).toEqual([1, 2, 3])
  })

  test('rolled back, or failed, it leaves no object', async () => {
    const { store, table, objects } = await newTable()
    const before = await objects()
    const tx = table.newTransaction()
    await tx.append([row(3, 'a')])
    await tx.overwrite(eq('kind', 'a'), [row(4, 'a')])
    await tx.rollback()
    await expect(tx.delete(eq('kind', 'a'))).rejects.toThrow(/rolled back already/)
    expect(await objects()).toEqual(before)
    // Each write in turn is refused.
    for (const what of [/\/data\//, /-m0\.avro$/, /\/snap-/, /\/v3\.metadata/]) {
      const refused = new DataShardError('denied', 'refused')
      store.rule = ({ verb, key }) => (verb === 'put' && what.test(key) ? refused : undefined)
      const failed = table.overwrite(eq('kind', 'a'), [row(3, 'a')])
      await expect(failed, String(what)).rejects.toMatchObject({ code: 'denied' })
      await table.flush()
      expect(await objects(), String(what)).toEqual(before)
    }
    store.rule = () => undefined
    const aborted = new AbortController()
    store.rule = ({ verb, key }) =>
      verb === 'get' && key.includes('/data/') ? () => aborted.abort(new Error('enough')) : undefined
    const cancelled = table.overwrite(eq('kind', 'a'), [row(9)], { signal: aborted.signal })
    await expect(cancelled).rejects.toMatchObject({ code: 'aborted' })
    store.rule = () => undefined
    expect(await objects()).toEqual(before)
    expect(await ids(table)).toEqual([1, 2])
  })
})
