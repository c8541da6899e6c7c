/**
 * What the roles of the stack can and cannot do, by requests: once before MinIO's own policy engine, with the statements as the session
 * policy of temporary credentials; once before an engine that knows AWS's condition keys, with the bucket's policy as well.
 */
import { CopyObjectCommand, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTable, loadTable, schema, t } from '../../src/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import type { Role } from '../../infra/lib/index.ts'
import { sweep } from '../../src/maintenance/index.ts'
import { messages } from '../lambda/messages.ts'
import { newBucket, s3Options } from '../support/tables.ts'
import { bucketStatements, forMinio, identityStatements, PREFIX } from './role-statements.ts'
import { startS3Gate } from './s3-gate.ts'
import type { S3Gate } from './s3-gate.ts'

const s3 = inject('s3')
const events = schema({ id: t.long, name: t.optional(t.string) })

type S3 = ReturnType<typeof s3Options> & { credentials: { sessionToken?: string } }

interface Place {
  readonly bucket: string
  /** The options of a session that has this role and no other right. */
  as(role: Role): Promise<S3>
}

const VERSION = `${PREFIX}/metadata/v1.metadata.json`
const OTHER = 'prod/other/data/secret'

/** A bucket with a table in it, and something beside the table that is nobody's business. */
async function prepared(): Promise<string> {
  const bucket = await newBucket(s3, 'roles')
  const root = client(s3Options(s3))
  await root.send(new PutObjectCommand({ Bucket: bucket, Key: OTHER, Body: 'secret' }))
  const table = await createTable(`s3://${bucket}/${PREFIX}`, { schema: events, s3: s3Options(s3) })
  await table.append([{ id: 0 }])
  await table.close()
  return bucket
}

function client({ endpoint, region, credentials }: S3): S3Client {
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 })
}

/** `ok`, or the name of S3's refusal. */
async function outcome(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'ok'
  } catch (error) {
    return (error as { name: string }).name
  }
}

/** The manifest lists that are there, named by a version or not. */
async function lists(bucket: string): Promise<string[]> {
  const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: `${PREFIX}/metadata/snap-` })
  const { Contents = [] } = await client(s3Options(s3)).send(command)
  return Contents.map(({ Key }) => Key!)
}

async function minioPlace(): Promise<Place> {
  const bucket = await prepared()
  return {
    bucket,
    async as(role): Promise<S3> {
      const policy = { Version: '2012-10-17', Statement: forMinio(identityStatements(role, bucket)) }
      const provider = new AssumeRoleProvider({
        stsEndpoint: s3.endpoint,
        accessKey: s3.accessKeyId,
        secretKey: s3.secretAccessKey,
        region: s3.region,
        policy: JSON.stringify(policy),
        roleSessionName: role,
      })
      const given = await provider.getCredentials()
      const sessionToken = given.getSessionToken() ?? ''
      const credentials = { accessKeyId: given.getAccessKey(), secretAccessKey: given.getSecretKey(), sessionToken }
      return { endpoint: s3.endpoint, region: s3.region, credentials }
    },
  }
}

async function gatePlace(gate: S3Gate): Promise<Place> {
  const bucket = await prepared()
  return {
    bucket,
    async as(role) {
      gate.statements = [...identityStatements(role, bucket), ...bucketStatements(bucket)]
      return { ...s3Options(s3), endpoint: gate.endpoint }
    },
  }
}

let gate: S3Gate
beforeAll(async () => {
  gate = await startS3Gate(s3.endpoint)
})
afterAll(() => gate.stop())

const engines: [string, () => Promise<Place>][] = [['an engine with the keys of AWS', () => gatePlace(gate)]]
// The tests' own small server has no policies; the run says so, and CI requires MinIO.
if (s3.kind !== 'own') engines.unshift(["MinIO's engine", minioPlace])

