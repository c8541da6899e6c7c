/**
 * Where a bucket is and who asks for it, where that can be said without the AWS SDK: as in Lambda, where credentials and region are in
 * the environment, and no profile says otherwise. Loading the SDK is most of what a cold start costs; see
 * docs/decisions/store-cold-start.md. Wherever more than this has a say, the SDK decides.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { S3Address } from './s3-address.ts'
import type { S3Credentials, S3Settings } from './s3-options.ts'
import { isAwsHost } from './s3-quirks.ts'

export interface S3Known {
  readonly address: S3Address
  readonly credentials: S3Credentials
}

/** Each of these makes the SDK do something of its own about addresses, signatures or credentials. */
const SDK_VARIABLES = [
  'AWS_PROFILE',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_AUTH_SCHEME_PREFERENCE',
  'AWS_SIGV4A_SIGNING_REGION_SET',
]
/** Of the partition whose names end in amazonaws.com; China, GovCloud and the isolated ones are the SDK's business. */
const COMMON_REGION = /^(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d+$/
/** Names that can stand in a host name; not access points, whose names end in a suffix with two dashes, nor names with dots. */
const HOST_BUCKET = /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/
const USER_AGENT = `datashard/0.1.0 md/nodejs#${process.versions.node}`

/** Undefined: ask the SDK. Reads no file, and looks only whether there are profiles. */
export function knownAccess(
  bucket: string,
  settings: S3Settings,
  region: string | undefined,
  env: NodeJS.ProcessEnv,
): S3Known | undefined {
  const credentials = credentialsOf(settings, env)
  if (region === undefined || credentials === undefined || !HOST_BUCKET.test(bucket)) return undefined
  if (SDK_VARIABLES.some((name) => env[name] !== undefined && env[name] !== '')) return undefined
  const { endpoint, forcePathStyle } = settings
  const place = endpoint === undefined ? atAws(bucket, region, forcePathStyle) : at(endpoint, bucket, forcePathStyle)
  if (place === undefined || hasProfiles(env)) return undefined
  return { address: { ...place, userAgent: USER_AGENT, region, service: 's3' }, credentials }
}

type Place = Omit<S3Address, 'userAgent' | 'region' | 'service'>

function atAws(bucket: string, region: string, forcePathStyle: boolean | undefined): Place | undefined {
  if (!COMMON_REGION.test(region) || forcePathStyle === true) return undefined
  const hostname = `${bucket}.s3.${region}.amazonaws.com`
  return { protocol: 'https:', hostname, port: undefined, basePath: '', host: hostname }
}

function at(endpoint: string, bucket: string, forcePathStyle = true): Place | undefined {
  const { protocol, hostname, port, host, pathname, search, hash } = new URL(endpoint)
  if (!forcePathStyle || isAwsHost(hostname) || hostname.startsWith('[') || search || hash) return undefined
  const path = pathname.replace(/\/+$/, '')
  if (!/^[\w./~-]*$/.test(path)) return undefined
  return { protocol, hostname, port: port === '' ? undefined : Number(port), basePath: `${path}/${bucket}`, host }
}

/** Those that are given as they are, or in the environment, where the SDK looks first. */
function credentialsOf({ credentials }: S3Settings, env: NodeJS.ProcessEnv): S3Credentials | undefined {
  if (credentials !== undefined) return typeof credentials === 'function' ? undefined : credentials
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
}

/** A profile, even the default one, may name endpoints and options. */
function hasProfiles(env: NodeJS.ProcessEnv): boolean {
  const home = join(homedir(), '.aws')
  return [
    env['AWS_CONFIG_FILE'] || join(home, 'config'),
    env['AWS_SHARED_CREDENTIALS_FILE'] || join(home, 'credentials'),
  ].some((path) => existsSync(path))
}
