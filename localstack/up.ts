/** `npm run local:up`: MinIO and the example's function on this machine, without Docker. Both stay until `npm run local:down`. */
import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'minio'
import { bundleFunction } from '../infra/lib/index.ts'
import { minioBinary } from '../test/support/minio.ts'
import { answers, BUCKET, CREDENTIALS, environmentOf, FUNCTION_READY, localDirectory, MINIO_READY } from './state.ts'
import { readState, writeState } from './state.ts'
import type { Service, State } from './state.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const HANDLER = join(HERE, '..', 'examples', 'local-dev', 'function.ts')
const READY_TIMEOUT_MS = 120_000

const directory = await localDirectory()
await mkdir(directory, { recursive: true })
const running = await readState()
const state = running && (await isUp(running)) ? running : await start()
print(state)

async function isUp({ minio, function: lambda }: State): Promise<boolean> {
  return (await answers(minio, MINIO_READY)) && (await answers(lambda, FUNCTION_READY))
}

async function start(): Promise<State> {
  const binary = await minioBinary()
  if (binary === undefined) {
    throw new Error('no MinIO on the PATH and no Go to build one: install either, or use localstack/compose.minio.yaml')
  }
  const minioPort = Number(process.env['DATASHARD_LOCAL_PORT'] ?? 9000)
  const functionPort = Number(process.env['DATASHARD_LOCAL_FUNCTION_PORT'] ?? 9100)
  const address = `127.0.0.1:${minioPort}`
  const data = join(directory, 'minio')
  const minio = await detached(
    'minio',
    [binary, 'server', '--quiet', '--address', address, data],
    minioPort,
    MINIO_READY,
    {
      MINIO_ROOT_USER: CREDENTIALS.accessKeyId,
      MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  )
  await makeBucket(minio.endpoint)
  const bundle = join(directory, 'function')
  bundleFunction(HANDLER, bundle)
  const serve = [process.execPath, '--import', 'tsx', join(HERE, 'serve.ts'), bundle, String(functionPort)]
  const lambda = await detached('function', serve, functionPort, FUNCTION_READY, environmentOf(minio.endpoint))
  const started = { minio, function: lambda, bundle }
  await writeState(started)
  return started
}

/** Starts a process that outlives this one, and waits until it answers. */
async function detached(
  name: string,
  [program = '', ...args]: readonly string[],
  port: number,
  ready: string,
  environment: Record<string, string>,
): Promise<Service> {
  const endpoint = `http://127.0.0.1:${port}`
  const log = await open(join(directory, `${name}.log`), 'w')
  const child = spawn(program, args, {
    cwd: join(HERE, '..'),
    env: { ...process.env, ...environment },
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  })
  const service = { pid: child.pid ?? 0, endpoint }
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (child.exitCode === null && Date.now() < deadline) {
    if (await answers(service, ready)) {
      child.unref()
      await log.close()
      return service
    }
    await sleep(100)
  }
  child.kill('SIGKILL')
  throw new Error(`${name} did not answer at ${endpoint}; its log is ${join(directory, `${name}.log`)}`)
}

async function makeBucket(endpoint: string): Promise<void> {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = CREDENTIALS
  const { hostname: endPoint, port } = new URL(endpoint)
  const client = new Client({ endPoint, port: Number(port), useSSL: false, accessKey, secretKey })
  if (!(await client.bucketExists(BUCKET))) await client.makeBucket(BUCKET)
}

function print({ minio, function: lambda }: State): void {
  const exports = Object.entries(environmentOf(minio.endpoint)).map(([name, value]) => `export ${name}=${value}`)
  console.log(`MinIO     ${minio.endpoint}, bucket ${BUCKET}`)
  console.log(`function  ${lambda.endpoint} (POST rows as JSON or NDJSON)\n`)
  console.log(`${exports.join('\n')}\n`)
  console.log('npm run local:event   a queue event to the function\nnpm run local:down    stop both')
}
