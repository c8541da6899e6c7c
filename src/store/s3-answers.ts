/** What S3 answers, in our words; and what gives away that it is not S3 that answers. */
import { DataShardError } from '../errors.ts'
import type { ObjectInfo } from './store.ts'

interface Facts {
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
}

export function infoOf(key: string, size: number | undefined, facts: Facts): ObjectInfo {
  return { key, size: size ?? 0, etag: facts.ETag ?? '', lastModifiedMs: facts.LastModified?.getTime() ?? 0 }
}

/** A web server, say, that answers 200 to everything. */
export function notS3(bucket: string, found: string): DataShardError {
  return new DataShardError(
    'unsupported',
    `the server that was asked for bucket '${bucket}' answered with ${found}, which S3 never does; check the endpoint`,
    { details: { bucket } },
  )
}
