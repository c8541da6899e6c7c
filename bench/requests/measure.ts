/** What one small S3 request costs: CPU time of this process, the client's, and of the server's, which is another. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { s3Store } from '../../src/store/s3.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { startS3 } from '../../test/support/minio.ts'
import { minioClient } from '../../test/support/tables.ts'

const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 2_000)
const WARM = 500
const PARALLEL = 16
const body = new Uint8Array(2_000).fill(65)

interface Server {
  readonly name: string
  readonly store: ObjectStore
  /** Of the server, microseconds; undefined where nobody tells. */
  readonly cpuUs: () => Promise<number | undefined>
  readonly stop: () => Promise<void>
}

const VERBS: Readonly<Record<string, (store: ObjectStore, i: number) => Promise<unknown>>> = {
  'PUT create': (store, i) => store.put(`created/${i}`, body, { mode: 'create' }),
  PUT: (store, i) => store.put(`put/${i % 50}`, body),
  GET: (store, i) => store.get(`put/${i % 50}`),
  'GET absent': (store, i) => store.get(`absent/${i}`),
  HEAD: (store, i) => store.head(`put/${i % 50}`),
  'LIST 0 keys': (store, i) => listed(store, `absent/${i}`),
  'LIST 50 keys': (store) => listed(store, 'put/'),
  DELETE: (store, i) => store.delete([`created/${i}`]),
}

/** Prints a table per server: microseconds of CPU per request, and requests per second. */
export async function measureRequests(): Promise<void> {
  for (const start of [light, minio]) {
    const server = await start()
    try {
      console.log(`\n${REQUESTS} requests of each kind to ${server.name}, bodies of ${body.length} bytes, microseconds`)
      const rows: Record<string, Readonly<Record<string, number | undefined>>> = {}
      for (const [name, send] of Object.entries(VERBS)) rows[name] = await measure(server, send)
      console.table(rows)
    } finally {
      server.store.close()
      await server.stop()
    }
  }
}

async function measure(server: Server, send: (store: ObjectStore, i: number) => Promise<unknown>) {
  await run(server, send, WARM, PARALLEL, 0)
  const alone = await run(server, send, REQUESTS, 1, WARM)
  const together = await run(server, send, REQUESTS, PARALLEL, WARM + REQUESTS)
  return {
    'client, one by one': alone.cpuUs,
    [`client, ${PARALLEL} at once`]: together.cpuUs,
    ...(together.serverUs !== undefined && { server: together.serverUs }),
    'per second': together.perSecond,
  }
}

async function run(
  { store, cpuUs }: Server,
  send: (store: ObjectStore, i: number) => Promise<unknown>,
  count: number,
  parallel: number,
  first: number,
) {
  const serverStart = await cpuUs()
  const start = process.cpuUsage()
  const startMs = performance.now()
  let next = first
  const work = async () => {
    while (next < first + count) await send(store, next++)
  }
  await Promise.all(Array.from({ length: parallel }, work))
  const elapsedMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(start)
  const serverEnd = await cpuUs()
  return {
    cpuUs: Math.round((user + system) / count),
    serverUs: serverEnd && Math.round((serverEnd - serverStart!) / count),
    perSecond: Math.round((count / elapsedMs) * 1_000),
  }
}

async function listed(store: ObjectStore, prefix: string): Promise<number> {
  let count = 0
  for await (const _ of store.list(prefix)) count += 1
  return count
}

async function light(): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'server.ts'))
  const [{ endpoint }] = (await once(child, 'message')) as [{ endpoint: string }]
  const store = s3Store({ bucket: 'bench', endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
  const cpuUs = async () => {
    const answered = once(child, 'message')
    child.send('cpu')
    return ((await answered) as [{ cpuUs: number }])[0].cpuUs
  }
  const stop = async () => {
    child.disconnect()
    await once(child, 'exit')
  }
  return { name: 'the light server', store, cpuUs, stop }
}

async function minio(): Promise<Server> {
  const s3 = await startS3()
  await minioClient(s3).makeBucket('bench')
  const store = s3Store({ bucket: 'bench', endpoint: s3.endpoint, region: s3.region, credentials: s3 })
  return { name: s3.kind, store, cpuUs: async () => undefined, stop: () => s3.stop() }
}
