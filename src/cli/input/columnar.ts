/** Parquet and Arrow files as record batches. */
import { open } from 'node:fs/promises'
import type { ArrowRecordBatch } from '../../codec/arrow-data.ts'
import { DataShardError } from '../../errors.ts'
import type { Schema } from '../../spec/types.ts'
import type { ByteSource } from './byte-source.ts'
import type { InputFormat } from '../../input/format.ts'

export interface ColumnarBatch {
  readonly file: string
  readonly rows: number
  readonly batch: ArrowRecordBatch
}

export interface ColumnarFiles {
  /** Of the first file. */
  readonly schema: Schema
  /** Of all files, one after the other; to be read once. */
  readonly batches: AsyncGenerator<ColumnarBatch>
}

export type Sources = AsyncGenerator<{ readonly source: ByteSource; readonly format: InputFormat }>

export async function openColumnar(sources: Sources, onBytes: (bytes: number) => void): Promise<ColumnarFiles> {
  const first = await sources.next()
  if (first.done === true) throw new DataShardError('internal', 'columnar input without a file')
  const { schema, batches } = await openFile(first.value.source, first.value.format, onBytes)
  const all = async function* () {
    yield* named(first.value.source.name, batches)
    for await (const { source, format } of sources) {
      yield* named(source.name, (await openFile(source, format, onBytes)).batches)
    }
  }
  return { schema, batches: all() }
}

async function* named(file: string, batches: AsyncIterable<ArrowRecordBatch>): AsyncGenerator<ColumnarBatch> {
  for await (const batch of batches) yield { file, rows: batch.numRows, batch }
}

function openFile(source: ByteSource, format: InputFormat, onBytes: (bytes: number) => void) {
  return format === 'parquet' ? openParquetFile(source, onBytes) : openArrow(source)
}

async function openArrow(source: ByteSource) {
  const { openArrowFile } = await import('../../codec/arrow-reader.ts')
  const { schemaFromArrow } = await import('../../codec/arrow-schema.ts')
  const { fields, batches } = await openArrowFile(source.chunks, source.name)
  return { schema: schemaFromArrow(fields), batches }
}

/** A file is read by ranges, a row group at a time; what comes through a pipe or was packed must be whole in memory. */
async function openParquetFile(source: ByteSource, onBytes: (bytes: number) => void) {
  const { openForeignParquet } = await import('../../codec/parquet-foreign.ts')
  const { schemaFromParquet } = await import('../../codec/parquet-schema.ts')
  const { parquetToArrow } = await import('../../codec/parquet-to-arrow.ts')
  const file = source.path === undefined ? await inMemory(source) : await onDisk(source, source.path, onBytes)
  const handle = await openForeignParquet(file, source.name).catch(async (error: unknown) => {
    await file.close()
    throw error
  })
  const batches = async function* () {
    try {
      yield* parquetToArrow(handle)
    } finally {
      await file.close()
    }
  }
  return { schema: schemaFromParquet(handle.footer.root), batches: batches() }
}

async function inMemory(source: ByteSource) {
  const chunks: Uint8Array[] = []
  for await (const chunk of source.chunks) chunks.push(chunk)
  const bytes = new Uint8Array(Buffer.concat(chunks))
  return {
    size: bytes.length,
    read: async (start: number, end: number) => bytes.subarray(start, end),
    close: async () => {},
  }
}

async function onDisk(source: ByteSource, path: string, onBytes: (bytes: number) => void) {
  await source.close()
  const file = await open(path)
  return {
    size: (await file.stat()).size,
    read: async (start: number, end: number) => {
      const bytes = new Uint8Array(end - start)
      let at = 0
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, start + at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      onBytes(at)
      return bytes.subarray(0, at)
    },
    close: () => file.close(),
  }
}
