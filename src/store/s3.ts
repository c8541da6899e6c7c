/** A store on S3 and on everything that speaks it with conditional writes. */
import type { S3Client } from '@aws-sdk/client-s3'
import { DataShardError, invalid, throwIfAborted } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { systemRuntime } from '../runtime.ts'
import { withRetries } from './retry.ts'
import type { S3Connection } from './s3-client.ts'
import { DEFAULT_REQUEST_TIMEOUT_MS, S3Clients } from './s3-client.ts'
import { isMissing, isNoAnswer, s3Error, statusOf } from './s3-errors.ts'
import type { S3Credentials } from './s3-options.ts'
import { s3Settings } from './s3-options.ts'
import { splitBody, uploadParts } from './s3-upload.ts'
import type {
  CallOptions,
  GetOptions,
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
  /** Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS's own. */
  readonly endpoint?: string
  /** Default: AWS_REGION and what else the SDK knows; with a custom endpoint `us-east-1`. */
  readonly region?: string
  /** Default: the SDK's chain (environment, profiles, roles). */
  readonly credentials?: S3Credentials
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: only with a custom endpoint. */
  readonly forcePathStyle?: boolean
  /** Time for the first byte of an answer; default 10,000. */
  readonly requestTimeoutMs?: number
  /** A client of your own, used as it is. Set its `maxAttempts` to 1: a repeated conditional write meets itself. */
  readonly client?: S3Client
  readonly runtime?: Runtime
}

/** Keys in one listing page and in one delete request: S3's own limits. */
const PAGE_KEYS = 1_000
const MAX_KEY_BYTES = 1_024

/**
 * The store of one bucket. No request is made before the first call, and the AWS SDK is loaded with it.
 *
 * @example
 * ```ts
 * import { createTable } from 'datashard'
 * import { s3Store } from 'datashard/store'
 *
 * const store = s3Store({ bucket: 'analytics', region: 'eu-central-1' })
 * console.log(store.url, typeof createTable)
 * ```
 */
export function s3Store(options: S3StoreOptions): ObjectStore {
  return new S3Store(options)
}

class S3Store implements ObjectStore {
  readonly url: string
  readonly conditionalCreate: ObjectStore['conditionalCreate']
  readonly #bucket: string
  readonly #endpoint: string
  readonly #runtime: Runtime
  readonly #clients: S3Clients
  readonly #listeners = new Set<(event: RequestEvent) => void>()

