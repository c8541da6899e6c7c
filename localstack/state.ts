/** What `local:up` started, so that `local:event` and `local:down` find it. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from '../test/support/cache-dir.ts'

export const CREDENTIALS = { accessKeyId: 'datashard-local', secretAccessKey: 'datashard-local-secret' }
export const BUCKET = 'dev'

export interface Service {
  readonly pid: number
  readonly endpoint: string
}

export interface State {
  readonly minio: Service
  readonly function: Service
  /** The bundled function. */
  readonly bundle: string
}

/** In the cache of the project, or where `DATASHARD_LOCAL_DIR` says: MinIO's data, logs, the bundle, and this state. */
export async function localDirectory(): Promise<string> {
  return process.env['DATASHARD_LOCAL_DIR'] ?? cacheDirectory('local')
}

export async function readState(): Promise<State | undefined> {
  try {
    return JSON.parse(await readFile(await stateFile(), 'utf8')) as State
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export async function writeState(state: State): Promise<void> {
  await writeFile(await stateFile(), JSON.stringify(state, undefined, 2))
}

export async function forgetState(): Promise<void> {
  await rm(await stateFile(), { force: true })
}

async function stateFile(): Promise<string> {
  return join(await localDirectory(), 'state.json')
}

/** The environment in which the function and the commands find MinIO, as on AWS they find S3 without any of it. */
export function environmentOf(minio: string): Record<string, string> {
  return {
    DATASHARD_PLACE: 'minio',
    AWS_ENDPOINT_URL_S3: minio,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: 'us-east-1',
  }
}

/** Whether what was started is still there: its process lives, and its port answers. */
export async function answers({ pid, endpoint }: Service, path: string): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const response = await fetch(`${endpoint}${path}`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
  return response?.ok === true
}

export const MINIO_READY = '/minio/health/ready'
export const FUNCTION_READY = '/.ready'
