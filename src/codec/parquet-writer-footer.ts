/**
 * Row groups that were encoded one by one, put together into one Parquet file (parquet-format, `parquet.thrift`).
 * parquet-wasm holds all of a file in a memory that never shrinks; this way it holds one row group. And the footer can
 * say what parquet-wasm leaves out, the logical type of UUIDs, and leave out what it says too much: Arrow's own schema,
 * and bounds of UUIDs. Pages, column chunks and the footer get checksums on the way (docs/decisions/write-checksums.md).
 */
import { assert } from '../errors.ts'
import { joinBytes } from './join-bytes.ts'
import { isOrderShared } from '../spec/predicate-order.ts'
import type { Schema } from '../spec/types.ts'
import { indexSchema } from '../spec/schema.ts'
import { checksumEntries, sealFooter } from './parquet-checksum-footer.ts'
import type { ChecksummedChunk } from './parquet-checksum.ts'
import { addPageChecksums } from './parquet-checksum.ts'
import type { ThriftList, ThriftStruct, ThriftValue } from './parquet-writer-thrift.ts'
import { decodeThrift, encodeThrift, THRIFT } from './parquet-writer-thrift.ts'

/** Field ids of the structs in `parquet.thrift` that are read or changed here. */
const FILE = { version: 1, schema: 2, rowCount: 3, rowGroups: 4, keyValues: 5, createdBy: 6 } as const
const ELEMENT = { fieldId: 9, childCount: 5, logicalType: 10 } as const
const GROUP = { columns: 1, totalByteSize: 2, rowCount: 3, fileOffset: 5, compressedSize: 6, ordinal: 7 } as const
const CHUNK = {
  fileOffset: 2,
  metadata: 3,
  offsetIndex: 4,
  offsetIndexLength: 5,
  columnIndex: 6,
  columnIndexLength: 7,
} as const
const COLUMN = {
  uncompressedSize: 6,
  compressedSize: 7,
  dataPage: 9,
  indexPage: 10,
  dictionaryPage: 11,
  statistics: 12,
  bloomFilter: 14,
} as const
/** Both forms of the bounds, and whether they are exact; the counts (3, 4) stay. */
const BOUNDS = [1, 2, 5, 6, 7, 8] as const
const LOGICAL_UUID = 14

const MAGIC = new Uint8Array([0x50, 0x41, 0x52, 0x31])

export interface ParquetFacts {
  readonly rowCount: bigint
  /** Bytes on disk of each leaf column, by field id. */
  readonly columnSizes: ReadonlyMap<number, bigint>
  /** Where each row group begins. */
  readonly splitOffsets: readonly bigint[]
}

/** A file in the making: give it row groups in order, write what it gives back. */
export class ParquetAssembler {
  /** Bytes given back so far. */
  offset = 0
  #rowCount = 0n
  readonly #schema: Schema
  readonly #groups: ThriftStruct[] = []
  readonly #splitOffsets: bigint[] = []
  readonly #columnSizes = new Map<number, bigint>()
  /** Of all column chunks so far. */
  readonly #checksums: number[] = []
  #footer: ThriftStruct | undefined
  #leafIds: readonly number[] = []

  constructor(schema: Schema) {
    this.#schema = schema
  }

