/** How a failure is told: one clear paragraph for people, one line of JSON for machines, never a stack trace unasked. */
import { DataShardError } from '../errors.ts'
import { exitCodeOf } from './exit-code.ts'

export interface ReportStyle {
  readonly json: boolean
  /** Adds the stack and all causes: `DATASHARD_DEBUG=1`. */
  readonly debug: boolean
}

/** The text for stderr, with its line break. */
export function errorReport(error: unknown, style: ReportStyle): string {
  const known = asDataShardError(error)
  const stack = style.debug ? stackOf(error) : undefined
  if (style.json) {
    const body = {
      ...known.toJSON(),
      message: inOptions(known.message),
      exitCode: exitCodeOf(known),
      ...(stack !== undefined && { stack }),
    }
    return `${JSON.stringify({ error: body })}\n`
  }
  const lines = [`error: ${inOptions(known.message)}`]
  if (known.code === 'internal') {
    lines.push('This is a bug of DataShard. Run again with DATASHARD_DEBUG=1 for the details that a report needs.')
  }
  if (stack !== undefined) lines.push(stack)
  return `${lines.join('\n')}\n`
}

/** What errors of the library advise, as the command line has it. */
const ADVICE: readonly (readonly [library: string, commandLine: string])[] = [
  ['load it, or say ifNotExists: true to use it as it is', 'say --if-not-exists to use it as it is'],
  ['create it with createTable,', 'create it with `datashard create`,'],
  ["or set unknownColumns: 'ignore'", 'or say --unknown-columns ignore'],
]

function inOptions(message: string): string {
  return ADVICE.reduce((text, [library, commandLine]) => text.replace(library, () => commandLine), message)
}

/** What the operating system says, in words; anything else that is not ours is a bug of ours. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the device reports an error',
}

export function asDataShardError(error: unknown): DataShardError {
  if (DataShardError.is(error)) return error
  const { code, path, message } = (error ?? {}) as { code?: unknown; path?: unknown; message?: unknown }
  const words = typeof code === 'string' ? SYSTEM_ERRORS[code] : undefined
  if (words !== undefined) {
    const where = typeof path === 'string' ? `${path}: ` : ''
    const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
    return new DataShardError(denied ? 'denied' : code === 'ENOENT' ? 'not-found' : 'unavailable', where + words, {
      cause: error,
    })
  }
  return new DataShardError('internal', typeof message === 'string' ? message : String(error), { cause: error })
}

function stackOf(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at instanceof Error && parts.length < 10; at = at.cause)
    parts.push(at.stack ?? String(at))
  return parts.join('\ncaused by: ')
}
