/** Deleting many keys: a thousand per request where the store can, one by one where it cannot. */
import { DataShardError } from '../errors.ts'
import { withRetries } from './retry.ts'
import { nameOf, statusOf } from './s3-errors.ts'
import type { S3Exchanger } from './s3-exchange.ts'
import { addContentMd5, fitsXml, lacksBatchDelete } from './s3-quirks.ts'

/** S3's own limit. */
const BATCH_KEYS = 1_000
/** Deletes at once where each is a request of its own. */
const PARALLEL_DELETES = 16
const ACTION = 's3:DeleteObject'
/** Codes of single keys in the answer to a batch that another try may cure. */
const PASSING = new Set(['InternalError', 'SlowDown', 'ServiceUnavailable', 'OperationAborted', 'TooManyRequests'])

/** Batch after batch, each tried to its end; a key that is missing is no error. Throws what the first failure means. */
export async function deleteKeys(
  exchanger: S3Exchanger,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH_KEYS) {
    const batch = keys.slice(at, at + BATCH_KEYS)
    const together = batch.length > 1 ? batch.filter(fitsXml) : []
    const alone = batch.length > 1 ? batch.filter((key) => !fitsXml(key)) : batch
    try {
      if (together.length > 0) await deleteTogether(exchanger, together, signal)
    } catch (error) {
      const cause = (error as DataShardError).cause
      if (!lacksBatchDelete(statusOf(cause), nameOf(cause))) throw error
      alone.push(...together)
    }
    await deleteAlone(exchanger, alone, signal)
  }
}

async function deleteTogether(
  exchanger: S3Exchanger,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  let left = keys
  await withRetries(exchanger.runtime, signal, async () => {
    const errors = await exchanger.once({
      verb: 'DELETE',
      action: ACTION,
      key: left[0]!,
      signal,
      send: async ({ loadSdk, watch, options }) => {
        const { sdk, client } = await loadSdk()
        const Delete = { Objects: left.map((Key) => ({ Key })), Quiet: true }
        const command = new sdk.DeleteObjectsCommand({ Bucket: exchanger.bucket, Delete })
        addContentMd5(command)
        const answer = await client.send(watch(command), options)
        return { value: answer.Errors ?? [], status: 200 }
      },
    })
    const failed = errors.filter((error) => error.Code !== 'NoSuchKey')
    const [first] = failed.toSorted((a, b) => Number(PASSING.has(a.Code ?? '')) - Number(PASSING.has(b.Code ?? '')))
    if (!first) return
    left = failed.map((error) => error.Key ?? '')
    const { Code: name = 'an error', Message: message } = first
    const $metadata = { httpStatusCode: PASSING.has(name) ? 503 : 400 }
    const error = exchanger.error({ name, message, $metadata }, ACTION, first.Key ?? '')
    throw new DataShardError(
      error.code,
      `${error.message} (${failed.length} of ${keys.length} keys were not deleted)`,
      {
        cause: error.cause,
        details: error.details,
      },
    )
  })
}

async function deleteAlone(
  exchanger: S3Exchanger,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const queue = keys.values()
  const work = async () => {
    for (const key of queue) {
      await exchanger.retried({
        verb: 'DELETE',
        action: ACTION,
        key,
        signal,
        send: async (how) => {
          await how.requests.delete(key, how)
          return { value: undefined, status: 204 }
        },
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL_DELETES, keys.length) }, work))
}
