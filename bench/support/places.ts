/** Where the tables of a run lie: a directory in the clone, MinIO, or a location of the caller's. */
import { join } from 'node:path'
import { startS3, type S3Endpoint } from '../../test/support/minio.ts'
import { newBucket, s3Options } from '../../test/support/tables.ts'

export interface TablePlace extends AsyncDisposable {
  /** For messages: `local`, `minio`, `s3://...`. */
  readonly name: string
  readonly location: string
  /** How to reach it, where it is not the local disk. */
  readonly s3: S3Endpoint | undefined
}

export async function localPlace(directory: string): Promise<TablePlace> {
  return { name: 'local', location: join(directory, 'table'), s3: undefined, [Symbol.asyncDispose]: async () => {} }
}

/** A new bucket on an S3 server that stops with it, or on one that runs already. */
export async function s3Place(running?: S3Endpoint): Promise<TablePlace> {
  const started = running === undefined ? await startS3() : undefined
  const s3 = running ?? started!
  const { kind, endpoint, accessKeyId, secretAccessKey, region } = s3
  return {
    name: kind,
    location: `s3://${await newBucket(s3, 'bench')}/table`,
    s3: { kind, endpoint, accessKeyId, secretAccessKey, region },
    [Symbol.asyncDispose]: async () => {
      await started?.stop()
    },
  }
}

/** A location that the caller names: S3 as the environment says, or a directory. It must hold no table, and is left as it is. */
export function givenPlace(location: string): TablePlace {
  const done = async (): Promise<void> => {}
  if (!location.startsWith('s3://')) return { name: location, location, s3: undefined, [Symbol.asyncDispose]: done }
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env
  const region = AWS_REGION ?? 'us-east-1'
  const endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error(
      `${location} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: the judges take no other credentials`,
    )
  }
  const s3: S3Endpoint = {
    kind: 'environment',
    endpoint,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    region,
  }
  return { name: location, location, s3, [Symbol.asyncDispose]: done }
}

/** The `s3` option of createTable and loadTable, in jobs of child processes too: plain data. */
export function s3OptionOf({ s3 }: Pick<TablePlace, 's3'>): ReturnType<typeof s3Options> | undefined {
  return s3 && s3Options(s3)
}
