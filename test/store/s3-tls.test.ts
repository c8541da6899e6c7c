/** S3 over TLS, whose certificate is checked. The key in `fixtures/tls` protects nothing. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import type { Server } from 'node:https'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { s3Store } from '../../src/store/s3.ts'
import type { S3Server } from '../support/s3-server.ts'
import { startS3Server } from '../support/s3-server.ts'
import { BUCKET, caught, CREDENTIALS, impatientRuntime } from './s3-fixture.ts'

const run = promisify(execFile)
const TLS = join(import.meta.dirname, '..', 'fixtures', 'tls')
const ROOT = join(import.meta.dirname, '..', '..')
const ACCESS = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey }

let server: S3Server
let front: Server
let endpoint: string
let handshakes = 0
beforeAll(async () => {
  server = await startS3Server({ buckets: [BUCKET] })
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(TLS, name)))
  front = createServer({ key: key!, cert: cert! }, (incoming, answer) => {
    const { method, headers } = incoming
    const outgoing = request(server.endpoint + incoming.url, { method, headers }, (back) => {
      answer.writeHead(back.statusCode ?? 502, back.headers)
      back.pipe(answer)
    })
    incoming.pipe(outgoing)
  })
  front.on('secureConnection', () => (handshakes += 1))
  await new Promise<void>((resolve) => front.listen(0, 'localhost', resolve))
  endpoint = `https://localhost:${(front.address() as AddressInfo).port}`
})
afterAll(async () => {
  front.close()
  front.closeAllConnections()
  await server.stop()
})

test('objects go over connections that are kept', async () => {
  const program = join(import.meta.dirname, 'tls-process.ts')
  const env = { ...process.env, ...ACCESS, NODE_EXTRA_CA_CERTS: join(TLS, 'cert.pem') }
  const tsx = join(ROOT, 'node_modules', '.bin', 'tsx')
  const { stdout } = await run(tsx, [program, endpoint], { env, timeout: 60_000 })
  expect(stdout.trim()).toBe(`true ${endpoint}`)
  expect(handshakes).toBeGreaterThan(0)
  expect(handshakes).toBeLessThanOrEqual(20)
})

test('a certificate that nobody vouches for is refused, and nothing is sent', async () => {
  const before = server.requests.length
  const store = s3Store({ bucket: BUCKET, endpoint, credentials: CREDENTIALS, runtime: impatientRuntime() })
  const error = await caught(store.put('k', new Uint8Array(1), { mode: 'create' }))
  expect(error).toMatchObject({ code: 'unavailable', retryable: false, committed: 'no' })
  expect((error as Error).message).toContain('NODE_EXTRA_CA_CERTS')
  expect(server.requests.length).toBe(before)
})