  /** Takes a complete Parquet file of one row group (or none) and gives back the bytes to be written next. */
  addFile(file: Uint8Array): readonly Uint8Array[] {
    const footer = decodeFooter(file)
    if (this.#footer === undefined) {
      this.#leafIds = leafFieldIds(footer)
      this.#footer = footer
    }
    const head = this.offset === 0 ? [MAGIC] : []
    this.offset += head.length * MAGIC.length
    return [...head, ...structs(footer, FILE.rowGroups).map((group) => this.#addGroup(group, file))]
  }

  /** The bytes that end the file. At least one file must have been added. */
  finish(createdBy: string): { readonly bytes: Uint8Array; readonly facts: ParquetFacts } {
    const footer = this.#footer
    assert(footer !== undefined, 'a Parquet file needs a row group or a schema')
    footer.set(FILE.rowGroups, list(this.#groups))
    footer.set(FILE.rowCount, i64(this.#rowCount))
    footer.set(FILE.createdBy, { type: THRIFT.binary, value: new TextEncoder().encode(createdBy) })
    footer.set(FILE.keyValues, checksumEntries(this.#checksums))
    markUuids(footer, this.#schema)
    const encoded = encodeThrift(footer)
    sealFooter(encoded)
    const bytes = new Uint8Array(encoded.length + 8)
    bytes.set(encoded)
    new DataView(bytes.buffer).setUint32(encoded.length, encoded.length, true)
    bytes.set(MAGIC, encoded.length + 4)
    this.offset += bytes.length
    const facts = { rowCount: this.#rowCount, columnSizes: this.#columnSizes, splitOffsets: this.#splitOffsets }
    return { bytes, facts }
  }

  #addGroup(group: ThriftStruct, file: Uint8Array): Uint8Array {
    const chunks = structs(group, GROUP.columns)
    const parts: Uint8Array[] = []
    const start = this.offset
    for (const [i, chunk] of chunks.entries()) parts.push(...this.#addChunk(chunk, this.#leafIds[i]!, file))
    const size = sumOf(chunks, COLUMN.compressedSize)
    assert(size === BigInt(this.offset - start), 'the sizes of column chunks and their bytes differ')
    group.set(GROUP.compressedSize, i64(size))
    group.set(GROUP.totalByteSize, i64(sumOf(chunks, COLUMN.uncompressedSize)))
    group.set(GROUP.fileOffset, i64(BigInt(start)))
    group.set(GROUP.ordinal, { type: THRIFT.i16, value: BigInt(this.#groups.length) })
    this.#rowCount += number(group, GROUP.rowCount)!
    this.#splitOffsets.push(BigInt(start))
    this.#groups.push(group)
    // In one piece: each would be a step of its own on the way to the store.
    return joinBytes(parts)
  }

  #addChunk(chunk: ThriftStruct, id: number, file: Uint8Array): readonly Uint8Array[] {
    const metadata = metadataOf(chunk)
    const from = Number(chunkStart(metadata))
    const size = Number(number(metadata, COLUMN.compressedSize))
    const checksummed = addPageChecksums(file.subarray(from, from + size))
    moveChunk(chunk, BigInt(this.offset - from), checksummed)
    const field = indexSchema(this.#schema).byId.get(id)?.field
    if (field !== undefined && !isOrderShared(field.type)) dropBounds(metadata)
    this.#columnSizes.set(id, (this.#columnSizes.get(id) ?? 0n) + BigInt(checksummed.byteLength))
    this.#checksums.push(checksummed.crc)
    this.offset += checksummed.byteLength
    return checksummed.parts
  }
}

function decodeFooter(file: Uint8Array): ThriftStruct {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const length = view.getUint32(file.length - 8, true)
  return decodeThrift(file.subarray(file.length - 8 - length, file.length - 8))
}

/**
 * Offsets move with the bytes, those of data pages behind a dictionary also by what that has grown. The page indexes
 * stay behind: they hold offsets of their own, and are optional.
 */
function moveChunk(chunk: ThriftStruct, shift: bigint, { byteLength, firstPageGrowth }: ChecksummedChunk): void {
  const metadata = metadataOf(chunk)
  for (const field of [CHUNK.offsetIndex, CHUNK.offsetIndexLength, CHUNK.columnIndex, CHUNK.columnIndexLength]) {
    chunk.delete(field)
  }
  const start = chunkStart(metadata)
  for (const field of [COLUMN.dataPage, COLUMN.indexPage, COLUMN.dictionaryPage]) {
    const offset = number(metadata, field)
    if (offset === undefined) continue
    metadata.set(field, i64(offset + shift + (offset > start ? BigInt(firstPageGrowth) : 0n)))
  }
  assert(!metadata.has(COLUMN.bloomFilter), 'bloom filters are behind the row groups and cannot be moved with them')
  const growth = BigInt(byteLength) - number(metadata, COLUMN.compressedSize)!
  metadata.set(COLUMN.compressedSize, i64(BigInt(byteLength)))
  // Headers of pages count as uncompressed bytes too.
  metadata.set(COLUMN.uncompressedSize, i64(number(metadata, COLUMN.uncompressedSize)! + growth))
  // Deprecated, and not consistently used by writers: 0 says that the metadata is in the footer only.
  chunk.set(CHUNK.fileOffset, i64(0n))
}

/** Iceberg's Java library skips row groups by bounds too, and compares UUIDs in an order of its own. */
function dropBounds(metadata: ThriftStruct): void {
  const statistics = metadata.get(COLUMN.statistics)?.value as ThriftStruct | undefined
  for (const bound of BOUNDS) statistics?.delete(bound)
}

function chunkStart(metadata: ThriftStruct): bigint {
  const data = number(metadata, COLUMN.dataPage)!
  const dictionary = number(metadata, COLUMN.dictionaryPage)
  return dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data
}

function metadataOf(chunk: ThriftStruct): ThriftStruct {
  return chunk.get(CHUNK.metadata)!.value as ThriftStruct
}

function sumOf(chunks: readonly ThriftStruct[], field: number): bigint {
  return chunks.reduce((sum, chunk) => sum + number(metadataOf(chunk), field)!, 0n)
}

function leafFieldIds(footer: ThriftStruct): number[] {
  return structs(footer, FILE.schema)
    .filter((element) => !element.has(ELEMENT.childCount))
    .map((element) => Number(number(element, ELEMENT.fieldId)))
}

/** A UUID without its logical type is 16 bytes of anything to a reader. */
function markUuids(footer: ThriftStruct, schema: Schema): void {
  const { byId } = indexSchema(schema)
  for (const element of structs(footer, FILE.schema)) {
    const id = number(element, ELEMENT.fieldId)
    if (id === undefined || byId.get(Number(id))?.field.type.type !== 'uuid') continue
    const uuid: ThriftStruct = new Map([[LOGICAL_UUID, { type: THRIFT.struct, value: new Map() }]])
    element.set(ELEMENT.logicalType, { type: THRIFT.struct, value: uuid })
  }
}

function structs(parent: ThriftStruct, field: number): ThriftStruct[] {
  return ((parent.get(field)?.value as ThriftList | undefined)?.items ?? []) as ThriftStruct[]
}

function number(parent: ThriftStruct, field: number): bigint | undefined {
  return parent.get(field)?.value as bigint | undefined
}

function i64(value: bigint): { type: number; value: ThriftValue } {
  return { type: THRIFT.i64, value }
}

function list(items: ThriftStruct[]): { type: number; value: ThriftValue } {
  return { type: THRIFT.list, value: { elementType: THRIFT.struct, items } }
}
