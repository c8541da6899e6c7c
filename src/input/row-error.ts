import { DataShardError } from '../errors.ts'

/** An error in the data: with the file and line (from 1) of the row, in the message and in the details. */
export function rowError(file: string, line: number | undefined, message: string, cause?: unknown): DataShardError {
  const where = line === undefined ? file : `${file}:${line}`
  return new DataShardError('invalid-argument', `${where}: ${message}`, {
    cause,
    details: { file, ...(line !== undefined && { line }) },
  })
}

/** Whether an error is about the data and not about the command line. */
export function isRowError(error: DataShardError): boolean {
  return (
    error.code === 'invalid-argument' && (error.details['file'] !== undefined || error.details['row'] !== undefined)
  )
}
