/** Cuts an endless input into pieces that are committed one by one: by rows, by time, or both. */
import type { Runtime } from '../../runtime.ts'

export interface PieceLimits {
  readonly rows: number | undefined
  /** Counted from the first row of a piece. */
  readonly ms: number | undefined
}

/** With a limit by time only, a piece still ends here: its rows are in memory until they are committed. */
const DEFAULT_ROWS = 1_000_000

/**
 * Pieces of `source`, each an iterable of at least one item, to be read to its end before the next is asked for.
 */
export async function* inPieces<T>(
  source: AsyncIterator<T>,
  limits: PieceLimits,
  runtime: Runtime,
): AsyncGenerator<AsyncGenerator<T>> {
  const maxRows = limits.rows ?? DEFAULT_ROWS
  /** Asked for when the last piece ran out of time, and not answered yet. */
  let pending: Promise<IteratorResult<T>> | undefined
  const state = { done: false }
  while (!state.done) {
    const first = await (pending ?? source.next())
    pending = undefined
    if (first.done === true) return
    const piece = async function* (): AsyncGenerator<T> {
      const timer = startTimer(limits.ms, runtime)
      try {
        let item = first.value
        for (let rows = 1; ; rows++) {
          yield item
          if (rows >= maxRows) return
          pending ??= source.next()
          const next = await nextInTime(pending, timer)
          if (next === undefined) return
          pending = undefined
          if (next.done === true) {
            state.done = true
            return
          }
          item = next.value
        }
      } finally {
        timer?.stop()
      }
    }
    yield piece()
  }
}

interface Timer {
  /** Called once when the time is over; whoever waits puts itself here. */
  onEnd: () => void
  ended: boolean
  stop(): void
}

function startTimer(ms: number | undefined, runtime: Runtime): Timer | undefined {
  if (ms === undefined) return undefined
  const stopped = new AbortController()
  const timer: Timer = { onEnd: () => {}, ended: false, stop: () => stopped.abort() }
  runtime.sleep(ms, stopped.signal).then(
    () => {
      timer.ended = true
      timer.onEnd()
    },
    () => {},
  )
  return timer
}

/** The next item, or undefined when the time is over first. Leaves nothing behind on a promise that lives longer. */
function nextInTime<T>(
  pending: Promise<IteratorResult<T>>,
  timer: Timer | undefined,
): Promise<IteratorResult<T> | undefined> {
  if (timer === undefined) return pending
  if (timer.ended) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    timer.onEnd = () => resolve(undefined)
    pending.then(resolve, reject)
  })
}
