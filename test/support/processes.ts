/** Real processes that append, for what tasks of one process cannot show. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('./append-process.ts', import.meta.url))

export interface AppendJob {
  readonly location: string
  readonly firstId: number
  readonly count: number
  /** Of each append; default 1. */
  readonly rows?: number
  readonly s3?: object | undefined
}

/** Runs one process to its end; the versions that its appends were acknowledged with, told one by one to `onAppend`. */
export function appendInProcess(job: AppendJob, onAppend: () => void = () => undefined): Promise<number[]> {
  const child = fork(SCRIPT, [JSON.stringify(job)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const versions: number[] = []
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      versions.push((message as { version: number }).version)
      onAppend()
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (code === 0) resolve(versions)
      else reject(new Error(`a writer ended with ${String(signal ?? code)}: ${stderr}`))
    })
  })
}
