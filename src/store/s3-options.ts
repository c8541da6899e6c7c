/** What the environment and the caller say about reaching S3. */

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface S3Settings {
  readonly endpoint: string | undefined
  /** Undefined: the SDK looks for one. */
  readonly region: string | undefined
  readonly credentials: S3Credentials | undefined
  readonly forcePathStyle: boolean
}

interface Given {
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly credentials?: S3Credentials | undefined
  readonly forcePathStyle?: boolean | undefined
}

/**
 * The caller's word first, then the AWS names, then those of the Python package (`DATASHARD_S3_*`). A custom endpoint
 * implies path-style addresses, because its host name rarely has one for each bucket, and any region, because such stores
 * have none.
 */
export function s3Settings(given: Given, env: NodeJS.ProcessEnv): S3Settings {
  const endpoint =
    given.endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? env['DATASHARD_S3_ENDPOINT']
  const named = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? env['DATASHARD_S3_REGION']
  const region = given.region ?? named ?? (endpoint === undefined ? undefined : 'us-east-1')
  return {
    endpoint: endpoint === '' ? undefined : endpoint,
    region,
    credentials: given.credentials ?? pythonCredentials(env),
    forcePathStyle: given.forcePathStyle ?? endpoint !== undefined,
  }
}

function pythonCredentials(env: NodeJS.ProcessEnv): S3Credentials | undefined {
  const [accessKeyId, secretAccessKey] = [env['DATASHARD_S3_ACCESS_KEY'], env['DATASHARD_S3_SECRET_KEY']]
  if (env['AWS_ACCESS_KEY_ID'] !== undefined || !accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey }
}
