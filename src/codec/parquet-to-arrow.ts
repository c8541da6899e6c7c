/** Any Parquet file as Arrow record batches, as parquet-wasm decodes it: for files that are not a table's yet. */
import { corrupt, DataShardError } from '../errors.ts'
import type { ArrowRecordBatch } from './arrow-data.ts'
import { openArrowFile } from './arrow-reader.ts'
import { RESTORE } from './parquet-footer.ts'
import { foreignFault } from './parquet-foreign.ts'
import { encodeExcerpt } from './parquet-reader-excerpt.ts'
import { readerWasm } from './parquet-reader-wasm.ts'
import type { ParquetHandle } from './parquet-reader.ts'
import { fetchWanted } from './parquet-reader.ts'

const BATCH_ROWS = 65_536

/** All columns of all rows, one row group in memory at a time. @throws `corrupt` if the file is damaged. */
export async function* parquetToArrow(handle: ParquetHandle): AsyncGenerator<ArrowRecordBatch> {
  try {
    yield* rowGroups(handle)
  } catch (error) {
    throw foreignFault(error)
  }
}

async function* rowGroups(handle: ParquetHandle): AsyncGenerator<ArrowRecordBatch> {
  const { footer, where } = handle
  const leaves = new Set(footer.leaves.keys())
  for (const rowGroup of footer.rowGroups.keys()) {
    const chunks = await fetchWanted(handle, [{ rowGroup, leaves }])
    const excerpt = encodeExcerpt({ footer, rowGroup, leaves, dictionaries: new Set() }, (leaf) =>
      chunks.bytesOf(rowGroup, leaf),
    )
    const { batches } = await openArrowFile(once(await decode(excerpt, where)), where)
    yield* batches
  }
}

async function decode(excerpt: Uint8Array, where: string): Promise<Uint8Array> {
  const wasm = await readerWasm()
  try {
    return wasm.readParquet(excerpt, { batchSize: BATCH_ROWS }).intoIPCStream()
  } catch (error) {
    if (DataShardError.is(error)) throw error
    const why = error instanceof Error ? error.message.split('\n')[0]! : String(error)
    return corrupt(`${where} is damaged: ${why}; ${RESTORE}`, undefined, error)
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
