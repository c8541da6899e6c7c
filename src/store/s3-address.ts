/** Where and how the objects of a bucket are reached, as the SDK decides it. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Sdk } from './s3-client.ts'

export interface S3Address {
  readonly protocol: string
  readonly hostname: string
  readonly port: number | undefined
  /** What paths begin with, without a slash at its end: `/bucket`, or nothing where the bucket is in the host name. */
  readonly basePath: string
  /** The header. */
  readonly host: string
  readonly userAgent: string
  /** What signatures are for. */
  readonly region: string
  readonly service: string
}

interface SdkRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

const KEY = 'k'
const SCOPE = /^AWS4-HMAC-SHA256 Credential=[^,]*?\/\d{8}\/([^/,]+)\/([^/,]+)\/aws4_request,/

/**
 * Lets the SDK build and sign a request, and keeps it instead of sending it. So the rules are the SDK's: partitions, FIPS, dual
 * stack, acceleration, endpoints of profiles. Undefined: signed in another way than by Signature Version 4 with a key.
 */
export async function addressOf(sdk: S3Sdk, client: S3Client, bucket: string): Promise<S3Address | undefined> {
  const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: KEY })
  let kept: SdkRequest | undefined
  command.middlewareStack.add(
    () => async (args) => {
      kept = args.request as SdkRequest
      throw new Error('kept')
    },
    { name: 'datashardAddress', step: 'deserialize', priority: 'low', override: true },
  )
  await client.send(command).catch((error: unknown) => {
    if (!kept) throw error
  })
  if (!kept) return undefined
  const { protocol, hostname, port, path, headers } = kept
  const scope = SCOPE.exec(headers['authorization'] ?? '')
  if (!scope || !path.endsWith(`/${KEY}`)) return undefined
  return {
    protocol,
    hostname,
    port,
    basePath: path.slice(0, -KEY.length - 1),
    host: headers['host'] ?? hostname,
    userAgent: headers['user-agent'] ?? '',
    region: scope[1]!,
    service: scope[2]!,
  }
}
