/** What is wrong with one value of a row, on its way up to whoever knows the row's number. */
import { DataShardError } from '../errors.ts'

/**
 * A value that does not fit its column. Internal: whoever knows the row turns it into an `invalid-argument` that names
 * row and column.
 */
export class ValueError {
  /** From the column inwards: names of struct fields, `[index]` of lists and maps. */
  path: string
  /** "found 'abc' (string), expected decimal(12,2); ...". */
  readonly message: string
  readonly cause: unknown

  constructor(message: string, cause?: unknown) {
    this.path = ''
    this.message = message
    this.cause = cause
  }

  /** Puts the name of what holds the value before the path so far. */
  within(name: string): this {
    this.path = this.path === '' || this.path.startsWith('[') ? name + this.path : `${name}.${this.path}`
    return this
  }
}

/**
 * What was thrown while a value was read or checked, as a ValueError: our own refusals keep their words, and what a
 * user's getter threw becomes the cause. Errors of ours that are not about the value go on as they are.
 */
export function asValueError(error: unknown): ValueError {
  if (error instanceof ValueError) return error
  if (DataShardError.is(error, 'invalid-argument')) return new ValueError(error.message, error.cause)
  if (DataShardError.is(error)) throw error
  const reason = error instanceof Error ? error.message : String(error)
  return new ValueError(`reading the value threw: ${reason}`, error)
}
