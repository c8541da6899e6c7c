/** What an S3 error means for a caller, and what to do about it. */
import { DataShardError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/** The parts of an SDK error that tell it apart; others are ignored. */
interface S3Failure {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly Code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> }
}

export interface S3Call {
  /** As IAM names it: `s3:GetObject`. */
  readonly action: string
  readonly bucket: string
  readonly key: string
  readonly endpoint: string
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'TimeoutError',
  'RequestTimeout',
  'NetworkingError',
])

const MEANING: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  AccessDenied: [
    'denied',
    'the credentials lack this right; allow it for this key. Without s3:ListBucket a missing object is answered like this too',
  ],
  Forbidden: [
    'denied',
    'the credentials lack this right; allow it for this key. Without s3:ListBucket a missing object is answered like this too',
  ],
  AllAccessDisabled: ['denied', 'all access to the bucket is disabled'],
  AccountProblem: ['denied', 'the account has a problem that only its owner can solve'],
  InvalidAccessKeyId: ['denied', 'the access key is unknown there; check AWS_ACCESS_KEY_ID and the endpoint'],
  SignatureDoesNotMatch: ['denied', 'the secret key does not belong to the access key; check AWS_SECRET_ACCESS_KEY'],
  ExpiredToken: ['denied', 'the session token has expired; get new credentials'],
  InvalidToken: ['denied', 'the session token is not valid; get new credentials'],
  CredentialsProviderError: [
    'denied',
    'no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role',
  ],
  RequestTimeTooSkewed: ['unavailable', 'the clock of this machine is too far from the store; set it'],
  NoSuchBucket: ['not-found', 'the bucket does not exist; create it, or check its name and the endpoint'],
  InvalidBucketName: ['invalid-argument', 'that is no name a bucket can have'],
  KeyTooLongError: ['invalid-argument', 'the key is longer than 1,024 bytes'],
  EntityTooLarge: ['invalid-argument', 'the object is larger than the store takes'],
  NotImplemented: ['unsupported', 'the store does not implement this request'],
  InvalidObjectState: ['unavailable', 'the object is archived; restore it first'],
  MethodNotAllowed: ['unsupported', 'the store does not allow this request'],
}

export function statusOf(error: unknown): number {
  const failure = (error ?? {}) as S3Failure
  return failure.$metadata?.httpStatusCode ?? failure.$response?.statusCode ?? 0
}

export function nameOf(error: unknown): string {
  const failure = (error ?? {}) as S3Failure
  return failure.Code ?? failure.name ?? ''
}

/** The region that a bucket says it is in, when it answered from another one. */
export function redirectRegion(error: unknown): string | undefined {
  const status = statusOf(error)
  if (status !== 301 && status !== 307 && status !== 400) return undefined
  return (error as S3Failure).$response?.headers?.['x-amz-bucket-region']
}

/** Whether the error says nothing about what became of the request: it may have had its effect. */
export function isNoAnswer(error: unknown): boolean {
  const status = statusOf(error)
  return status === 0 || status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501)
}

export function isMissing(error: unknown): boolean {
  const name = nameOf(error)
  return name === 'NoSuchKey' || name === 'NotFound' || (statusOf(error) === 404 && name !== 'NoSuchBucket')
}

/** The error as a DataShardError: what failed, where, what was found, what to do. */
export function s3Error(error: unknown, call: S3Call): DataShardError {
  if (DataShardError.is(error)) return error
  const failure = (error ?? {}) as S3Failure
  const status = statusOf(error)
  const where = call.key === '' ? `bucket '${call.bucket}'` : `s3://${call.bucket}/${call.key}`
  const known = MEANING[nameOf(error)] ?? MEANING[failure.name ?? '']
  const details = {
    action: call.action,
    bucket: call.bucket,
    key: call.key,
    endpoint: call.endpoint,
    ...(status > 0 && { status }),
    ...(failure.$metadata?.requestId && { requestId: failure.$metadata.requestId }),
  }
  if (failure.name === 'AbortError') {
    return new DataShardError('aborted', `${call.action} on ${where} was cancelled`, { cause: error, details })
  }
  if (known) {
    const [code, advice] = known
    const retryable = code === 'unavailable' ? false : undefined
    return new DataShardError(code, `${call.action} on ${where} failed with ${nameOf(error)}: ${advice}`, {
      cause: error,
      details,
      ...(retryable !== undefined && { retryable }),
    })
  }
  const [code, advice] = unnamed(failure, status, call)
  const found = nameOf(error) || failure.code || 'an unknown error'
  const text = `${call.action} on ${where} failed with ${found}${status > 0 ? ` (${status})` : ''}: ${advice}`
  return new DataShardError(code, text, { cause: error, details, ...(status === 301 && { retryable: false }) })
}

function unnamed(failure: S3Failure, status: number, call: S3Call): readonly [ErrorCode, string] {
  if (status === 403) return ['denied', 'the credentials lack this right']
  if (status === 401) return ['denied', 'the store wants other credentials']
  if (status === 301 || status === 307) {
    return ['unavailable', `the bucket lies in another region than the one that was asked; set the region`]
  }
  if (status === 501) return ['unsupported', 'the store does not implement this request']
  if (status === 404) return ['not-found', `nothing there answers like a bucket; check the endpoint ${call.endpoint}`]
  if (status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 429) {
    return ['invalid-argument', failure.message ?? 'the store refused the request']
  }
  if (status === 0 && (NETWORK.has(failure.code ?? '') || NETWORK.has(failure.name ?? ''))) {
    return ['unavailable', `${call.endpoint} does not answer; check the address and the network`]
  }
  return ['unavailable', 'try again; it was tried several times where that does no harm']
}
