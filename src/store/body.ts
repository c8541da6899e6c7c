/** Bodies of puts: bytes, or streams of them. */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { PutBody } from './store.ts'

/** One array of all chunks; a copy, unless there is only one. */
export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/**
 * The chunks of a body, to be read once, each checked to be one. Remembers whether it was the source that failed: that
 * error is the caller's own, and must reach them as it is, not as a failure of the store.
 */
export class BodyChunks implements AsyncIterable<Uint8Array> {
  readonly #body: PutBody
  readonly #what: string
  readonly #signal: AbortSignal | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(body: PutBody, what: string, signal: AbortSignal | undefined) {
    if (!(body instanceof Uint8Array) && typeof body?.[Symbol.asyncIterator] !== 'function') throw notBytes(body, what)
    this.#body = body
    this.#what = what
    this.#signal = signal
  }

  /** Throws what the source threw, if it did. */
  throwIfSourceFailed(): void {
    if (this.#failure) throw this.#failure.error
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#body instanceof Uint8Array) {
      yield this.#body
      return
    }
    const source = this.#body[Symbol.asyncIterator]()
    let done = false
    try {
      for (;;) {
        const next = await this.#next(source)
        done = next.done === true
        if (next.done) return
        // Nothing to write, and an empty chunk ends some streams.
        if (next.value.length > 0) yield next.value
      }
    } finally {
      // Not awaited: a generator that waits for something returns only after it, which may be never.
      if (!done) void Promise.resolve(source.return?.()).catch(() => undefined)
    }
  }

  async #next(source: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    throwIfAborted(this.#signal, this.#what)
    // An iterator made by hand may throw at once, or return no promise.
    const pending = (async () => source.next())()
    const next = await orAborted(pending, this.#signal, this.#what).catch((error: unknown) => {
      if (!DataShardError.is(error, 'aborted') || !this.#signal?.aborted) this.#failure = { error }
      throw error
    })
    if (next.done || next.value instanceof Uint8Array) return next
    const error = notBytes(next.value, this.#what)
    this.#failure = { error }
    throw error
  }
}

/** The promise's outcome, or `aborted` as soon as the signal fires. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () =>
      reject(new DataShardError('aborted', `${what} was cancelled`, { cause: signal.reason as unknown }))
    signal.addEventListener('abort', onAbort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function notBytes(found: unknown, what: string): DataShardError {
  const type = found === null ? 'null' : Array.isArray(found) ? 'an array' : typeof found
  return new DataShardError(
    'invalid-argument',
    `${what}: found ${type} as a body, expected Uint8Array or a stream of them`,
  )
}
