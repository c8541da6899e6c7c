/** Bodies that are longer than one part go up in parts, by `@aws-sdk/lib-storage`, under the same conditions. */
import { Readable } from 'node:stream'
import type {
  CompleteMultipartUploadCommand,
  CompleteMultipartUploadCommandOutput,
  PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { joinChunks } from './body.ts'
import { notS3 } from './s3-answers.ts'
import { nameOf } from './s3-errors.ts'
import type { Exchange, S3Exchanger } from './s3-exchange.ts'
import type { WatchedCommand } from './s3-wire.ts'
import type { LoadedSdk, S3Sdk } from './s3-client.ts'
import { namedExports } from './named-exports.ts'
import { isRetryable, withRetries } from './retry.ts'

/** A part; what is not longer is one request. S3 takes at least 5 MiB and at most 10,000 parts: up to 80 GiB. */
export const PART_BYTES = 8 * 1024 * 1024
/** Bytes that are there already go up in one request, up to S3's limit of 5 GiB less some. */
export const MAX_WHOLE_BYTES = 4 * 1024 * 1024 * 1024
/** Parts in flight: with their buffers 32 MiB. */
const PARALLEL_PARTS = 4
/** S3 may take minutes to join thousands of parts. */
const COMPLETE_EXTRA_BYTES = 32 * 1024 * 1024

export type SplitBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'parts'; readonly chunks: AsyncIterable<Uint8Array> }

/** Reads a stream until it is known whether it fits into one part. */
export async function splitBody(body: AsyncIterable<Uint8Array>): Promise<SplitBody> {
  const source = body[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let bytes = 0
  while (bytes <= PART_BYTES) {
    const next = await source.next()
    if (next.done) return { kind: 'whole', bytes: joinChunks(head) }
    head.push(next.value)
    bytes += next.value.length
  }
  return { kind: 'parts', chunks: chain(head, source) }
}

async function* chain(
  head: Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let chunk = head.shift(); chunk; chunk = head.shift()) yield chunk
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

export interface PartsUpload {
  readonly exchanger: S3Exchanger
  readonly input: PutObjectCommandInput & { readonly Key: string }
  readonly chunks: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal | undefined
  /** Whether the object is created under a condition: then its last request is sent exactly once. */
  readonly conditional: boolean
}

/** `completing`: the failure is of the last request, which makes the object; before it, none can be there. */
export type PartsUploaded =
  | { readonly kind: 'done'; readonly etag: string }
  | { readonly kind: 'failed'; readonly completing: boolean; readonly error: unknown }

/**
 * Uploads in parts. Every request of it goes through the exchanger: observed, retried by our policy, and cancelled by the
 * signal. A failure leaves no parts behind, as far as the store answers.
 */
export async function uploadParts(upload: PartsUpload): Promise<PartsUploaded> {
  const { Upload } = namedExports(await import('@aws-sdk/lib-storage'), 'Upload')
  const { input, chunks } = upload
  const { loadSdk } = await upload.exchanger.connect()
  const client = new UploadClient(upload, await loadSdk())
  const body = Readable.from(chunks, { objectMode: false, highWaterMark: 1 })
  const parts = new Upload({
    client: client as unknown as S3Client,
    params: { ...input, Body: body },
    partSize: PART_BYTES,
    queueSize: PARALLEL_PARTS,
    leavePartsOnError: false,
  })
  try {
    const { ETag: etag } = await parts.done()
    if (etag === undefined) throw notS3(upload.exchanger.bucket, 'no ETag for what was written')
    return { kind: 'done', etag }
  } catch (error) {
    return { kind: 'failed', completing: client.completing, error }
  } finally {
    // After a failure nobody reads on, and the source still has its file open.
    body.destroy()
  }
}

/** What lib-storage takes for a client. */
class UploadClient {
  readonly config: S3Client['config']
  completing = false
  readonly #upload: PartsUpload
  readonly #sdk: S3Sdk
  #bytes = 0

  constructor(upload: PartsUpload, { sdk, client }: LoadedSdk) {
    this.config = client.config
    this.#sdk = sdk
    this.#upload = upload
  }

  async send(command: WatchedCommand): Promise<unknown> {
    const sdk = this.#sdk
    if (command instanceof sdk.UploadPartCommand) return this.#part(command)
    if (command instanceof sdk.CompleteMultipartUploadCommand) {
      this.completing = true
      return this.#complete(command)
    }
    if (command instanceof sdk.AbortMultipartUploadCommand) {
      // Without the signal, which may be why it comes to this; and a failure must not hide that why.
      return this.#upload.exchanger
        .retried({ ...this.#exchange(command, 0), verb: 'DELETE', signal: undefined })
        .catch(() => ({}))
    }
    return this.#upload.exchanger.retried(this.#exchange(command, 0))
  }

  #part(command: UploadPartCommand): Promise<unknown> {
    const bytes = (command.input.Body as Uint8Array).length
    this.#bytes += bytes
    return this.#upload.exchanger.retried(this.#exchange(command, bytes))
  }

  async #complete(command: CompleteMultipartUploadCommand): Promise<unknown> {
    const { exchanger, conditional, signal } = this.#upload
    const exchange = { ...this.#exchange(command, COMPLETE_EXTRA_BYTES), once: conditional }
    if (conditional) return exchanger.once(exchange)
    let lost = false
    return withRetries(exchanger.runtime, signal, async () => {
      try {
        return await exchanger.once(exchange)
      } catch (error) {
        // Joined by a request whose answer was lost: then the upload is gone, and the object is there.
        const found = lost && nameOf((error as Error).cause) === 'NoSuchUpload' ? await this.#joined() : undefined
        if (found) return found
        lost ||= isRetryable(error)
        throw error
      }
    })
  }

  async #joined(): Promise<Partial<CompleteMultipartUploadCommandOutput> | undefined> {
    const { exchanger, input } = this.#upload
    const command = new this.#sdk.HeadObjectCommand({ Bucket: input.Bucket, Key: input.Key })
    const head = await exchanger.retried({
      ...this.#exchange(command, 0),
      verb: 'HEAD',
      send: async ({ loadSdk, options, watch }) => {
        const { client } = await loadSdk()
        return { value: await client.send(watch(command), options), status: 200 }
      },
    })
    return head.ContentLength === this.#bytes && head.ETag !== undefined ? { ETag: head.ETag } : undefined
  }

  #exchange(command: WatchedCommand, bodyBytes: number): Exchange<unknown> {
    const { input, signal } = this.#upload
    return {
      verb: 'PUT',
      action: 's3:PutObject',
      key: input.Key,
      signal,
      bodyBytes,
      send: async ({ loadSdk, options, watch }) => {
        const { client } = await loadSdk()
        const value: unknown = await client.send(watch(command) as UploadPartCommand, options)
        return {
          value,
          status: 200,
          bytes: command instanceof this.#sdk.UploadPartCommand ? bodyBytes : 0,
        }
      },
    }
  }
}
