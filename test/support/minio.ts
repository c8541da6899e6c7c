import { execFile, spawn } from 'node:child_process'
import { access, constants, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cacheDirectory } from './cache-dir.ts'

const run = promisify(execFile)

/** The last version of MinIO that the Go module proxy serves. Its free images stopped in 2025; the module still builds. */
const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'
const MINIO_IMAGE = 'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z'
const BUILD_TIMEOUT_MS = 20 * 60_000
const READY_TIMEOUT_MS = 30_000
const CREDENTIALS = { accessKeyId: 'datashard-test', secretAccessKey: 'datashard-test-secret', region: 'us-east-1' }

/**
 * Runs a command until its own stdin closes, which the kernel sees to however this process ends, kill -9 included: no MinIO outlives its
 * run. Killed at once, since its data is thrown away. `3<&0`: a shell gives its background jobs no stdin unless told.
 */
const UNTIL_STDIN_CLOSES =
  'exec 3<&0; "$@" </dev/null 3<&- & pid=$!; { cat <&3; kill -9 $pid; } >/dev/null 2>&1 & exec 3<&-; wait $pid'

export type S3Kind = 'environment' | 'docker' | 'minio' | 'own'

/** What tests need to reach an S3 server: plain data, so that it can cross from vitest's main process to its workers. */
export interface S3Endpoint {
  readonly kind: S3Kind
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export interface RunningS3 extends S3Endpoint {
  stop(): Promise<void>
}

/**
 * Starts the best S3 server that this machine can offer: one given by environment, MinIO in Docker, `minio` on the PATH, MinIO built
 * by Go (once, minutes, then cached), or else the tests' own small server. With `DATASHARD_REQUIRE_MINIO=1` the last is an error:
 * a protocol that rests on conditional creates must not be called tested against a server of our own making.
 */
export async function startS3(): Promise<RunningS3> {
  const given = fromEnvironment()
  if (given !== undefined) return given
  const reasons: string[] = []
  for (const start of [startDocker, startFromPath, startBuilt]) {
    const started = await start().catch((error: unknown) => String(error))
    if (typeof started !== 'string') return started
    reasons.push(started)
  }
  const why = reasons.map((reason) => `  - ${reason}`).join('\n')
  if (process.env['DATASHARD_REQUIRE_MINIO'] === '1') {
    throw new Error(`DATASHARD_REQUIRE_MINIO=1, but no MinIO could be started:\n${why}`)
  }
  process.stderr.write(
    `\n!!! NO MINIO: S3 tests run against the tests' own small server, which proves less. Why:\n${why}\n` +
      '!!! Install Go, or Docker, or put minio on the PATH, or set DATASHARD_TEST_S3_ENDPOINT.\n\n',
  )
  const { startS3Server } = await import('./s3-server.ts')
  const server = await startS3Server()
  return { kind: 'own', endpoint: server.endpoint, ...CREDENTIALS, stop: () => server.stop() }
}

function fromEnvironment(): RunningS3 | undefined {
  const endpoint = process.env['DATASHARD_TEST_S3_ENDPOINT']
  if (endpoint === undefined || endpoint === '') return undefined
  const accessKeyId = process.env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = process.env['AWS_SECRET_ACCESS_KEY']
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error('DATASHARD_TEST_S3_ENDPOINT needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY beside it')
  }
  const region = process.env['AWS_REGION'] ?? CREDENTIALS.region
  return { kind: 'environment', endpoint, accessKeyId, secretAccessKey, region, stop: async () => {} }
}

async function startDocker(): Promise<RunningS3 | string> {
  // testcontainers takes seconds to find out that there is no daemon; a socket that does not answer says so at once.
  const host = process.env['DOCKER_HOST']
  if (host === undefined && !(await answers('/var/run/docker.sock'))) return 'Docker: no daemon answers'
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer(MINIO_IMAGE)
    .withEnvironment({ MINIO_ROOT_USER: CREDENTIALS.accessKeyId, MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey })
    .withCommand(['server', '/data'])
    .withExposedPorts(9000)
    .withWaitStrategy(Wait.forHttp('/minio/health/ready', 9000))
    .start()
  const endpoint = `http://${container.getHost()}:${container.getMappedPort(9000)}`
  return {
    kind: 'docker',
    endpoint,
    ...CREDENTIALS,
    stop: async () => {
      await container.stop()
    },
  }
}

