/**
 * Processes that talk in lines of JSON: what they say on stdout, what they are told on stdin. A child's stdin stays open as long as its
 * parent lives, and a child ends when it closes: none outlives its run, however that ends.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const STDERR_TAIL_CHARS = 4_000

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly pid: number | undefined
  /** The next thing that it says; rejects with the end of its stderr when it ends instead, or says nothing for `timeoutMs`. */
  next<T>(timeoutMs: number): Promise<T>
  /** What it says from now on, until it ends. Not together with `next`. */
  messages<T>(): AsyncIterable<T>
  send(message: unknown): void
  /** SIGKILL. */
  kill(): void
  readonly exited: Promise<Exit>
  readonly stderr: () => string
}

/** A child that should have said something, did not, and was killed for it. */
export class SilentChild extends Error {}

const living = new Set<() => void>()
process.once('exit', () => {
  for (const kill of living) kill()
})

export function startChild(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  const [file = '', ...args] = command
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const kill = (): void => void child.kill('SIGKILL')
  living.add(kill)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_TAIL_CHARS)
  })
  child.stdin.on('error', () => {}) // it is gone: `exited` tells
  const exited = new Promise<Exit>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      living.delete(kill)
      resolve({ code, signal })
    }
    child.once('close', end)
    child.once('error', (error) => {
      stderr += String(error)
      end(null, null)
    })
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = async (): Promise<never> => {
    const { code, signal } = await exited
    throw new Error(`${args.at(0) ?? file} ended (${signal ?? code}): ${stderr}`)
  }
  return {
    pid: child.pid,
    next: async <T>(timeoutMs: number): Promise<T> => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          kill()
          reject(new SilentChild(`${args.at(0) ?? file} said nothing in ${timeoutMs} ms: ${stderr}`))
        }, timeoutMs)
      })
      try {
        const line = await Promise.race([lines.next(), late])
        return line.done === true ? await ended() : (JSON.parse(line.value) as T)
      } finally {
        clearTimeout(timer)
      }
    },
    messages: async function* <T>() {
      for (;;) {
        const line = await lines.next()
        if (line.done === true) return
        // A process that was killed may leave half a line.
        const message = parsed<T>(line.value)
        if (message !== undefined) yield message
      }
    },
    send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    kill,
    exited,
    stderr: () => stderr,
  }
}

function parsed<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T
  } catch {
    return undefined
  }
}
