/** What an S3 error means for a caller, and what to do about it. */
import { DataShardError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/** The parts of an SDK error that tell it apart; others are ignored. */
interface S3Failure {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly Code?: string
  readonly Region?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string; clockSkewCorrected?: boolean }
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> }
}

export interface S3Call {
  /** As IAM names it: `s3:GetObject`. */
  readonly action: string
  readonly bucket: string
  /** The key, or the prefix of a listing. */
  readonly key: string
  readonly endpoint: string
}

type Meaning = readonly [code: ErrorCode, advice: string, retryable?: boolean]

/** What is said where credentials are known, and must not. */
export const NO_RIGHT = 'the credentials lack this right; allow it for this key'
const NO_BUCKET = 'the bucket does not exist: create it, or check its name and the endpoint'
const UNTRUSTED =
  'the certificate of the server is not trusted; set NODE_EXTRA_CA_CERTS to the authority that signed it'

const BY_NAME: Readonly<Record<string, Meaning>> = {
  AccessDenied: ['denied', NO_RIGHT],
  Forbidden: ['denied', NO_RIGHT],
  AllAccessDisabled: ['denied', 'all access to the bucket is disabled; ask its owner'],
  AccountProblem: ['denied', 'the account has a problem that only its owner can solve'],
  InvalidAccessKeyId: ['denied', 'the access key is unknown there; check AWS_ACCESS_KEY_ID and the endpoint'],
  SignatureDoesNotMatch: ['denied', 'the secret key does not belong to the access key; check AWS_SECRET_ACCESS_KEY'],
  ExpiredToken: ['denied', 'the session token has expired; get new credentials'],
  InvalidToken: ['denied', 'the session token is not valid; get new credentials'],
  TokenRefreshRequired: ['denied', 'the session token has expired; get new credentials'],
  CredentialsProviderError: [
    'denied',
    'no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role',
  ],
  TokenProviderError: ['denied', 'the login has expired; log in again (`aws sso login`)'],
  RequestTimeTooSkewed: ['denied', 'the clock of this machine is wrong; set it (the store allows 15 minutes)'],
  NoSuchBucket: ['not-found', NO_BUCKET],
  InvalidBucketName: ['invalid-argument', 'no bucket can have this name; correct it'],
  KeyTooLongError: ['invalid-argument', 'the key is longer than 1,024 bytes; shorten it'],
  XMinioInvalidObjectName: [
    'invalid-argument',
    'the store takes no such key (MinIO: at most 255 bytes between two slashes)',
  ],
  EntityTooLarge: ['invalid-argument', 'the object is larger than the store takes'],
  MetadataTooLarge: ['invalid-argument', 'the user metadata is larger than the store takes'],
  NotImplemented: ['unsupported', 'the store does not implement this request; use another store, or a newer version'],
  MethodNotAllowed: ['unsupported', 'the store does not allow this request'],
  InvalidObjectState: ['unavailable', 'the object is archived; restore it first', false],
  SlowDown: ['unavailable', 'the store asks to slow down; send less at once'],
  XMinioStorageFull: ['unavailable', 'the disks of the store are full; free some space', false],
  QuotaExceeded: ['unavailable', 'the quota of the bucket is used up; free some space', false],
  // What MinIO says when its disk fills up in the middle of an object.
  IncompleteBody: [
    'unavailable',
    'the store got less than was sent; check the network, and whether its disks are full',
  ],
  RequestTimeout: ['unavailable', 'the store waited in vain for the request; check the network'],
}

/** Errors of the connection, by Node's code. */
const BY_CODE: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['unavailable', 'nothing listens at that address; check it, and that the server runs'],
  ENOTFOUND: ['unavailable', 'that host name does not exist; check the endpoint, the region and the network'],
  EAI_AGAIN: ['unavailable', 'the host name could not be looked up; check the network'],
  ECONNRESET: ['unavailable', 'the connection was cut; check the network'],
  EPIPE: ['unavailable', 'the connection was cut; check the network'],
  ETIMEDOUT: ['unavailable', 'no answer came in time; check the network, or raise requestTimeoutMs'],
  EPROTO: ['unavailable', 'the server does not speak TLS there; check http:// against https://', false],
  CERT_HAS_EXPIRED: ['unavailable', 'the certificate of the server has expired', false],
  ERR_TLS_CERT_ALTNAME_INVALID: ['unavailable', 'the certificate of the server is for another name', false],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['unavailable', UNTRUSTED, false],
  SELF_SIGNED_CERT_IN_CHAIN: ['unavailable', UNTRUSTED, false],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['unavailable', UNTRUSTED, false],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['unavailable', UNTRUSTED, false],
}

const BY_STATUS: Readonly<Record<number, Meaning>> = { 401: ['denied', NO_RIGHT], 403: ['denied', NO_RIGHT] }

/** What the SDK calls an answer without a body that it can read. */
const UNNAMED: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'Error'])

/** The connection was never made: the request cannot have had an effect. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EPROTO', ...certificateCodes()])

export function statusOf(error: unknown): number {
  const failure = (error ?? {}) as S3Failure
  return failure.$metadata?.httpStatusCode ?? failure.$response?.statusCode ?? 0
}

/** S3's code of the error, or the SDK's name of it. */
export function nameOf(error: unknown): string {
  const failure = (error ?? {}) as S3Failure
  return failure.Code ?? failure.name ?? ''
}

/** The region that a bucket says it is in, when it answered from another one. */
export function redirectRegion(error: unknown): string | undefined {
  const status = statusOf(error)
  if (status !== 301 && status !== 307 && status !== 400) return undefined
  const failure = error as S3Failure
  const named = nameOf(error) === 'AuthorizationHeaderMalformed' ? failure.Region : undefined
  return failure.$response?.headers?.['x-amz-bucket-region'] ?? named
}