/** A MinIO that can be run without Docker: on the PATH, or built into the cache. Undefined without both and without Go. */
export async function minioBinary(): Promise<string | undefined> {
  return (await onPath('minio')) ?? (await builtMinio())
}

async function startFromPath(): Promise<RunningS3 | string> {
  const binary = await onPath('minio')
  return binary === undefined ? 'PATH: no minio' : startBinary(binary)
}

async function startBuilt(): Promise<RunningS3 | string> {
  const binary = await builtMinio()
  return binary === undefined ? 'Go: not installed, and no MinIO in the cache' : startBinary(binary)
}

/** The path of a MinIO built by `go install` into the cache, building it first if need be (some minutes, 150 MB). */
async function builtMinio(): Promise<string | undefined> {
  const directory = await cacheDirectory('minio', MINIO_VERSION)
  const binary = join(directory, 'minio')
  if (await isExecutable(binary)) return binary
  const go = await onPath('go')
  if (go === undefined) return undefined
  process.stderr.write('building MinIO with go install (once; some minutes) ...\n')
  // Built aside and renamed: a run that was killed half-way, or two runs at once, never leave a broken binary in the cache.
  const staging = await mkdtemp(join(directory, 'build-'))
  try {
    await run(go, ['install', `github.com/minio/minio@${MINIO_VERSION}`], {
      env: { ...process.env, GOBIN: staging, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' },
      timeout: BUILD_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    })
    await rename(join(staging, 'minio'), binary)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  return binary
}

/**
 * A MinIO of its own on a disk of so many bytes, in memory, which only it sees. A text says why that cannot be had here: no MinIO
 * to run, or a kernel that lets nobody mount anything.
 */
export async function startMinioOnDiskOf(bytes: number): Promise<RunningS3 | string> {
  const binary = await minioBinary()
  if (binary === undefined) return 'no MinIO on the PATH or in the cache, and no Go to build it'
  const problem = await run('unshare', [...OWN_MOUNTS, 'true']).then(
    () => undefined,
    (error: unknown) => `unshare, to mount a small disk: ${String(error)}`,
  )
  return problem ?? startBinary(binary, bytes)
}

/** A user and a mount namespace of its own. */
const OWN_MOUNTS = ['--map-root-user', '--mount']

async function startBinary(binary: string, diskBytes?: number): Promise<RunningS3> {
  const port = await freePort()
  const data = await mkdtemp(join(tmpdir(), 'datashard-minio-'))
  const endpoint = `http://127.0.0.1:${port}`
  const server = [binary, 'server', '--quiet', '--address', `127.0.0.1:${port}`, data]
  const mounted = ['unshare', ...OWN_MOUNTS, 'sh', '-c', `mount -t tmpfs -o size=${diskBytes} tmpfs "$0" && exec "$@"`]
  const command = diskBytes === undefined ? server : [...mounted, data, ...server]
  const child = spawn('sh', ['-c', UNTIL_STDIN_CLOSES, 'sh', ...command], {
    env: {
      ...process.env,
      MINIO_ROOT_USER: CREDENTIALS.accessKeyId,
      MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      // What is deleted lies in its trash until then.
      MINIO_API_DELETE_CLEANUP_INTERVAL: '1s',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let output = ''
  const keepTail = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4000)
  }
  child.stdout.on('data', keepTail)
  child.stderr.on('data', keepTail)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const stop = async (): Promise<void> => {
    child.stdin.end()
    await exited
    await rm(data, { recursive: true, force: true })
  }
  const ready = await waitUntilReady(endpoint, () => child.exitCode === null && child.pid !== undefined)
  if (!ready) {
    await stop()
    throw new Error(`${binary} did not become ready: ${output}`)
  }
  return { kind: 'minio', endpoint, ...CREDENTIALS, stop }
}

async function waitUntilReady(endpoint: string, alive: () => boolean): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (Date.now() < deadline && alive()) {
    const response = await fetch(`${endpoint}/minio/health/ready`).catch(() => undefined)
    if (response?.ok === true) return true
    await sleep(50)
  }
  return false
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    const finish = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(500, () => finish(false))
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
  })
}

async function onPath(name: string): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(directory, name)
    if (directory !== '' && (await isExecutable(candidate))) return candidate
  }
  return undefined
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
