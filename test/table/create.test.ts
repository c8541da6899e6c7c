import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { bucket, day, hour } from '../../src/spec/partition-builder.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { dropTable } from '../../src/table/drop.ts'
import { loadTable } from '../../src/table/load.ts'
import { HOUR_MS, newWorld } from '../maintenance/moved-clock.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { startS3Server } from '../support/s3-server.ts'
import { collect, minioClient, newBucket, people, person, s3Options, temporaryDirectory } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const HINT = 't/metadata/version-hint.text'
const credentials = { accessKeyId: 'x', secretAccessKey: 'y' }

describe('createTable', () => {
  test('a table of format v2 without rows, readable at once', async () => {
    const store = memoryStore()
    const table = await createTable(LOCATION, { schema: people, store, properties: { owner: 'me' } })
    expect(table.metadata).toMatchObject({ formatVersion: 2, location: LOCATION, properties: { owner: 'me' } })
    expect(table.currentSnapshot()).toBeUndefined()
    const loaded = await loadTable(LOCATION, { store })
    expect(loaded.version).toBe(1)
    expect(loaded.metadata.tableUuid).toBe(table.metadata.tableUuid)
    expect(await loaded.scan().toArray()).toEqual([])
  })

  test('where one is: already-exists, or the one that is there', async () => {
    const store = memoryStore()
    const first = await createTable(LOCATION, { schema: people, store })
    await expect(createTable(LOCATION, { schema: people, store })).rejects.toMatchObject({ code: 'already-exists' })
    const again = await createTable(LOCATION, { schema: people, store, ifNotExists: true })
    expect(again.metadata.tableUuid).toBe(first.metadata.tableUuid)
  })

  test('a creator that slept while a table came and went does not create a number that was deleted', async () => {
    const world = await newWorld()
    await dropTable(LOCATION, world)
    world.pass(HOUR_MS)
    await world.store.delete(['t/metadata/v1.metadata.json', 't/metadata/v2.metadata.json', HINT])
    let slept = false
    world.store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('v1.metadata.json') && !slept
        ? async () => {
            slept = true
            const other = await createTable(LOCATION, { ...world, schema: people })
            await other.append([person(1)])
            await other.close()
            await dropTable(LOCATION, world)
            world.pass(HOUR_MS)
            await dropTable(LOCATION, world)
          }
        : undefined
    await expect(createTable(LOCATION, { ...world, schema: people })).rejects.toMatchObject({ code: 'commit-unknown' })
    expect(slept).toBe(true)
    expect((await createTable(LOCATION, { ...world, schema: people })).version).toBe(4)
  })

  test('64 at once, ifNotExists: one creates, all get it', async () => {
    await using directory = await temporaryDirectory()
    const s3 = inject('s3')
    const name = await newBucket(s3, 'race')
    for (const [location, s3Option] of [
      [join(directory.path, 'table'), undefined],
      [`s3://${name}/table`, s3Options(s3)],
    ] as const) {
      const options = { schema: people, ifNotExists: true, ...(s3Option && { s3: s3Option }) }
      const tables = await Promise.all(Array.from({ length: 64 }, () => createTable(location, options)))
      expect(new Set(tables.map((table) => table.metadata.tableUuid)).size, location).toBe(1)
      expect(new Set(tables.map((table) => table.version))).toEqual(new Set([1]))
      await Promise.all(tables.map((table) => table.close()))
    }
  })

  test('64 at once without ifNotExists: one creates, 63 are told', async () => {
    const store = memoryStore()
    const results = await Promise.allSettled(
      Array.from({ length: 64 }, () => createTable(LOCATION, { schema: people, store })),
    )
    expect(results.filter((result) => result.status === 'fulfilled').length).toBe(1)
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    expect(reasons.every((reason) => reason.code === 'already-exists')).toBe(true)
  })

  test('a store that ignores conditions is refused, and so is one that is right only one at a time', async () => {
    for (const lie of [{ ignoreConditions: true }, { conditionalRace: true }]) {
      const server = await startS3Server({ buckets: ['liar'], ...lie })
      try {
        const s3 = { endpoint: server.endpoint, credentials, region: 'us-east-1' }
        const created = createTable('s3://liar/t', { schema: people, s3 })
        await expect(created).rejects.toMatchObject({ code: 'unsupported', committed: 'no' })
        await expect(createTable('s3://liar/t', { schema: people, s3 })).rejects.toThrow(/conditional creates/)
        expect(server.requests.filter(({ key }) => /v\d+\.metadata\.json$/.test(key))).toEqual([])
        await expect(loadTable('s3://liar/t', { s3 })).rejects.toMatchObject({ code: 'not-found' })
      } finally {
        await server.stop()
      }
    }
  })

  test('the proof of the store is recorded in the table and costs later users nothing', async () => {
    const server = await startS3Server({ buckets: ['fair'] })
    try {
      const s3 = { endpoint: server.endpoint, credentials, region: 'us-east-1' }
      const table = await createTable('s3://fair/t', { schema: people, s3 })
      const proof = JSON.parse(table.properties['datashard.probe']!) as object
      expect(proof).toMatchObject({ passed: true, rounds: 20, clients: 16, endpoint: server.endpoint })
      await table.close()
      server.requests.length = 0
      const loaded = await loadTable('s3://fair/t', { s3 })
      expect(server.requests.length).toBe(3)
      await loaded.append([person(1)])
      await loaded.close()
      expect(server.requests.filter(({ method }) => method === 'PUT').length).toBe(5)
      const left = [...server.state.buckets.get('fair')!.keys()].filter((key) => key.includes('_ds/'))
      expect(left).toEqual([])
    } finally {
      await server.stop()
    }
  })

  test('skipProbe creates without the race', async () => {
    const server = await startS3Server({ buckets: ['plain'] })
    try {
      const s3 = { endpoint: server.endpoint, credentials, region: 'us-east-1' }
      await (await createTable('s3://plain/t', { schema: people, s3, skipProbe: true })).close()
      expect(server.requests.length).toBeLessThan(8)
    } finally {
      await server.stop()
    }
  })

  test('the answer of the create is lost: the table is there, and it is ours', async () => {
    const store = faultyStore(memoryStore(), ({ verb, key }) =>
      verb === 'put' && key.endsWith('v1.metadata.json') ? 'lost-after' : undefined,
    )
    const table = await createTable(LOCATION, { schema: people, store })
    expect(table.version).toBe(1)
  })
})

