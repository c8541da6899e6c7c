import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import { identity } from '../../src/spec/partition-builder.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { collect, newBucket, people, person, s3Options, temporaryDirectory } from '../support/tables.ts'

/** Parquet files of another writer, without field ids: DuckDB's. */
let duckdb: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create()).connect()
})

async function write(path: string, sql: string): Promise<string> {
  await duckdb.run(`copy (${sql}) to '${path}' (format parquet)`)
  return path
}

const PEOPLE = `select range::bigint as id, 'person ' || range as name from range(3)`

async function place() {
  const directory = await temporaryDirectory()
  const location = join(directory.path, 'table')
  const table = await createTable(location, { schema: people })
  const dispose = async () => {
    await table.close()
    await directory[Symbol.asyncDispose]()
  }
  return { directory, location, table, [Symbol.asyncDispose]: dispose }
}

const sorted = async (table: { scan(): { toArray(): Promise<unknown[]> } }) =>
  (await table.scan().toArray()).toSorted((a, b) => Number((a as { id: bigint }).id) - Number((b as { id: bigint }).id))

describe('appendFiles', () => {
  test('without files, or without rows in them, nothing is committed, as by append', async () => {
    await using at = await place()
    const nothing = await at.table.append([])
    expect(nothing).toMatchObject({ version: 1, snapshotId: -1n, attempts: 0, rows: 0 })
    expect(await at.table.appendFiles([])).toEqual(nothing)
    const empty = await write(join(at.directory.path, 'empty.parquet'), `${PEOPLE} where false`)
    expect(await at.table.appendFiles([empty])).toEqual(nothing)
    expect((await at.table.refresh()).version).toBe(1)
  })

  test('a file of another writer is copied in and read by its names', async () => {
    await using at = await place()
    const file = await write(join(at.directory.path, 'ready.parquet'), PEOPLE)
    const result = await at.table.appendFiles([file])
    expect(result).toMatchObject({ version: 2, rows: 3 })
    expect(await sorted(at.table)).toEqual([0, 1, 2].map((id) => ({ ...person(id), id: BigInt(id) })))
    const [listed] = await collect(at.table.files())
    expect(listed!.path.startsWith(`${at.location}/data/`)).toBe(true)
    expect(at.table.properties['schema.name-mapping.default']).toContain('"person"'.replace('person', 'name'))
    expect(await at.table.scan({ where: { op: 'eq', column: 'id', value: 2n } }).count()).toBe(1)
  })

  test('a file under the table is used where it is, and stays when the append fails', async () => {
    await using at = await place()
    await mkdir(join(at.location, 'data/mine'), { recursive: true })
    const file = await write(join(at.location, 'data/mine/ready.parquet'), PEOPLE)
    await at.table.appendFiles([file])
    expect((await collect(at.table.files())).map(({ path }) => path)).toEqual([file])
    await expect(at.table.appendFiles([file])).rejects.toMatchObject({ code: 'invalid-argument' })
    const bad = await write(join(at.location, 'data/mine/bad.parquet'), `select 'x' as id, 'y' as name`)
    await expect(at.table.appendFiles([bad])).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(await readdir(join(at.location, 'data/mine'))).toEqual(['bad.parquet', 'ready.parquet'])
    expect(await at.table.scan().count()).toBe(3)
  })

  test('a file under the table is never in it twice, whoever else appends it and however it is named', async () => {
    await using at = await place()
    await mkdir(join(at.location, 'data/mine'), { recursive: true })
    const file = await write(join(at.location, 'data/mine/ready.parquet'), PEOPLE)
    const other = await loadTable(at.location)
    await expect(at.table.appendFiles([file, `file://${file}`])).rejects.toMatchObject({ code: 'invalid-argument' })
    const answers = await Promise.allSettled([
      at.table.appendFiles([file]),
      at.table.appendFiles([file]),
      other.appendFiles([file]),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
    await other.close()
    expect(await (await at.table.refresh()).scan().count()).toBe(3)
    expect(await readdir(join(at.location, 'data/mine'))).toEqual(['ready.parquet'])
  })

  test('several files are one commit, an empty one among them', async () => {
    await using at = await place()
    const files = [
      await write(join(at.directory.path, '1.parquet'), PEOPLE),
      await write(join(at.directory.path, '2.parquet'), `select 9::bigint as id, null::varchar as name`),
      await write(join(at.directory.path, '3.parquet'), `${PEOPLE} limit 0`),
    ]
    expect(await at.table.appendFiles(files)).toMatchObject({ version: 2, rows: 4 })
    expect((await collect(at.table.files())).length).toBe(2)
  })

  test('a file of our own, with field ids, needs no name mapping', async () => {
    await using at = await place()
    await at.table.append([person(1)])
    const [own] = await collect(at.table.files())
    const copied = join(at.directory.path, 'own.parquet')
    await copyFile(own!.path, copied)
    await at.table.appendFiles([copied])
    expect(at.table.properties['schema.name-mapping.default']).toBeUndefined()
    expect(await sorted(at.table)).toEqual([1, 1].map((id) => ({ ...person(id), id: BigInt(id) })))
  })

  test('the partition is found out from the file, and one that spans two is refused', async () => {
    await using directory = await temporaryDirectory()
    const table = await createTable(join(directory.path, 'table'), {
      schema: schema({ kind: t.string, n: t.long }),
      partitionBy: [identity('kind')],
    })
    const one = await write(join(directory.path, 'one.parquet'), `select 'a' as kind, range::bigint as n from range(5)`)
    const two = await write(
      join(directory.path, 'two.parquet'),
      `select 'k' || range as kind, 1::bigint as n from range(2)`,
    )
    await table.appendFiles([one])
    expect((await collect(table.files())).map(({ partition }) => partition)).toEqual([['a']])
    await expect(table.appendFiles([two])).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(table.version).toBe(2)
  })

  test('a column has taken the name of another: the name is refused where files have it, and nothing else is', async () => {
    await using at = await place()
    const file = (name: string, sql: string) => write(join(at.directory.path, name), sql)
    await at.table.appendFiles([await file('a.parquet', `select 1::bigint as id, 'x' as name`)])
    await at.table.transaction((tx) => void tx.updateSchema((change) => void change.renameColumn('name', 'title')))
    await at.table.transaction((tx) => void tx.updateSchema((change) => void change.addColumn('name', 'string')))
    await using again = await loadTable(at.location)
    const clash = await file('b.parquet', `select 2::bigint as id, 'n' as name`)
    await expect(again.appendFiles([clash])).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(`means the column 'title' (field 2), not 'name' (field 3)`),
    })
    await again.appendFiles([await file('c.parquet', `select 3::bigint as id, 'z' as title`)])
    expect(await sorted(again)).toEqual([
      { id: 1n, title: 'x', name: null },
      { id: 3n, title: 'z', name: null },
    ])
    expect(await readdir(join(at.location, 'data'))).toHaveLength(2)
  })

  test('from one bucket to a table in another place', async () => {
    await using at = await place()
    const s3 = inject('s3')
    const bucket = await newBucket(s3, 'ready')
    const target = await createTable(`s3://${bucket}/some/table`, { schema: people, s3: s3Options(s3) })
    const file = await write(join(at.directory.path, 'ready.parquet'), PEOPLE)
    await target.appendFiles([file])
    expect(await target.scan().count()).toBe(3)
    const [listed] = await collect(target.files())
    expect(listed!.path.startsWith(`s3://${bucket}/some/table/data/`)).toBe(true)
    await target.close()
  })

  test('what cannot be appended is refused with its reason, and nothing is left behind', async () => {
    await using at = await place()
    const folder = at.directory.path
    const good = await write(join(folder, 'good.parquet'), PEOPLE)
    const damaged = join(folder, 'damaged.parquet')
    await writeFile(damaged, (await readFile(good)).subarray(0, 200))
    const text = join(folder, 'text.parquet')
    await writeFile(text, 'no parquet at all')
    const cases: readonly (readonly [string, RegExp, string])[] = [
      [join(folder, 'none.parquet'), /there is no file/, 'not-found'],
      [damaged, /damaged\.parquet/, 'corrupt'],
      [text, /text\.parquet/, 'corrupt'],
      [await write(join(folder, 'type.parquet'), `select 'x' as id, 'y' as name`), /id/, 'invalid-argument'],
      [await write(join(folder, 'null.parquet'), `select null::bigint as id, 'y' as name`), /id/, 'invalid-argument'],
      [await write(join(folder, 'missing.parquet'), `select 'y' as name`), /id/, 'invalid-argument'],
      [
        await write(join(folder, 'extra.parquet'), `${PEOPLE.replace('select', 'select 1 as nmae,')}`),
        /name/,
        'invalid-argument',
      ],
    ]
    for (const [file, message, code] of cases) {
      // The good one is copied before or after the bad one is looked at: it must be gone again.
      const error = await at.table.appendFiles([good, file]).catch((caught: unknown) => caught)
      expect(error, file).toMatchObject({ code, committed: 'no' })
      expect(String(error)).toMatch(message)
    }
    expect(await readdir(join(at.location, 'data')).catch(() => [])).toEqual([])
    expect((await loadTable(at.location)).version).toBe(1)
    await expect(at.table.appendFiles([good, good])).rejects.toThrow(/named twice/)
  })
})
