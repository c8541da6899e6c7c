/** Parquet files that are not a table's yet: what is wrong with one is for whoever made it, and no table is to be mended. */
import { DataShardError } from '../errors.ts'
import { RESTORE } from './parquet-footer.ts'
import type { ParquetHandle, ParquetSource } from './parquet-reader.ts'
import { openParquet } from './parquet-reader.ts'

const MAKE_ANEW = 'make or fetch the file again; no table is damaged'

/** As `openParquet`, for input. */
export async function openForeignParquet(source: ParquetSource, where: string): Promise<ParquetHandle> {
  try {
    return await openParquet(source, where)
  } catch (error) {
    throw foreignFault(error)
  }
}

/** The same failure, without the advice that fits files of a table. */
export function foreignFault(error: unknown): unknown {
  if (!DataShardError.is(error, 'corrupt') || !error.message.endsWith(RESTORE)) return error
  const message = error.message.slice(0, -RESTORE.length) + MAKE_ANEW
  return new DataShardError('corrupt', message, { cause: error.cause, details: error.details })
}
