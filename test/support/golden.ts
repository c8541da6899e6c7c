import { Client } from 'minio'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CanonicalRow } from '../judges/canonical.ts'
import type { S3Endpoint } from './minio.ts'

const GOLDEN = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'golden')
const PARALLEL_UPLOADS = 16

export interface GoldenRead {
  readonly columns: readonly string[]
  readonly rows: readonly CanonicalRow[]
  readonly filter?: string
  readonly snapshotId?: string
}

export interface GoldenTable {
  readonly location: string
  readonly metadataFile?: string
  readonly reads: Readonly<Record<string, GoldenRead>>
}

/** Tables that others wrote, with what each read of them must return (fixtures/golden/README.md). */
export async function goldenTables(): Promise<Readonly<Record<string, GoldenTable>>> {
  const { tables } = JSON.parse(await readFile(join(GOLDEN, 'expected.json'), 'utf8')) as {
    tables: Record<string, GoldenTable>
  }
  return tables
}

/** The golden objects by key, for a store in memory. */
export async function* goldenObjects(): AsyncGenerator<readonly [key: string, bytes: Uint8Array]> {
  const root = join(GOLDEN, 'bucket')
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    yield [relative(root, path).split(sep).join('/'), await readFile(path)]
  }
}

/** Uploads the golden tables to the bucket `golden`, where their metadata says they are. Any number of test files may do so at once. */
export async function uploadGolden(s3: S3Endpoint): Promise<void> {
  const { hostname, port, protocol } = new URL(s3.endpoint)
  const useSSL = protocol === 'https:'
  const client = new Client({
    endPoint: hostname,
    port: port === '' ? (useSSL ? 443 : 80) : Number(port),
    useSSL,
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
    region: s3.region,
  })
  await client.makeBucket('golden').catch((error: { code?: string }) => {
    if (error.code !== 'BucketAlreadyOwnedByYou') throw error
  })
  const objects = goldenObjects()
  const upload = async (): Promise<void> => {
    for (let next = await objects.next(); next.done !== true; next = await objects.next()) {
      const [key, bytes] = next.value
      await client.putObject('golden', key, Buffer.from(bytes))
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_UPLOADS }, upload))
}
