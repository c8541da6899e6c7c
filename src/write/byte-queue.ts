/** Bytes handed from a writer to an upload, with a limit on what lies between them. */

export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #maxBytes: number
  #parts: Uint8Array[] = []
  #bytes = 0
  #state: 'open' | 'ended' | 'failed' = 'open'
  #error: unknown
  /** Wakes whoever waits, on either side: there is at most one on each. */
  #wakeWriter: (() => void) | undefined
  #wakeReader: (() => void) | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds bytes; resolves when there is room for more. Rejects once the queue has failed. */
  async push(part: Uint8Array): Promise<void> {
    this.#throwIfFailed()
    this.#parts.push(part)
    this.#bytes += part.length
    this.#wakeReader?.()
    while (this.#bytes > this.#maxBytes && this.#state !== 'failed') {
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve))
    }
    this.#throwIfFailed()
  }

  /** No more bytes come. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended'
    this.#wakeReader?.()
  }

  /** Ends both sides with an error; the first one counts. */
  fail(error: unknown): void {
    if (this.#state === 'failed') return
    this.#state = 'failed'
    this.#error = error
    this.#parts = []
    this.#wakeReader?.()
    this.#wakeWriter?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      this.#throwIfFailed()
      const part = this.#parts.shift()
      if (part !== undefined) {
        this.#bytes -= part.length
        this.#wakeWriter?.()
        yield part
      } else if (this.#state === 'ended') return
      else await new Promise<void>((resolve) => (this.#wakeReader = resolve))
    }
  }

  #throwIfFailed(): void {
    if (this.#state === 'failed') throw this.#error
  }
}
