/** Overwrites beside other writers: whatever order the versions come in, nothing that matches is left, and nothing else is lost. */
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import { alwaysTrue, eq, isIn } from '../../src/spec/expressions.ts'
import { identity } from '../../src/spec/partition-builder.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Table } from '../../src/table/table.ts'
import { faultyStore } from '../support/faulty-store.ts'
import type { FaultRule } from '../support/faulty-store.ts'
import { collect } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

async function newTable(partitioned = false) {
  const store = faultyStore(memoryStore(), () => undefined)
  await createTable(LOCATION, {
    schema: schema({ id: t.long, kind: t.optional(t.string) }),
    store,
    partitionBy: partitioned ? [identity('kind')] : [],
  })
  const [table, other] = [await loadTable(LOCATION, { store }), await loadTable(LOCATION, { store })]
  return { store, table, other }
}

const row = (id: number, kind: string | null = null) => ({ id, kind })

async function ids(table: Table) {
  return (await table.scan().toArray()).map((one) => Number(one['id'])).toSorted((a, b) => a - b)
}

/** Runs each of these right before one of the first creates of a version by the table under test. */
function before(version: number, ...others: (() => Promise<unknown>)[]): FaultRule {
  let busy = false
  let next = 0
  return ({ verb, key }) => {
    if (busy || verb !== 'put' || key !== `t/metadata/v${version + next}.metadata.json` || next >= others.length) return
    return async () => {
      busy = true
      await others[next++]!()
      busy = false
    }
  }
}

