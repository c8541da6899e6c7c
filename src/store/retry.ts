/** The one retry policy: which failures are worth another try, how often, and how long to wait in between. */
import { DataShardError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'

/** Tries of one request, the first included: enough to outlive a short throttling, few enough to fail within seconds. */
export const MAX_TRIES = 6
export const FIRST_BACKOFF_MS = 50
export const MAX_BACKOFF_MS = 3_000

/**
 * Runs a request that does no harm when it is repeated. Failures that are not `unavailable` pass through at once; the
 * last one when the tries are used up. Waits are random between 0 and a doubling ceiling ("full jitter").
 */
export async function withRetries<T>(
  runtime: Runtime,
  signal: AbortSignal | undefined,
  request: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await request()
    } catch (error) {
      if (!DataShardError.is(error, 'unavailable') || !error.retryable || tries === MAX_TRIES) throw error
      await runtime.sleep(runtime.random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries), signal)
    }
  }
}
