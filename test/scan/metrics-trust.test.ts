/** Metrics of files without field ids: kept by the name mapping of the day on which they came, read by the one of today. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { bindPredicate } from '../../src/spec/bind.ts'
import { importedMetrics } from '../../src/scan/metrics-trust.ts'
import { createScan } from '../../src/scan/scan.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { encodeValue } from '../../src/spec/values.ts'
import { localStore } from '../../src/store/local.ts'
import { tableFiles } from '../../src/store/table-files.ts'
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

test.each([
  ['of 2026 are believed', 1_780_000_000_000_000n, 1_790_000_000_000_000n, true],
  ['of 1950 are believed', -631_152_000_000_000n, -600_000_000_000_000n, true],
  ['that are those of 2026 in milliseconds are not', 1_780_000_000_000n, 1_790_000_000_000n, false],
  ['that are those of the year 1 in milliseconds are not', -62_135_596_800_000n, 0n, false],
])('bounds of an imported file %s', (_what, lower, upper, believed) => {
  const bound = (value: bigint) => new Map([[1, encodeValue({ type: 'timestamp' }, value)]])
  const file = { lowerBounds: bound(lower), upperBounds: bound(upper) } as unknown as DataFile
  const columns = {
    schemaId: 0,
    fields: [{ id: 1, name: 'at', required: false, type: { type: 'timestamp' } }],
  } as const
  const { lowerBounds, upperBounds } = importedMetrics(bindPredicate(gte('at', 0n), columns))(file)
  expect([lowerBounds.size, upperBounds.size]).toEqual(believed ? [1, 1] : [0, 0])
})

test('a file without field ids in a table without a name mapping is refused by name: it is not damaged', async () => {
  await using at = await imported()
  const { metadata, location } = at.table
  const { properties } = metadata
  const { [NAME_MAPPING_PROPERTY]: _gone, ...rest } = properties
  const scan = createScan({
    files: tableFiles(localStore(location), '', location),
    metadata: { ...metadata, properties: rest },
    snapshot: metadata.snapshots.at(-1),
  })
  await expect(scan.toArray()).rejects.toMatchObject({
    code: 'unsupported',
    details: { feature: 'data files without field ids or a name mapping' },
  })
})
