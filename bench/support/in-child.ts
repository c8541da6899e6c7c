/** The other end of children.ts: what a process that was started as a child needs. */
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'

type Library = typeof import('../../src/index.ts') & typeof import('../../src/store/index.ts')

/** The compiled library; its URL comes with the job. */
export async function loadLibrary(url: string): Promise<Library> {
  const [index, store] = await Promise.all([import(url), import(new URL('store/index.js', url).href)])
  return { ...(index as typeof import('../../src/index.ts')), ...(store as typeof import('../../src/store/index.ts')) }
}

/** The job that the parent gave as this program's only argument. */
export function jobOf<T>(): T {
  return JSON.parse(process.argv[2] ?? '') as T
}

/** Resolves when the parent has it all: who ends before that has said only the beginning of what is long. */
export function say(message: unknown): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve())
  })
}

/** What the parent says. This process ends with it: its stdin closes however it went. */
export async function* told(): AsyncIterable<unknown> {
  for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line)
  process.exit(1)
}

/** Resolves at the parent's next word, and goes on to listen for its end. */
export function nextWord(): Promise<unknown> {
  return new Promise((resolve) => {
    void (async () => {
      for await (const word of told()) resolve(word)
    })()
  })
}

/** CPU seconds of this process, user and system, and how busy its event loop was since `since`. */
export interface Work {
  readonly cpuSeconds: number
  readonly eventLoop: number
}

export function startWork(): () => Work {
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { cpuSeconds: (user + system) / 1e6, eventLoop: performance.eventLoopUtilization(loop).utilization }
  }
}