describe('overwrite beside other writers', () => {
  test('rows that are appended before it commits are removed too, those appended later are not', async () => {
    const { store, table, other } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b')])
    store.rule = before(
      3,
      () => other.append([row(3, 'a'), row(4, 'b')]),
      () => other.append([row(5, 'a')]),
      () => other.append([row(6, 'c')]),
    )
    expect(await table.delete(eq('kind', 'a'))).toMatchObject({ version: 6, attempts: 4, deletedRows: 3 })
    expect(await ids(table)).toEqual([2, 4, 6])
    await other.append([row(7, 'a')])
    await table.refresh()
    expect(await ids(table)).toEqual([2, 4, 6, 7])
    const summary = table.currentSnapshot()!.summary!
    expect([summary['total-records'], summary['total-data-files']]).toEqual(['4', '4'])
  })

  test('a lost attempt costs a list, the new manifests that may match, and a new list; nothing is written twice', async () => {
    const { store, table, other } = await newTable(true)
    await table.append([row(1, 'a'), row(2, 'b')])
    await table.append([row(10, 'z')])
    let lostAt = 0
    store.rule = before(4, async () => {
      await other.append([row(3, 'b')])
      lostAt = store.calls.length
    })
    await table.overwrite(isIn('kind', ['a', 'z']), [row(4, 'c')])
    const after = store.calls.slice(lostAt).map(({ verb, key }) => `${verb} ${key.slice(2).replace(/snap-.*/, 'snap')}`)
    await table.flush()
    const derived = after.slice(after.findIndex((call) => call.startsWith('get metadata/snap')))
    expect(derived.filter((call) => !call.includes('hint') && !call.startsWith('delete'))).toEqual([
      'get metadata/snap',
      'put metadata/snap',
      'put metadata/v5.metadata.json',
    ])
    expect(await ids(table)).toEqual([2, 3, 4])
  })

  test('an appended file of which the metadata do not decide is the only one that is read again', async () => {
    const { store, table, other } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b')])
    let lostAt = 0
    store.rule = before(3, async () => {
      await other.append([row(3, 'a'), row(4, 'c')])
      lostAt = store.calls.length
    })
    await table.delete(eq('kind', 'a'))
    const after = store.calls.slice(lostAt)
    const of = (verb: string, name: string) =>
      after.filter((call) => call.verb === verb && call.key.includes(name)).length
    expect([of('get', '/data/'), of('put', '/data/'), of('get', '-m0.avro')]).toEqual([1, 1, 1])
    await table.flush()
    // What the first attempt wrote and the second could not use is gone.
    const named = new Set((await collect(table.files())).map(({ path }) => path.slice('memory://store/'.length)))
    const data = (await collect(store.list('t/data/'))).map(({ key }) => key)
    expect(data.filter((key) => !named.has(key)).length).toBe(2) // the files of the older snapshots
    const manifests = await Promise.all(table.snapshots().map((snapshot) => snapshot.manifests()))
    const listed = new Set(manifests.flat().map(({ path }) => path.slice('memory://store/'.length)))
    const written = (await collect(store.list('t/metadata/')))
      .map(({ key }) => key)
      .filter((key) => key.endsWith('-m0.avro'))
    expect(written.filter((key) => !listed.has(key))).toEqual([])
    // The list that was written on the guess that nothing new matches is gone too.
    expect((await collect(store.list('t/metadata/snap-'))).length).toBe(table.snapshots().length)
    expect(await ids(table)).toEqual([2, 4])
  })

  test('a list is written while new manifests are still being looked at, and serves if nothing in them matches', async () => {
    const { store, table, other } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b')])
    const lose = before(3, async () => {
      await other.append([row(3, 'z')])
      lost = true
    })
    let lost = false
    let listed: (() => void) | undefined
    const isListed = new Promise<void>((resolve) => (listed = resolve))
    store.rule = (call) => {
      if (lost && call.verb === 'put' && call.key.startsWith('t/metadata/snap-')) listed!()
      // Forever, if the list would wait for this.
      if (lost && call.verb === 'get' && call.key.endsWith('-m0.avro')) return () => isListed
      return lose(call)
    }
    const manifests = () => store.calls.filter(({ verb, key }) => verb === 'get' && key.endsWith('-m0.avro')).length
    const readBefore = manifests()
    const done = await table.delete(eq('kind', 'a'))
    expect(done).toMatchObject({ version: 4, attempts: 2 })
    expect(manifests() - readBefore).toBe(2)
    expect(await ids(table)).toEqual([2, 3])
    const ownLists = store.calls.filter(({ verb, key }) => verb === 'put' && key.includes(`/snap-${done.snapshotId}-`))
    expect(ownLists.length).toBe(2)
  })

  test('two that meet: the file that one has rewritten is looked at anew by the other', async () => {
    const { store, table, other } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b'), row(3, 'c')])
    store.rule = before(3, () => other.overwrite(eq('kind', 'b'), [row(4, 'a')]))
    expect(await table.delete(eq('kind', 'a'))).toMatchObject({ version: 4, attempts: 2, deletedRows: 2 })
    expect(await ids(table)).toEqual([3])
    await other.refresh()
    expect(await ids(other)).toEqual([3])
  })

  test('when another writer has removed all of it meanwhile, there is nothing to commit, and nothing is left behind', async () => {
    const { store, table, other } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b')])
    let objects: string[] = []
    const list = async () => (await collect(store.list('t/'))).map(({ key }) => key)
    store.rule = before(3, async () => {
      await other.delete(eq('kind', 'a'))
      await other.flush()
    })
    expect(await table.delete(eq('kind', 'a'))).toMatchObject({ version: 3, deletedRows: 0, rows: 0, attempts: 0 })
    expect(await ids(table)).toEqual([2])
    await table.flush()
    objects = await list()
    const manifests = await Promise.all(table.snapshots().map((snapshot) => snapshot.manifests()))
    const listed = manifests.flat().map(({ path }) => path.slice('memory://store/'.length))
    expect(objects.filter((key) => key.endsWith('-m0.avro')).toSorted()).toEqual([...new Set(listed)].toSorted())
    expect(objects.filter((key) => key.includes('snap-')).length).toBe(2)
    expect(objects.filter((key) => key.includes('/data/')).length).toBe(2)
  })

  test('a stale handle sees rows that it did not know of', async () => {
    const { table, other } = await newTable()
    await other.append([row(1, 'a')])
    await other.append([row(2, 'b')])
    expect(table.version).toBe(1)
    expect(await table.delete(eq('kind', 'a'))).toMatchObject({ version: 4, deletedRows: 1 })
    await other.append([row(3, 'c')])
    expect(await table.delete(eq('kind', 'c'))).toMatchObject({ version: 6, deletedRows: 1 })
  })

  test('columns changed by another writer: a new type or name of another column is no conflict, of this one it is', async () => {
    const { store, table, other } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b')])
    store.rule = before(3, () =>
      other.transaction((tx) =>
        tx.updateSchema((s) => s.addColumn('more', t.optional(t.int)).renameColumn('id', 'key')),
      ),
    )
    expect(await table.delete(eq('kind', 'a'))).toMatchObject({ attempts: 2, deletedRows: 1 })
    expect(await table.scan().toArray()).toEqual([{ key: 2n, kind: 'b', more: null }])
    store.rule = before(5, () =>
      other.transaction((tx) =>
        tx.updateSchema((s) => s.renameColumn('kind', 'old').addColumn('kind', t.optional(t.string))),
      ),
    )
    await expect(table.delete(eq('kind', 'b'))).rejects.toMatchObject({ code: 'commit-conflict', committed: 'no' })
    expect(await table.scan({ select: ['old'] }).toArray()).toEqual([{ old: 'b' }])
  })

  test('an answer that is lost is found out about, whether it was committed or not', async () => {
    for (const fault of ['lost-after', 'lost-before', 'twice'] as const) {
      const { store, table } = await newTable()
      await table.append([row(1, 'a'), row(2, 'b')])
      store.rule = ({ verb, key, before: times }) =>
        verb === 'put' && key === 't/metadata/v3.metadata.json' && times === 0 ? fault : undefined
      expect(await table.overwrite(eq('kind', 'a'), [row(3, 'c')]), fault).toMatchObject({ deletedRows: 1, rows: 1 })
      store.rule = () => undefined
      const fresh = await loadTable(LOCATION, { store })
      expect(await ids(fresh), fault).toEqual([2, 3])
      expect(fresh.snapshots().length, fault).toBe(2)
    }
  })

  test('sixteen appenders and two overwriters, each with a handle of its own', { timeout: 60_000 }, async () => {
    const { store, table } = await newTable()
    await table.append(Array.from({ length: 50 }, (_, id) => row(-1 - id, id % 2 ? 'test' : 'real')))
    /** By id: the version with which a row came, and its kind. */
    const appended = new Map<number, { version: number; kind: string }>()
    const overwritten: { version: number; deletedRows: number }[] = []
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      const own = await loadTable(LOCATION, { store })
      for (let i = 0; i < 6; i++) {
        const rows = ['test', 'real'].map((kind, k) => row(writer * 100 + i * 2 + k, kind))
        const { version } = await own.append(i % 2 ? rows : rows.slice(0, 1))
        for (const one of i % 2 ? rows : rows.slice(0, 1)) appended.set(one.id, { version, kind: one.kind! })
      }
    })
    const overwriters = Array.from({ length: 2 }, async (_, k) => {
      const own = await loadTable(LOCATION, { store })
      for (let i = 0; i < 4; i++) {
        const done = await own.overwrite(eq('kind', 'test'), [row(10_000 + k * 10 + i, 'marker')])
        overwritten.push(done)
      }
    })
    await Promise.all([...writers, ...overwriters])
    const last = Math.max(...overwritten.map(({ version }) => version))
    const expected = [...appended].flatMap(([id, { version, kind }]) => (kind === 'real' || version > last ? [id] : []))
    const kept = Array.from({ length: 50 }, (_, id) => id).flatMap((id) => (id % 2 ? [] : [-1 - id]))
    const markers = [0, 1].flatMap((k) => [0, 1, 2, 3].map((i) => 10_000 + k * 10 + i))
    await table.refresh()
    expect(await ids(table)).toEqual([...expected, ...kept, ...markers].toSorted((a, b) => a - b))
    const gone = [...appended.values()].filter(({ version, kind }) => kind === 'test' && version < last).length + 25
    expect(overwritten.reduce((sum, { deletedRows }) => sum + deletedRows, 0)).toBe(gone)
    expect(table.currentSnapshot()!.summary!['total-records']).toBe(String(expected.length + 25 + 8))
    expect(await table.delete(alwaysTrue())).toMatchObject({ deletedRows: expected.length + 25 + 8 })
  })
})
