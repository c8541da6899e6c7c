/**
 * Batch load: three million flights, split over four processes, appended to one table on MinIO (or at
 * DATASHARD_DEMO_LOCATION), then compared with DuckDB reading the original file.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { createTable, dropTable } from 'datashard'
import { startS3 } from '../../test/support/minio.ts'
import { compareWithDuckDb } from './compare.ts'
import { flights, WRITERS } from './flights.ts'

// The AWS SDK announces on each start that it will ask for Node 22 in 2027; that is nobody's business here.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

const bucket = await openBucket()
try {
  const location = process.env['DATASHARD_DEMO_LOCATION'] ?? 's3://flights/demo/flights'
  process.env['DATASHARD_FLIGHTS_LOCATION'] = location
  await dropTable(location, { ifExists: true })
  const table = await createTable(location, { schema: flights })
  console.log(`${WRITERS} processes append 3,000,000 flights to ${location} (${bucket.kind}) ...`)
  const started = performance.now()
  const shares = await Promise.all(Array.from({ length: WRITERS }, (_, index) => runWriter(index)))
  const seconds = (performance.now() - started) / 1000
  for (const [index, { rows, version }] of shares.entries())
    console.log(`  batch-${index}: ${rows} rows, version ${version}`)
  const total = shares.reduce((sum, { rows }) => sum + rows, 0)
  console.log(`done in ${seconds.toFixed(1)} s, ${Math.round(total / seconds).toLocaleString('en')} rows per second\n`)
  await table.refresh()
  process.exitCode = (await compareWithDuckDb(table)) ? 0 : 1
  await table.close()
} finally {
  await bucket.stop()
}

/** The bucket of the environment if DATASHARD_DEMO_LOCATION names one, else a MinIO of our own. */
async function openBucket(): Promise<{ kind: string; stop: () => Promise<void> }> {
  if (process.env['DATASHARD_DEMO_LOCATION'] !== undefined) return { kind: 'as configured', stop: async () => {} }
  const s3 = await startS3()
  process.env['AWS_ENDPOINT_URL_S3'] = s3.endpoint
  process.env['AWS_ACCESS_KEY_ID'] = s3.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretAccessKey
  process.env['AWS_REGION'] = s3.region
  const { Client } = await import('minio')
  const { hostname, port } = new URL(s3.endpoint)
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: s3.accessKeyId,
    secretKey: s3.secretAccessKey,
  })
  await client.makeBucket('flights')
  return s3
}

function runWriter(index: number): Promise<{ rows: number; version: number }> {
  const child = fork(join(import.meta.dirname, 'writer.ts'), [String(index)], { execArgv: process.execArgv })
  return new Promise((resolve, reject) => {
    let result: { rows: number; version: number } | undefined
    child.on('error', reject)
    child.on('message', (message) => (result = message as { rows: number; version: number }))
    child.on('exit', (code, signal) => {
      if (code === 0 && result) resolve(result)
      else reject(new Error(`batch-${index} ended with ${String(signal ?? code)}`))
    })
  })
}
