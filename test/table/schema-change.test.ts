import { describe, expect, test } from 'vitest'
import { bucket, createTable, day, identity, loadTable, schema, t, type Table } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

async function partitionedTable(): Promise<Table> {
  const store = memoryStore()
  const location = 'memory://store/t'
  await createTable(location, {
    schema: schema({ id: t.long, at: t.timestamptz, kind: t.string }),
    partitionBy: [day('at'), bucket('id', 4), identity('kind')],
    store,
  })
  const table = await loadTable(location, { store })
  await table.transaction((tx) => tx.updatePartitionSpec((spec) => spec.remove('id_bucket')))
  return table
}

describe('names of columns beside those of partition fields', () => {
  test.each([
    ['a field in use', 'at_day'],
    ['a field of an older spec', 'id_bucket'],
  ])('a column cannot be called like %s', async (_, name) => {
    const table = await partitionedTable()
    const add = table.transaction((tx) => tx.updateSchema((columns) => columns.addColumn(name, t.optional(t.int))))
    await expect(add).rejects.toThrow(`no column can be called '${name}': a partition field of the table has, or had`)
    const rename = table.transaction((tx) => tx.updateSchema((columns) => columns.renameColumn('id', name)))
    await expect(rename).rejects.toThrow(`no column can be called '${name}'`)
  })

  test('a column partitioned by itself keeps its name, and gives it to no other column when it gets a new one', async () => {
    const table = await partitionedTable()
    await table.transaction((tx) => tx.updateSchema((columns) => columns.renameColumn('kind', 'type')))
    const taken = table.transaction((tx) => tx.updateSchema((columns) => columns.addColumn('kind', t.optional(t.int))))
    await expect(taken).rejects.toThrow("no column can be called 'kind'")
    await table.transaction((tx) => tx.updateSchema((columns) => columns.renameColumn('type', 'kind')))
    expect(table.schema.fields.map((field) => field.name)).toEqual(['id', 'at', 'kind'])
  })
})
