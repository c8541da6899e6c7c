/** Columns into Parquet files, row group by row group, through parquet-wasm. */
import type { WriterProperties } from 'parquet-wasm/esm'
import { assert, DataShardError, invalid } from '../errors.ts'
import type { Schema } from '../spec/types.ts'
import { encodeArrowStream } from './arrow-ipc.ts'
import { slice } from './column-ops.ts'
import { batchBytes } from './column-size.ts'
import { worthDictionary } from './parquet-writer-dictionary.ts'
import type { ColumnBatch } from './columns.ts'
import type { ParquetFacts } from './parquet-writer-footer.ts'
import { ParquetAssembler } from './parquet-writer-footer.ts'
import type { ParquetWasm } from './wasm.ts'
import { loadParquetWasm } from './wasm.ts'

/** What `write.parquet.compression-codec` may say (Iceberg docs, "Write properties"). */
export type ParquetCodec = 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'brotli' | 'uncompressed'

export interface ParquetOptions {
  /** Default `zstd`, at parquet-wasm's only level, 1. */
  readonly codec?: ParquetCodec | undefined
  /** Rows of a row group, at most. Default {@link ROW_GROUP_ROWS}. */
  readonly rowGroupRows?: number | undefined
  /** Bytes of a row group as columns in memory, about. Default {@link ROW_GROUP_BYTES}. */
  readonly rowGroupBytes?: number | undefined
  /** Bytes of a data page before compression, about. Default 1 MiB. */
  readonly pageBytes?: number | undefined
}

/**
 * Rows and bytes (as columns in memory) of a row group. Enough for compression to bite and for a reader to be busy;
 * few enough for the memory of parquet-wasm, which holds several copies and never shrinks, to stay below 100 MB.
 */
export const ROW_GROUP_ROWS = 131_072
export const ROW_GROUP_BYTES = 12 * 1024 * 1024

/** In the form that parquet-java parses: it distrusts the statistics of writers whose name it cannot read. */
export const CREATED_BY = 'datashard version 0.1.0'

const CODECS = {
  zstd: 'ZSTD',
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  lz4: 'LZ4_RAW',
  brotli: 'BROTLI',
  uncompressed: 'UNCOMPRESSED',
} as const satisfies Record<ParquetCodec, keyof ParquetWasm['Compression']>

/** The codec that a table property names. */
export function parseCodec(name: string): ParquetCodec {
  const lower = name.toLowerCase()
  if (lower === 'none') return 'uncompressed'
  if (Object.hasOwn(CODECS, lower)) return lower as ParquetCodec
  return invalid(`Parquet codec '${name}' is not known here; use one of ${Object.keys(CODECS).join(', ')}`)
}

/** A Parquet file in memory, and what a manifest wants to know about it. */
export interface EncodedParquet extends ParquetFacts {
  readonly bytes: Uint8Array
}

/** The bytes of a whole file. */
export async function encodeParquet(
  schema: Schema,
  batches: readonly ColumnBatch[],
  options: ParquetOptions = {},
): Promise<Uint8Array> {
  return (await encodeParquetFile(schema, batches, options)).bytes
}

