/** Reading objects on S3, whole, in part, or only what is known about them. */
import { boundsOf, isEmptyRange } from './byte-range.ts'
import { cutShort, notS3 } from './s3-answers.ts'
import { isMissingKey, statusOf } from './s3-errors.ts'
import type { S3Exchanger } from './s3-exchange.ts'
import type { ByteRange, GetOptions, HeadOptions, HeadResult } from './store.ts'

export async function getObject(
  exchanger: S3Exchanger,
  key: string,
  { range, signal, versionId }: GetOptions,
): Promise<Uint8Array | undefined> {
  // HTTP has no way to ask for no bytes; whether the object is there must be asked all the same.
  if (isEmptyRange(range)) return (await headObject(exchanger, key, { signal, versionId })) && new Uint8Array()
  return exchanger.retried<Uint8Array | undefined>({
    verb: 'GET',
    action: 's3:GetObject',
    key,
    signal,
    send: async (how) => {
      try {
        const { status, etag, bytes, size } = await how.requests.get(
          { key, versionId },
          range && rangeHeader(range),
          how,
        )
        if (etag === undefined) throw notS3(exchanger.bucket, 'an object without an ETag')
        if (size !== undefined && bytes.length !== size) throw cutShort(`the answer for ${key} ended before its length`)
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

export async function headObject(
  exchanger: S3Exchanger,
  key: string,
  { signal, versionId }: HeadOptions,
): Promise<HeadResult | undefined> {
  const found = await exchanger.retried<HeadResult | undefined>({
    verb: 'HEAD',
    action: 's3:GetObject',
    key,
    signal,
    send: async (how) => {
      try {
        const { etag, size = 0, lastModifiedMs = 0, metadata } = await how.requests.head({ key, versionId }, how)
        if (etag === undefined) throw notS3(exchanger.bucket, 'an object without an ETag')
        return { value: { key, size, etag, lastModifiedMs, metadata }, status: 200 }
      } catch (error) {
        if (isMissingKey(error)) return { value: undefined, status: 404 }
        throw error
      }
    },
  })
  // A HEAD has no body to say whether it is the key or the bucket that is missing. A GET has: asked once per store.
  if (!found && !exchanger.bucketSeen) await getObject(exchanger, key, { signal, range: { start: 0, end: 1 } })
  return found
}

function rangeHeader(range: ByteRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`
  return range.end === undefined ? `bytes=${range.start}-` : `bytes=${range.start}-${range.end - 1}`
}
