/** What may be concluded from a failed commit. */
import { DataShardError } from '../errors.ts'
import { ClaimRefused } from './claim-refused.ts'
import { ClaimsLost } from './claims-lost.ts'
import { Withdrawn } from './group.ts'

/** The store has said why it does not write, and that it will not later either: its disk is full. */
export function isRefusal(cause: unknown): cause is DataShardError {
  return DataShardError.is(cause, 'unavailable') && !cause.retryable
}

/** Whether an error says for sure that nothing was committed: only then may objects that were written be deleted. */
export function isCertain(error: unknown): boolean {
  if (error instanceof Withdrawn || error instanceof ClaimsLost || error instanceof ClaimRefused) return true
  return DataShardError.is(error) && error.committed === 'no' && error.code !== 'internal'
}

/** The same failure, of something that may have been committed all the same. */
export function leftOpen(error: DataShardError): DataShardError {
  const { code, message, retryable, details } = error
  return new DataShardError(code, message, { cause: error, retryable, details, committed: 'unknown' })
}
