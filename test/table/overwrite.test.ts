import { describe, expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import * as p from '../../src/spec/expressions.ts'
import { bucket, day, identity } from '../../src/spec/partition-builder.ts'
import type { ManifestEntry } from '../../src/spec/data-file.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Table } from '../../src/table/table.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const KINDS = schema({ id: t.long, kind: t.optional(t.string), x: t.optional(t.double) })

async function newTable(partitionBy: Parameters<typeof createTable>[1]['partitionBy'] = []) {
  const store = faultyStore(memoryStore(), () => undefined)
  await createTable(LOCATION, { schema: KINDS, store, partitionBy })
  // Opened by name, its rows are typed loosely.
  return { store, table: await loadTable(LOCATION, { store }) }
}

const row = (id: number, kind: string | null = null, x: number | null = null) => ({ id, kind, x })

async function ids(table: { scan(options?: object): { toArray(): Promise<Record<string, unknown>[]> } }, options = {}) {
  return (await table.scan(options).toArray()).map((one) => Number(one['id'])).toSorted((a, b) => a - b)
}

async function entriesOf(table: Table): Promise<ManifestEntry[]> {
  const manifests = await table.currentSnapshot()!.manifests()
  return (await Promise.all(manifests.map((manifest) => collect(manifest.entries())))).flat()
}

const sizeOf = (files: readonly { fileSizeBytes: bigint }[]) =>
  String(files.reduce((sum, file) => sum + file.fileSizeBytes, 0n))

describe('overwrite', () => {
  test('removes the rows for which it is true, keeps those for which it is false or unknown, and adds others', async () => {
    const { store, table } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b'), row(3)])
    await table.append([row(4, 'a'), row(5, 'a')])
    await table.append([row(6, 'z')])
    const before = await collect(table.files())
    const result = await table.overwrite(p.eq('kind', 'a'), [row(7, 'a')])
    expect(result).toMatchObject({ version: 5, attempts: 1, rows: 1, deletedRows: 3 })
    expect(await ids(await loadTable(LOCATION, { store }))).toEqual([2, 3, 6, 7])
    const after = await collect(table.files())
    const kept = after.filter((file) => before.some(({ path }) => path === file.path))
    const [gone, added] = [before, after].map((files) =>
      files.filter((file) => !kept.some(({ path }) => path === file.path)),
    ) as [typeof before, typeof after]
    expect(kept.length).toBe(1)
    expect(table.currentSnapshot()!.summary).toMatchObject({
      operation: 'overwrite',
      'added-data-files': '2',
      'added-records': '3',
      'added-files-size': sizeOf(added),
      'deleted-data-files': '2',
      'deleted-records': '5',
      'removed-files-size': sizeOf(gone),
      'changed-partition-count': '1',
      'total-records': '4',
      'total-data-files': '3',
      'total-files-size': sizeOf(after),
    })
  })

  test('not equal, not in and not starting with leave nulls alone; not of it is the rest', async () => {
    for (const [predicate, left] of [
      [p.notEq('kind', 'a'), [1, 3]],
      [p.notIn('kind', ['a']), [1, 3]],
      [p.notStartsWith('kind', 'a'), [1, 3]],
      [p.not(p.eq('kind', 'a')), [1, 3]],
      [p.or(p.isNull('kind'), p.eq('kind', 'b')), [1]],
      [p.notNull('kind'), [3]],
    ] as const) {
      const { table } = await newTable()
      await table.append([row(1, 'a'), row(2, 'b'), row(3)])
      await table.delete(predicate)
      expect(await ids(table), predicate.op).toEqual(left)
    }
  })

  test('NaN is above every number, equal to itself, and no null', async () => {
    const values = [row(1, null, 1), row(2, null, Number.NaN), row(3, null, null), row(4, null, Infinity)]
    for (const [predicate, left] of [
      [p.isNan('x'), [1, 3, 4]],
      [p.eq('x', Number.NaN), [1, 3, 4]],
      [p.gt('x', 5), [1, 3]],
      [p.lt('x', 5), [2, 3, 4]],
      [p.notNan('x'), [2]],
      [p.notEq('x', 1), [1, 3]],
    ] as const) {
      const { table } = await newTable()
      await table.append(values)
      await table.delete(predicate)
      expect(await ids(table), JSON.stringify(predicate)).toEqual(left)
    }
  })

  test('of nothing that matches adds rows as an append; without rows there is no new version', async () => {
    const { store, table } = await newTable()
    expect(await table.delete(p.alwaysTrue())).toMatchObject({ version: 1, snapshotId: -1n, deletedRows: 0 })
    const first = await table.overwrite(p.alwaysTrue(), [row(1, 'a')])
    expect(first).toMatchObject({ version: 2, rows: 1, deletedRows: 0 })
    expect(table.currentSnapshot()!.operation).toBe('append')
    const objects = (await collect(store.list('t/'))).length
    expect(await table.delete(p.eq('kind', 'nobody'))).toMatchObject({ version: 2, snapshotId: first.snapshotId })
    expect(await table.overwrite(p.eq('kind', 'b'), [])).toMatchObject({ version: 2, attempts: 0, rows: 0 })
    expect(await table.delete(p.alwaysFalse())).toMatchObject({ version: 2 })
    expect((await collect(store.list('t/'))).length).toBe(objects)
    const second = await table.overwrite(p.eq('kind', 'nobody'), [row(2, 'b')])
    expect(await ids(table, { since: { snapshotId: first.snapshotId } })).toEqual([2])
    expect(second.version).toBe(3)
  })

  test('all rows: files go by the metadata, none is read, and the operation is delete', async () => {
    const { store, table } = await newTable()
    await table.append([row(1, 'a'), row(2, 'b')])
    await table.append([row(3, 'c')])
    store.calls.length = 0
    expect(await table.delete(p.alwaysTrue())).toMatchObject({ deletedRows: 3, rows: 0 })
    expect(store.calls.filter(({ key }) => key.includes('/data/'))).toEqual([])
    expect(table.currentSnapshot()!.summary).toMatchObject({
      operation: 'delete',
      'deleted-data-files': '2',
      'total-records': '0',
      'total-data-files': '0',
      'total-files-size': '0',
    })
    expect(table.currentSnapshot()!.summary!['added-data-files']).toBeUndefined()
    expect(await ids(table)).toEqual([])
    await table.append([row(4)])
    expect(await ids(table)).toEqual([4])
  })

  test('a partition goes by the metadata; a file of mixed rows is read once and written once', async () => {
    const { store, table } = await newTable([identity('kind')])
    await table.append([row(1, 'a', 1), row(2, 'a', 2), row(3, 'b', 1), row(4, null, 1)])
    store.calls.length = 0
    await table.delete(p.eq('kind', 'a'))
    expect(store.calls.filter(({ key }) => key.includes('/data/'))).toEqual([])
    expect(await ids(table)).toEqual([3, 4])
    await table.append([row(5, 'c', 1), row(6, 'c', 2)])
    store.calls.length = 0
    await table.overwrite(p.and(p.eq('kind', 'c'), p.eq('x', 2)), [row(7, 'c', 3)])
    const verbs = store.calls.filter(({ key }) => key.includes('/data/')).map(({ verb }) => verb)
    expect(verbs.toSorted()).toEqual(['get', 'put', 'put'])
    expect(await ids(table)).toEqual([3, 4, 5, 7])
    const partitions = (await collect(table.files())).map((file) => file.partition[0]).toSorted()
    expect(partitions).toEqual(['b', 'c', 'c', null])
  })

  test('manifests: entries of removed files are deleted by this snapshot, others stay with their numbers', async () => {
    const { table } = await newTable([identity('kind')])
    const first = await table.append([row(1, 'a'), row(2, 'b')])
    const second = await table.append([row(3, 'c')])
    const untouched = (await table.currentSnapshot()!.manifests())[0]!.path
    const third = await table.delete(p.eq('kind', 'a'))
    const all = await entriesOf(table)
    const ofKind = (kind: string) => all.find((entry) => entry.dataFile.partition[0] === kind)
    expect(all.length).toBe(3)
    const numbers = { sequenceNumber: 1n, fileSequenceNumber: 1n }
    expect(ofKind('a')).toMatchObject({ status: 'deleted', snapshotId: third.snapshotId, ...numbers })
    expect(ofKind('b')).toMatchObject({ status: 'existing', snapshotId: first.snapshotId, ...numbers })
    expect(ofKind('c')).toMatchObject({ status: 'added', snapshotId: second.snapshotId, sequenceNumber: 2n })
    const manifests = await table.currentSnapshot()!.manifests()
    expect(manifests.map(({ path }) => path)).toContain(untouched)
    expect(manifests.find(({ path }) => path !== untouched)).toMatchObject({
      addedFilesCount: 0,
      existingFilesCount: 1,
      deletedFilesCount: 1,
      deletedRowsCount: 1n,
      sequenceNumber: 3n,
      minSequenceNumber: 1n,
      addedSnapshotId: third.snapshotId,
    })
    // The next one does not carry on what the last one said of removed files.
    await table.delete(p.eq('kind', 'b'))
    expect((await entriesOf(table)).map(({ status }) => status).toSorted()).toEqual(['added', 'deleted'])
    await table.delete(p.eq('kind', 'c'))
    expect((await entriesOf(table)).map(({ status }) => status)).toEqual(['deleted'])
    expect(await ids(table)).toEqual([])
  })

  test('older snapshots still have the old rows; since counts no rows that an overwrite wrote', async () => {
    const { table } = await newTable()
    const first = await table.append([row(1, 'a'), row(2, 'b')])
    await table.overwrite(p.eq('kind', 'a'), [row(3, 'c')])
    await table.append([row(4, 'd')])
    expect(await ids(table)).toEqual([2, 3, 4])
    expect(await ids(table.timeTravel({ snapshotId: first.snapshotId }))).toEqual([1, 2])
    expect(await ids(table, { since: { snapshotId: first.snapshotId } })).toEqual([4])
  })

  test('renamed, widened, added and dropped columns: what stays is what a scan showed before', async () => {
    const store = memoryStore()
    await createTable(LOCATION, {
      schema: schema({
        n: t.int,
        s: t.optional(t.string),
        gone: t.optional(t.string),
        info: t.optional(t.struct({ a: t.int, b: t.optional(t.list(t.optional(t.string))) })),
        price: t.optional(t.decimal(9, 2)),
      }),
      store,
    })
    const table = await loadTable(LOCATION, { store })
    await table.append([
      { n: 1, s: 'one', gone: 'x', info: { a: 1, b: ['p', null] }, price: '1.50' },
      { n: 2, s: 'two', gone: null, info: null, price: null },
      { n: 3, s: null, gone: 'y', info: { a: 3, b: null }, price: '-0.01' },
    ])
    await table.transaction((tx) =>
      tx.updateSchema((s) =>
        s
          .renameColumn('s', 'title')
          .widenColumn('n', t.long)
          .widenColumn('info.a', t.long)
          .widenColumn('price', t.decimal(18, 2))
          .dropColumn('gone')
          .addColumn('added', t.optional(t.map(t.string, t.long)))
          .addColumn('gone', t.optional(t.int))
          .addColumn('info.c', t.optional(t.double)),
      ),
    )
    await table.append([{ n: 2n ** 40n, title: 'two', added: new Map([['k', 1n]]), gone: 5, info: { a: 9n, c: 0.5 } }])
    const stays = p.not(p.eq('title', 'two'))
    const expected = [
      ...(await table.scan({ where: stays }).toArray()),
      ...(await table.scan({ where: p.isNull('title') }).toArray()),
    ]
    expect(await table.delete(p.eq('title', 'two'))).toMatchObject({ deletedRows: 2 })
    const rows = await table.scan().toArray()
    expect(rows.toSorted((a, b) => Number(a['n'] as bigint) - Number(b['n'] as bigint))).toEqual(expected)
    expect(rows[0]).toEqual({
      n: 1n,
      title: 'one',
      info: { a: 1n, b: ['p', null], c: null },
      price: '1.50',
      added: null,
      gone: null,
    })
    // The rewritten file has all columns of now: it is read without the schema of before.
    expect(await table.scan({ where: p.isNull('gone') }).count()).toBe(2)
    expect(await table.delete(p.lt('n', 3))).toMatchObject({ deletedRows: 1 })
    expect(await table.scan({ select: ['n'] }).toArray()).toEqual([{ n: 3n }])
  })

  test('files of older partition specs are written by the spec of now', async () => {
    const { table } = await newTable([identity('kind')])
    await table.append([row(1, 'a', 1), row(2, 'a', 2), row(3, 'b', 1)])
    await table.transaction((tx) => tx.updatePartitionSpec((spec) => spec.remove('kind').add(bucket('id', 4))))
    await table.append([row(4, 'a', 1), row(5, 'b', 2)])
    await table.delete(p.eq('x', 2))
    expect(await ids(table)).toEqual([1, 3, 4])
    const files = await collect(table.files())
    const specs = files.map((file) => [file.specId, file.partition.length, typeof file.partition[0]])
    expect(specs.toSorted()).toEqual([
      [0, 1, 'string'],
      [1, 1, 'number'],
      [1, 1, 'number'],
    ])
    await table.delete(p.gte('id', 3))
    expect(await ids(table)).toEqual([1])
    await table.delete(p.alwaysTrue())
    expect(await ids(table)).toEqual([])
  })

  test('a file larger than memory should hold at once is written while it is read', { timeout: 60_000 }, async () => {
    const store = faultyStore(memoryStore(), () => undefined)
    const columns = schema({ id: t.long, name: t.string })
    await createTable(LOCATION, {
      schema: columns,
      store,
      partitionBy: [],
      properties: { 'write.parquet.compression-codec': 'uncompressed' },
    })
    const table = await loadTable(LOCATION, { store })
    const name = (id: number) => `${id % 7} ${((id * 2_654_435_761) % 2 ** 32).toString(36).repeat(20)}`
    const rows = function* () {
      for (let id = 0; id < 100_000; id++) yield { id, name: name(id) }
    }
    await table.append(rows())
    const [file] = await collect(table.files())
    expect(Number(file!.fileSizeBytes)).toBeGreaterThan(8 * 1024 * 1024)
    expect(await table.delete(p.startsWith('name', '3 '))).toMatchObject({ deletedRows: 14_286 })
    const left = (await table.scan().toArray()).toSorted((a, b) => Number(a['id']) - Number(b['id']))
    const expected = Array.from({ length: 100_000 }, (_, id) => id).filter((id) => id % 7 !== 3)
    expect(left.map((one) => Number(one['id']))).toEqual(expected)
    expect(left.every((one) => one['name'] === name(Number(one['id'])))).toBe(true)
    // Bounds do not tell, but no row matches: it is left as it is.
    const paths = (await collect(table.files())).map(({ path }) => path)
    expect(await table.delete(p.eq('name', '3 x'))).toMatchObject({ deletedRows: 0 })
    expect((await collect(table.files())).map(({ path }) => path)).toEqual(paths)
  })

  test('partitioned by time: only the days that may match are looked at', async () => {
    const store = faultyStore(memoryStore(), () => undefined)
    await createTable(LOCATION, { schema: schema({ id: t.long, at: t.timestamptz }), store, partitionBy: [day('at')] })
    const table = await loadTable(LOCATION, { store })
    for (const [i, date] of ['2026-01-01', '2026-01-02', '2026-01-03'].entries()) {
      await table.append([
        { id: i * 2, at: `${date}T06:00:00Z` },
        { id: i * 2 + 1, at: `${date}T18:00:00Z` },
      ])
    }
    const fresh = await loadTable(LOCATION, { store })
    store.calls.length = 0
    await fresh.delete(p.lt('at', '2026-01-02T12:00:00Z'))
    const count = (verb: string, name: RegExp) =>
      store.calls.filter((call) => call.verb === verb && name.test(call.key)).length
    // Of three manifests two; one day goes whole, the other is written again.
    expect(count('get', /-m0\.avro$/)).toBe(2)
    expect(count('get', /\/data\//)).toBe(1)
    expect(count('put', /\/data\//)).toBe(1)
    expect(await ids(fresh)).toEqual([3, 4, 5])
  })
})
