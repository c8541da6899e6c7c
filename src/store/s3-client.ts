/** How a bucket is reached, decided when first needed, in the region where it turns out to be; and the AWS SDK's client, where it takes one. */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { namedExports } from './named-exports.ts'
import { addressOf } from './s3-address.ts'
import { DirectRequests } from './s3-direct.ts'
import { redirectRegion } from './s3-errors.ts'
import { CONNECTION_TIMEOUT_MS, HttpClient, MAX_SOCKETS } from './s3-http.ts'
import { knownAccess } from './s3-known.ts'
import type { S3ClientLike, S3Settings } from './s3-options.ts'
import type { S3Requests } from './s3-requests.ts'
import { SdkRequests } from './s3-sdk-requests.ts'
import type { S3Wire } from './s3-wire.ts'

export type S3Sdk = typeof import('@aws-sdk/client-s3')

/** Where AWS answers for every bucket, if only to say where it is. */
const FALLBACK_REGION = 'us-east-1'

/** The SDK and its client for the bucket. */
export interface LoadedSdk {
  readonly sdk: S3Sdk
  readonly client: S3Client
}

export interface S3Connection {
  /** The usual requests. */
  readonly requests: S3Requests
  /** For all others. Where `requests` do without the SDK, this loads it. */
  readonly loadSdk: () => Promise<LoadedSdk>
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
  readonly #http = new HttpClient()
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
    this.#http.close()
    for (const client of this.#made) client.destroy()
  }

  async #make(): Promise<S3Connection> {
    const { bucket, wire, settings } = this.#options
    const http = this.#http
    const known = this.#options.client ? undefined : knownAccess(bucket, settings, this.#region, process.env)
    if (known) {
      let loading: Promise<LoadedSdk> | undefined
      const loadSdk = (): Promise<LoadedSdk> => {
        loading ??= this.#loadSdk().catch((error: unknown) => {
          loading = undefined
          throw error
        })
        return loading
      }
      const credentials = async () => known.credentials
      return { requests: new DirectRequests({ http, address: known.address, credentials, wire }), loadSdk }
    }
    const loaded = await this.#loadSdk()
    const { sdk, client } = loaded
    const loadSdk = async () => loaded
    const address = this.#options.client ? undefined : await addressOf(sdk, client, bucket)
    if (!address) return { requests: new SdkRequests(sdk, client, bucket), loadSdk }
    const credentials = () => client.config.credentials()
    return { requests: new DirectRequests({ http, address, credentials, wire }), loadSdk }
  }

  async #loadSdk(): Promise<LoadedSdk> {
    const sdk = namedExports(await import('@aws-sdk/client-s3'), 'S3Client')
    if (this.#options.client) return { sdk, client: this.#options.client as S3Client }
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
    this.#region ??= region
    return { sdk, client }
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