/** As {@link encodeParquet}, with what a manifest wants to know about the file. */
export async function encodeParquetFile(
  schema: Schema,
  batches: readonly ColumnBatch[],
  options: ParquetOptions = {},
): Promise<EncodedParquet> {
  const writer = await createParquetWriter(schema, options)
  const parts = batches.flatMap((batch) => rowGroupPieces(batch, options)).flatMap((piece) => writer.write(piece))
  const end = writer.finish()
  parts.push(...end.parts)
  const bytes = new Uint8Array(writer.size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return { bytes, ...end.facts }
}

/** A file that is written while its rows still come. */
export interface ParquetWriter {
  /** Bytes of the file so far, row groups that are still being collected not included. */
  readonly size: number
  /** Bytes, as columns in memory, of what waits for its row group to be full. */
  readonly pendingBytes: number
  /** Adds rows, at most a row group of them (see {@link rowGroupPieces}); gives back what can be written out, often nothing. */
  write(batch: ColumnBatch): readonly Uint8Array[]
  /** Ends the current row group early. */
  flush(): readonly Uint8Array[]
  /** The end of the file, and what is to be known about it. */
  finish(): { readonly parts: readonly Uint8Array[]; readonly facts: ParquetFacts }
}

/** Starts a file. Memory: one row group as columns, and parquet-wasm's copies of it. */
export async function createParquetWriter(schema: Schema, options: ParquetOptions = {}): Promise<ParquetWriter> {
  const wasm = await loadParquetWasm()
  return new Writer(wasm, schema, options)
}

/**
 * Where row groups of all writers are laid out for parquet-wasm, one after the other. Memory outside V8's heap is what
 * makes it collect garbage, so it is used again; weakly, so that an idle process gives it back.
 */
let scratch = new WeakRef<Uint8Array>(new Uint8Array(0))

class Writer implements ParquetWriter {
  pendingBytes = 0
  readonly #wasm: ParquetWasm
  readonly #schema: Schema
  readonly #options: ParquetOptions
  readonly #assembler: ParquetAssembler
  readonly #maxRows: number
  readonly #maxBytes: number
  #pending: ColumnBatch[] = []
  #pendingRows = 0
  #rows = 0

  constructor(wasm: ParquetWasm, schema: Schema, options: ParquetOptions) {
    this.#wasm = wasm
    this.#schema = schema
    this.#options = options
    this.#assembler = new ParquetAssembler(schema)
    this.#maxRows = options.rowGroupRows ?? ROW_GROUP_ROWS
    this.#maxBytes = options.rowGroupBytes ?? ROW_GROUP_BYTES
  }

  get size(): number {
    return this.#assembler.offset
  }

  write(batch: ColumnBatch): readonly Uint8Array[] {
    if (batch.length === 0) return []
    const bytes = batchBytes(batch)
    const full = this.#pendingRows + batch.length > this.#maxRows || this.pendingBytes + bytes > this.#maxBytes
    const parts = full ? this.flush() : []
    this.#pending.push(batch)
    this.#pendingRows += batch.length
    this.pendingBytes += bytes
    if (this.#pendingRows < this.#maxRows && this.pendingBytes < this.#maxBytes) return parts
    return [...parts, ...this.flush()]
  }

  finish(): { readonly parts: readonly Uint8Array[]; readonly facts: ParquetFacts } {
    // A file without rows gets its schema from an encoded row group without rows.
    const parts = this.size === 0 && this.#pendingRows === 0 ? this.#encode() : this.flush()
    const { bytes, facts } = this.#assembler.finish(CREATED_BY)
    assert(
      facts.rowCount === BigInt(this.#rows),
      `${this.#rows} rows went into a Parquet file, ${facts.rowCount} are in it`,
    )
    return { parts: [...parts, bytes], facts }
  }

  flush(): readonly Uint8Array[] {
    return this.#pendingRows === 0 ? [] : this.#encode()
  }

  #encode(): readonly Uint8Array[] {
    const stream = encodeArrowStream(this.#schema, this.#pending, scratch.deref())
    if (stream.length > (scratch.deref()?.length ?? 0)) scratch = new WeakRef(stream)
    const file = encodeRowGroup(this.#wasm, stream, properties(this.#wasm, this.#schema, this.#pending, this.#options))
    this.#rows += this.#pendingRows
    this.#pending = []
    this.#pendingRows = 0
    this.pendingBytes = 0
    return this.#assembler.addFile(file)
  }
}

/** One row group as a Parquet file of its own. */
function encodeRowGroup(wasm: ParquetWasm, stream: Uint8Array, settings: WriterProperties): Uint8Array {
  try {
    return wasm.writeParquet(wasm.Table.fromIPCStream(stream), settings)
  } catch (error) {
    throw new DataShardError('internal', `parquet-wasm could not encode a row group: ${String(error)}`, {
      cause: error,
    })
  }
}

function properties(
  wasm: ParquetWasm,
  schema: Schema,
  batches: readonly ColumnBatch[],
  options: ParquetOptions,
): WriterProperties {
  let builder = new wasm.WriterPropertiesBuilder()
    .setCompression(wasm.Compression[CODECS[options.codec ?? 'zstd']])
    .setStatisticsEnabled(wasm.EnabledStatistics.Chunk)
    .setMaxRowGroupSize(2 ** 31 - 1)
  if (options.pageBytes !== undefined) builder = builder.setDataPageSizeLimit(options.pageBytes)
  const first = batches[0]
  for (const [i, field] of schema.fields.entries()) {
    if (first === undefined || worthDictionary(first.columns[i]!)) continue
    builder = builder.setColumnDictionaryEnabled(field.name, false)
  }
  return builder.build()
}

/** A batch in pieces of at most one row group each; mostly the batch itself. */
export function rowGroupPieces(batch: ColumnBatch, options: ParquetOptions = {}): readonly ColumnBatch[] {
  const maxBytes = options.rowGroupBytes ?? ROW_GROUP_BYTES
  const byBytes = Math.ceil(batchBytes(batch) / maxBytes)
  const byRows = Math.ceil(batch.length / (options.rowGroupRows ?? ROW_GROUP_ROWS))
  const rows = Math.ceil(batch.length / Math.max(byBytes, byRows, 1))
  const pieces: ColumnBatch[] = []
  for (let from = 0; from < batch.length; from += rows) {
    pieces.push(slice(batch, from, Math.min(batch.length, from + rows)))
  }
  return pieces
}