  constructor(options: S3StoreOptions) {
    if (typeof options.bucket !== 'string' || options.bucket === '') invalid('an S3 store needs the name of a bucket')
    const settings = s3Settings(options, process.env)
    this.url = `s3://${options.bucket}`
    this.#bucket = options.bucket
    this.#runtime = options.runtime ?? systemRuntime
    this.#endpoint = settings.endpoint ?? 'AWS S3'
    this.conditionalCreate = { trusted: isAws(settings.endpoint), endpoint: this.#endpoint }
    this.#clients = new S3Clients({
      settings,
      requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      client: options.client,
      runtime: this.#runtime,
    })
  }

  keyOf(url: string): string | undefined {
    const match = /^s3[an]?:\/\/([^/]+)\/(.*)$/s.exec(url)
    return match && match[1] === this.#bucket ? match[2] : undefined
  }

  urlOf(key: string): string {
    return `${this.url}/${key}`
  }

  clockOffsetMs(): number {
    return this.#clients.clockOffsetMs
  }

  observe(listener: (event: RequestEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#clients.close()
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    checkKey(key)
    const { range } = options
    if (range && 'start' in range && range.end !== undefined && range.end <= range.start) return new Uint8Array()
    return this.#retried('GET', 's3:GetObject', key, options.signal, async ({ sdk, client }, send) => {
      const command = new sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key, Range: rangeHeader(range) })
      try {
        const answer = await client.send(command, send)
        const bytes = await answer.Body!.transformToByteArray()
        return { value: bytes as Uint8Array | undefined, status: range ? 206 : 200, bytes: bytes.length }
      } catch (error) {
        if (isMissing(error)) return { value: undefined, status: 404 }
        // Beyond the end of the object: nothing is there to read.
        if (statusOf(error) === 416) return { value: new Uint8Array(), status: 416 }
        throw error
      }
    })
  }

  async head(key: string, options: CallOptions = {}): Promise<HeadResult | undefined> {
    checkKey(key)
    return this.#retried('HEAD', 's3:GetObject', key, options.signal, async ({ sdk, client }, send) => {
      try {
        const answer = await client.send(new sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key }), send)
        const value: HeadResult = { ...infoOf(key, answer), metadata: answer.Metadata ?? {} }
        return { value: value as HeadResult | undefined, status: 200 }
      } catch (error) {
        // A HEAD has no body to say whether key or bucket is missing; a read of a missing bucket fails soon enough.
        if (isMissing(error)) return { value: undefined, status: 404 }
        throw error
      }
    })
  }

  async put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key)
    throwIfAborted(options.signal, `writing ${this.urlOf(key)}`)
    const mode = options.mode ?? 'overwrite'
    const split = await splitBody(body)
    const send =
      split.kind === 'whole' ? this.#putWhole(key, split.bytes, options) : this.#putParts(key, split.body, options)
    if (mode === 'overwrite') return withRetriesIf(split.kind === 'whole', this.#runtime, options.signal, send)
    try {
      return await send()
    } catch (error) {
      return conditionalOutcome(error)
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    let left = options.limit ?? Infinity
    let after = options.startAfter
    while (left > 0) {
      const limit = Math.min(left, PAGE_KEYS)
      const page = await this.#listPage(prefix, after, limit, options.signal)
      for (const info of page.objects) {
        left -= 1
        yield info
      }
      if (!page.more || page.objects.length === 0) return
      // The last key rather than a token: it means the same to every store.
      after = page.objects.at(-1)!.key
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    for (let at = 0; at < keys.length; at += PAGE_KEYS)
      await this.#deletePage(keys.slice(at, at + PAGE_KEYS), options.signal)
  }

  #putWhole(key: string, bytes: Uint8Array, options: PutOptions): () => Promise<PutResult> {
    return () =>
      this.#once('PUT', 's3:PutObject', key, options.signal, async ({ sdk, client }, send) => {
        const command = new sdk.PutObjectCommand({
          ...this.#putInput(key, options),
          Body: bytes,
          ContentLength: bytes.length,
        })
        const answer = await client.send(command, send)
        return { value: written(answer.ETag), status: 200, bytes: bytes.length }
      })
  }

  #putParts(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): () => Promise<PutResult> {
    return () =>
      this.#once('PUT', 's3:PutObject', key, options.signal, async ({ client }) => {
        const { etag, bytes } = await uploadParts(client, this.#putInput(key, options), body, options.signal)
        return { value: written(etag), status: 200, bytes }
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

  #listPage(prefix: string, after: string | undefined, limit: number, signal: AbortSignal | undefined) {
    return this.#retried('LIST', 's3:ListBucket', prefix, signal, async ({ sdk, client }, send) => {
      const command = new sdk.ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: limit,
        EncodingType: 'url',
        ...(after !== undefined && { StartAfter: after }),
      })
      const answer = await client.send(command, send)
      const objects = (answer.Contents ?? []).map((one) =>
        infoOf(decodeKey(one.Key ?? ''), { ...one, ContentLength: one.Size }),
      )
      return { value: { objects, more: answer.IsTruncated === true }, status: 200 }
    })
  }

  async #deletePage(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    if (keys.length === 0) return
    const failed = await this.#retried('DELETE', 's3:DeleteObject', keys[0]!, signal, async ({ sdk, client }, send) => {
      const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true }
      const answer = await client.send(new sdk.DeleteObjectsCommand({ Bucket: this.#bucket, Delete }), send)
      return { value: answer.Errors ?? [], status: 200 }
    })
    const [first] = failed.filter((error) => error.Code !== 'NoSuchKey')
    if (first) throw this.#error({ name: first.Code, message: first.Message }, 's3:DeleteObject', first.Key ?? '')
  }

  #retried<T>(
    verb: RequestEvent['verb'],
    action: string,
    key: string,
    signal: AbortSignal | undefined,
    run: Run<T>,
  ): Promise<T> {
    return withRetries(this.#runtime, signal, () => this.#once(verb, action, key, signal, run))
  }

  /** One request, seen by the observers; sent once more only when the bucket turns out to be in another region. */
  async #once<T>(
    verb: RequestEvent['verb'],
    action: string,
    key: string,
    signal: AbortSignal | undefined,
    run: Run<T>,
  ): Promise<T> {
    throwIfAborted(signal, `${action} on ${this.urlOf(key)}`)
    for (let redirects = 0; ; redirects++) {
      const startMs = this.#runtime.monotonic()
      const note = (status: number, bytes = 0) => {
        const durationMs = this.#runtime.monotonic() - startMs
        for (const listener of this.#listeners) listener({ verb, key, status, durationMs, bytes })
      }
      try {
        const done = await run(await this.#clients.connect(), signal ? { abortSignal: signal } : {})
        note(done.status, done.bytes)
        return done.value
      } catch (error) {
        note(statusOf(error))
        if (redirects === 0 && (await this.#clients.redirected(error))) continue
        throw this.#error(error, action, key)
      }
    }
  }

  #error(error: unknown, action: string, key: string): DataShardError {
    return s3Error(error, { action, bucket: this.#bucket, key, endpoint: this.#endpoint })
  }
}

type Run<T> = (
  connection: S3Connection,
  send: { abortSignal?: AbortSignal },
) => Promise<{ readonly value: T; readonly status: number; readonly bytes?: number }>

/** What became of a conditional put that did not answer 200 (commit-protocol, "Outcomes of the create"). */
function conditionalOutcome(error: unknown): PutResult {
  const cause = DataShardError.is(error) ? error.cause : error
  const status = statusOf(cause)
  // If-Match on a key that is gone is answered by 404.
  if (status === 412 || (status === 404 && isMissing(cause))) return { outcome: 'precondition-failed' }
  if (DataShardError.is(error) && error.code !== 'unavailable' && error.code !== 'aborted') throw error
  if (isNoAnswer(cause)) return { outcome: 'unknown', cause: error }
  throw error
}

function withRetriesIf<T>(
  repeatable: boolean,
  runtime: Runtime,
  signal: AbortSignal | undefined,
  send: () => Promise<T>,
): Promise<T> {
  return repeatable ? withRetries(runtime, signal, send) : send()
}

function written(etag: string | undefined): PutResult {
  return { outcome: 'written', etag: etag ?? '' }
}

interface Facts {
  readonly ContentLength?: number | undefined
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
}

function infoOf(key: string, facts: Facts): ObjectInfo {
  return {
    key,
    size: facts.ContentLength ?? 0,
    etag: facts.ETag ?? '',
    lastModifiedMs: facts.LastModified?.getTime() ?? 0,
  }
}

function rangeHeader(range: GetOptions['range']): string | undefined {
  if (!range) return undefined
  if ('suffix' in range) return `bytes=-${range.suffix}`
  return range.end === undefined ? `bytes=${range.start}-` : `bytes=${range.start}-${range.end - 1}`
}

/** Listings come URL-encoded, because XML cannot carry every character of a key. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}

function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0 || bytes > MAX_KEY_BYTES) {
    invalid(`a key of ${bytes} bytes; S3 takes 1 to ${MAX_KEY_BYTES}: '${key.slice(0, 60)}...'`)
  }
}

function isAws(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return true
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : ''
  return host.endsWith('.amazonaws.com') || host.endsWith('.amazonaws.com.cn')
}
