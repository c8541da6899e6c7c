/** Values that types would not let through are refused by name, before anything is asked of the store. */
import { describe, expect, test } from 'vitest'
import { createTable, dropTable, eq, loadTable } from '../../src/index.ts'
import type { OpenOptions, SchemaChange } from '../../src/index.ts'
import { countedTable, LOCATION } from '../support/people-table.ts'
import { people, person } from '../support/tables.ts'

type World = Awaited<ReturnType<typeof countedTable>>

/** What is called, what it is given, and what the refusal says. */
type Case = readonly [what: string, call: (world: World) => unknown, message: RegExp | string]

const any = (value: unknown) => value as never
const open = (options: object) => options as OpenOptions

const VALUES: readonly Case[] = [
  [
    'a flag as text',
    ({ store }) => createTable(LOCATION, { schema: people, store, ifNotExists: any('false') }),
    /'false' .*expected true or false/,
  ],
  [
    'a flag as number',
    ({ store }) => createTable(LOCATION, { schema: people, store, skipProbe: any(1) }),
    /skipProbe is 1 /,
  ],
  ['ifExists as text', ({ store }) => dropTable(LOCATION, { store, ifExists: any('no') }), /ifExists is 'no' /],
  ['json as text', ({ table }) => table.scan({ json: any('yes') }).toArray(), /json is 'yes' /],
  [
    'nearest as text',
    ({ table }) => table.timeTravel({ timestamp: new Date(), nearest: any('yes') }),
    /nearest is 'yes' /,
  ],
  [
    'a ref that is no text',
    ({ table }) => table.timeTravel({ ref: any(undefined) }),
    /ref is undefined, expected the name/,
  ],
  ['no state at all', ({ table }) => table.timeTravel(any(undefined)), /timeTravel needs one of/],
  ['a writer that is no text', ({ store }) => loadTable(LOCATION, open({ store, writer: 5 })), /writer is 5 /],
  [
    'an observer that is none',
    ({ store }) => loadTable(LOCATION, open({ store, onAppend: {} })),
    /^onAppend: found an object/,
  ],
  ['a store that is none', () => loadTable(LOCATION, open({ store: {} })), /found an object without keys as store/],
  ['a store by its name', () => loadTable(LOCATION, open({ store: 'memory' })), /found 'memory' \(string\) as store/],
  ['a region that is none', () => loadTable('s3://bucket/t', open({ s3: { region: 5 } })), /region is 5 /],
  ['an empty region', () => loadTable('s3://bucket/t', open({ s3: { region: '' } })), /region is '' /],
  [
    'credentials without a secret',
    () => loadTable('s3://bucket/t', open({ s3: { credentials: { accessKeyId: 'a' } } })),
    /credentials have no text as secretAccessKey; found undefined/,
  ],
  [
    'credentials as text',
    () => loadTable('s3://bucket/t', open({ s3: { credentials: 'secret' } })),
    /credentials have no text as accessKeyId/,
  ],
  [
    'path style as text',
    () => loadTable('s3://bucket/t', open({ s3: { forcePathStyle: 'true' } })),
    /forcePathStyle is 'true' /,
  ],
  [
    'a symbol as location',
    ({ store }) => createTable(any(Symbol('x')), { schema: people, store }),
    /found a symbol as a location/,
  ],
  ['a bigint as location', ({ store }) => loadTable(any(5n), { store }), /found 5n \(bigint\) as a location/],
  ['a symbol to drop', ({ store }) => dropTable(any(Symbol('x')), { store }), /found a symbol as a location/],
  [
    'a key that is a bigint',
    ({ table }) => table.append([person(2)], { idempotencyKey: any(5n) }),
    /idempotencyKey is 5n \(bigint\)/,
  ],
  [
    'a bigint among keys',
    ({ table }) => table.append([person(2)], { idempotencyKeys: any([5n]) }),
    /idempotencyKeys\[0\] is 5n/,
  ],
  ['sameKey as bigint', ({ table }) => table.append([], { idempotencyKey: 'a', sameKey: any(5n) }), /sameKey is 5n/],
  ['unknownColumns as bigint', ({ table }) => table.append([], { unknownColumns: any(5n) }), /unknownColumns is 5n/],
  ['a path that is a bigint', ({ table }) => table.appendFiles(any([5n])), /found 5n \(bigint\) as the path/],
  [
    'properties in a Map',
    ({ table }) => table.transaction((tx) => tx.setProperties(any(new Map([['a', 'b']])))),
    /found a Map of 1/,
  ],
  [
    'properties with a bigint',
    ({ table }) => table.transaction((tx) => tx.setProperties(any([5n]))),
    /found an array of 1/,
  ],
  ['no body', ({ table }) => table.transaction(any(undefined)), /^transaction: found undefined, expected a function/],
  [
    'a change as text',
    ({ table }) => table.transaction((tx) => tx.updateSchema(any('drop id'))),
    /^updateSchema: found 'drop id'/,
  ],
  [
    'no change of the spec',
    ({ table }) => table.transaction((tx) => tx.updatePartitionSpec(any(null))),
    /^updatePartitionSpec: found null/,
  ],
]

