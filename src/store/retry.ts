/** The one retry policy: which failures are worth another try, how often, and how long to wait in between. */
import { DataShardError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'

export interface RetryLimits {
  /** The first try included. */
  readonly tries: number
  readonly firstBackoffMs: number
  readonly maxBackoffMs: number
  /** No further try begins after so long, however many are left. */
  readonly maxElapsedMs: number
}

/**
 * Waits of 2.6 s on average, 5.2 s at most, in all: enough to outlive a short throttling or a restart, few enough to fail
 * within seconds. With requests that time out after 10 s, three of them.
 */
export const RETRY_LIMITS: RetryLimits = { tries: 8, firstBackoffMs: 25, maxBackoffMs: 2_000, maxElapsedMs: 30_000 }

/** What failed and may be tried again: nothing else is. */
export function isRetryable(error: unknown): error is DataShardError {
  return DataShardError.is(error, 'unavailable') && error.retryable
}

/**
 * Runs a request that does no harm when it is repeated, until it succeeds, fails for good, or the limits are reached.
 * Waits are random between 0 and a doubling ceiling ("full jitter"), so that many clients that failed together do not come
 * back together.
 */
export async function withRetries<T>(
  runtime: Runtime,
  signal: AbortSignal | undefined,
  request: () => Promise<T>,
  limits: RetryLimits = RETRY_LIMITS,
): Promise<T> {
  const startMs = runtime.monotonic()
  for (let tries = 1; ; tries++) {
    try {
      return await request()
    } catch (error) {
      if (!isRetryable(error)) throw error
      const elapsedMs = runtime.monotonic() - startMs
      if (tries >= limits.tries || elapsedMs >= limits.maxElapsedMs) throw exhausted(error, tries, elapsedMs)
      const ceiling = Math.min(limits.maxBackoffMs, limits.firstBackoffMs * 2 ** tries)
      await runtime.sleep(runtime.random() * ceiling, signal)
    }
  }
}

function exhausted(error: DataShardError, tries: number, elapsedMs: number): DataShardError {
  if (tries === 1) return error
  const seconds = (elapsedMs / 1_000).toFixed(1)
  return new DataShardError('unavailable', `${error.message} (tried ${tries} times in ${seconds} s)`, {
    cause: error.cause,
    committed: error.committed,
    details: { ...error.details, attempts: tries, elapsedMs: Math.round(elapsedMs) },
  })
}
