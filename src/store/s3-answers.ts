/** What gives away that it is not S3 that answers, or that the answer is not whole. */
import { DataShardError } from '../errors.ts'

/** A web server, say, that answers 200 to everything. */
export function notS3(bucket: string, found: string): DataShardError {
  return new DataShardError(
    'unsupported',
    `the server that was asked for bucket '${bucket}' answered with ${found}, which S3 never does; check the endpoint`,
    { details: { bucket } },
  )
}

/** Like a connection that broke: the answer has an end, but not the one that was announced. */
export function cutShort(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' })
}
