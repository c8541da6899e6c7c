/**
 * The one error class of DataShard and its codes. A code exists only where a caller would act differently;
 * everything else is in `message` (what failed, on which object, what was found, what to try) and `details`.
 */

/** What a caller can do about an error; see {@link DataShardError}. */
export type ErrorCode =
  | 'invalid-argument'
  | 'not-found'
  | 'already-exists'
  | 'commit-conflict'
  | 'commit-contention'
  | 'commit-unknown'
  | 'unavailable'
  | 'denied'
  | 'corrupt'
  | 'unsupported'
  | 'aborted'
  | 'internal'

/** Facts about a failure, for machines. Values are JSON-safe; never a credential or a signed URL. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface DataShardErrorOptions {
  readonly cause?: unknown
  /** Whether the same call may succeed later without any change. Default: by code. */
  readonly retryable?: boolean
  /** `unknown` only when a commit may have happened. Default `no`, and `unknown` for `commit-unknown`. */
  readonly committed?: 'no' | 'unknown'
  readonly details?: ErrorDetails
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['commit-contention', 'commit-unknown', 'unavailable'])

/**
 * Every failure that DataShard reports.
 *
 * @example
 * ```ts
 * import { DataShardError, loadTable } from 'datashard'
 *
 * try {
 *   await loadTable('./nowhere')
 * } catch (error) {
 *   if (DataShardError.is(error, 'not-found')) console.log('create it first')
 *   else throw error
 * }
 * ```
 */
export class DataShardError extends Error {
  override readonly name = 'DataShardError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly committed: 'no' | 'unknown'
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: DataShardErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? RETRYABLE.has(code)
    this.committed = options.committed ?? (code === 'commit-unknown' ? 'unknown' : 'no')
    this.details = options.details ?? {}
  }

  /** Whether `error` is a DataShardError, of this code if one is given. Works across copies of the package. */
  static is(error: unknown, code?: ErrorCode): error is DataShardError {
    return (
      error instanceof Error &&
      error.name === 'DataShardError' &&
      (code === undefined || (error as DataShardError).code === code)
    )
  }

  /** What `--json` prints. */
  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      committed: this.committed,
      details: this.details,
    }
  }
}

/** Throws `invalid-argument`: the caller's input is wrong, and nothing was written. */
export function invalid(message: string, details?: ErrorDetails): never {
  throw new DataShardError('invalid-argument', message, details === undefined ? {} : { details })
}

/** Throws `corrupt`: an object that exists does not hold what it must. */
export function corrupt(message: string, details?: ErrorDetails, cause?: unknown): never {
  throw new DataShardError('corrupt', message, { ...(details && { details }), cause })
}

/** Throws `unsupported`: the thing is legal, but not for this version of DataShard. */
export function unsupported(message: string, details?: ErrorDetails): never {
  throw new DataShardError('unsupported', message, details === undefined ? {} : { details })
}

/** An assertion about our own code; a failure is a bug of ours. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new DataShardError('internal', `${message}; this is a bug of DataShard, please report it`)
}

/** Throws `aborted` if the caller's signal has fired. `what` names the operation. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw cancelled(signal, what)
}

function cancelled(signal: AbortSignal, what: string): DataShardError {
  return new DataShardError('aborted', `${what} was cancelled`, { cause: signal.reason })
}

/**
 * What a promise comes to, or `aborted` as soon as the signal fires: then it goes on, and nobody hears what became of it.
 *
 * @param what Names the operation, for {@link throwIfAborted}'s error, or makes another one.
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  what: string | ((signal: AbortSignal) => Error),
): Promise<T> {
  if (signal === undefined) return promise
  promise.catch(() => undefined)
  const aborted = () => (typeof what === 'string' ? cancelled(signal, what) : what(signal))
  if (signal.aborted) throw aborted()
  let onAbort = () => {}
  const cut = new Promise<never>((_, reject) => {
    onAbort = () => reject(aborted())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, cut])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
