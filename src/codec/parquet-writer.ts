/** Columns into Parquet files, row group by row group, through parquet-wasm. */
import { assert, invalid } from '../errors.ts'
import type { Schema } from '../spec/types.ts'
import { layOutArrowStream } from './arrow-ipc.ts'
import { slice } from './column-ops.ts'
import { batchBytes } from './column-size.ts'
import { joinBytes } from './join-bytes.ts'
import type { ColumnBatch } from './columns.ts'
import { worthDictionary } from './parquet-writer-dictionary.ts'
import type { EncodeSettings } from './parquet-writer-encode.ts'
import { canEncodeBeside, encodeBeside, encodeHere, startEncodeThread } from './parquet-writer-encode.ts'
import type { ParquetFacts } from './parquet-writer-footer.ts'
import { ParquetAssembler } from './parquet-writer-footer.ts'
import { ScratchMemory } from './scratch-memory.ts'
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
  // As Parquet itself calls it, and so does Spark.
  if (lower === 'lz4_raw') return 'lz4'
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
  return { bytes: joinBytes([...parts, ...end.parts]), ...end.facts }
}

/** A file that is written while its rows still come. */
export interface ParquetWriter {
  /** Bytes of the file so far, row groups that are still being collected or encoded not included. */
  readonly size: number
  /** Bytes, as columns in memory, of what waits for its row group to be full. */
  readonly pendingBytes: number
  /** Adds rows, at most a row group of them (see {@link rowGroupPieces}); gives back what can be written out, often nothing. */
  write(batch: ColumnBatch): readonly Uint8Array[]
  /**
   * As `write`, but a row group that is full may be encoded beside this thread: it is given back later, at the latest by `flush`.
   *
   * @param isExact Nothing is left under way, so that `size` is what it is.
   */
  writeAhead(batch: ColumnBatch, isExact: boolean): Promise<readonly Uint8Array[]>
  /** Ends the current row group early. To be called before `finish` by who writes ahead. */
  flush(): Promise<readonly Uint8Array[]>
  /** The end of the file, and what is to be known about it. */
  finish(): { readonly parts: readonly Uint8Array[]; readonly facts: ParquetFacts }
}

/** Starts a file. Memory: two row groups as columns, and parquet-wasm's copies of one. */
export async function createParquetWriter(schema: Schema, options: ParquetOptions = {}): Promise<ParquetWriter> {
  const wasm = await loadParquetWasm()
  return new Writer(wasm, schema, options)
}

/** A row group that is less as columns is encoded in the time that it takes to hand it over. */
const WORTH_BYTES = 1024 * 1024

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
  /** A row group that is being encoded elsewhere. */
  #owed: (() => Promise<Uint8Array>) | undefined

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
    return this.#fullWith(batch).flatMap((group) => this.#encode(group))
  }

  async writeAhead(batch: ColumnBatch, isExact: boolean): Promise<readonly Uint8Array[]> {
    const parts = isExact ? [...(await this.#settle())] : []
    for (const group of this.#fullWith(batch)) {
      parts.push(...(await this.#settle()))
      parts.push(...(isExact ? this.#encode(group) : await this.#encodeAhead(group)))
    }
    // What encodes it may be ready when the row group is full.
    if (this.pendingBytes > this.#maxBytes / 4) startEncodeThread()
    return parts
  }

  async flush(): Promise<readonly Uint8Array[]> {
    const parts = [...(await this.#settle())]
    if (this.#pendingRows > 0) parts.push(...(await this.#encodeAhead(this.#take())), ...(await this.#settle()))
    return parts
  }

  finish(): { readonly parts: readonly Uint8Array[]; readonly facts: ParquetFacts } {
    // A file without rows gets its schema from an encoded row group without rows.
    const parts = this.size === 0 && this.#pendingRows === 0 ? this.#encode([]) : this.#encodeRest()
    const { bytes, facts } = this.#assembler.finish(CREATED_BY)
    assert(
      facts.rowCount === BigInt(this.#rows),
      `${this.#rows} rows went into a Parquet file, ${facts.rowCount} are in it`,
    )
    return { parts: [...parts, bytes], facts }
  }

  #encodeRest(): readonly Uint8Array[] {
    return this.#pendingRows === 0 ? [] : this.#encode(this.#take())
  }

  /** Takes rows in. @returns the row groups that are full by that. */
  #fullWith(batch: ColumnBatch): readonly (readonly ColumnBatch[])[] {
    if (batch.length === 0) return []
    const bytes = batchBytes(batch)
    const full = this.#pendingRows + batch.length > this.#maxRows || this.pendingBytes + bytes > this.#maxBytes
    const groups = full && this.#pendingRows > 0 ? [this.#take()] : []
    this.#pending.push(batch)
    this.#pendingRows += batch.length
    this.pendingBytes += bytes
    if (this.#pendingRows < this.#maxRows && this.pendingBytes < this.#maxBytes) return groups
    return [...groups, this.#take()]
  }

  /** What was collected. */
  #take(): readonly ColumnBatch[] {
    const group = this.#pending
    this.#rows += this.#pendingRows
    this.#pending = []
    this.#pendingRows = 0
    this.pendingBytes = 0
    return group
  }

  #encode(group: readonly ColumnBatch[]): readonly Uint8Array[] {
    assert(this.#owed === undefined, 'a row group is encoded before the one that comes before it')
    const settings = settingsFor(this.#schema, group, this.#options)
    return this.#assembler.addFile(encodeHere(this.#wasm, this.#streamOf(group), settings))
  }

  /** Good until the next one is made, by whomever. */
  #streamOf(group: readonly ColumnBatch[]): Uint8Array {
    return layOutArrowStream(this.#schema, group, (size) => scratch.take(size))!
  }

  /** Encodes beside this thread if that can be done and is worth it, else here. */
  async #encodeAhead(group: readonly ColumnBatch[]): Promise<readonly Uint8Array[]> {
    const bytes = group.reduce((sum, batch) => sum + batchBytes(batch), 0)
    if (bytes < WORTH_BYTES || !canEncodeBeside()) return this.#encode(group)
    const settings = settingsFor(this.#schema, group, this.#options)
    const encoded = encodeBeside((allocate) => layOutArrowStream(this.#schema, group, allocate), settings)
    if (encoded === undefined) return this.#encode(group)
    this.#owed = async () => (await encoded) ?? encodeHere(this.#wasm, this.#streamOf(group), settings)
    return []
  }

  async #settle(): Promise<readonly Uint8Array[]> {
    const owed = this.#owed
    this.#owed = undefined
    return owed === undefined ? [] : this.#assembler.addFile(await owed())
  }
}

/** Where row groups of all writers are laid out. */
const scratch = new ScratchMemory()

function settingsFor(schema: Schema, group: readonly ColumnBatch[], options: ParquetOptions): EncodeSettings {
  const first = group[0]
  const plain = schema.fields.filter((_, i) => first !== undefined && !worthDictionary(first.columns[i]!))
  return {
    codec: CODECS[options.codec ?? 'zstd'],
    pageBytes: options.pageBytes,
    plainColumns: plain.map(({ name }) => name),
  }
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
