/** A store on S3 and on everything that speaks it with conditional writes. */
import { invalid, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { checkOptions } from '../spec/option-names.ts'
import type { OptionNames } from '../spec/option-names.ts'
import { BodyChunks } from './body.ts'
import { checkRange } from './byte-range.ts'
import { checkKey, checkPrefix } from './keys.ts'
import { checkMetadata } from './metadata.ts'
import { S3Clients } from './s3-client.ts'
import { deleteKeys } from './s3-delete.ts'
import { S3Exchanger } from './s3-exchange.ts'
import { listObjects } from './s3-list.ts'
import type { S3ClientLike, S3CredentialsInput } from './s3-options.ts'
import { s3Settings } from './s3-options.ts'
import { putObject } from './s3-put.ts'
import { isAwsHost, refuseDirectoryBucket } from './s3-quirks.ts'
import { getObject, headObject } from './s3-read.ts'
import { S3Wire } from './s3-wire.ts'
import type {
  CallOptions,
  GetOptions,
  HeadOptions,
  HeadResult,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  RequestEvent,
} from './store.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, DATASHARD_S3_ENDPOINT, the profile, else AWS's own. */
  readonly endpoint?: string | undefined
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, the profile; `us-east-1` with a custom endpoint. A wrong one is corrected. */
  readonly region?: string | undefined
  /** Default: the SDK's chain (environment, profiles, roles), then DATASHARD_S3_ACCESS_KEY and _SECRET_KEY. */
  readonly credentials?: S3CredentialsInput | undefined
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: only with a custom endpoint. */
  readonly forcePathStyle?: boolean | undefined
  /** Time for the first byte of an answer, and for silence within one; default 10,000. Large bodies get more. */
  readonly requestTimeoutMs?: number | undefined
  /** A client of your own, used as it is. Conditional writes are sent once whatever its retry strategy. */
  readonly client?: S3ClientLike | undefined
  readonly runtime?: Runtime | undefined
}

export const S3_STORE_OPTIONS: OptionNames<S3StoreOptions> = {
  bucket: true,
  endpoint: true,
  region: true,
  credentials: true,
  forcePathStyle: true,
  requestTimeoutMs: true,
  client: true,
  runtime: true,
}

const DEFAULT_REQUEST_TIMEOUT_MS = 10_000

/**
 * The store of one bucket. No request is made before the first call. The AWS SDK is loaded with it where it has to find
 * credentials, a region or an address; else only for uploads in parts and for deleting many keys.
 *
 * @example
 * ```ts
 * import { s3Store } from 'datashard/store'
 *
 * const store = s3Store({ bucket: 'analytics', region: 'eu-central-1' })
 * console.log(store.url)
 * ```
 */
export function s3Store(options: S3StoreOptions): ObjectStore {
  checkOptions('s3Store', options ?? null, S3_STORE_OPTIONS)
  return new S3Store(options)
}

class S3Store implements ObjectStore {
  readonly url: string
  readonly #bucket: string
  readonly #endpoint: string | undefined
  readonly #ownClient: boolean
  readonly #runtime: Runtime
  readonly #wire: S3Wire
  readonly #clients: S3Clients
  readonly #exchanger: S3Exchanger

  constructor(options: S3StoreOptions) {
    const { bucket, client } = options
    if (typeof bucket !== 'string' || bucket === '') invalid('an S3 store needs the name of a bucket')
    if (/[/\s]/.test(bucket)) invalid(`found '${bucket}' as the name of a bucket, which has no blanks and slashes`)
    refuseDirectoryBucket(bucket)
    const settings = s3Settings(options, client ? {} : process.env)
    const requestTimeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS
    this.url = `s3://${bucket}`
    this.#bucket = bucket
    this.#endpoint = settings.endpoint
    this.#ownClient = client !== undefined
    this.#runtime = options.runtime ?? systemRuntime
    this.#wire = new S3Wire(this.#runtime)
    this.#clients = new S3Clients({ bucket, wire: this.#wire, settings, requestTimeoutMs, client })
    this.#exchanger = new S3Exchanger({
      bucket,
      clients: this.#clients,
      wire: this.#wire,
      runtime: this.#runtime,
      requestTimeoutMs,
      endpoint: () => this.conditionalCreate.endpoint,
    })
  }

  /** By where requests really go, once one went: a profile or a client may name an endpoint that is not seen here. */
  get conditionalCreate(): ObjectStore['conditionalCreate'] {
    const { origin } = this.#wire
    const given = this.#endpoint === undefined ? undefined : new URL(this.#endpoint)
    const host = (origin ?? given)?.hostname
    const trusted = host === undefined ? !this.#ownClient : isAwsHost(host)
    if (trusted) return { trusted, endpoint: 'AWS S3' }
    return { trusted, endpoint: given?.origin ?? origin?.origin ?? 'the S3 endpoint of the given client' }
  }

  keyOf(url: string): string | undefined {
    const match = /^s3[an]?:\/\/([^/]+)\/(.+)$/s.exec(url)
    return match?.[1] === this.#bucket ? match[2] : undefined
  }

  urlOf(key: string): string {
    return `${this.url}/${key}`
  }

  clockOffsetMs(): number {
    return this.#wire.clockOffsetMs
  }

  observe(listener: (event: RequestEvent) => void): () => void {
    return this.#exchanger.observers.add(listener)
  }

  close(): void {
    this.#clients.close()
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    checkKey(key)
    checkRange(options.range)
    return getObject(this.#exchanger, key, options)
  }

  async head(key: string, options: HeadOptions = {}): Promise<HeadResult | undefined> {
    checkKey(key)
    return headObject(this.#exchanger, key, options)
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key)
    checkMetadata(options.metadata)
    const doing = `writing ${this.urlOf(key)}`
    throwIfAborted(options.signal, doing)
    const chunks = new BodyChunks(body, doing, options.signal)
    try {
      return await putObject(this.#exchanger, key, body, chunks, options)
    } catch (error) {
      chunks.throwIfSourceFailed()
      throw error
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix)
    yield* listObjects(this.#exchanger, prefix, options)
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key)
    await deleteKeys(this.#exchanger, keys, options.signal)
  }
}
