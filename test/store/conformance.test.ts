/** Every store is put through the same suite. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { Client } from 'minio'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { storeConformance } from '../../src/store/conformance.ts'
import { localStore } from '../../src/store/local.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { s3Store } from '../../src/store/s3.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' }

function suite(name: string, open: () => ObjectStore): void {
  describe(`conformance: ${name}`, () => {
    test.each(storeConformance())('$name', async ({ run }) => {
      await expect(run({ store: open(), prefix: 'conformance' })).resolves.toBeUndefined()
    })
  })
}

const memory = memoryStore()
suite('memory', () => memory)

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'datashard-local-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))
suite('local directory', () => localStore(join(directory, 'made on # demand')))

let server: S3Server
beforeAll(async () => {
  server = await startS3Server({ buckets: ['conformance'] })
})
afterAll(() => server.stop())
suite('the S3 server of these tests', () =>
  s3Store({ bucket: 'conformance', endpoint: server.endpoint, credentials, region: 'us-east-1' }),
)
suite('a client of the caller’s', () => {
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', credentials, forcePathStyle: true })
  return s3Store({ bucket: 'conformance', client })
})

const s3 = inject('s3')
const bucket = `conformance-${Date.now()}`
beforeAll(async () => {
  const { hostname, port } = new URL(s3.endpoint)
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
  })
  await client.makeBucket(bucket)
})
suite(s3.kind, () =>
  s3Store({
    bucket,
    endpoint: s3.endpoint,
    region: s3.region,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  }),
)
