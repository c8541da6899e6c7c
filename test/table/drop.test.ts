import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { dropTable } from '../../src/table/drop.ts'
import { loadTable } from '../../src/table/load.ts'
import { HOUR_MS, newWorld } from '../maintenance/moved-clock.ts'
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
  test('of an old table a tombstone, the hint and the version before are left, and a minute later not that one', async () => {
    const world = await newWorld()
    const { store, runtime } = world
    await world.table.append([person(1)])
    await world.table.close()
    world.pass(HOUR_MS)
    const deleted: number[] = []
    const onProgress = ({ deletedObjects }: { deletedObjects: number }) => deleted.push(deletedObjects)
    await dropTable(LOCATION, { store, runtime, onProgress })
    const rest = ['metadata/v3.metadata.json', 'metadata/version-hint.text']
    expect(await world.names()).toEqual(['metadata/v2.metadata.json', ...rest])
    expect(new TextDecoder().decode((await store.get('t/metadata/version-hint.text'))!)).toBe('3')
    expect(deleted).toEqual([0, 3, 4])
    await expect(world.open()).rejects.toThrow(/was dropped at 20/)
    world.pass(4 * 60_000)
    await dropTable(LOCATION, { store, runtime })
    expect(await world.names()).toEqual(rest)
    await expect(dropTable(LOCATION, { store, runtime })).rejects.toMatchObject({ code: 'not-found' })
  })

  test('versions stay for three minutes after they were superseded', async () => {
    const world = await newWorld()
    const { store, runtime } = world
    for (let id = 0; id < 6; id++) {
      world.pass(61_000)
      await world.table.append([person(id)])
    }
    await world.table.close()
    await dropTable(LOCATION, { store, runtime })
    // v4 was superseded 122 s ago, v3 183 s.
    const versions = (await world.names('metadata/v')).filter((name) => name.endsWith('.json'))
    expect(versions).toEqual([4, 5, 6, 7, 8].map((version) => `metadata/v${version}.metadata.json`))
  })

  test('a writer that was stopped during its append learns of the drop, and creates no version that was deleted', async () => {
    const world = await newWorld()
    const { store, runtime } = world
    const writer = await world.open()
    let asleep: Promise<void> | undefined
    store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('v2.metadata.json') && !asleep
        ? () =>
            (asleep = (async () => {
              for (let id = 0; id < 5; id++) await world.table.append([person(id)])
              await world.table.flush()
              world.pass(55_000)
              await dropTable(LOCATION, { store, runtime })
            })())
        : undefined
    const append = writer.append([person(9)], { timeoutMs: HOUR_MS })
    await expect(append).rejects.toMatchObject({ code: 'not-found' })
    await writer.flush()
    expect(asleep).toBeDefined()
    await expect(world.open()).rejects.toMatchObject({ code: 'not-found' })
    const next = await createTable(LOCATION, { schema: people, store, runtime })
    expect(next.version).toBe(8)
  })

  test('whose files vanish while it appends or commits is told that the table was dropped', async () => {
    for (const change of ['append', 'transaction'] as const) {
      const { store } = await dropped()
      const writer = await loadTable(LOCATION, { store })
      let drops: Promise<void> | undefined
      store.rule = ({ verb, key }) =>
        verb === 'get' && key.includes('/snap-') && !drops ? () => (drops = dropTable(LOCATION, { store })) : undefined
      const done =
        change === 'append' ? writer.append([person(2)]) : writer.transaction((tx) => void tx.append([person(2)]))
      await expect(done, change).rejects.toMatchObject({ code: 'not-found', committed: 'no' })
      expect(drops).toBeDefined()
      await writer.close()
    }
  })

  test('a table whose manifest list is missing without a drop is damaged', async () => {
    const { store } = await dropped()
    const writer = await loadTable(LOCATION, { store })
    await store.delete([(await collect(store.list('t/metadata/snap-')))[0]!.key])
    await expect(writer.append([person(2)])).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('whether a manifest list is missing because of a drop cannot be learnt while the store is away', async () => {
    const { store } = await dropped()
    const writer = await loadTable(LOCATION, { store })
    await store.delete([(await collect(store.list('t/metadata/snap-')))[0]!.key])
    store.rule = ({ verb, key }) =>
      verb !== 'put' && !key.includes('/snap-') ? new DataShardError('unavailable', 'away') : undefined
    const refused = { code: 'unavailable', committed: 'no', message: expect.stringContaining('could not be learnt') }
    await expect(writer.append([person(2)])).rejects.toMatchObject(refused)
    store.rule = () => undefined
    await expect(writer.append([person(2)])).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('the hint could not be raised: versions above it stay', async () => {
    const world = await newWorld()
    const { store, runtime } = world
    for (let id = 0; id < 5; id++) await world.table.append([person(id)])
    await world.table.close()
    await world.put('metadata/version-hint.text', '3')
    world.pass(HOUR_MS)
    store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('hint.text') ? new Error('no hint today') : undefined
    await dropTable(LOCATION, { store, runtime })
    const versions = (await world.names('metadata/v')).filter((name) => name.endsWith('.json'))
    expect(versions).toEqual([3, 4, 5, 6, 7].map((version) => `metadata/v${version}.metadata.json`))
  })

  test('old versions go only when the raised hint has been there for some seconds', async () => {
    const world = await newWorld()
    const { store, runtime } = world
    await world.table.append([person(1)])
    await world.table.close()
    world.pass(HOUR_MS)
    let raisedMs = Infinity
    const seen: number[] = []
    store.rule = ({ verb, key }) => {
      if (verb === 'put' && key.endsWith('hint.text')) raisedMs = runtime.monotonic()
      if (verb === 'delete' && key.endsWith('v1.metadata.json')) seen.push(runtime.monotonic() - raisedMs)
      return undefined
    }
    await dropTable(LOCATION, { store, runtime })
    expect(seen.length).toBe(1)
    expect(seen[0]).toBeGreaterThanOrEqual(5_000)
  })

  test('an open handle notices: not-found, and nothing is written to the next table', async () => {
    const { store, table } = await dropped()
    await dropTable(LOCATION, { store })
    const next = await createTable(LOCATION, { schema: people, store })
    await expect(table.append([person(9)])).rejects.toMatchObject({ code: 'not-found' })
    await expect(table.scan().toArray()).rejects.toThrow(/(dropped or )?cleaned up .* refresh/)
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
    expect((await collect(store.list('t/data/'))).length).toBe(0)
    const names = (await collect(store.list('t/metadata/'))).map(({ key }) => key)
    expect(names.filter((name) => !/\/(?:v\d\.metadata\.json|version-hint\.text)$/.test(name))).toEqual([])
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
