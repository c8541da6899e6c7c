/** Arrow IPC files and streams as record batches, through apache-arrow, which is loaded only when one is read. */
import { DataShardError } from '../errors.ts'
import type { ArrowRecordBatch } from './arrow-data.ts'
import type { ArrowField } from './arrow-schema.ts'

export interface ArrowFile {
  readonly fields: readonly ArrowField[]
  /** To be read once. */
  readonly batches: AsyncIterable<ArrowRecordBatch>
}

/**
 * Opens an Arrow IPC stream or file. A stream is read batch by batch; a file, whose index is at its end, is held in
 * memory.
 *
 * @param where names the input in errors.
 * @throws DataShardError `corrupt` if it is neither, or is damaged.
 */
export async function openArrowFile(chunks: AsyncIterable<Uint8Array>, where: string): Promise<ArrowFile> {
  const { RecordBatchReader } = await import('apache-arrow')
  const failed = (error: unknown) => {
    if (DataShardError.is(error)) return error
    const why = error instanceof Error ? error.message : String(error)
    return new DataShardError('corrupt', `${where} cannot be read as Arrow IPC: ${why}`, { cause: error })
  }
  const open = async () => {
    const reader = await RecordBatchReader.from(chunks)
    return reader.open()
  }
  const reader = await open().catch((error: unknown) => {
    throw failed(error)
  })
  // An input that ends before its schema opens without one.
  if (reader.schema === undefined) throw failed(new Error('it has no schema'))
  return {
    fields: reader.schema.fields as unknown as readonly ArrowField[],
    batches: (async function* () {
      try {
        for await (const batch of reader) yield batch as unknown as ArrowRecordBatch
      } catch (error) {
        throw failed(error)
      }
    })(),
  }
}