describe.each(engines)('%s', (_name, place) => {
  test('a writer appends, in company too, and without a right to clean up', async () => {
    const { bucket, as } = await place()
    const location = `s3://${bucket}/${PREFIX}`
    const options = await as('writer')
    const writers = await Promise.all([1, 2, 3, 4].map(() => loadTable(location, { s3: options })))
    await Promise.all(
      writers.map(async (table, writer) => {
        for (let i = 0; i < 5; i++) await table.append([{ id: writer * 100 + i }], { idempotencyKey: `${writer}-${i}` })
        await table.close()
      }),
    )
    await using table = await loadTable(location, { s3: options })
    expect(await table.scan().count()).toBe(21)
  })

  test('a change that loses leaves what it cannot delete, and goes on', async () => {
    const { bucket, as } = await place()
    const location = `s3://${bucket}/${PREFIX}`
    const options = await as('writer')
    const [slow, quick] = [await loadTable(location, { s3: options }), await loadTable(location, { s3: options })]
    await slow.transaction(async (tx) => {
      await tx.append([{ id: 1 }])
      // Whoever prepared its commit on an older version than the newest has to throw its manifest list away.
      await quick.transaction(async (other) => void (await other.append([{ id: 2 }])))
    })
    await Promise.all([slow.close(), quick.close()])
    expect(await (await loadTable(location, { s3: options })).scan().count()).toBe(3)
    const left = await lists(bucket)
    expect(left.length).toBeGreaterThan((await loadTable(location, { s3: options })).snapshots().length)
  })

  test('a writer can neither delete, nor reach another prefix', async () => {
    const { bucket: Bucket, as } = await place()
    const s = client(await as('writer'))
    const denied = async (run: () => Promise<unknown>) => expect(await outcome(run)).toBe('AccessDenied')
    for (const Key of [VERSION, `${PREFIX}/metadata/version-hint.text`, `${PREFIX}/data/any`, OTHER]) {
      await denied(() => s.send(new DeleteObjectCommand({ Bucket, Key })))
    }
    await denied(() => s.send(new GetObjectCommand({ Bucket, Key: OTHER })))
    await denied(() => s.send(new ListObjectsV2Command({ Bucket, Prefix: 'prod/other/' })))
    await denied(() => s.send(new PutObjectCommand({ Bucket, Key: OTHER, Body: 'mine' })))
    await denied(() => s.send(new PutObjectCommand({ Bucket, Key: `${PREFIX}2/data/x`, Body: 'mine' })))
    await denied(() => s.send(new PutObjectCommand({ Bucket, Key: `${PREFIX}/elsewhere`, Body: 'mine' })))
  })

  test('a reader reads and cannot append', async () => {
    const { bucket, as } = await place()
    await using table = await loadTable(`s3://${bucket}/${PREFIX}`, { s3: await as('reader') })
    expect(await table.scan().toArray()).toHaveLength(1)
    await expect(table.append([{ id: 1 }])).rejects.toMatchObject({ code: 'denied' })
  })

  test('a function whose role lacks a right: its records come again, and the log names the right', async () => {
    const { bucket, as } = await place()
    const table = `s3://${bucket}/${PREFIX}`
    const lines: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (...said: unknown[]) => void lines.push(JSON.stringify(said)),
    }
    const event = messages({ m1: { id: 7 } })
    const options = { table, logger, metrics: false } as const
    const without = appendHandler({ ...options, s3: await as('reader') })
    expect(await without(event)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] })
    expect(lines.join()).toMatch(/"code":"denied".*s3:PutObject/)
    const allowed = appendHandler({ ...options, s3: await as('writer') })
    expect(await allowed(event)).toEqual({ batchItemFailures: [] })
    await using read = await loadTable(table, { s3: await as('reader') })
    expect(await read.scan().count()).toBe(2)
  })

  test('a maintainer sweeps, and stays in its table', async () => {
    const { bucket, as } = await place()
    const location = `s3://${bucket}/${PREFIX}`
    const root = client(s3Options(s3))
    await root.send(
      new PutObjectCommand({ Bucket: bucket, Key: `${PREFIX}/data/in/hold/0123456789abcdef`, Body: new Uint8Array() }),
    )
    const result = await sweep(location, { s3: await as('maintainer') })
    expect(result.location).toBe(location)
    const s = client(await as('maintainer'))
    expect(await outcome(() => s.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${PREFIX}/data/x` })))).toBe('ok')
    expect(await outcome(() => s.send(new DeleteObjectCommand({ Bucket: bucket, Key: OTHER })))).toBe('AccessDenied')
  })
})

describe('the policy of the bucket', () => {
  test.each(['writer', 'maintainer'] as const)(
    'a %s cannot overwrite a version, nor create one without the condition',
    async (role) => {
      const { bucket: Bucket, as } = await gatePlace(gate)
      const s = client(await as(role))
      const put = (Key: string, more: object = {}) =>
        outcome(() => s.send(new PutObjectCommand({ Bucket, Key, Body: '{}', ...more })))
      const next = `${PREFIX}/metadata/v3.metadata.json`
      expect(await put(VERSION)).toBe('AccessDenied')
      expect(await put(next)).toBe('AccessDenied')
      expect(await put(VERSION, { IfNoneMatch: '*' })).toBe('PreconditionFailed')
      const CopySource = `${Bucket}/${VERSION}`
      expect(await outcome(() => s.send(new CopyObjectCommand({ Bucket, Key: next, CopySource })))).toBe('AccessDenied')
      expect(await put(next, { IfNoneMatch: '*' })).toBe('ok')
    },
  )

  test('without it the same writer could: it is the policy that stops it', async () => {
    const { bucket: Bucket, as } = await gatePlace(gate)
    const s = client(await as('writer'))
    gate.statements = identityStatements('writer', Bucket)
    expect(await outcome(() => s.send(new PutObjectCommand({ Bucket, Key: VERSION, Body: '{}' })))).toBe('ok')
  })
})
