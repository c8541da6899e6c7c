/** Tables for tests, on stores that count and fail. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'minio'
import { schema, t } from '../../src/spec/builder.ts'
import type { S3Endpoint } from './minio.ts'

/** The columns that most tests need. */
export const people = schema({ id: t.long, name: t.optional(t.string) })

export function person(id: number): { id: number; name: string } {
  return { id, name: `person ${id}` }
}

/** A directory of its own, gone after the test. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'datashard-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  }
}

/** The independent look into a bucket. */
export function minioClient(s3: S3Endpoint): Client {
  const { hostname, port, protocol } = new URL(s3.endpoint)
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: protocol === 'https:',
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
  })
}

let buckets = 0

/** A new bucket on the S3 server of the run. */
export async function newBucket(s3: S3Endpoint, name: string): Promise<string> {
  const bucket = `${name}-${process.pid}-${++buckets}`
  await minioClient(s3).makeBucket(bucket)
  return bucket
}

/** What `{ s3 }` of createTable and loadTable takes. */
export function s3Options(s3: S3Endpoint) {
  return {
    endpoint: s3.endpoint,
    region: s3.region,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
  }
}

/** How a process of its own finds the server. */
export function s3Environment({ endpoint, accessKeyId, secretAccessKey, region }: S3Endpoint) {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
  }
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
