/** `npm run local:down [--wipe]`: stops what `local:up` started; `--wipe` also deletes the data. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers, forgetState, FUNCTION_READY, localDirectory, MINIO_READY, readState } from './state.ts'
import type { Service } from './state.ts'

const STOP_TIMEOUT_MS = 10_000

const state = await readState()
if (state === undefined) console.log('nothing is running')
else {
  await stop('function', state.function, FUNCTION_READY)
  await stop('MinIO', state.minio, MINIO_READY)
  await forgetState()
}
if (process.argv.includes('--wipe')) {
  await rm(join(await localDirectory(), 'minio'), { recursive: true, force: true })
  console.log('data deleted')
}

/** Only a process that still answers where ours did is ours: numbers of processes are used again. */
async function stop(name: string, service: Service, ready: string): Promise<void> {
  if (!(await answers(service, ready))) {
    console.log(`${name} was not running any more`)
    return
  }
  process.kill(service.pid, 'SIGTERM')
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (await answers(service, ready)) {
    if (Date.now() > deadline) process.kill(service.pid, 'SIGKILL')
    await sleep(50)
  }
  console.log(`${name} stopped`)
}
