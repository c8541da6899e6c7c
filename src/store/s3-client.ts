/** The AWS SDK's client: made when first needed, for one bucket, in the region where the bucket turns out to be. */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { namedExports } from './named-exports.ts'
import { addressOf } from './s3-address.ts'
import { DirectRequests } from './s3-direct.ts'
import { redirectRegion } from './s3-errors.ts'
import type { S3ClientLike, S3Settings } from './s3-options.ts'
import type { S3Requests } from './s3-requests.ts'
import { SdkRequests } from './s3-sdk-requests.ts'
import type { S3Wire } from './s3-wire.ts'

export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** Hundreds of requests may be in flight at once when many small files are read or a store is raced. */
const MAX_SOCKETS = 512
const CONNECTION_TIMEOUT_MS = 5_000
/** Where AWS answers for every bucket, if only to say where it is. */
const FALLBACK_REGION = 'us-east-1'

export interface S3Connection {
  readonly sdk: S3Sdk
  readonly client: S3Client
  readonly requests: S3Requests
}

export interface S3ClientsOptions {
  readonly bucket: string
  readonly wire: S3Wire
  readonly settings: S3Settings
  readonly requestTimeoutMs: number
  /** A client of the caller's own; its settings are left alone. */
  readonly client: S3ClientLike | undefined
}

export class S3Clients {
  readonly #options: S3ClientsOptions
  #connection: Promise<S3Connection> | undefined
  #region: string | undefined
  /** All that were made; requests may still be under way on those that a redirect replaced. */
  readonly #made: S3Client[] = []

  constructor(options: S3ClientsOptions) {
    this.#options = options
    this.#region = options.settings.region
  }

  connect(): Promise<S3Connection> {
    if (!this.#connection) {
      const connection = this.#make()
      this.#connection = connection
      // A failure to load or configure the SDK is not for ever: a profile may appear.
      connection.catch(() => {
        if (this.#connection === connection) this.#connection = undefined
      })
    }
    return this.#connection
  }

  /**
   * After an answer that names another region: true if the request is to be sent again, to there. Requests in flight on the
   * old client end there and are redirected in turn.
   */
  redirected(error: unknown): boolean {
    const region = redirectRegion(error)
    if (region === undefined || this.#options.client) return false
    if (region !== this.#region) {
      this.#region = region
      this.#connection = undefined
    }
    return true
  }

  close(): void {
    for (const client of this.#made) client.destroy()
  }

  async #make(): Promise<S3Connection> {
    const sdk = namedExports(await import('@aws-sdk/client-s3'), 'S3Client')
    const { bucket, wire } = this.#options
    if (this.#options.client) {
      const client = this.#options.client as S3Client
      return { sdk, client, requests: new SdkRequests(sdk, client, bucket) }
    }
    const given = this.#options.settings.endpoint
    let client = new sdk.S3Client(this.#config(given, this.#region))
    this.#made.push(client)
    const endpoint = given ?? (await endpointOfProfile(client))
    const region = this.#region ?? (await client.config.region().catch(() => FALLBACK_REGION))
    if (endpoint !== given || region !== this.#region) {
      // A client cannot be told later what decides about its addresses.
      client = new sdk.S3Client(this.#config(endpoint, region))
      this.#made.push(client)
    }
    this.#region = region
    const address = await addressOf(sdk, client, bucket)
    if (!address) return { sdk, client, requests: new SdkRequests(sdk, client, bucket) }
    return {
      sdk,
      client,
      requests: new DirectRequests({ client, address, wire }),
    }
  }

  #config(endpoint: string | undefined, region: string | undefined): S3ClientConfig {
    const { settings, requestTimeoutMs } = this.#options
    const agent = { keepAlive: true, maxSockets: MAX_SOCKETS }
    return {
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      ...(settings.credentials && { credentials: settings.credentials }),
      forcePathStyle: settings.forcePathStyle ?? endpoint !== undefined,
      // Retries are ours alone (retry.ts): a conditional create that is repeated behind our back meets its own object.
      maxAttempts: 1,
      // Bodies are signed with their SHA-256, which the store checks; see docs/decisions/store-checksums.md.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // With it, each large body would get a connection of its own, TLS handshake included.
      expectContinueHeader: false,
      requestHandler: {
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
        // Silence in the middle of a body; the time for the first byte is above.
        socketTimeout: requestTimeoutMs,
        connectionTimeout: Math.min(CONNECTION_TIMEOUT_MS, requestTimeoutMs),
        // Waiting for one of the sockets is no trouble to warn of.
        socketAcquisitionWarningTimeout: 2 * requestTimeoutMs,
        httpAgent: agent,
        httpsAgent: agent,
      },
    }
  }
}

/** `endpoint_url` of the AWS profile in use, which the SDK would find only when a request is on its way. */
async function endpointOfProfile(client: S3Client): Promise<string | undefined> {
  const config = client.config as { readonly serviceConfiguredEndpoint?: () => Promise<string | undefined> }
  return config.serviceConfiguredEndpoint?.()
}