/** Refused for our clock, which the SDK has learnt to correct from that very answer; a HEAD has no body to say why. */
export function isCorrectedSkew(error: unknown): boolean {
  const refused = nameOf(error) === 'RequestTimeTooSkewed' || statusOf(error) === 403
  return refused && (error as S3Failure).$metadata?.clockSkewCorrected === true
}

/**
 * Whether the error says nothing about what became of the request: it may have had its effect, or have it later. Not so
 * if nothing was ever sent, or the store refused with a reason.
 */
export function isNoAnswer(error: unknown): boolean {
  const status = statusOf(error)
  if (status === 0) return !wasNeverSent(error)
  // AWS sends RequestTimeout with 400.
  return [408, 409, 429].includes(status) || (status >= 500 && status !== 501) || nameOf(error) === 'RequestTimeout'
}

export function wasNeverSent(error: unknown): boolean {
  const { code = '', name = '' } = (error ?? {}) as S3Failure
  return NEVER_SENT.has(code) || /^(?:Credentials|Token)ProviderError$/.test(name)
}

export function isMissingKey(error: unknown): boolean {
  const name = nameOf(error)
  // A HEAD has no body: its 404 is all there is.
  return name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchVersion'
}

/** The error as a DataShardError: what failed, where, what was found, what to do. */
export function s3Error(error: unknown, call: S3Call): DataShardError {
  if (DataShardError.is(error)) return error
  const status = statusOf(error)
  const failure = (error ?? {}) as S3Failure
  const cause = causeOf(error)
  const where = call.key === '' ? `s3://${call.bucket}` : `s3://${call.bucket}/${call.key}`
  const details = {
    action: call.action,
    bucket: call.bucket,
    key: call.key,
    endpoint: call.endpoint,
    ...(status > 0 && { status }),
    ...(failure.$metadata?.requestId && { requestId: failure.$metadata.requestId }),
  }
  if (failure.name === 'AbortError') {
    return new DataShardError('aborted', `${call.action} on ${where} was cancelled`, { cause, details })
  }
  const [code, advice, retryable] = meaningOf(failure, status, call)
  const found = foundIn(failure, status)
  return new DataShardError(code, `${call.action} on ${where} at ${call.endpoint} failed (${found}): ${advice}`, {
    cause,
    details,
    ...(retryable !== undefined && { retryable }),
  })
}

/** S3's name for it, Node's code, the status: what there is. An answer without a body has no name. */
function foundIn(failure: S3Failure, status: number): string {
  const name = nameOf(failure)
  const parts = [UNNAMED.has(name) ? '' : name, failure.code ?? '', status || '']
  return [...new Set(parts)].filter(Boolean).join(', ') || 'an error'
}

/**
 * The SDK's error as a cause: what tells it apart, for us and for people. Not the rest, which would end up in logs: AWS
 * tells about a signature that it did not accept with the session token in it, and `$response` leads to the headers sent.
 */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { Code, code, $metadata } = error as S3Failure
  const status = statusOf(error)
  const metadata = status > 0 && { $metadata: { ...$metadata, httpStatusCode: status } }
  const kept = { ...(Code && { Code }), ...(code && { code }), ...metadata }
  return Object.defineProperties(Object.assign(new Error(error.message), kept), {
    name: { value: error.name },
    stack: { value: error.stack },
  })
}

function meaningOf(failure: S3Failure, status: number, call: S3Call): Meaning {
  const name = nameOf(failure)
  const known = BY_NAME[name] ?? BY_NAME[failure.name ?? ''] ?? BY_CODE[failure.code ?? ''] ?? BY_STATUS[status]
  if (known?.[1] === NO_RIGHT && call.action === 's3:GetObject') {
    return [
      'denied',
      `${NO_RIGHT}. Without s3:ListBucket on the bucket, an object that does not exist is answered like this too`,
    ]
  }
  if (known) return known
  if (redirectRegion(failure) !== undefined || status === 301 || status === 307) {
    return [
      'unavailable',
      `the bucket is in another region (${redirectRegion(failure) ?? 'unnamed'}); set AWS_REGION`,
      false,
    ]
  }
  if (status === 404) return ['not-found', `${NO_BUCKET}. Nothing there answers like S3`]
  if (status === 501 || status === 405) return ['unsupported', 'the store does not implement this request']
  if (status === 0 && !isOfNetwork(failure)) return ['internal', failure.message ?? String(failure)]
  if (isNoAnswer(failure)) {
    const advice =
      status === 0 ? 'no answer came; check the network and the endpoint' : 'the store is not well; try again later'
    return ['unavailable', failure.name === 'TimeoutError' ? BY_CODE['ETIMEDOUT']![1] : advice]
  }
  if (status >= 200 && status < 300)
    return ['unsupported', 'the server answers what S3 never would; check the endpoint']
  // Any other refusal is of a request that this store does not take from us.
  const reason = failure.message === undefined || UNNAMED.has(failure.message) ? 'no reason was given' : failure.message
  return ['unsupported', `the store refused the request: ${reason}`]
}

/** Node gives every failure of a connection a code; what has none is a bug, ours or the SDK's. */
function isOfNetwork(failure: S3Failure): boolean {
  return typeof failure.code === 'string' || failure.name === 'TimeoutError'
}

function certificateCodes(): string[] {
  return Object.keys(BY_CODE).filter((code) => /CERT/.test(code) || code.startsWith('UNABLE'))
}
