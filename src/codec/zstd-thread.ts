/**
 * ZSTD in a thread beside the decoder: a reader of many row groups has the next one decompressed while it decodes
 * (docs/decisions/scan-zstd.md).
 */
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import type { Hole } from './parquet-reader-excerpt.ts'
import { hasNativeZstd } from './zstd.ts'

/**
 * What the thread runs. A text, because a bundle has no file for it. It writes what it has decompressed into memory that
 * both threads see, and says whether it was right.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const { zstdDecompressSync } = require('node:zlib')
const ready = zstdDecompressSync
  ? Promise.resolve((bytes, size) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }))
  : import(workerData).then(async ({ ZSTDDecoder }) => {
      const decoder = new ZSTDDecoder()
      await decoder.init()
      return (bytes, size) => (size === 0 ? new Uint8Array() : decoder.decode(bytes, size))
    })
parentPort.on('message', async ({ output, input, holes }) => {
  try {
    const decompress = await ready
    let start = 0
    for (const { length, size, at } of holes) {
      const page = decompress(input.subarray(start, start + length), size)
      if (page.length !== size) throw new Error('damaged')
      output.set(page, at)
      start += length
    }
    parentPort.postMessage(true)
  } catch {
    parentPort.postMessage(false)
  }
})
`

/** One thread, which lives until the process ends and does not keep it alive. It answers in the order of the jobs. */
class ZstdThread {
  readonly #worker: Worker
  readonly #jobs: ((isFilled: boolean) => void)[] = []
  #isAlive = true

  constructor(worker: Worker) {
    this.#worker = worker
    this.#worker.on('message', (isFilled: boolean) => this.#settle(isFilled))
    this.#worker.on('error', () => this.#end())
    this.#worker.on('exit', () => this.#end())
    this.#worker.unref()
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  fill(output: Uint8Array, holes: readonly Hole[]): Promise<boolean> {
    const input = joined(holes)
    const places = holes.map(({ bytes, size, at }) => ({ length: bytes.length, size, at }))
    return new Promise((resolve) => {
      this.#jobs.push(resolve)
      // Who waits for an answer is kept alive by it.
      this.#worker.ref()
      this.#worker.postMessage({ output, input, holes: places }, [input.buffer])
    })
  }

  #settle(isFilled: boolean): void {
    const resolve = this.#jobs.shift()!
    if (this.#jobs.length === 0) this.#worker.unref()
    resolve(isFilled)
  }

  /** Nobody knows of what it died, of lack of memory for example. */
  #end(): void {
    this.#isAlive = false
    for (const resolve of this.#jobs.splice(0)) resolve(false)
  }
}

/** The compressed bytes one behind the other. */
function joined(holes: readonly Hole[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(holes.reduce((sum, { bytes }) => sum + bytes.length, 0))
  let at = 0
  for (const { bytes } of holes) {
    whole.set(bytes, at)
    at += bytes.length
  }
  return whole
}

/** Started when it is first asked for; of undefined where this process cannot have one. */
let thread: Promise<ZstdThread | undefined> | undefined

/** Whether frames can be decompressed beside this thread. The first call starts what does it. */
export async function hasZstdThread(): Promise<boolean> {
  thread ??= startThread()
  return (await thread)?.isAlive ?? false
}

/**
 * Puts decompressed bytes into their places in `output`, beside this thread.
 *
 * @param output In memory that threads share.
 * @returns false if that cannot be done here, or a frame is damaged: the caller then does it itself, and learns what is wrong.
 */
export async function fillBeside(output: Uint8Array, holes: readonly Hole[]): Promise<boolean> {
  return (await hasZstdThread()) && (await thread)!.fill(output, holes)
}

async function startThread(): Promise<ZstdThread | undefined> {
  // On a single core the thread would only take turns with this one.
  if (availableParallelism() < 2) return undefined
  try {
    const { Worker } = await import('node:worker_threads')
    const workerData = hasNativeZstd() ? undefined : packagedZstd()
    return new ZstdThread(new Worker(PROGRAM, { eval: true, workerData, execArgv: [], env: {} }))
  } catch {
    return undefined
  }
}

/** In a bundle the package is not to be found; there the thread is left out. */
function packagedZstd(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('zstddec')).href
}
