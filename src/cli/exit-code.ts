/** Exit codes: what a script can decide by. */
import { DataShardError } from '../errors.ts'
import { isRowError } from '../input/row-error.ts'

export const EXIT = {
  ok: 0,
  /** It did not work: not found, denied, corrupt, unavailable, rows that do not fit. Nothing was committed. */
  failed: 1,
  /** The command line is wrong; nothing was tried. */
  usage: 2,
  /** Another writer was there first, or the user interrupted. Nothing was committed. */
  conflict: 3,
  /** A commit was sent and its answer never came: it may have happened. */
  unknown: 4,
  /** `doctor` or `verify` found problems. */
  problems: 5,
} as const

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (!DataShardError.is(error)) return EXIT.failed
  if (error.code === 'commit-unknown' || error.committed === 'unknown') return EXIT.unknown
  switch (error.code) {
    case 'invalid-argument':
      return isRowError(error) ? EXIT.failed : EXIT.usage
    case 'aborted':
    case 'commit-conflict':
    case 'commit-contention':
      return EXIT.conflict
    default:
      return EXIT.failed
  }
}
