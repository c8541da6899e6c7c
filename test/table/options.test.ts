/** A misspelled option of any public call is refused, before anything is asked of the store. */
import { describe, expect, test } from 'vitest'
import { createTable, dropTable, eq, loadTable } from '../../src/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { sweep } from '../../src/maintenance/index.ts'
import { localStore, memoryStore, openStore, probeConditionalCreate, s3Store } from '../../src/store/index.ts'
import { countedTable, LOCATION } from '../support/people-table.ts'
import { people, person } from '../support/tables.ts'

const S3 = 's3://bucket/t'

type World = Awaited<ReturnType<typeof countedTable>>

/** What is called, with options that types would not let through. */
type Call = (world: World, options: never) => unknown

const CALLS: readonly (readonly [name: string, call: Call])[] = [
  ['append', ({ table }, options) => table.append([person(2)], options)],
  ['appendFiles', ({ table }, options) => table.appendFiles(['memory://store/a.parquet'], options)],
  ['overwrite', ({ table }, options) => table.overwrite(eq('id', 1), [person(2)], options)],
  ['delete', ({ table }, options) => table.delete(eq('id', 1), options)],
  ['scan', ({ table }, options) => table.scan(options).toArray()],
  ['files', ({ table }, options) => table.files(options)],
  ['refresh', ({ table }, options) => table.refresh(options)],
  ['transaction', ({ table }, options) => table.transaction((tx) => tx.setTag('a'), options)],
  ['append of a transaction', ({ table }, options) => table.newTransaction().append([person(2)], options)],
  ['overwrite of a transaction', ({ table }, options) => table.newTransaction().overwrite(eq('id', 1), [], options)],
  ['delete of a transaction', ({ table }, options) => table.newTransaction().delete(eq('id', 1), options)],
  ['setTag', ({ table }, options) => table.newTransaction().setTag('a', options)],
  ['commit', ({ table }, options) => table.newTransaction().commit(options)],
  ['scan of an earlier state', ({ table }, options) => table.timeTravel({ ref: 'main' }).scan(options)],
  ['files of an earlier state', ({ table }, options) => table.timeTravel({ ref: 'main' }).files(options)],
  ['loadTable', (_, options) => loadTable(LOCATION, options)],
  ['dropTable', (_, options) => dropTable(LOCATION, options)],
  ['createTable', (_, options) => createTable(LOCATION, options)],
  ['sweep', ({ table }, options) => sweep(table, options)],
  ['s3Store', (_, options) => s3Store(options)],
  ['localStore', (_, options) => localStore('./never-made', options)],
  ['memoryStore', (_, options) => memoryStore(options)],
  ['openStore', (_, options) => openStore(S3, options)],
  ['probeConditionalCreate', ({ store }, options) => probeConditionalCreate(store, 'p', options)],
  ['appendHandler', (_, options) => appendHandler(options)],
]

const NESTED: readonly (readonly [name: string, call: Call])[] = [
  ['s3', (_, s3) => loadTable(S3, { s3 })],
  ['s3', ({ store }, s3) => loadTable(LOCATION, { store, s3 })],
  ['s3', (_, s3) => appendHandler({ table: S3, s3 })],
  ['create of appendHandler', (_, create) => appendHandler({ table: S3, create })],
  ['minAgeMs', ({ table }, minAgeMs) => sweep(table, { minAgeMs })],
  ['asOf', ({ table }, asOf) => table.scan({ asOf: Object.assign(asOf, { ref: 'main' }) }).toArray()],
  ['asOf', ({ table }, asOf) => table.scan({ since: Object.assign(asOf, { ref: 'main' }) }).toArray()],
  ['asOf', ({ table }, asOf) => table.timeTravel(Object.assign(asOf, { ref: 'main' }))],
]

