/** What an error of the operating system means for a caller, and what to do about it. */
import { DataShardError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

const NOT_A_DIRECTORY = 'a part of the path is a file, where a directory is needed; choose another place'

const MEANING: Readonly<Record<string, readonly [code: ErrorCode, advice: string]>> = {
  EACCES: ['denied', 'this user may not do that; check owner and permissions'],
  EPERM: [
    'denied',
    'this user may not do that, or the file system has no hard links; check owner, permissions and mount',
  ],
  EROFS: ['denied', 'the file system is read-only; choose another place, or mount it for writing'],
  ENOTSUP: ['unsupported', 'the file system has no hard links, which exclusive creates need; choose another one'],
  ENOSYS: ['unsupported', 'the file system does not implement this; choose another one'],
  EMLINK: ['unsupported', 'the file system has no hard links, which exclusive creates need; choose another one'],
  EXDEV: ['unsupported', 'the directory spans two file systems in one place; keep each directory on one'],
  ENOSPC: ['unavailable', 'the disk is full; nothing was written. Free some space and try again'],
  EDQUOT: ['unavailable', 'the disk quota is used up; nothing was written. Free some space and try again'],
  EMFILE: ['unavailable', 'this process has too many open files; raise `ulimit -n`, or do less at once'],
  ENFILE: ['unavailable', 'the system has too many open files; close some'],
  ENOMEM: ['unavailable', 'the system is out of memory'],
  EIO: ['unavailable', 'the disk reports an input/output error; check it'],
  ESTALE: ['unavailable', 'the network file system lost the file handle; try again'],
  EBUSY: ['unavailable', 'the file is in use by the system; try again'],
  ETXTBSY: ['unavailable', 'the file is in use by the system; try again'],
  EFBIG: ['invalid-argument', 'the file is larger than the file system or the limits of this user allow'],
  ENOTDIR: ['invalid-argument', NOT_A_DIRECTORY],
  EEXIST: ['invalid-argument', NOT_A_DIRECTORY],
  EISDIR: ['invalid-argument', 'a directory has this name already; choose another one'],
  ENOTEMPTY: ['invalid-argument', 'a directory has this name already; choose another one'],
  ENAMETOOLONG: ['invalid-argument', 'a name in the path is longer than the file system allows (usually 255 bytes)'],
  EILSEQ: ['invalid-argument', 'the file system does not take these characters in a name'],
  EINVAL: ['invalid-argument', 'the file system does not take this name'],
  ELOOP: ['invalid-argument', 'symbolic links lead in a circle'],
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** The error as a DataShardError; whatever has no code of the operating system passes unchanged. */
export function localError(error: unknown, doing: string, path: string): unknown {
  const code = codeOf(error)
  if (DataShardError.is(error) || code === undefined) return error
  const [meaning, advice] = MEANING[code] ?? ['unavailable', 'the operating system refused it']
  const text = `${doing} ${path} failed with ${code}: ${advice}`
  return new DataShardError(meaning, text, { cause: error, details: { path, errno: code } })
}

/** For a location that is a file. */
export function notADirectory(path: string): DataShardError {
  return new DataShardError(
    'invalid-argument',
    `${path} is a file, expected a directory; name the directory of the table`,
    {
      details: { path },
    },
  )
}
