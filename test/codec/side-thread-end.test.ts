/** How a thread may end, in the order in which Node may tell of it: another one in every version, and under every load. */
import { EventEmitter } from 'node:events'
import { availableParallelism } from 'node:os'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { SideThread } from '../../src/codec/side-thread.ts'

/** Stands for Node's, and does nothing by itself. */
class FakeWorker extends EventEmitter {
  static last: FakeWorker
  readonly posted: unknown[] = []
  isReferenced = true
  isTerminated = false

  constructor() {
    super()
    FakeWorker.last = this
  }

  postMessage(message: unknown): void {
    this.posted.push(message)
  }

  ref(): void {
    this.isReferenced = true
  }

  unref(): void {
    this.isReferenced = false
  }

  terminate(): Promise<number> {
    this.isTerminated = true
    return Promise.resolve(1)
  }
}

vi.mock('node:worker_threads', () => ({ Worker: FakeWorker }))

describe.runIf(availableParallelism() > 1)('a thread that ends', () => {
  let thread: SideThread
  let worker: FakeWorker
  beforeEach(async () => {
    thread = (await SideThread.start('', () => undefined))!
    worker = FakeWorker.last
  })

  test('gives what it had done before, also if that comes after the news of its end', async () => {
    const results = [thread.run(1), thread.run(2)]
    worker.emit('error', new Error('out of memory'))
    expect([thread.isReady, await thread.run(3)]).toEqual([false, undefined])
    worker.emit('message', { result: 'one' })
    worker.emit('exit', 1)
    expect(await Promise.all(results)).toEqual(['one', undefined])
    expect(worker.posted).toEqual([1, 2])
  })

  test('whose result cannot be read gives no more, and is stopped: it would keep the process alive', async () => {
    const results = [thread.run(1), thread.run(2)]
    expect(worker.isReferenced).toBe(true)
    worker.emit('messageerror', new Error('not to be read'))
    // Would be taken for that of the first.
    worker.emit('message', { result: 'two' })
    expect(await Promise.all(results)).toEqual([undefined, undefined])
    expect(worker.isTerminated).toBe(true)
    expect(await thread.run(3)).toBeUndefined()
  })
})
