/**
 * Work that another thread does while this one goes on. What it runs is a text, because a bundle has no file for it; it
 * may load packages by their address, which a bundle does not have either. Whoever gives work to a thread can do it
 * itself, and does when the thread cannot.
 */
import { availableParallelism } from 'node:os'
import type { Transferable, Worker } from 'node:worker_threads'

/** Around a program: an async function's body that returns the function that does one piece of work. */
const FRAME = (program: string) => `
const { parentPort, workerData } = require('node:worker_threads')
const ready = (async () => {${program}})()
ready.then(() => parentPort.postMessage({ isReady: true }), () => process.exit())
parentPort.on('messageerror', () => process.exit())
parentPort.on('message', async (message) => {
  try {
    const { result, transfer } = (await ready)(message)
    parentPort.postMessage({ result }, transfer)
  } catch {
    parentPort.postMessage({})
  }
})
`

interface Answer {
  readonly isReady?: true
  readonly result?: unknown
}

/** A thread that lives until the process ends, and does not keep it alive. It does its work in the order in which it comes. */
export class SideThread {
  readonly #worker: Worker
  readonly #jobs: ((result: unknown) => void)[] = []
  #state: 'starting' | 'ready' | 'dead' = 'starting'

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answer: Answer) => this.#take(answer))
    worker.on('messageerror', () => this.#end())
    worker.on('error', () => this.#end())
    worker.on('exit', () => this.#end())
    worker.unref()
  }

  /**
   * Starts a thread; undefined where there can be none, or where it would only take turns with this one.
   *
   * @param program Returns, when it is ready, a function of a message that returns `{ result, transfer? }`. It finds `data` as `workerData`.
   */
  static async start(program: string, data: () => unknown): Promise<SideThread | undefined> {
    if (availableParallelism() < 2) return undefined
    try {
      const workerData = data()
      const threads = await import('node:worker_threads')
      return new SideThread(new threads.Worker(FRAME(program), { eval: true, workerData, execArgv: [], env: {} }))
    } catch {
      return undefined
    }
  }

  /** Whether it would begin now with what it is given: not while it still starts, and never once it has died. */
  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** Pieces of work that are not done. */
  get waiting(): number {
    return this.#jobs.length
  }

  /** The result; undefined if the work cannot be handed over, failed there, or the thread has died. */
  run(message: unknown, transfer: readonly Transferable[] = []): Promise<unknown> {
    if (this.#state === 'dead') return Promise.resolve(undefined)
    return new Promise((resolve) => {
      try {
        this.#worker.postMessage(message, transfer)
      } catch {
        return resolve(undefined)
      }
      this.#jobs.push(resolve)
      // Who waits for a result is kept alive by it.
      this.#worker.ref()
    })
  }

  #take({ isReady, result }: Answer): void {
    if (isReady === true) {
      this.#state = 'ready'
      return
    }
    const resolve = this.#jobs.shift()!
    if (this.#jobs.length === 0) this.#worker.unref()
    resolve(result)
  }

  /** Nobody knows of what it died, of lack of memory for example. */
  #end(): void {
    this.#state = 'dead'
    for (const resolve of this.#jobs.splice(0)) resolve(undefined)
  }
}
