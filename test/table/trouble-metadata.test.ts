/**
 * Versions whose JSON is sound and whose numbers are not: they are refused by name, and no commit makes of them a version that
 * nobody can read, or one that gives out an id twice.
 */
import { describe, expect, test } from 'vitest'
import { parseJson, stringifyJson } from '../../src/codec/lossless-json.ts'
import type { JsonObject } from '../../src/codec/lossless-json.ts'
import { ledgerOf } from '../../src/commit/peek.ts'
import { createTable, DataShardError, dropTable, loadTable } from '../../src/index.ts'
import { bucket } from '../../src/spec/partition-builder.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { memoryStore } from '../../src/store/index.ts'
import { verifyTable } from '../../src/table/verify.ts'
import { plantIntents, sampleFile } from '../support/intents.ts'
import { people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const MAX_MS = 8_640_000_000_000_000
const MAX_LONG = 2n ** 63n - 1n

/** Two appends, the second under a key. */
async function newTable() {
  const store = memoryStore()
  const table = await createTable(LOCATION, { schema: people, store, partitionBy: [bucket('id', 2)] })
  await table.append([person(0)])
  await table.append([person(1)], { idempotencyKey: 'key' })
  await table.flush()
  return { store, table, head: `t/metadata/v${table.version}.metadata.json` }
}

async function edit(store: ObjectStore, key: string, change: (json: JsonObject) => void): Promise<void> {
  const json = parseJson(new TextDecoder().decode(await store.get(key))) as JsonObject
  change(json)
  await store.put(key, new TextEncoder().encode(stringifyJson(json)))
}

async function damaged(change: (json: JsonObject) => void) {
  const made = await newTable()
  await edit(made.store, made.head, change)
  return made
}

const list = (json: JsonObject, key: string) => json[key] as JsonObject[]
const fieldsOf = (json: JsonObject) => list(json, 'partition-specs')[0]!['fields'] as JsonObject[]

async function failure(action: Promise<unknown>): Promise<DataShardError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DataShardError)
  return error as DataShardError
}

describe('numbers and names that no table has', () => {
  test.each<[string, (json: JsonObject) => void, RegExp]>([
    ['no uuid', (json) => (json['table-uuid'] = ''), /table-uuid: found '' .*expected a UUID/],
    ['a uuid that leads out', (json) => (json['table-uuid'] = '../../../x'), /table-uuid: .*expected a UUID/],
    [
      'the uuid of another table',
      (json) => (json['table-uuid'] = 'fb072c92-a02b-11e9-ae9c-1bb7bc9eca94'),
      /table-uuid is fb072c92.* says that .* wrote it/,
    ],
    [
      'a schema id that is no int',
      (json) => (json['current-schema-id'] = 2 ** 31),
      /current-schema-id: found 2147483648/,
    ],
    ['a last id that is no int', (json) => (json['last-partition-id'] = 2 ** 53 - 1), /last-partition-id: found 9007/],
    ['a field id that is no int', (json) => (fieldsOf(json)[0]!['field-id'] = 2 ** 31), /fields\[0\].field-id: found/],
    [
      'one field id twice',
      (json) => fieldsOf(json).push({ ...fieldsOf(json)[0]! }),
      /two fields of spec 0 have the id 1000/,
    ],
    ['sequence numbers below 0', (json) => (json['last-sequence-number'] = -5), /last-sequence-number: .*0 or more/],
    ['a time that no Date can hold', (json) => (json['last-updated-ms'] = MAX_MS + 1), /last-updated-ms: .*a time/],
  ])('%s: refused by name, and nothing is written', async (_what, change, message) => {
    const { store, head } = await damaged(change)
    const error = await failure(loadTable(LOCATION, { store }))
    expect(error.code).toBe('corrupt')
    expect(error.message).toMatch(message)
    expect(error.message).toContain(head)
  })

  test('the tombstone of a dropped table that fell at no time', async () => {
    const { store, table } = await newTable()
    await dropTable(LOCATION, { store })
    await edit(store, `t/metadata/v${table.version + 1}.metadata.json`, (json) => {
      ;(json['datashard-tombstone'] as JsonObject)['dropped-at-ms'] = -1e300
    })
    expect((await failure(loadTable(LOCATION, { store }))).message).toMatch(/tombstone .*not a complete one/)
  })
})