describe('what createTable refuses, before any request', () => {
  const cases: readonly (readonly [string, () => Parameters<typeof createTable>[1], RegExp])[] = [
    ['two columns of one name', () => ({ schema: { fields: [field(1, 'a'), field(2, 'a')] } }), /'a'/],
    ['two fields of one id', () => ({ schema: { fields: [field(1, 'a'), field(1, 'b')] } }), /1/],
    ['a type that does not exist', () => ({ schema: { fields: [{ ...field(1, 'a'), type: 'text' }] } }), /text/],
    ['day of a string', () => ({ schema: people, partitionBy: [day('name')] }), /name/],
    ['hour of a date', () => ({ schema: schema({ d: t.date }), partitionBy: [hour('d')] }), /d/],
    ['no buckets', () => ({ schema: people, partitionBy: [bucket('id', 0)] }), /bucket/],
    ['a partition column that is not there', () => ({ schema: people, partitionBy: ['nmae'] }), /name/],
    ['sorting by a column that is not there', () => ({ schema: people, sortBy: ['nope'] }), /nope/],
    ['a struct without fields', () => ({ schema: schema({ s: t.struct({}) }) }), /s/],
    ['a property that is no string', () => ({ schema: people, properties: { n: 1 as unknown as string } }), /string/],
    [
      'compressed metadata',
      () => ({ schema: people, properties: { 'write.metadata.compression-codec': 'gzip' } }),
      /fork/,
    ],
    ['a decimal of 39 digits', () => ({ schema: { fields: [{ ...field(1, 'a'), type: 'decimal(39,2)' }] } }), /38|39/],
  ]
  const field = (id: number, name: string) => ({ id, name, type: 'long', required: true })

  for (const [name, options, message] of cases) {
    test(name, async () => {
      const store = faultyStore(memoryStore(), () => undefined)
      const created = (async () => createTable(LOCATION, { ...options(), store }))()
      await expect(created).rejects.toMatchObject({ name: 'DataShardError', committed: 'no' })
      await expect((async () => createTable(LOCATION, { ...options(), store }))()).rejects.toThrow(message)
      expect(store.calls).toEqual([])
    })
  }

  test('nanosecond timestamps need v3, and it says so', async () => {
    const created = createTable(LOCATION, { schema: schema({ at: t.timestampNs }), store: memoryStore() })
    await expect(created).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('a location that is a file', async () => {
    await using directory = await temporaryDirectory()
    const file = join(directory.path, 'file')
    await writeFile(file, 'x')
    await expect(createTable(file, { schema: people })).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(await readdir(directory.path)).toEqual(['file'])
  })

  test('a bucket that is not there, and wrong credentials', async () => {
    const s3 = inject('s3')
    const nowhere = createTable('s3://there-is-no-such-bucket/t', { schema: people, s3: s3Options(s3) })
    await expect(nowhere).rejects.toMatchObject({ code: 'not-found' })
    const bucketName = await newBucket(s3, 'rights')
    const wrong = { ...s3Options(s3), credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: 'wrong-secret' } }
    const denied = createTable(`s3://${bucketName}/t`, { schema: people, s3: wrong })
    await expect(denied).rejects.toMatchObject({ code: 'denied' })
    await expect(denied).rejects.not.toThrow(/wrong-secret/)
    expect(await collect(minioClient(s3).listObjectsV2(bucketName, '', true))).toEqual([])
  })

  test('a folder named like a metadata file', async () => {
    const created = createTable('memory://store/t/v1.metadata.json', { schema: people, store: memoryStore() })
    await expect(created).rejects.toMatchObject({ code: 'invalid-argument' })
  })
})

describe('createTable beside others', () => {
  test('a table that a catalog names is not built upon', async () => {
    const store = memoryStore()
    await store.put('t/metadata/00003-abc.metadata.json', new TextEncoder().encode('{}'))
    for (const ifNotExists of [false, true]) {
      const created = createTable(LOCATION, { schema: people, store, ifNotExists })
      await expect(created).rejects.toMatchObject({ code: 'already-exists', message: /catalog/ })
    }
    expect((await collect(store.list(''))).length).toBe(1)
  })

  test('who loses the race to create sees what the winner has appended meanwhile', async () => {
    let raced = false
    const store = faultyStore(memoryStore(), ({ verb, key }) => {
      if (verb !== 'put' || !key.endsWith('/v1.metadata.json') || raced) return undefined
      raced = true
      return async () => {
        const winner = await createTable(LOCATION, { schema: people, store })
        await winner.append([person(1)])
      }
    })
    const table = await createTable(LOCATION, { schema: people, store, ifNotExists: true })
    expect(table.version).toBe(2)
    expect(await table.scan().count()).toBe(1)
  })

  test('settings that would fork the table are refused in any case of letters, harmless ones are not', async () => {
    const store = memoryStore()
    const create = (properties: Record<string, string>) => createTable(LOCATION, { schema: people, store, properties })
    const deleting = { 'write.metadata.delete-after-commit.enabled': 'TRUE' }
    await expect(create(deleting)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(create(null as never)).resolves.toBeDefined()
    await dropTable(LOCATION, { store })
    await expect(create([] as never)).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(create({ 'write.metadata.compression-codec': 'NONE' })).resolves.toBeDefined()
  })
})

describe('loadTable', () => {
  test('nothing there: not-found says what to do', async () => {
    await using directory = await temporaryDirectory()
    await expect(loadTable(join(directory.path, 'none'))).rejects.toMatchObject({ code: 'not-found' })
    expect(await readdir(directory.path)).toEqual([])
  })

  test('tables whose versions a catalog names: the message gives a file to open', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(join(directory.path, 'metadata'))
    await writeFile(join(directory.path, 'metadata/00003-abc.metadata.json'), '{}')
    await expect(loadTable(directory.path)).rejects.toThrow(/00003-abc\.metadata\.json/)
  })

  test('one metadata file opens read-only', async () => {
    const store = memoryStore()
    const table = await createTable(LOCATION, { schema: people, store })
    await table.append([person(1)])
    await table.append([person(2)])
    const state = await loadTable(`${LOCATION}/metadata/v2.metadata.json`, { store })
    expect(await state.scan().count()).toBe(1)
    await expect(state.append([person(3)])).rejects.toMatchObject({ code: 'unsupported' })
    expect(() => state.newTransaction()).toThrow(/cannot be written/)
  })

  test('a copy in another place is read there and not written to', async () => {
    const store = memoryStore()
    const table = await createTable(LOCATION, { schema: people, store })
    await table.append([person(1)])
    await table.flush()
    for (const { key } of await collect(store.list('t/'))) {
      await store.put(key.replace(/^t\//, 'copy/'), (await store.get(key))!)
    }
    await dropTable(LOCATION, { store })
    const copy = await loadTable('memory://store/copy', { store })
    expect(await copy.scan().toArray()).toEqual([{ id: 1n, name: 'person 1' }])
    await expect(copy.append([person(2)])).rejects.toMatchObject({ code: 'unsupported' })
  })
})
