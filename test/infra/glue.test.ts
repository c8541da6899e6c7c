/** The registrar against moto's Glue and S3; pyiceberg reads the table through Glue as Athena would find it. */
import { CreateDatabaseCommand, GetTableCommand, GlueClient, UpdateTableCommand } from '@aws-sdk/client-glue'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { glueType } from '../../infra/functions/glue-type.ts'
import { handler } from '../../infra/functions/register.ts'
import { memoryStore } from '../../src/store/index.ts'
import { startMoto } from './moto.ts'
import { infraPython } from './tools.ts'

const run = promisify(execFile)
const python = await infraPython()
const KEYS = { AWS_ACCESS_KEY_ID: 'moto', AWS_SECRET_ACCESS_KEY: 'moto', AWS_REGION: 'us-east-1' }
const LOCATION = 's3://glue-lake/prod/events'
const columns = schema({ id: t.long, at: t.timestamptz, tags: t.optional(t.list(t.string)) })

const READ_BY_GLUE = `
import sys
from pyiceberg.catalog import load_catalog
endpoint = sys.argv[1]
keys = {'access-key-id': 'moto', 'secret-access-key': 'moto', 'region': 'us-east-1', 'endpoint': endpoint}
catalog = load_catalog('glue', type='glue', **{f'{service}.{k}': v for service in ('glue', 's3') for k, v in keys.items()})
print(sorted(catalog.load_table('lake.events').scan().to_arrow()['id'].to_pylist()))
`

describe.skipIf(python === undefined)('the registrar of Glue', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  let glue: GlueClient

  beforeAll(async () => {
    moto = await startMoto(python!)
    const environment = { ...KEYS, AWS_ENDPOINT_URL: moto.endpoint, DATASHARD_GLUE_DATABASE: 'lake' }
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    vi.stubEnv('DATASHARD_REGISTERED', JSON.stringify({ events: LOCATION, later: 's3://glue-lake/prod/later' }))
    glue = new GlueClient({})
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'lake' } }))
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'glue-lake' }))
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await moto.stop()
  })

  const registered = async () => (await glue.send(new GetTableCommand({ DatabaseName: 'lake', Name: 'events' }))).Table!
  const pointer = async () => (await registered()).Parameters?.['metadata_location']
  const seen = async () => {
    const { stdout } = await run(python!, ['-c', READ_BY_GLUE, moto.endpoint], { env: { ...process.env, ...KEYS } })
    return JSON.parse(stdout) as number[]
  }

  test('registers a table once it is there, and moves the pointer with its versions, only forward', async () => {
    expect(await handler()).toEqual({})
    // moto sometimes lets two of sixteen clients create one key; here there is one.
    await using table = await createTable(LOCATION, { schema: columns, skipProbe: true })
    await table.append([{ id: 1, at: new Date() }])
    expect(await handler()).toEqual({ events: `${LOCATION}/metadata/v${table.version}.metadata.json` })
    expect((await registered()).StorageDescriptor?.Columns).toEqual([
      { Name: 'id', Type: 'bigint' },
      { Name: 'at', Type: 'timestamp' },
      { Name: 'tags', Type: 'array<string>' },
    ])
    expect(await seen()).toEqual([1])

    await table.append([{ id: 2, at: new Date() }])
    expect(await seen(), 'not seen before the pointer has moved').toEqual([1])
    await handler()
    expect(await seen()).toEqual([1, 2])

    const ahead = `${LOCATION}/metadata/v99.metadata.json`
    await point(ahead)
    await handler()
    expect(await pointer()).toBe(ahead)
  })

  test('does not hide what an engine committed through Glue, but fails loudly', async () => {
    await (await loadTable(LOCATION)).close()
    const foreign = `${LOCATION}/metadata/00001-7b7b.metadata.json`
    await point(foreign)
    await expect(handler()).rejects.toThrow(/00001-7b7b.*no version/)
    expect(await pointer()).toBe(foreign)
  })

  async function point(metadataLocation: string): Promise<void> {
    const { Name, TableType, StorageDescriptor, Parameters } = await registered()
    const TableInput = {
      Name,
      TableType,
      StorageDescriptor,
      Parameters: { ...Parameters, metadata_location: metadataLocation },
    }
    await glue.send(new UpdateTableCommand({ DatabaseName: 'lake', TableInput }))
  }
})

test('types are named as Glue names them', async () => {
  const shape = schema({
    a: t.decimal(12, 2),
    b: t.struct({ x: t.int, y: t.optional(t.uuid) }),
    c: t.map(t.string, t.list(t.timestamp)),
    d: t.date,
    e: t.binary,
  })
  await using table = await createTable('memory://store/t', { schema: shape, store: memoryStore() })
  expect(table.schema.fields.map((field) => glueType(field.type))).toEqual([
    'decimal(12,2)',
    'struct<x:int,y:string>',
    'map<string,array<timestamp>>',
    'date',
    'binary',
  ])
})
