/** One request of an S3 store: sent, observed, its failure translated, repeated where that does no harm. */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { Observers } from './observers.ts'
import { withRetries } from './retry.ts'
import type { S3Clients, S3Connection } from './s3-client.ts'
import { isCorrectedSkew, s3Error, statusOf } from './s3-errors.ts'
import type { Attempt, S3Wire, WatchedCommand } from './s3-wire.ts'
import type { RequestEvent } from './store.ts'

/** Slower than this is not a slow line but a dead one; large bodies get their time by it. */
const MIN_BYTES_PER_MS = 256

export interface Exchange<T> {
  readonly verb: RequestEvent['verb']
  /** As IAM names it. */
  readonly action: string
  readonly key: string
  readonly signal?: AbortSignal | undefined
  /** Bytes that are sent, for the time that they take. */
  readonly bodyBytes?: number
  /** A conditional write: the SDK may not repeat it. */
  readonly once?: boolean
  readonly send: (how: Sending) => Promise<Answer<T>>
}

/** What it takes to send: one of the usual requests, or a command of the SDK. */
export interface Sending extends S3Connection {
  readonly options: { readonly abortSignal?: AbortSignal; readonly requestTimeout: number }
  readonly attempt: Attempt
  /** To be called with a command of the SDK before it is sent; returns it. */
  readonly watch: <C extends WatchedCommand>(command: C) => C
}

export interface Answer<T> {
  readonly value: T
  readonly status: number
  readonly bytes?: number
}

export interface ExchangerOptions {
  readonly bucket: string
  readonly clients: S3Clients
  readonly wire: S3Wire
  readonly runtime: Runtime
  readonly requestTimeoutMs: number
  readonly endpoint: () => string
}

export class S3Exchanger {
  readonly observers = new Observers()
  readonly bucket: string
  readonly runtime: Runtime
  readonly #options: ExchangerOptions
  #bucketSeen = false

  constructor(options: ExchangerOptions) {
    this.#options = options
    this.bucket = options.bucket
    this.runtime = options.runtime
  }

  /** Whether an answer proved that the bucket exists. */
  get bucketSeen(): boolean {
    return this.#bucketSeen
  }

  connect(): Promise<S3Connection> {
    return this.#options.clients.connect()
  }

  /** The request, sent again as the retry policy says. */
  retried<T>(exchange: Exchange<T>): Promise<T> {
    return withRetries(this.runtime, exchange.signal, () => this.once(exchange))
  }

  /**
   * The request, sent once; and once more only when it was turned away at the door, without effect: for the wrong region,
   * or for our clock. Throws a DataShardError whose cause is the SDK's.
   */
  async once<T>(exchange: Exchange<T>): Promise<T> {
    const { action, key, signal } = exchange
    const { clients } = this.#options
    let redirected = false
    let resynchronised = false
    for (;;) {
      throwIfAborted(signal, `${action} on s3://${this.bucket}/${key}`)
      try {
        return await this.#send(exchange)
      } catch (error) {
        if (!redirected && clients.redirected(error)) redirected = true
        else if (!resynchronised && isCorrectedSkew(error)) resynchronised = true
        else throw this.error(error, action, key)
      }
    }
  }

  /** An error of the SDK as one of ours. */
  error(error: unknown, action: string, key: string) {
    return s3Error(error, { action, bucket: this.bucket, key, endpoint: this.#options.endpoint() })
  }

  async #send<T>({ verb, key, signal, bodyBytes = 0, once = false, send }: Exchange<T>): Promise<T> {
    const { runtime, wire, requestTimeoutMs, bucket } = this.#options
    const startMs = runtime.monotonic()
    const attempt: Attempt = { once, sent: false }
    const note = (status: number, bytes: number) =>
      this.observers.note({ verb, key, status, durationMs: runtime.monotonic() - startMs, bytes })
    try {
      const connection = await this.#options.clients.connect()
      const requestTimeout = requestTimeoutMs + Math.ceil(bodyBytes / MIN_BYTES_PER_MS)
      const { value, status, bytes } = await send({
        ...connection,
        options: { ...(signal && { abortSignal: signal }), requestTimeout },
        attempt,
        watch: (command) => {
          wire.watch(command, attempt)
          return command
        },
      })
      note(status, bytes ?? bodyBytes)
      this.#bucketSeen ||= verb !== 'HEAD' || status !== 404
      return value
    } catch (error) {
      // Without credentials, say, nothing went over the wire.
      if (attempt.sent) note(statusOf(error), 0)
      if (attempt.sent && once && (error as Error | undefined)?.name === 'AbortError')
        throw abortedWrite(error, bucket, key)
      throw error
    }
  }
}

function abortedWrite(cause: unknown, bucket: string, key: string): DataShardError {
  const text = `writing s3://${bucket}/${key} was cancelled after it was sent: it may have been written, or be written yet`
  return new DataShardError('aborted', text, { cause, committed: 'unknown', details: { bucket, key } })
}
