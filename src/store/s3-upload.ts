/** Bodies that are longer than one part go up in parts, by `@aws-sdk/lib-storage`, under the same conditions. */
import { Readable } from 'node:stream'
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import type { PutBody } from './store.ts'

/** A part; what is not longer is one request. S3 takes at least 5 MiB and at most 10,000 parts: up to 80 GiB. */
export const PART_BYTES = 8 * 1024 * 1024
/** Parts in flight: with their buffers 32 MiB. */
const PARALLEL_PARTS = 4

export type SplitBody =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'parts'; readonly body: AsyncIterable<Uint8Array> }

/** Reads a stream until it is known whether it fits into one part. */
export async function splitBody(body: PutBody): Promise<SplitBody> {
  if (body instanceof Uint8Array) {
    return body.length <= 2 * PART_BYTES ? { kind: 'whole', bytes: body } : { kind: 'parts', body: slices(body) }
  }
  const source = body[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let bytes = 0
  while (bytes <= PART_BYTES) {
    const next = await source.next()
    if (next.done) return { kind: 'whole', bytes: join(chunks, bytes) }
    chunks.push(next.value)
    bytes += next.value.length
  }
  return { kind: 'parts', body: chain(chunks, source) }
}

/** Uploads in parts; a failure leaves no parts behind. */
export async function uploadParts(
  client: S3Client,
  input: PutObjectCommandInput,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<{ readonly etag: string | undefined; readonly bytes: number }> {
  const { Upload } = await import('@aws-sdk/lib-storage')
  let bytes = 0
  async function* counted(): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      bytes += chunk.length
      yield chunk
    }
  }
  const upload = new Upload({
    client,
    params: { ...input, Body: Readable.from(counted(), { objectMode: false }) },
    partSize: PART_BYTES,
    queueSize: PARALLEL_PARTS,
    leavePartsOnError: false,
  })
  const onAbort = () => void upload.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const done = await upload.done()
    return { etag: done.ETag, bytes }
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

async function* slices(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) yield bytes.subarray(at, at + PART_BYTES)
}

async function* chain(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* head
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const all = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