describe('callers without types', () => {
  test.each(VALUES)('%s is refused', async (_, call, message) => {
    const world = await countedTable()
    const refused = (async () => call(world))()
    await expect(refused).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message) as string,
    })
    expect(world.store.calls).toEqual([])
  })

  test('what credentials are is not told, since they may be secrets in the wrong place', async () => {
    const options = open({ s3: { credentials: { accessKeyId: 'AKIA', secretAccessKey: ['hunter2'] } } })
    await expect(loadTable('s3://bucket/t', options)).rejects.toThrow(/secretAccessKey; found object$/)
  })

  test('a change told by an async function is refused, instead of being in no version', async () => {
    const { table } = await countedTable()
    const later = async (schema: SchemaChange) => {
      await Promise.resolve()
      schema.addColumn('zip', 'string')
      throw new Error('nobody hears this')
    }
    const { version } = table
    await expect(table.transaction((tx) => tx.updateSchema(later))).rejects.toThrow(
      'updateSchema: the function returned a promise',
    )
    expect([table.version, table.schema.fields.length]).toEqual([version, 2])
  })

  test('nulls where nothing is meant count as nothing', async () => {
    const { store, table } = await countedTable()
    const nothing = any(null)
    const options = {
      schema: people,
      store,
      ifNotExists: true,
      skipProbe: nothing,
      partitionBy: nothing,
      signal: nothing,
    }
    const again = await createTable(LOCATION, options)
    expect(await again.scan({ json: nothing }).toArray()).toHaveLength(1)
    expect(await table.append([person(2)], { unknownColumns: nothing, signal: nothing })).toMatchObject({ rows: 1 })
  })
})

describe('a signal that has fired', () => {
  const signal = AbortSignal.abort()
  const asked: readonly (readonly [string, (world: World) => unknown])[] = [
    ['a scan of no rows', ({ table }) => table.scan({ limit: 0, signal }).toArray()],
    ['the manifests of a snapshot', ({ table }) => table.currentSnapshot()!.manifests({ signal })],
    [
      'the entries of a manifest',
      async ({ table }) => {
        const [manifest] = await table.currentSnapshot()!.manifests()
        for await (const _ of manifest!.entries({ signal })) continue
      },
    ],
    ['a delete of a transaction', ({ table }) => table.newTransaction().delete(eq('id', 1), { signal })],
  ]
  test.each(asked)('ends %s', async (_, call) => {
    const world = await countedTable()
    await expect((async () => call(world))()).rejects.toMatchObject({ code: 'aborted' })
  })

  test('what is no signal is refused by views too', async () => {
    const { table } = await countedTable()
    await expect(table.currentSnapshot()!.manifests({ signal: any(5) })).rejects.toThrow('found number as signal')
    await expect(table.currentSnapshot()!.manifests(any(null))).rejects.toThrow('manifests: found null as its options')
  })
})
