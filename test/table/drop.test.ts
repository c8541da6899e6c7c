import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { dropTable } from '../../src/table/drop.ts'
import { loadTable } from '../../src/table/load.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect, people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

async function dropped() {
  const store = faultyStore(memoryStore(), () => undefined)
  const table = await createTable(LOCATION, { schema: people, store })
  await table.append([person(1)])
  await table.flush()
  return { store, table }
}

describe('dropTable', () => {
  test('leaves a tombstone and the hint, and deletes the rest', async () => {
    const { store } = await dropped()
    const deleted: number[] = []
    await dropTable(LOCATION, { store, onProgress: ({ deletedObjects }) => deleted.push(deletedObjects) })
    expect((await collect(store.list(''))).map(({ key }) => key)).toEqual([
      't/metadata/v3.metadata.json',
      't/metadata/version-hint.text',
    ])
    expect(new TextDecoder().decode((await store.get('t/metadata/version-hint.text'))!)).toBe('3')
    expect(deleted).toEqual([5])
    await expect(loadTable(LOCATION, { store })).rejects.toThrow(/was dropped at 20/)
  })

  test('an open handle notices: not-found, and nothing is written to the next table', async () => {
    const { store, table } = await dropped()
    await dropTable(LOCATION, { store })
    const next = await createTable(LOCATION, { schema: people, store })
    await expect(table.append([person(9)])).rejects.toMatchObject({ code: 'not-found' })
    await expect(table.refresh()).rejects.toMatchObject({ code: 'not-found' })
    expect(await next.scan().count()).toBe(0)
  })

  test('the next table at this place goes on with the next number, under another uuid', async () => {
    const { store, table } = await dropped()
    await dropTable(LOCATION, { store })
    const next = await createTable(LOCATION, { schema: people, store })
    expect(next.version).toBe(4)
    expect(next.metadata.tableUuid).not.toBe(table.metadata.tableUuid)
    await next.append([person(5)])
    expect(await (await loadTable(LOCATION, { store })).scan().toArray()).toEqual([{ id: 5n, name: 'person 5' }])
  })

  test('what is not there: not-found, or nothing with ifExists', async () => {
    const store = memoryStore()
    await expect(dropTable(LOCATION, { store })).rejects.toMatchObject({ code: 'not-found' })
    await dropTable(LOCATION, { store, ifExists: true })
  })

  test('twice: the second finds nothing to drop', async () => {
    const { store } = await dropped()
    await dropTable(LOCATION, { store })
    await expect(dropTable(LOCATION, { store })).rejects.toMatchObject({ code: 'not-found' })
    await dropTable(LOCATION, { store, ifExists: true })
  })

  test('interrupted while it deleted: called again it finishes', async () => {
    const { store } = await dropped()
    store.rule = ({ verb }) => (verb === 'delete' ? new Error('killed') : undefined)
    await expect(dropTable(LOCATION, { store })).rejects.toThrow('killed')
    store.rule = () => undefined
    await expect(loadTable(LOCATION, { store })).rejects.toMatchObject({ code: 'not-found' })
    await dropTable(LOCATION, { store })
    expect((await collect(store.list(''))).length).toBe(2)
  })

  test('against a writer: the tombstone comes after what was committed', async () => {
    const { store, table } = await dropped()
    let raced = false
    store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('v3.metadata.json') && !raced
        ? async () => {
            raced = true
            await table.append([person(2)])
          }
        : undefined
    await dropTable(LOCATION, { store })
    await expect(loadTable(LOCATION, { store })).rejects.toMatchObject({ code: 'not-found' })
    expect((await collect(store.list('t/metadata/v'))).map(({ key }) => key)).toContain('t/metadata/v4.metadata.json')
  })

  test('a table created here while the old one is still being deleted keeps its files', async () => {
    const { store } = await dropped()
    let raced = false
    const inner = store.list.bind(store)
    store.list = async function* (prefix, options) {
      if (prefix === 't/metadata/' && !raced) {
        raced = true
        const next = await createTable(LOCATION, { schema: people, store })
        await next.append([person(7)])
        await next.flush()
      }
      yield* inner(prefix, options)
    }
    await dropTable(LOCATION, { store })
    expect(raced).toBe(true)
    const next = await loadTable(LOCATION, { store })
    expect((await next.scan().toArray()).map((row) => row['id'])).toEqual([7n])
  })
})
