/** A store on S3 and on everything that speaks it with conditional writes. */
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { BodyChunks } from './body.ts'
import { boundsOf, checkRange, isEmptyRange } from './byte-range.ts'
import { checkKey, checkPrefix } from './keys.ts'
import { checkMetadata } from './metadata.ts'
import { isRetryable, withRetries } from './retry.ts'
import { S3Clients } from './s3-client.ts'
import { deleteKeys } from './s3-delete.ts'
import { isMissingKey, isNoAnswer, nameOf, statusOf, wasNeverSent } from './s3-errors.ts'
import { S3Exchanger } from './s3-exchange.ts'
import type { S3ClientLike, S3CredentialsInput } from './s3-options.ts'
import { s3Settings } from './s3-options.ts'
import { decodeListedKey, isAwsHost, refuseDirectoryBucket } from './s3-quirks.ts'
import { MAX_WHOLE_BYTES, splitBody, uploadParts } from './s3-upload.ts'
import { S3Wire } from './s3-wire.ts'
import type {
  CallOptions,
  GetOptions,
  HeadResult,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutMode,
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

const DEFAULT_REQUEST_TIMEOUT_MS = 10_000
/** Keys in one listing page: S3's own limit. */
const PAGE_KEYS = 1_000

/**
 * The store of one bucket. No request is made before the first call, and the AWS SDK is loaded with it.
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
    this.#clients = new S3Clients({ settings, requestTimeoutMs, client })
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
    const { range, signal } = options
    // HTTP has no way to ask for no bytes; whether the object is there must be asked all the same.
    if (isEmptyRange(range)) return (await this.head(key, { signal })) && new Uint8Array()
    return this.#exchanger.retried<Uint8Array | undefined>({
      verb: 'GET',
      action: 's3:GetObject',
      key,
      signal,
      send: async ({ sdk, client, watch, options: send }) => {
        const input = { Bucket: this.#bucket, Key: key, ...(range && { Range: rangeHeader(range) }) }
        try {
          const answer = await client.send(watch(new sdk.GetObjectCommand(input)), send)
          if (answer.ETag === undefined) throw notS3(this.urlOf(key), 'an object without an ETag')
          const bytes = await answer.Body!.transformToByteArray()
          if (answer.ContentLength !== undefined && bytes.length !== answer.ContentLength) throw cutShort(key)
          const status = answer.$metadata.httpStatusCode ?? 200
          // A gateway that knows no ranges sends the whole.
          const value = range && status === 200 ? bytes.slice(...boundsOf(range, bytes.length)) : bytes
          return { value, status, bytes: bytes.length }
        } catch (error) {
          if (isMissingKey(error)) return { value: undefined, status: 404, bytes: 0 }
          // Beyond the end of the object: nothing is there to read.
          if (statusOf(error) === 416) return { value: new Uint8Array(), status: 416, bytes: 0 }
          throw error
        }
      },
    })
  }

  async head(key: string, options: CallOptions = {}): Promise<HeadResult | undefined> {
    checkKey(key)
    const found = await this.#exchanger.retried<HeadResult | undefined>({
      verb: 'HEAD',
      action: 's3:GetObject',
      key,
      signal: options.signal,
      send: async ({ sdk, client, watch, options: send }) => {
        try {
          const command = new sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key })
          const answer = await client.send(watch(command), send)
          if (answer.ETag === undefined) throw notS3(this.urlOf(key), 'an object without an ETag')
          const info = infoOf(key, answer.ContentLength, answer)
          return { value: { ...info, metadata: answer.Metadata ?? {} }, status: 200 }
        } catch (error) {
          if (isMissingKey(error)) return { value: undefined, status: 404 }
          throw error
        }
      },
    })
    // A HEAD has no body to say whether it is the key or the bucket that is missing. A GET has: asked once per store.
    if (!found && !this.#exchanger.bucketSeen) await this.get(key, { ...options, range: { start: 0, end: 1 } })
    return found
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key)
    checkMetadata(options.metadata)
    const { signal } = options
    throwIfAborted(signal, `writing ${this.urlOf(key)}`)
    const chunks = new BodyChunks(body, `writing ${this.urlOf(key)}`, signal)
    try {
      if (body instanceof Uint8Array && body.length <= MAX_WHOLE_BYTES) return await this.#putWhole(key, body, options)
      const split = await splitBody(chunks)
      if (split.kind === 'whole') return await this.#putWhole(key, split.bytes, options)
      return await this.#putParts(key, split.chunks, options)
    } catch (error) {
      chunks.throwIfSourceFailed()
      throw error
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix)
    let left = options.limit ?? Infinity
    let from: PageStart = { after: options.startAfter }
    while (left > 0) {
      const page = await this.#listPage(prefix, from, Math.min(left, PAGE_KEYS), options.signal)
      yield* page.objects
      left -= page.objects.length
      if (!page.next) return
      from = page.next
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (const key of keys) checkKey(key)
    const deletion = {
      exchanger: this.#exchanger,
      bucket: this.#bucket,
      runtime: this.#runtime,
      signal: options.signal,
    }
    await deleteKeys(deletion, keys)
  }

  async #putWhole(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    const mode = options.mode ?? 'overwrite'
    const conditional = mode !== 'overwrite'
    const exchange = {
      verb: 'PUT' as const,
      action: 's3:PutObject',
      key,
      signal: options.signal,
      bodyBytes: bytes.length,
      once: conditional,
      send: async ({
        sdk,
        client,
        watch,
        options: send,
      }: Parameters<Parameters<S3Exchanger['once']>[0]['send']>[0]) => {
        const input = { ...this.#putInput(key, options), Body: bytes, ContentLength: bytes.length }
        const answer = await client.send(watch(new sdk.PutObjectCommand(input)), send)
        if (answer.ETag === undefined) throw notS3(this.urlOf(key), 'no ETag for what was written')
        return { value: written(answer.ETag), status: 200 }
      },
    }
    if (!conditional) return this.#exchanger.retried(exchange)
    return this.#conditionally(mode, options.signal, () => this.#exchanger.once(exchange))
  }

  async #putParts(key: string, chunks: AsyncIterable<Uint8Array>, options: PutOptions): Promise<PutResult> {
    const mode = options.mode ?? 'overwrite'
    const conditional = mode !== 'overwrite'
    const connection = await this.#clients.connect()
    const { signal } = options
    const input = this.#putInput(key, options)
    const upload = {
      exchanger: this.#exchanger,
      connection,
      runtime: this.#runtime,
      input,
      chunks,
      signal,
      conditional,
    }
    const uploaded = await uploadParts(upload)
    if (uploaded.kind === 'done') return written(uploaded.etag)
    if (conditional && uploaded.completing) return outcomeOf(uploaded.error, mode)
    throw uploaded.error
  }

  /**
   * A conditional write is sent once. Only if the connection was never made, so that nothing was sent, it is tried again.
   */
  async #conditionally(
    mode: PutMode,
    signal: AbortSignal | undefined,
    send: () => Promise<PutResult>,
  ): Promise<PutResult> {
    return withRetries(this.#runtime, signal, async () => {
      try {
        return await send()
      } catch (error) {
        return outcomeOf(error, mode)
      }
    })
  }

  #putInput(key: string, options: PutOptions) {
    const mode = options.mode ?? 'overwrite'
    return {
      Bucket: this.#bucket,
      Key: key,
      ...(mode === 'create' && { IfNoneMatch: '*' }),
      ...(typeof mode === 'object' && { IfMatch: mode.ifMatch }),
      ...(options.metadata && { Metadata: { ...options.metadata } }),
      ContentType: options.contentType ?? 'application/octet-stream',
    }
  }

  #listPage(prefix: string, from: PageStart, limit: number, signal: AbortSignal | undefined): Promise<Page> {
    return this.#exchanger.retried<Page>({
      verb: 'LIST',
      action: 's3:ListBucket',
      key: prefix,
      signal,
      send: async ({ sdk, client, watch, options: send }) => {
        const command = new sdk.ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          MaxKeys: limit,
          EncodingType: 'url',
          ...(from.token !== undefined && { ContinuationToken: from.token }),
          ...(from.after !== undefined && from.after !== '' && { StartAfter: from.after }),
        })
        const answer = await client.send(watch(command), send)
        if (!answer.Contents && answer.Name === undefined && answer.KeyCount === undefined) {
          throw notS3(this.url, 'a listing without a name')
        }
        const objects = (answer.Contents ?? []).map((one) =>
          infoOf(decodeListedKey(one.Key ?? '', answer.EncodingType), one.Size, one),
        )
        return { value: { objects, next: nextPage(answer, objects) }, status: 200 }
      },
    })
  }
}

