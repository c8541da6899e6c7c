/** The AWS SDK's client: made when first needed, for one bucket, in the region where the bucket turns out to be. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { Runtime } from '../runtime.ts'
import { redirectRegion } from './s3-errors.ts'
import type { S3Settings } from './s3-options.ts'

export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** Time for the first byte of an answer; no request of ours is that slow in good health. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 10_000
/** Silence on a connection in the middle of a body. */
const SOCKET_TIMEOUT_MS = 30_000
const CONNECTION_TIMEOUT_MS = 5_000
/** Hundreds of requests may be in flight at once when many small files are read or a store is raced. */
const MAX_SOCKETS = 256

export interface S3ClientOptions {
  readonly settings: S3Settings
  readonly requestTimeoutMs: number
  /** A client of the caller's own; its settings are left alone. */
  readonly client: S3Client | undefined
  readonly runtime: Runtime
}

export interface S3Connection {
  readonly sdk: S3Sdk
  readonly client: S3Client
}

export class S3Clients {
  readonly #options: S3ClientOptions
  #connection: Promise<S3Connection> | undefined
  #region: string | undefined
  #clockOffsetMs = 0

  constructor(options: S3ClientOptions) {
    this.#options = options
    this.#region = options.settings.region
  }

  /** The store's clock less ours, from the newest `Date` header; a header has seconds, so half of one is added. */
  get clockOffsetMs(): number {
    return this.#clockOffsetMs
  }

  connect(): Promise<S3Connection> {
    this.#connection ??= this.#make()
    return this.#connection
  }

  /** After an answer that names another region: true if the request is to be sent again, to there. */
  async redirected(error: unknown): Promise<boolean> {
    const region = redirectRegion(error)
    if (region === undefined || region === this.#region || this.#options.client) return false
    this.#region = region
    await this.#destroy()
    return true
  }

  close(): void {
    if (!this.#options.client) void this.#destroy()
  }

  async #destroy(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    const made = await connection?.catch(() => undefined)
    made?.client.destroy()
  }

  async #make(): Promise<S3Connection> {
    const sdk = await import('@aws-sdk/client-s3')
    const client = this.#options.client ?? new sdk.S3Client(this.#config())
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        this.#learnClock(result.response)
        return result
      },
      { name: 'datashardClock', step: 'deserialize', priority: 'low', override: true },
    )
    return { sdk, client }
  }

  #config() {
    const { settings, requestTimeoutMs } = this.#options
    const agent = { keepAlive: true, maxSockets: MAX_SOCKETS }
    return {
      ...(settings.endpoint !== undefined && { endpoint: settings.endpoint }),
      ...(this.#region !== undefined && { region: this.#region }),
      ...(settings.credentials && { credentials: settings.credentials }),
      forcePathStyle: settings.forcePathStyle,
      // Retries are ours alone (retry.ts): a conditional create that is repeated behind our back meets its own object.
      maxAttempts: 1,
      // Older imitations of S3 refuse the trailing checksums that the SDK would add to every request otherwise.
      requestChecksumCalculation: 'WHEN_REQUIRED' as const,
      responseChecksumValidation: 'WHEN_REQUIRED' as const,
      requestHandler: {
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
        socketTimeout: SOCKET_TIMEOUT_MS,
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        httpAgent: agent,
        httpsAgent: agent,
      },
    }
  }

  #learnClock(response: unknown): void {
    const headers = (response as { headers?: Readonly<Record<string, string>> } | undefined)?.headers
    const date = headers?.['date']
    const theirs = date === undefined ? Number.NaN : Date.parse(date)
    if (Number.isNaN(theirs)) return
    const offset = theirs + 500 - this.#options.runtime.now()
    // The header has whole seconds: less than that is no knowledge of a difference.
    this.#clockOffsetMs = Math.abs(offset) < 1_000 ? 0 : offset
  }
}
