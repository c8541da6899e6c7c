/**
 * The virtual clock. Events happen one after the other in the order of their times; the clock moves only when all that the
 * last event set off has come to rest, which a turn of the event loop proves: the library waits for nothing but its
 * runtime and its store, and both wait here. What it loads lazily (WASM, ZSTD) must be there before; see warm.ts.
 */

/** How long real time is waited, when nothing is scheduled any more, for whatever waits outside of the virtual clock. */
const LEAK_WAIT_MS = 20

interface Scheduled {
  readonly atMs: number
  readonly order: number
  event: (() => void) | undefined
}

export class Scheduler {
  readonly #heap: Scheduled[] = []
  #nowMs = 0
  #order = 0
  #events = 0

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events
  }

  /** Calls `event` in `ms`; the function that comes back cancels it. */
  after(ms: number, event: () => void): () => void {
    const scheduled: Scheduled = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, event }
    push(this.#heap, scheduled)
    return () => (scheduled.event = undefined)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /**
   * Runs until `isDone`, or nothing is left to happen (`idle`), or the limits are reached.
   * @throws Error if something goes on that the virtual clock does not know of.
   */
  async run(isDone: () => boolean, limits: { nowMs: number; events: number }): Promise<'done' | 'idle' | 'limit'> {
    await settled()
    while (!isDone()) {
      const next = pop(this.#heap)
      if (!next) return this.#idle(isDone)
      if (!next.event) continue
      if (next.atMs > limits.nowMs || this.#events >= limits.events) return 'limit'
      this.#nowMs = next.atMs
      this.#events += 1
      next.event()
      await settled()
    }
    return 'done'
  }

  async #idle(isDone: () => boolean): Promise<'done' | 'idle'> {
    await new Promise((resolve) => setTimeout(resolve, LEAK_WAIT_MS))
    if (this.#heap.some((scheduled) => scheduled.event) || isDone()) {
      throw new Error('something goes on outside of the virtual clock: this run cannot be repeated')
    }
    return 'idle'
  }
}

/** Microtasks run to their end before the next turn of the event loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Scheduled[], scheduled: Scheduled): void {
  let at = heap.push(scheduled) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!before(scheduled, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = scheduled
}

function pop(heap: Scheduled[]): Scheduled | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1
    if (!before(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}