describe('numbers that are at their end', () => {
  test.each<[string, (json: JsonObject) => void]>([
    ['last-sequence-number', (json) => (json['last-sequence-number'] = MAX_LONG)],
    ['last-updated-ms', (json) => (json['last-updated-ms'] = MAX_MS)],
    ['timestamp-ms', (json) => (list(json, 'snapshots').at(-1)!['timestamp-ms'] = MAX_MS)],
  ])('%s: the rows can be read; no commit writes what comes after the last', async (field, change) => {
    const { store, table } = await damaged(change)
    const opened = await loadTable(LOCATION, { store })
    expect(await opened.scan().count()).toBe(2)
    const changes = [
      () => opened.append([person(2)]),
      () => opened.append([person(2)], { idempotencyKey: 'other' }),
      () => opened.transaction((tx) => tx.setProperties({ a: 'b' })),
    ]
    for (const attempt of changes) {
      const error = await failure(attempt())
      expect(error.code).toBe('corrupt')
      expect(error.message).toMatch(new RegExp(`${LOCATION} cannot be written to: .* as ${field}`))
    }
    expect((await loadTable(LOCATION, { store })).version).toBe(table.version)
  })

  test('ids of schemas, specs and partition fields: a change that needs the next one is refused', async () => {
    const last = 2 ** 31 - 1
    const { store } = await damaged((json) => {
      list(json, 'schemas')[0]!['schema-id'] = json['current-schema-id'] = last
      json['last-partition-id'] = last
    })
    const opened = await loadTable(LOCATION, { store })
    const column = opened.transaction((tx) => tx.updateSchema((schema) => schema.addColumn('more', 'long')))
    expect((await failure(column)).message).toMatch(/no schema can be added/)
    const field = opened.transaction((tx) => tx.updatePartitionSpec((spec) => spec.add('name')))
    expect((await failure(field)).message).toMatch(/no partition field can be added/)
    await opened.append([person(2)])
    expect(await (await loadTable(LOCATION, { store })).scan().count()).toBe(3)
  })
})

test('last-column-id too low: a new column does not get the id of a dropped one, and with it its values', async () => {
  const { store, table } = await newTable()
  await table.transaction((tx) => tx.updateSchema((schema) => schema.addColumn('gone', 'long')))
  await table.append([{ ...person(2), gone: 5n } as never])
  await table.transaction((tx) => tx.updateSchema((schema) => schema.dropColumn('gone')))
  await table.flush()
  await edit(store, `t/metadata/v${table.version}.metadata.json`, (json) => (json['last-column-id'] = 2))
  const { problems } = await verifyTable(LOCATION, { store })
  expect(problems.map(({ found }) => found)).toEqual(['last-column-id is 2, but a schema has a field with the id 3'])
  const opened = await loadTable(LOCATION, { store })
  await opened.transaction((tx) => tx.updateSchema((schema) => schema.addColumn('fresh', 'long')))
  const rows = (await opened.scan().toArray()) as readonly Record<string, unknown>[]
  expect(rows.map((row) => row['fresh'])).toEqual([null, null, null])
  expect(opened.metadata.lastColumnId).toBe(4)
})

test.each([
  ['a floor', (ledger: string) => ledger.replace(/^1 16 \d+/, '1 16 999999')],
  ['an entry', (ledger: string) => ledger.replace('|', `|5000,1,${'a'.repeat(16)}|`)],
])(
  'a ledger with %s of a version to come is no ledger: appends are folded, and nothing twice',
  async (_what, change) => {
    const { store, table } = await newTable()
    const sample = await sampleFile(table, store)
    await plantIntents(table, store, 't', sample, 1)
    await edit(store, `t/metadata/v${table.version}.metadata.json`, (json) => {
      const properties = json['properties'] as JsonObject
      properties['datashard.ledger'] = change(String(properties['datashard.ledger']))
    })
    const opened = await loadTable(LOCATION, { store })
    const { replayed } = await opened.append([person(1)], { idempotencyKey: 'key', timeoutMs: 5_000 })
    expect(replayed).toBe(true)
    await opened.append([person(2)], { idempotencyKey: 'other', timeoutMs: 5_000 })
    expect(ledgerOf(opened.metadata)!.floor).toBeLessThanOrEqual(opened.version)
    // Two of before, the planted one, the new one.
    expect(await opened.scan().count()).toBe(4)
  },
)

test('the manifest list of another snapshot in the place of one: no row of the other state, and no commit on it', async () => {
  const { store, table } = await newTable()
  const [first, second] = table.snapshots().map(({ manifestList }) => store.keyOf(manifestList!)!)
  await store.put(second!, (await store.get(first!))!)
  const opened = await loadTable(LOCATION, { store })
  for (const action of [opened.scan().toArray(), opened.append([person(2)])]) {
    const error = await failure(action)
    expect(error.code).toBe('corrupt')
    expect(error.message).toMatch(
      `${second} is damaged: it holds the manifest list of snapshot ${table.snapshots()[0]!.snapshotId}`,
    )
  }
  expect((await loadTable(LOCATION, { store })).version).toBe(table.version)
})

test('a path that can be the name of no object is damage of the metadata', async () => {
  const { store } = await damaged((json) => {
    list(json, 'snapshots').at(-1)!['manifest-list'] = `${LOCATION}/metadata/a\0b.avro`
  })
  const opened = await loadTable(LOCATION, { store })
  for (const action of [opened.scan().toArray(), opened.append([person(2)])]) {
    const error = await failure(action)
    expect(error.code).toBe('corrupt')
    expect(error.message).toMatch(/memory:\/\/store\/t names an object that cannot be: .*NUL/)
  }
})
