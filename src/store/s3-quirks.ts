/** Where stores that speak S3 differ, in one place. */
import { createHash } from 'node:crypto'
import type { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { DataShardError } from '../errors.ts'

/** AWS itself, which promises conditional creates; everything else proves them. */
const AWS_HOSTS = ['.amazonaws.com', '.amazonaws.com.cn', '.amazonaws.eu', '.api.aws']

export function isAwsHost(hostname: string): boolean {
  return AWS_HOSTS.some((suffix) => hostname.endsWith(suffix))
}

/** S3 Express lists in no order and takes no start-after, on which more rests here than speed can pay for. */
export function refuseDirectoryBucket(bucket: string): void {
  if (!bucket.endsWith('--x-s3')) return
  throw new DataShardError(
    'unsupported',
    `'${bucket}' is an S3 Express directory bucket, whose listings have no order; use a general purpose bucket`,
    { details: { bucket } },
  )
}

/** Listings come URL-encoded, because XML cannot carry every character of a key; some stores write a blank as `+`. */
export function decodeListedKey(key: string, encoding: string | undefined): string {
  // A store that does not know `encoding-type` does not answer it either, and sends keys as they are.
  if (encoding !== 'url' || !/[+%]/.test(key)) return key
  return decodeURIComponent(key.replaceAll('+', '%20'))
}

/** Whether a key can be named in the XML of a delete request (XML 1.0 section 2.2); the others go one by one. */
export function fitsXml(key: string): boolean {
  // eslint-disable-next-line no-control-regex
  return !/[\u0000-\u001f\ufffe\uffff]/.test(key)
}

/** Stores without DeleteObjects (Google's, some gateways) say so in one of these ways. */
export function lacksBatchDelete(status: number, name: string): boolean {
  return status === 501 || status === 405 || name === 'NotImplemented' || name === 'MethodNotAllowed'
}

/** The digest that batch deletes need at stores older than the SDK's CRC32 checksums. */
export function addContentMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { body?: unknown; readonly headers?: Record<string, string> }
      const { body, headers } = request
      if (headers && (typeof body === 'string' || body instanceof Uint8Array)) {
        headers['content-md5'] = createHash('md5').update(body).digest('base64')
      }
      return next(args)
    },
    { name: 'datashardContentMd5', step: 'build', override: true },
  )
}
