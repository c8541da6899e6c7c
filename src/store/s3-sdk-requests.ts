/**
 * The requests by the SDK's own commands, middleware and all: for a client of the caller's, whose middleware they may have
 * put there for a reason, and for buckets that are addressed or signed for in a way that only the SDK knows.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Sdk } from './s3-client.ts'
import type { Sending } from './s3-exchange.ts'
import { decodeListedKey } from './s3-quirks.ts'
import type { S3Answer, S3Body, S3Facts, S3Object, S3Page, S3PageQuery, S3Requests } from './s3-requests.ts'
import type { PutOptions } from './store.ts'

export class SdkRequests implements S3Requests {
  readonly #sdk: S3Sdk
  readonly #client: S3Client
  readonly #bucket: string

  constructor(sdk: S3Sdk, client: S3Client, bucket: string) {
    this.#sdk = sdk
    this.#client = client
    this.#bucket = bucket
  }

  async get(object: S3Object, range: string | undefined, { watch, options }: Sending): Promise<S3Body> {
    const input = { ...this.#place(object), ...(range !== undefined && { Range: range }) }
    const answer = await this.#client.send(watch(new this.#sdk.GetObjectCommand(input)), options)
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array()
    return { status: answer.$metadata.httpStatusCode ?? 200, etag: answer.ETag, bytes, size: answer.ContentLength }
  }

  async head(object: S3Object, { watch, options }: Sending): Promise<S3Facts> {
    const command = new this.#sdk.HeadObjectCommand(this.#place(object))
    const answer = await this.#client.send(watch(command), options)
    return {
      status: 200,
      etag: answer.ETag,
      size: answer.ContentLength,
      lastModifiedMs: answer.LastModified?.getTime(),
      metadata: answer.Metadata ?? {},
    }
  }

  #place({ key, versionId }: S3Object) {
    return { Bucket: this.#bucket, Key: key, ...(versionId !== undefined && { VersionId: versionId }) }
  }

  async put(key: string, body: Uint8Array, put: PutOptions, { watch, options }: Sending): Promise<S3Answer> {
    const input = { ...putInput(this.#bucket, key, put), Body: body, ContentLength: body.length }
    const answer = await this.#client.send(watch(new this.#sdk.PutObjectCommand(input)), options)
    return { status: 200, etag: answer.ETag }
  }

  async list(query: S3PageQuery, { watch, options }: Sending): Promise<S3Page> {
    const command = new this.#sdk.ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: query.prefix,
      MaxKeys: query.maxKeys,
      EncodingType: 'url',
      ...(query.token !== undefined && { ContinuationToken: query.token }),
      ...(query.startAfter !== undefined && { StartAfter: query.startAfter }),
    })
    const answer = await this.#client.send(watch(command), options)
    if (!answer.Contents && answer.Name === undefined && answer.KeyCount === undefined) {
      throw Object.assign(new Error('UnknownError'), { $metadata: answer.$metadata })
    }
    const objects = (answer.Contents ?? []).map((one) => ({
      key: decodeListedKey(one.Key ?? '', answer.EncodingType),
      size: one.Size ?? 0,
      etag: one.ETag ?? '',
      lastModifiedMs: one.LastModified?.getTime() ?? 0,
    }))
    return { objects, truncated: answer.IsTruncated === true, token: answer.NextContinuationToken }
  }

  async delete(key: string, { watch, options }: Sending): Promise<void> {
    await this.#client.send(watch(new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: key })), options)
  }
}

/** What the SDK is told of an object that is written, in one request or in parts. */
export function putInput(bucket: string, key: string, { mode, metadata, contentType }: PutOptions) {
  return {
    Bucket: bucket,
    Key: key,
    ...(mode === 'create' && { IfNoneMatch: '*' }),
    ...(typeof mode === 'object' && { IfMatch: mode.ifMatch }),
    ...(metadata && { Metadata: { ...metadata } }),
    ContentType: contentType ?? DEFAULT_CONTENT_TYPE,
  }
}

export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'
