/** What the environment and the caller say about reaching S3. */
import { DataShardError, invalid } from '../errors.ts'
import { describeValue } from '../spec/describe.ts'
import { checkFlag } from '../spec/option-names.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Credentials, or a function that is asked for them again shortly before `expiration`. */
export type S3CredentialsInput = S3Credentials | (() => Promise<S3Credentials & { readonly expiration?: Date }>)

/** An S3 client of `@aws-sdk/client-s3`, by shape, so that another copy of the package will do. */
export interface S3ClientLike {
  send(command: never, ...rest: never[]): unknown
  destroy(): void
  readonly config: object
}

export interface S3Settings {
  /** Undefined: AWS's own, or what the SDK finds in the profile. */
  readonly endpoint: string | undefined
  /** Undefined: the SDK looks for one. */
  readonly region: string | undefined
  /** Undefined: the SDK looks for some. */
  readonly credentials: S3CredentialsInput | undefined
  /** Undefined: with a custom endpoint only. */
  readonly forcePathStyle: boolean | undefined
}

/** Such stores have no regions, but a signature needs one; this is what all of them take. */
export const CUSTOM_ENDPOINT_REGION = 'us-east-1'

/**
 * The caller's word first, then the AWS names, then those of the Python package (`DATASHARD_S3_ENDPOINT`, `_REGION`,
 * `_ACCESS_KEY`, `_SECRET_KEY`). Its `DATASHARD_S3_BUCKET` and `_PREFIX` are not read: the location says where a table is.
 */
export function s3Settings(given: Partial<S3Settings>, env: NodeJS.ProcessEnv): S3Settings {
  checkGiven(given)
  const first = (...names: string[]) =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== '')
  const fromEnvironment = first('AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'DATASHARD_S3_ENDPOINT')
  const ignored = env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true'
  const endpoint = given.endpoint ?? (ignored ? undefined : fromEnvironment)
  if (endpoint !== undefined) checkEndpoint(endpoint)
  const region = given.region ?? first('AWS_REGION', 'AWS_DEFAULT_REGION', 'DATASHARD_S3_REGION')
  return {
    endpoint,
    region: region ?? (endpoint === undefined ? undefined : CUSTOM_ENDPOINT_REGION),
    credentials: given.credentials ?? pythonCredentials(env),
    forcePathStyle: given.forcePathStyle,
  }
}

/** For callers without types: what the SDK makes of them would be called a fault of ours. */
function checkGiven({ region, credentials, forcePathStyle }: Partial<S3Settings>): void {
  checkFlag('s3', 'forcePathStyle', forcePathStyle)
  if ((region ?? undefined) !== undefined && (typeof region !== 'string' || region === '')) {
    invalid(`s3: region is ${describeValue(region)}, expected a name like eu-central-1`)
  }
  if ((credentials ?? undefined) === undefined || typeof credentials === 'function') return
  const { accessKeyId, secretAccessKey } = Object(credentials) as Partial<S3Credentials>
  for (const [name, part] of Object.entries({ accessKeyId, secretAccessKey })) {
    // The value is not shown: it may be a secret in the wrong place.
    if (typeof part !== 'string' || part === '')
      invalid(`s3: credentials have no text as ${name}; found ${typeof part}`)
  }
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return
  const shown = url?.password ? `${url.protocol}//...@${url.host}` : endpoint
  throw new DataShardError(
    'invalid-argument',
    `found '${shown}' as the S3 endpoint, expected an address like https://minio.example:9000 without credentials in it`,
  )
}

/** Only where the AWS names give none, so that half of one pair never meets half of the other. */
function pythonCredentials(env: NodeJS.ProcessEnv): S3Credentials | undefined {
  const [accessKeyId, secretAccessKey] = [env['DATASHARD_S3_ACCESS_KEY'], env['DATASHARD_S3_SECRET_KEY']]
  if (env['AWS_ACCESS_KEY_ID'] || env['AWS_PROFILE'] || !accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey }
}
