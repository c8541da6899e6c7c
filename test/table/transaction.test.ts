import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import { bucket } from '../../src/spec/partition-builder.ts'
import { eq } from '../../src/spec/expressions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Transaction } from '../../src/table/transaction.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect, people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

async function newTable() {
  const store = faultyStore(memoryStore(), () => undefined)
  const table = await createTable(LOCATION, { schema: people, store })
  return { store, table }
}

const ids = async (table: { scan(): { toArray(): Promise<unknown[]> } }) =>
  (await table.scan().toArray()).map((row) => Number((row as { id: bigint }).id)).toSorted((a, b) => a - b)

describe('transaction', () => {
  test('several appends, properties and a tag are one version and one snapshot', async () => {
    const { store, table } = await newTable()
    const result = await table.transaction(async (tx) => {
      await tx.append([person(1)])
      await tx.append([person(2), person(3)])
      tx.setProperties({ owner: 'data' })
      tx.setTag('first')
    })
    expect(result).toMatchObject({ version: 2, rows: 3, attempts: 1 })
    const loaded = await loadTable(LOCATION, { store })
    expect(loaded.snapshots().length).toBe(1)
    expect(loaded.properties).toMatchObject({ owner: 'data' })
    expect(await ids(loaded)).toEqual([1, 2, 3])
    await table.append([person(4)])
    expect(await ids(table.timeTravel({ ref: 'first' }))).toEqual([1, 2, 3])
  })

  test('a body that throws commits nothing and leaves no file', async () => {
    const { store, table } = await newTable()
    const failed = table.transaction(async (tx) => {
      await tx.append([person(1)])
      throw new Error('changed my mind')
    })
    await expect(failed).rejects.toThrow('changed my mind')
    expect(await collect(store.list('t/data/'))).toEqual([])
    expect((await loadTable(LOCATION, { store })).version).toBe(1)
  })

  test('commit and rollback end it', async () => {
    const { table } = await newTable()
    const kept = table.newTransaction()
    await kept.append([person(1)])
    await kept.commit()
    await expect(kept.append([person(2)])).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(kept.commit()).rejects.toMatchObject({ code: 'invalid-argument' })
    const given = table.newTransaction()
    await given.append([person(3)])
    await given.rollback()
    await given.rollback()
    await expect(given.commit()).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(await ids(table)).toEqual([1])
  })

  test('losing to another writer, it is made again on the newer version', async () => {
    const { store, table } = await newTable()
    const other = await loadTable(LOCATION, { store })
    const tx = table.newTransaction()
    await tx.append([person(1)])
    tx.setProperties({ a: '1' })
    await other.append([person(2)])
    await other.transaction((theirs) => theirs.setProperties({ b: '2' }))
    expect(await tx.commit()).toMatchObject({ version: 4 })
    expect(await ids(table)).toEqual([1, 2])
    expect(table.properties).toMatchObject({ a: '1', b: '2' })
  })

  test('of nothing it commits nothing', async () => {
    const { store, table } = await newTable()
    store.calls.length = 0
    expect(await table.transaction(() => {})).toMatchObject({ version: 1, attempts: 0 })
    expect(store.calls).toEqual([])
  })

  test('properties: removed, reserved, no strings', async () => {
    const { table } = await newTable()
    await table.transaction((tx) => tx.setProperties({ a: '1', b: '2' }))
    await table.transaction((tx) => tx.removeProperties(['a']))
    expect(table.properties['a']).toBeUndefined()
    expect(table.properties['b']).toBe('2')
    for (const properties of [
      { 'datashard.ledger': 'x' },
      { 'current-snapshot-id': '1' },
      { n: 1 as unknown as string },
    ]) {
      await expect(table.transaction((tx) => tx.setProperties(properties))).rejects.toMatchObject({
        code: 'invalid-argument',
      })
    }
    const unsafe = table.transaction((tx) => tx.setProperties({ 'write.metadata.delete-after-commit.enabled': 'true' }))
    await expect(unsafe).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('tags: on an older snapshot, removed, refused', async () => {
    const { table } = await newTable()
    await expect(table.transaction((tx) => tx.setTag('empty'))).rejects.toMatchObject({ code: 'not-found' })
    const first = await table.append([person(1)])
    await table.append([person(2)])
    await table.transaction((tx) => tx.setTag('old', { snapshotId: first.snapshotId, maxRefAgeMs: 1000 }))
    expect(table.metadata.refs['old']).toMatchObject({ type: 'tag', snapshotId: first.snapshotId, maxRefAgeMs: 1000n })
    expect(await ids(table.timeTravel({ ref: 'old' }))).toEqual([1])
    await table.transaction((tx) => tx.removeTag('old'))
    expect(table.metadata.refs['old']).toBeUndefined()
    await expect(table.transaction((tx) => tx.removeTag('old'))).rejects.toMatchObject({ code: 'not-found' })
    await expect(table.transaction((tx) => tx.setTag('main'))).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(table.transaction((tx) => tx.setTag('x', { snapshotId: 5n }))).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  test.for([
    ['an append', (tx: Transaction) => tx.append([person(2)])],
    ['an overwrite', (tx: Transaction) => tx.overwrite(eq('id', 1n), [person(1), person(2)])],
  ] as const)('a tag that is refused after %s leaves no object', async ([_what, change]) => {
    const { store, table } = await newTable()
    await table.append([person(1), person(3)])
    await table.flush()
    const keys = async () => (await collect(store.list('t/'))).map(({ key }) => key)
    const before = await keys()
    const failed = table.transaction(async (tx) => {
      await change(tx)
      tx.removeTag('never set')
    })
    await expect(failed).rejects.toMatchObject({ code: 'not-found', committed: 'no' })
    await table.flush()
    expect(await keys()).toEqual(before)
  })

  test('columns are added, renamed, widened, made optional and dropped; old rows stay right', async () => {
    const { table: typed, store } = await newTable()
    await typed.append([person(1)])
    const table = await loadTable(LOCATION, { store })
    await table.transaction(async (tx) => {
      tx.updateSchema((s) => s.addColumn('country', t.optional(t.string)).renameColumn('name', 'label'))
      await tx.append([{ id: 2, label: 'two', country: 'ch' }])
    })
    expect((await table.scan().toArray()).toSorted((a, b) => Number(a['id']) - Number(b['id']))).toEqual([
      { id: 1n, label: 'person 1', country: null },
      { id: 2n, label: 'two', country: 'ch' },
    ])
    await table.transaction((tx) => tx.updateSchema((s) => s.dropColumn('label').makeOptional('id')))
    await table.append([{ country: 'fr' }])
    expect(await table.scan({ select: ['country'] }).count()).toBe(3)
    expect(table.metadata.schemas.length).toBe(3)
    const before = table.timeTravel({ snapshotId: table.snapshots()[0]!.snapshotId })
    expect(await before.scan().toArray()).toEqual([{ id: 1n, name: 'person 1' }])
  })

  test('int becomes long, and both kinds of files are read as long', async () => {
    const store = memoryStore()
    const table = await createTable(LOCATION, { schema: schema({ n: t.int }), store })
    await table.append([{ n: 1 }])
    const loose = await loadTable(LOCATION, { store })
    await loose.transaction((tx) => tx.updateSchema((s) => s.widenColumn('n', t.long)))
    await loose.append([{ n: 2n ** 40n }])
    expect((await loose.scan().toArray()).map((row) => row['n']).toSorted()).toEqual([1n, 2n ** 40n].toSorted())
  })

  test('the partitioning changes for new files only, and a spec that was there is used again', async () => {
    const { table } = await newTable()
    await table.append([person(1)])
    await table.transaction((tx) => tx.updatePartitionSpec((p) => p.add(bucket('id', 4))))
    await table.append([person(2), person(3)])
    expect(table.partitionSpec).toMatchObject({ specId: 1, fields: [{ fieldId: 1000, name: 'id_bucket' }] })
    await table.transaction((tx) => tx.updatePartitionSpec((p) => p.remove('id_bucket')))
    expect(table.partitionSpec.fields).toEqual([])
    expect(table.partitionSpec.specId).toBe(0)
    expect(new Set((await collect(table.files())).map((file) => file.specId))).toEqual(new Set([0, 1]))
    expect(await ids(table)).toEqual([1, 2, 3])
    const nothing = table.transaction((tx) => tx.updatePartitionSpec((p) => p.remove('nope')))
    await expect(nothing).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  test('a schema change that meets another one after rows were written is a conflict', async () => {
    const { store, table } = await newTable()
    const other = await loadTable(LOCATION, { store })
    const loose = await loadTable(LOCATION, { store })
    const tx = loose.newTransaction()
    tx.updateSchema((s) => s.addColumn('x', t.optional(t.string)))
    await tx.append([{ id: 1, x: 'mine' }])
    await other.transaction((theirs) => theirs.updateSchema((s) => s.addColumn('y', t.optional(t.long))))
    await expect(tx.commit()).rejects.toMatchObject({ code: 'commit-conflict', committed: 'no' })
    expect(await collect(store.list('t/data/'))).toEqual([])
    await table.refresh()
    expect(await ids(table)).toEqual([])
  })

  test('several changes of schema and partitioning in one transaction build on each other', async () => {
    const { store } = await newTable()
    const table = await loadTable(LOCATION, { store })
    await table.transaction(async (tx) => {
      tx.updateSchema((s) => s.addColumn('x', t.optional(t.string)))
      tx.updateSchema((s) => s.addColumn('y', t.optional(t.long)))
      tx.updatePartitionSpec((p) => p.add(bucket('y', 4)))
      await tx.append([{ id: 1, x: 'a', y: 2 }])
      tx.setTag('twice')
      tx.removeTag('twice')
    })
    expect(table.schema.fields.map((field) => field.name)).toEqual(expect.arrayContaining(['x', 'y']))
    expect(table.partitionSpec.fields.map((field) => field.name)).toEqual(['y_bucket'])
    expect(Object.keys(table.metadata.refs)).toEqual(['main'])
    await table.transaction((tx) => {
      tx.updateSchema((s) => s.addColumn('z', t.optional(t.string)))
      tx.updateSchema((s) => s.renameColumn('z', 'last'))
    })
    expect(table.schema.fields.at(-1)!.name).toBe('last')
    expect((await table.scan().toArray()).find((row) => row['id'] === 1n)).toMatchObject({ x: 'a', y: 2n })
  })

  test('a schema change that another writer made first is a conflict, not a mistake of the caller', async () => {
    const { store, table } = await newTable()
    const other = await loadTable(LOCATION, { store })
    const tx = table.newTransaction()
    tx.updateSchema((s) => s.addColumn('x', t.optional(t.string)))
    await other.transaction((theirs) => theirs.updateSchema((s) => s.addColumn('x', t.optional(t.long))))
    await expect(tx.commit()).rejects.toMatchObject({ code: 'commit-conflict' })
  })

  test('names of properties are an array, not a text', async () => {
    const { table } = await newTable()
    const tx = table.newTransaction()
    expect(() => tx.removeProperties('ab' as never)).toThrow(/takes an array/)
    expect(() => tx.setProperties(null as never)).toThrow(/an object of names/)
    await tx.rollback()
  })

  test('a time limit that is none is refused, before anything is done', async () => {
    const { table } = await newTable()
    for (const timeoutMs of [Number.NaN, 0, -1, '5' as unknown as number]) {
      let ran = false
      await expect(
        table.transaction(
          () => {
            ran = true
          },
          { timeoutMs },
        ),
      ).rejects.toMatchObject({ code: 'invalid-argument' })
      expect(ran).toBe(false)
      const tx = table.newTransaction()
      tx.setProperties({ a: 'b' })
      await expect(tx.commit({ timeoutMs })).rejects.toMatchObject({ code: 'invalid-argument' })
      await expect(table.append([{ id: 1 }], { timeoutMs })).rejects.toMatchObject({ code: 'invalid-argument' })
    }
  })

  test('given up while rows of an append are being written, it leaves no file', async () => {
    const { store, table } = await newTable()
    const rows = async function* () {
      for (let id = 0; id < 20_000; id++) yield { id, name: `${id}`.repeat(200) }
    }
    let append: Promise<unknown> | undefined
    await expect(
      table.transaction((tx) => {
        append = tx.append(rows())
        append.catch(() => undefined)
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    await expect(append).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(await collect(store.list('t/data/'))).toEqual([])
  })

  test('many changes of the schema, the partitioning and properties are each made a few times, not once for each other', async () => {
    const { store, table } = await newTable()
    let made = 0
    await table.transaction(async (tx) => {
      for (let i = 0; i < 40; i++) {
        tx.updateSchema((s) => (made++, s.addColumn(`extra_${i}`, t.optional(t.string))))
        tx.updatePartitionSpec((p) => (made++, p.add(bucket(`extra_${i}`, i + 2))))
        tx.setProperties({ [`p${i}`]: 'x' })
      }
      await tx.append([person(1)])
    })
    expect(made).toBeLessThanOrEqual(80 * 4)
    const loaded = await loadTable(LOCATION, { store })
    expect(loaded.schema.fields.length).toBe(people.schema.fields.length + 40)
    expect(loaded.partitionSpec.fields.length).toBe(40)
    expect(loaded.properties).toMatchObject({ p0: 'x', p39: 'x' })
    expect(await ids(loaded)).toEqual([1])
  })

  test('changes are made again when the head has moved under the transaction', async () => {
    const { store, table } = await newTable()
    const tx = table.newTransaction()
    tx.updateSchema((s) => s.addColumn('first', t.optional(t.string)))
    await (await loadTable(LOCATION, { store })).transaction((other) => other.setProperties({ other: 'x' }))
    await table.refresh()
    tx.updateSchema((s) => s.renameColumn('first', 'second'))
    await tx.append([{ ...person(1), second: 'x' } as never])
    await tx.commit()
    const loaded = await loadTable(LOCATION, { store })
    expect(loaded.schema.fields.at(-1)).toMatchObject({ name: 'second' })
    expect(loaded.properties).toMatchObject({ other: 'x' })
    expect(await loaded.scan({ select: ['second'] }).toArray()).toEqual([{ second: 'x' }])
  })
})
