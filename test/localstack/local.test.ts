/** `npm run local:up`, `local:event`, `local:down` and the example, on ports and in a directory of the test's own. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTable } from '../../src/index.ts'
import { freePort, minioBinary } from '../support/minio.ts'
import { temporaryDirectory } from '../support/tables.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const run = promisify(execFile)
const binary = await minioBinary()

// Each step starts processes that load everything: seconds alone, much more on a machine that is busy.
describe.skipIf(binary === undefined)('a cloud on this machine', { timeout: 240_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>
  let environment: Record<string, string>
  let endpoint: string
  let functionUrl: string

  beforeAll(async () => {
    folder = await temporaryDirectory()
    const [port, functionPort] = [await freePort(), await freePort()]
    endpoint = `http://127.0.0.1:${port}`
    functionUrl = `http://127.0.0.1:${functionPort}`
    environment = {
      DATASHARD_LOCAL_DIR: folder.path,
      DATASHARD_LOCAL_PORT: String(port),
      DATASHARD_LOCAL_FUNCTION_PORT: String(functionPort),
    }
  })
  afterAll(async () => {
    await script('localstack/down.ts')
    await folder[Symbol.asyncDispose]()
  })

  async function script(file: string, ...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', join(ROOT, file), ...args], {
      cwd: ROOT,
      env: { ...process.env, ...environment },
    })
    return stdout
  }
  const table = () =>
    loadTable('s3://dev/events', {
      s3: {
        endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: 'datashard-local', secretAccessKey: 'datashard-local-secret' },
      },
    })

  test('up says where it is, and twice is once', async () => {
    const said = await script('localstack/up.ts')
    expect(said).toContain(`export AWS_ENDPOINT_URL_S3=${endpoint}`)
    expect(said).toContain(functionUrl)
    const { minio } = await state()
    expect(await script('localstack/up.ts')).toBe(said)
    expect((await state()).minio).toEqual(minio)
  })

  test('a queue event is appended once, however often it comes, and what is no row is reported', async () => {
    for (let time = 0; time < 2; time++) {
      const lines = (await script('localstack/event.ts')).trim().split('\n')
      expect(JSON.parse(lines.at(-1)!)).toEqual({
        batchItemFailures: [{ itemIdentifier: 'e1ac5c0c-4a2d-4fc4-8b0e-6ba0c2b6b4de' }],
      })
    }
    await using events = await table()
    expect(await events.scan({ select: ['id'] }).toArray()).toEqual([{ id: 'q1' }])
  })

  test('the function URL takes NDJSON, plain and compressed, and says what is wrong', async () => {
    const answer = JSON.parse(await script('localstack/event.ts', 'localstack/events/rows.ndjson')) as {
      status: number
    }
    expect(answer.status).toBe(200)
    const { gzipSync } = await import('node:zlib')
    const body = gzipSync('{"id":"g1","at":"2026-11-25T12:00:00Z"}\n')
    const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }
    expect((await fetch(functionUrl, { method: 'POST', body, headers })).status).toBe(200)
    const wrong = await fetch(functionUrl, {
      method: 'POST',
      body: '{"id":7}',
      headers: { 'content-type': 'application/json' },
    })
    expect(wrong.status).toBeGreaterThanOrEqual(207)
    expect(wrong.status).toBeLessThan(500)
    await using events = await table()
    expect(await events.scan().count()).toBe(4)
  })

  test('the example writes to a directory or here by one switch', async () => {
    const aside = join(folder.path, 'table')
    environment = { ...environment, DATASHARD_LOCATION: aside }
    expect(await script('examples/local-dev/main.ts')).toContain(`version 2 of ${aside}: 3 rows`)
    environment = { ...environment, DATASHARD_PLACE: 'minio', AWS_ENDPOINT_URL_S3: endpoint }
    expect(await script('examples/local-dev/main.ts')).toContain('of s3://dev/events: 7 rows')
    environment = { ...environment, DATASHARD_PLACE: 'elsewhere' }
    await expect(script('examples/local-dev/main.ts')).rejects.toThrow('directory, minio or aws')
  })

  test('down stops both, and only what is ours', async () => {
    const { minio, function: lambda, bundle } = await state()
    expect(await script('localstack/down.ts')).toBe('function stopped\nMinIO stopped\n')
    await expect(fetch(endpoint)).rejects.toThrow()
    await expect(fetch(functionUrl)).rejects.toThrow()
    expect(await script('localstack/down.ts')).toBe('nothing is running\n')
    // A state that is out of date, its process numbers taken by somebody else: this test.
    const stale = { bundle, minio: { ...minio, pid: process.pid }, function: { ...lambda, pid: process.pid } }
    await writeFile(join(folder.path, 'state.json'), JSON.stringify(stale))
    expect(await script('localstack/down.ts')).toContain('MinIO was not running any more')
  })

  async function state(): Promise<
    Record<'minio' | 'function', { pid: number; endpoint: string }> & { bundle: string }
  > {
    return JSON.parse(await readFile(join(folder.path, 'state.json'), 'utf8')) as Awaited<ReturnType<typeof state>>
  }
})
