/**
 * Work that another thread does while this one goes on. What it runs is a text, because a bundle has no file for it; it
 * may load packages by their address, which a bundle does not have either. Whoever gives work to a thread can do it
 * itself, and does when the thread cannot.
 */
import { availableParallelism } from 'node:os'
import type { Transferable, Worker } from 'node:worker_threads'

/** Around a program: an async function's body that returns the function that does one piece of work. */
const FRAME = (program: string) => `
const { parentPort, workerData: { data, isReady } } = require('node:worker_threads')
const ready = (async () => {${program}})()
ready.then(() => Atomics.store(isReady, 0, 1), () => process.exit())
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

/** A thread that lives until the process ends, and does not keep it alive. It does its work in the order in which it comes. */
export class SideThread {
  readonly #worker: Worker
  /** Not told by a message: who is busy looks for none. */
  readonly #isReady: Int32Array
  readonly #jobs: ((result: unknown) => void)[] = []
  #isAlive = true

  private constructor(worker: Worker, isReady: Int32Array) {
    this.#worker = worker
    this.#isReady = isReady
    worker.on('message', ({ result }: { readonly result?: unknown }) => this.#settle(result))
    worker.on('messageerror', () => this.#lose())
    // It ends next; results that it had sent before may still come.
    worker.on('error', () => (this.#isAlive = false))
    worker.on('exit', () => this.#end())
    worker.unref()
  }

  /**
   * Starts a thread; undefined where there can be none, or where it would only take turns with this one.
   *
   * @param program Returns, when it is ready, a function of a message that returns `{ result, transfer? }`. It finds what `load` gives as `data`.
   */
  static async start(program: string, load: () => unknown): Promise<SideThread | undefined> {
    if (availableParallelism() < 2) return undefined
    try {
      const isReady = new Int32Array(new SharedArrayBuffer(4))
      const workerData = { data: load(), isReady }
      const threads = await import('node:worker_threads')
      const worker = new threads.Worker(FRAME(program), { eval: true, workerData, execArgv: [], env: {} })
      return new SideThread(worker, isReady)
    } catch {
      return undefined
    }
  }

  /** Whether it would begin now with what it is given: not while it still starts, and never once it has died. */
  get isReady(): boolean {
    return this.#isAlive && Atomics.load(this.#isReady, 0) === 1
  }

  /** The result; undefined if the work cannot be handed over, failed there, or the thread has died. */
  run(message: unknown, transfer: readonly Transferable[] = []): Promise<unknown> {
    if (!this.#isAlive) return Promise.resolve(undefined)
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

  #settle(result: unknown): void {
    const resolve = this.#jobs.shift()
    if (this.#jobs.length === 0) this.#worker.unref()
    resolve?.(result)
  }

  /** A result that could not be read: those behind it would be taken for one another's. */
  #lose(): void {
    this.#end()
    void this.#worker.terminate()
  }

  /** Nobody knows of what it died, of lack of memory for example. */
  #end(): void {
    this.#isAlive = false
    for (const resolve of this.#jobs.splice(0)) resolve(undefined)
  }
}

/** A thread that is started when it is first worth its while. */
export class LazyThread {
  readonly #start: () => Promise<SideThread | undefined>
  #started: Promise<SideThread | undefined> | undefined
  #thread: SideThread | undefined

  /** @param start Gives undefined, or fails, where this process can have none. */
  constructor(start: () => Promise<SideThread | undefined>) {
    this.#start = start
  }

  /** Starts it, unless that was done before. */
  start(): void {
    this.#started ??= this.#start()
      .then((thread) => (this.#thread = thread))
      .catch(() => undefined)
  }

  /** As {@link SideThread.isReady}; false before {@link start}. */
  get isReady(): boolean {
    return this.#thread?.isReady ?? false
  }

  /** As {@link SideThread.run}; of a thread that is there. */
  async run(message: unknown, transfer?: readonly Transferable[]): Promise<unknown> {
    return (await this.#started)?.run(message, transfer)
  }
}
