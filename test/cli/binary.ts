/** The program as a child process, as a shell starts it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

export interface Child {
  readonly process: ChildProcessWithoutNullStreams
  /** What it has written so far. */
  stdout(): string
  stderr(): string
  /** Resolves when its streams are closed, with its exit code; null if a signal killed it. */
  readonly ended: Promise<number | null>
}

/** Starts `datashard ...args`. */
export function startDatashard(args: readonly string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  // A child that ends early breaks the pipe to it; its exit code says why.
  child.stdin.on('error', () => {})
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Resolves as soon as `condition` holds, which must be within 30 seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
