/** Where tests of other engines write: a fresh directory, or a fresh bucket of the S3 server of this run. */
import { Client } from 'minio'
import { randomUUID } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import type { S3Options } from '../../src/store/open.ts'
import type { S3Endpoint } from '../support/minio.ts'

/** A location, and how to reach it: for us and for the judges. */
export interface Place {
  readonly location: string
  readonly options: { readonly s3?: S3Options }
  readonly s3?: S3Endpoint
}

export type PlaceKind = 'directory' | 'bucket'

/** A new place for a table of this name; what is in a directory is deleted when the file's tests are over. */
export async function newPlace(kind: PlaceKind, name = 'table'): Promise<Place> {
  return kind === 'directory' ? newDirectory(name) : newBucket(name)
}

async function newDirectory(name: string): Promise<Place> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'datashard-interop-')))
  directories.push(root)
  return { location: join(root, name), options: {} }
}

const directories: string[] = []
afterAll(async () => {
  await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
})

async function newBucket(name: string): Promise<Place> {
  const s3 = inject('s3')
  const bucket = `interop-${randomUUID()}`
  await minioClient(s3).makeBucket(bucket)
  return { location: `s3://${bucket}/${name}`, options: { s3: s3Options(s3) }, s3 }
}

export function s3Options({ endpoint, region, accessKeyId, secretAccessKey }: S3Endpoint): S3Options {
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
}

function minioClient(s3: S3Endpoint): Client {
  const { hostname, port, protocol } = new URL(s3.endpoint)
  const useSSL = protocol === 'https:'
  return new Client({
    endPoint: hostname,
    port: port === '' ? (useSSL ? 443 : 80) : Number(port),
    useSSL,
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
    region: s3.region,
  })
}

/** Makes each table once, when the first of several tests asks for it. */
export function once<K, V>(make: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const made = new Map<K, Promise<V>>()
  return (key) => {
    const known = made.get(key) ?? make(key)
    made.set(key, known)
    return known
  }
}
