/** Metrics of files without field ids: kept by the name mapping of the day on which they came, read by the one of today. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { createTable, eq, gte, isNull, schema, t } from '../../src/index.ts'
import { NAME_MAPPING_PROPERTY } from '../../src/spec/name-mapping.ts'
import { temporaryDirectory } from '../support/tables.ts'

const COLUMNS = schema({ id: t.optional(t.long), name: t.optional(t.string) })
const MOVED = [
  { 'field-id': 1, names: ['key'] },
  { 'field-id': 2, names: ['name'] },
  { 'field-id': 3, names: ['id'] },
]
const ROWS = `select range::bigint as id, 'person ' || range as name from range(3)`

async function imported() {
  const directory = await temporaryDirectory()
  const file = join(directory.path, 'ready.parquet')
  const duckdb = await (await DuckDBInstance.create()).connect()
  await duckdb.run(`copy (${ROWS}) to '${file}' (format parquet)`)
  const table = await createTable(join(directory.path, 'table'), { schema: COLUMNS })
  await table.appendFiles([file])
  const dispose = async () => {
    await table.close()
    await directory[Symbol.asyncDispose]()
  }
  return { table, [Symbol.asyncDispose]: dispose }
}

/**
 * The name `id` passes to a new column, as Iceberg's Java library moves it in the mapping, and the file's column with it: by
 * then `key` has no values, whatever its metrics say.
 */
async function withMovedName() {
  const at = await imported()
  await at.table.transaction(async (tx) => {
    tx.updateSchema((change) => change.renameColumn('id', 'key'))
  })
  await at.table.transaction(async (tx) => {
    tx.updateSchema((change) => change.addColumn('id', t.optional(t.long)))
    tx.setProperties({ [NAME_MAPPING_PROPERTY]: JSON.stringify(MOVED) })
  })
  return at
}

test('where a name has passed to another column, no filter believes the metrics that the column left behind', async () => {
  await using at = await withMovedName()
  const all = await at.table.scan().toArray()
  expect(all).toHaveLength(3)
  for (const row of all) expect(row).toMatchObject({ key: null, id: expect.any(BigInt) })
  expect(await at.table.scan({ where: gte('key', 0n) }).toArray()).toEqual([])
  expect(await at.table.scan({ where: gte('key', 0n) }).count()).toBe(0)
  expect(await at.table.scan({ where: isNull('key') }).count()).toBe(3)
  expect(await at.table.scan({ where: eq('id', 1n) }).toArray()).toMatchObject([{ name: 'person 1' }])
})

test('nor does a delete, which would drop the whole file', async () => {
  await using at = await withMovedName()
  await at.table.delete(gte('key', 0n))
  expect(await at.table.scan().count()).toBe(3)
  await at.table.delete(isNull('key'))
  expect(await at.table.scan().count()).toBe(0)
})

test('metrics of a table with a name mapping rule files out, but do not stand in for looking at rows', async () => {
  await using at = await imported()
  const planned = async (least: bigint) => (await at.table.scan({ where: gte('id', least) }).plan()).tasks
  expect(await planned(3n)).toEqual([])
  expect((await planned(0n)).map(({ residual }) => residual.op)).toEqual(['gte'])
  await using other = await temporaryDirectory()
  const own = await createTable(join(other.path, 'own'), { schema: COLUMNS })
  await own.append([{ id: 0n }, { id: 1n }])
  const [task] = (await own.scan({ where: gte('id', 0n) }).plan()).tasks
  expect(task!.residual.op).toBe('true')
})
