/** Rows of a scan into Parquet and Arrow files, batch by batch. */
import { createBuilder } from '../../codec/column-builder.ts'
import type { ColumnBatch } from '../../codec/columns.ts'
import type { Schema } from '../../spec/types.ts'
import type { RowWriter } from './row-writer.ts'
import type { Sink } from './sink.ts'

/** Rows and bytes in memory before they are written. */
const BATCH_ROWS = 65_536
const BATCH_BYTES = 32 * 1024 * 1024
/** Rows are turned into columns in blocks, which is several times faster than one by one. */
const BLOCK_ROWS = 1_024

/** A Parquet file, or an Arrow IPC stream, of the rows. */
export async function createColumnarWriter(
  format: 'parquet' | 'arrow',
  schema: Schema,
  sink: Sink,
): Promise<RowWriter> {
  const encoder = format === 'parquet' ? await parquetEncoder(schema) : await arrowEncoder(schema)
  let builder = createBuilder(schema)
  const emit = async (parts: readonly Uint8Array[]) => {
    for (const part of parts) await sink.write(part)
  }
  let block: Record<string, unknown>[] = []
  const fill = () => {
    builder.appendRows(block, 0, block.length, builder.length)
    block = []
  }
  const flush = async () => {
    fill()
    if (builder.length === 0) return
    const batch = builder.finish()
    builder = createBuilder(schema)
    await emit(encoder.batch(batch))
  }
  return {
    write(row) {
      block.push(row)
      if (block.length < BLOCK_ROWS) return undefined
      fill()
      return builder.length >= BATCH_ROWS || builder.byteSize >= BATCH_BYTES ? flush() : undefined
    },
    async end() {
      await flush()
      await emit(encoder.end())
    },
  }
}

interface Encoder {
  batch(batch: ColumnBatch): readonly Uint8Array[]
  end(): readonly Uint8Array[]
}

async function parquetEncoder(schema: Schema): Promise<Encoder> {
  const { createParquetWriter } = await import('../../codec/parquet-writer.ts')
  const writer = await createParquetWriter(schema)
  return { batch: (batch) => writer.write(batch), end: () => writer.finish().parts }
}

/** An Arrow stream is its schema, its batches, and an end mark; whole streams of one batch each are cut accordingly. */
async function arrowEncoder(schema: Schema): Promise<Encoder> {
  const { encodeArrowStream } = await import('../../codec/arrow-ipc.ts')
  const empty = encodeArrowStream(schema, [])
  const head = empty.subarray(0, empty.length - ARROW_END_BYTES)
  const end = empty.subarray(empty.length - ARROW_END_BYTES)
  let started = false
  return {
    batch(batch) {
      const whole = encodeArrowStream(schema, [batch])
      const from = started ? head.length : 0
      started = true
      return [whole.subarray(from, whole.length - ARROW_END_BYTES)]
    },
    end: () => [started ? end : empty],
  }
}

/** A continuation mark and a length of 0 (Columnar.html, "Encapsulated message format"). */
const ARROW_END_BYTES = 8