interface PageStart {
  readonly token?: string
  readonly after?: string | undefined
}

interface Page {
  readonly objects: readonly ObjectInfo[]
  readonly next: PageStart | undefined
}

/** By the token, because a page may be empty and not the last; a store without tokens goes on after the last key. */
function nextPage(
  answer: { readonly IsTruncated?: boolean | undefined; readonly NextContinuationToken?: string | undefined },
  objects: readonly ObjectInfo[],
): PageStart | undefined {
  if (answer.IsTruncated !== true) return undefined
  if (answer.NextContinuationToken) return { token: answer.NextContinuationToken }
  const last = objects.at(-1)
  if (!last) throw new DataShardError('unavailable', 'a listing says that it goes on, but not where; try again')
  return { after: last.key }
}

/** What became of a conditional put that was not answered by 200 (commit-protocol, "Outcomes of the create"). */
function outcomeOf(error: unknown, mode: PutMode): PutResult {
  if (!DataShardError.is(error)) throw error
  const { cause } = error
  const name = nameOf(cause)
  if (statusOf(cause) === 412 || name === 'PreconditionFailed') return { outcome: 'precondition-failed' }
  // How If-Match is answered for a key that is gone; to a create it says nothing.
  if (name === 'NoSuchKey') return mode === 'create' ? unknown(error) : { outcome: 'precondition-failed' }
  if (error.code === 'aborted') return error.committed === 'unknown' ? unknown(error) : raise(error)
  if (isNoAnswer(cause)) return unknown(error)
  // Never sent, and so worth another try; anything else is a refusal with a reason.
  if (isRetryable(error) && !wasNeverSent(cause)) return unknown(error)
  throw error
}

function unknown(cause: DataShardError): PutResult {
  return { outcome: 'unknown', cause }
}

function raise(error: DataShardError): never {
  throw error
}

function written(etag: string | undefined): PutResult {
  return { outcome: 'written', etag: etag ?? '' }
}

/** A web server, say, that answers 200 to everything. */
function notS3(where: string, found: string): DataShardError {
  return new DataShardError(
    'unsupported',
    `${where}: the server answered with ${found}, which S3 never does; check the endpoint`,
  )
}

function cutShort(key: string): Error {
  return Object.assign(new Error(`the answer for ${key} ended before its length`), { code: 'ECONNRESET' })
}

function infoOf(
  key: string,
  size: number | undefined,
  facts: { readonly ETag?: string | undefined; readonly LastModified?: Date | undefined },
): ObjectInfo {
  return { key, size: size ?? 0, etag: facts.ETag ?? '', lastModifiedMs: facts.LastModified?.getTime() ?? 0 }
}

function rangeHeader(range: NonNullable<GetOptions['range']>): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`
  return range.end === undefined ? `bytes=${range.start}-` : `bytes=${range.start}-${range.end - 1}`
}