/** Nearly an option of each call; of the others `signal`. */
const MISSPELLED: Readonly<Record<string, string>> = {
  setTag: 'snapshotID',
  s3Store: 'regoin',
  localStore: 'durabel',
  memoryStore: 'names',
  openStore: 'stroe',
  appendHandler: 'tabel',
  s3: 'endpiont',
  'create of appendHandler': 'partitionby',
  minAgeMs: 'orphan',
  asOf: 'snapshotID',
}

describe('options of public calls', () => {
  test.each([...CALLS, ...NESTED])('%s refuses a misspelled option', async (name, call) => {
    const world = await countedTable()
    const option = MISSPELLED[name] ?? 'signall'
    await expect((async () => call(world, { [option]: 1 } as never))()).rejects.toMatchObject({
      code: 'invalid-argument',
      details: { call: name, option },
    })
    expect(world.store.calls).toEqual([])
  })

  test('one object of options can be handed to several calls', async () => {
    const { store } = await countedTable()
    const shared = { store, schema: people, ifExists: true, ifNotExists: true, select: ['id'], colour: 'red' }
    await createTable(LOCATION, shared)
    const table = await loadTable(LOCATION, shared)
    expect(await table.scan(shared).toArray()).toHaveLength(1)
    await dropTable(LOCATION, shared)
  })

  test.each(CALLS)('%s says that null is no object with options', async (name, call) => {
    const world = await countedTable()
    await expect((async () => call(world, null as never))()).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(new RegExp(`^${name}.* found null`)) as string,
    })
    expect(world.store.calls).toEqual([])
  })

  test('an endpoint beside s3 instead of in it does not lead to AWS', async () => {
    const misplaced = { endpoint: 'http://127.0.0.1:9000' }
    for (const call of [loadTable(S3, misplaced as object), createTable(S3, { schema: people, ...misplaced })]) {
      await expect(call).rejects.toMatchObject({
        code: 'invalid-argument',
        message: 'endpoint is an option of s3: write { s3: { endpoint } }',
      })
    }
  })

  test('a misspelled idempotencyKey appends nothing, instead of twice', async () => {
    const { table } = await countedTable()
    const options = { idempotencykey: 'message-1' } as object
    await expect(table.append([person(2)], options)).rejects.toThrow("did you mean 'idempotencyKey'?")
    await expect(table.append([person(2)], options)).rejects.toThrow('append has no option')
    expect(await table.scan().count()).toBe(1)
  })

  test('a misspelled where does not give all rows', async () => {
    const { table } = await countedTable()
    const options = { wher: eq('id', 7) } as object
    expect(() => table.scan(options)).toThrow("scan has no option 'wher', did you mean 'where'?")
  })

  test('options that are undefined, and options whose values are, are taken for none', async () => {
    const { table } = await countedTable()
    const all = { signal: undefined, timeoutMs: undefined }
    await table.append([person(2)], undefined)
    await table.append([person(3)], all)
    await table.overwrite(eq('id', 2), [person(4)], all)
    await table.delete(eq('id', 3), all)
    await table.transaction((tx) => tx.setTag('a'), all)
    await table.refresh({ signal: undefined })
    const rows = await table.scan({ where: undefined, select: ['id'], asOf: undefined }).toArray()
    expect(rows.map((row) => row['id']).toSorted()).toEqual([1n, 4n])
  })

  test('a timeout of overwrite and delete still counts', async () => {
    const { table } = await countedTable()
    await expect(table.overwrite(eq('id', 1), [], { timeoutMs: -1 })).rejects.toThrow('timeoutMs is -1')
    await expect(table.delete(eq('id', 1), { timeoutMs: -1 })).rejects.toThrow('timeoutMs is -1')
  })

  test('keys where they cannot be kept are said to be so', async () => {
    const { table } = await countedTable()
    const options = { idempotencyKey: 'a' } as object
    await expect(table.overwrite(eq('id', 1), [], options)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(table.delete(eq('id', 1), options)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(table.newTransaction().append([], options)).rejects.toMatchObject({ code: 'unsupported' })
  })
})
