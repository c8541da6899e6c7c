import { DataShardError } from '../../src/errors.ts'

/** The DataShardError that `run` throws; any other error is passed on, and none at all is undefined. */
export function caught(run: () => unknown): DataShardError | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (DataShardError.is(error)) return error
    throw error
  }
}
