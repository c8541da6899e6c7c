/** Writing objects on S3, in one request or in parts, and what became of a write under a condition. */
import { DataShardError } from '../errors.ts'
import type { BodyChunks } from './body.ts'
import { isRetryable, withRetries } from './retry.ts'
import { notS3 } from './s3-answers.ts'
import { isNoAnswer, nameOf, statusOf, wasNeverSent } from './s3-errors.ts'
import type { Exchange, S3Exchanger } from './s3-exchange.ts'
import { putInput } from './s3-sdk-requests.ts'
import { MAX_WHOLE_BYTES, splitBody, uploadParts } from './s3-upload.ts'
import type { PutBody, PutMode, PutOptions, PutResult } from './store.ts'

/** `chunks` are those of the body, checked; a body of bytes goes as it is. */
export async function putObject(
  exchanger: S3Exchanger,
  key: string,
  body: PutBody,
  chunks: BodyChunks,
  options: PutOptions,
): Promise<PutResult> {
  if (body instanceof Uint8Array && body.length <= MAX_WHOLE_BYTES) return putWhole(exchanger, key, body, options)
  const split = await splitBody(chunks)
  if (split.kind === 'whole') return putWhole(exchanger, key, split.bytes, options)
  return putParts(exchanger, key, split.chunks, options)
}

async function putWhole(
  exchanger: S3Exchanger,
  key: string,
  bytes: Uint8Array,
  options: PutOptions,
): Promise<PutResult> {
  const { mode = 'overwrite', signal } = options
  const conditional = mode !== 'overwrite'
  const exchange: Exchange<PutResult> = {
    verb: 'PUT',
    action: 's3:PutObject',
    key,
    signal,
    bodyBytes: bytes.length,
    once: conditional,
    send: async (how) => {
      const { etag } = await how.requests.put(key, bytes, options, how)
      if (etag === undefined) throw notS3(exchanger.bucket, 'no ETag for what was written')
      return { value: { outcome: 'written', etag }, status: 200 }
    },
  }
  if (!conditional) return exchanger.retried(exchange)
  // Sent once. Only if the connection was never made, so that nothing was sent, it is tried again.
  return withRetries(exchanger.runtime, signal, () =>
    exchanger.once(exchange).catch((error: unknown) => outcomeOf(error, mode)),
  )
}

async function putParts(
  exchanger: S3Exchanger,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  options: PutOptions,
): Promise<PutResult> {
  const { mode = 'overwrite', signal } = options
  const conditional = mode !== 'overwrite'
  const input = putInput(exchanger.bucket, key, options)
  const uploaded = await uploadParts({ exchanger, input, chunks, signal, conditional })
  if (uploaded.kind === 'done') return { outcome: 'written', etag: uploaded.etag }
  if (conditional && uploaded.completing) return outcomeOf(uploaded.error, mode)
  throw uploaded.error
}

/** What became of a conditional put that was not answered by 200 (commit-protocol, "Outcomes of the create"). */
function outcomeOf(error: unknown, mode: PutMode): PutResult {
  if (!DataShardError.is(error)) throw error
  const unknown: PutResult = { outcome: 'unknown', cause: error }
  const { cause } = error
  const name = nameOf(cause)
  if (statusOf(cause) === 412 || name === 'PreconditionFailed') return { outcome: 'precondition-failed' }
  // How If-Match is answered for a key that is gone; to a create it says nothing.
  if (name === 'NoSuchKey') return mode === 'create' ? unknown : { outcome: 'precondition-failed' }
  // Cancelled before it was sent, it is certain that nothing was written; afterwards it is not.
  if (error.code === 'aborted' && error.committed === 'no') throw error
  if (isNoAnswer(cause)) return unknown
  // Never sent, and so worth another try; anything else is a refusal with a reason.
  if (isRetryable(error) && !wasNeverSent(cause)) return unknown
  throw error
}
