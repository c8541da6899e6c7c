/**
 * A part of a Parquet file, some of its columns of one row group, as a small Parquet file of its own. parquet-wasm's
 * synchronous reader takes whole files and ignores its `columns` option; given an excerpt it decodes what is wanted and
 * nothing else, columns are told apart by position (names may be strange, or there twice), and a schema hint can ask
 * for dictionaries and for microseconds (docs/decisions/scan-parquet-excerpts.md).
 */
import type { ParquetChunk, ParquetFooter } from './parquet-footer.ts'
import { CHUNK, COLUMN, FILE, GROUP, HEAD_BYTES, TAIL_BYTES } from './parquet-footer.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import { ELEMENT, leavesOf } from './parquet-footer-schema.ts'
import { arrowSchemaHint } from './parquet-reader-hint.ts'
import type { ChunkPages } from './parquet-reader-pages.ts'
import type { ThriftField, ThriftStruct, ThriftValue } from './parquet-writer-thrift.ts'
import { encodeThrift, THRIFT } from './parquet-writer-thrift.ts'
import type { Frame } from './zstd.ts'

const MAGIC = new Uint8Array([0x50, 0x41, 0x52, 0x31])

/** What to decode of a file. Leaves are positions among the columns of the schema. */
export interface Excerpt {
  readonly footer: ParquetFooter
  readonly rowGroup: number
  /** From {@link completeLeaves}. */
  readonly leaves: ReadonlySet<number>
  /** Columns that are to come as dictionaries: strings at the top, whose pages are all dictionary-encoded. */
  readonly dictionaries: ReadonlySet<number>
}

/**
 * Leaves with those that cannot be left out beside them. A repeated group of several fields is the element of a list or
 * an entry of a map; with one field of two it would mean something else.
 */
export function completeLeaves(root: ParquetNode, wanted: ReadonlySet<number>): ReadonlySet<number> {
  const leaves = new Set<number>()
  const visit = (node: ParquetNode): void => {
    const below = leavesOf(node).map(({ leaf }) => leaf)
    if (node.leaf >= 0 && wanted.has(node.leaf)) leaves.add(node.leaf)
    const whole = node.repetition === 'repeated' && node.children.length > 1
    if (whole && below.some((leaf) => wanted.has(leaf))) below.forEach((leaf) => leaves.add(leaf))
    node.children.forEach(visit)
  }
  visit(root)
  return leaves
}

/** Decompressed bytes that are still to be put into the excerpt. */
export interface Hole extends Frame {
  /** Where, in the excerpt. */
  readonly at: number
}

/** An excerpt with everything in it but what is compressed. */
export interface ExcerptLayout {
  readonly bytes: Uint8Array
  readonly holes: readonly Hole[]
}

/**
 * An excerpt of column chunks as they are.
 *
 * @param bytesOf The bytes of a column as they are in the file.
 */
export function encodeExcerpt(excerpt: Excerpt, bytesOf: (leaf: number) => Uint8Array): Uint8Array {
  return layOutExcerpt(excerpt, bytesOf, (size) => new Uint8Array(size))!.bytes
}

/**
 * Lays an excerpt out.
 *
 * @param chunkOf A column of the row group: its bytes as they are in the file, or its pages, to be there decompressed.
 * @param allocate Gives the memory for a number of bytes; more than these may be there, what is in it does not matter.
 * @returns undefined if there is no memory.
 */
export function layOutExcerpt(
  excerpt: Excerpt,
  chunkOf: (leaf: number) => Uint8Array | ChunkPages,
  allocate: (size: number) => Uint8Array | undefined,
): ExcerptLayout | undefined {
  const leaves = [...excerpt.leaves].sort((a, b) => a - b)
  const placed: PlacedChunk[] = []
  let size = HEAD_BYTES
  for (const leaf of leaves) {
    const chunk = asPlaced(chunkOf(leaf), leaf, size)
    placed.push(chunk)
    size += chunk.byteLength
  }
  const footer = encodeThrift(footerOf(excerpt, placed))
  const total = size + footer.length + TAIL_BYTES
  const bytes = allocate(total)?.subarray(0, total)
  if (bytes === undefined) return undefined
  const holes: Hole[] = []
  bytes.set(MAGIC)
  for (const { parts, start } of placed) {
    let at = start
    for (const part of parts) {
      if (part instanceof Uint8Array) bytes.set(part, at)
      else holes.push({ ...part, at })
      at += part instanceof Uint8Array ? part.length : part.size
    }
  }
  bytes.set(footer, size)
  new DataView(bytes.buffer, bytes.byteOffset, total).setUint32(size + footer.length, footer.length, true)
  bytes.set(MAGIC, size + footer.length + 4)
  return { bytes, holes }
}

function asPlaced(chunk: Uint8Array | ChunkPages, leaf: number, start: number): PlacedChunk {
  if (!(chunk instanceof Uint8Array)) return { ...chunk, isPlain: true, leaf, start }
  return { parts: [chunk], byteLength: chunk.length, firstPageGrowth: 0, isPlain: false, leaf, start }
}

interface PlacedChunk extends ChunkPages {
  /** The pages are no longer compressed. */
  readonly isPlain: boolean
  readonly leaf: number
  readonly start: number
}

function footerOf(excerpt: Excerpt, placed: readonly PlacedChunk[]): ThriftStruct {
  const { footer } = excerpt
  const group = footer.rowGroups[excerpt.rowGroup]!
  const chunks = placed.map((chunk) => moveChunk(group.chunks[chunk.leaf]!, chunk))
  const rowGroup = pick(group.raw, [GROUP.totalByteSize, GROUP.rowCount])
  rowGroup.set(GROUP.columns, list(chunks))
  const file = pick(footer.raw, [FILE.version, FILE.createdBy])
  file.set(FILE.schema, list(schemaElements(footer.root, excerpt.leaves)))
  file.set(FILE.rowCount, i64(group.rowCount))
  file.set(FILE.rowGroups, list([rowGroup]))
  const hint = arrowSchemaHint(footer.root, excerpt.leaves, excerpt.dictionaries)
  if (hint !== undefined) file.set(FILE.keyValues, list([keyValue('ARROW:schema', hint)]))
  return file
}

/** Of parquet.thrift. */
const CODEC_UNCOMPRESSED = 0n

/** Statistics, bloom filters and page indexes stay behind: nobody asks for them, and their offsets would be wrong. */
function moveChunk(from: ParquetChunk, to: PlacedChunk): ThriftStruct {
  const metadata = from.raw.get(CHUNK.metadata)!.value as ThriftStruct
  const moved = pick(metadata, [
    COLUMN.type,
    COLUMN.encodings,
    COLUMN.path,
    COLUMN.codec,
    COLUMN.valueCount,
    COLUMN.encodingStats,
  ])
  if (to.isPlain) moved.set(COLUMN.codec, { type: THRIFT.i32, value: CODEC_UNCOMPRESSED })
  moved.set(COLUMN.compressedSize, i64(to.byteLength))
  moved.set(COLUMN.uncompressedSize, i64(to.isPlain ? to.byteLength : from.uncompressedSize))
  for (const field of [COLUMN.dataPage, COLUMN.dictionaryPage]) {
    const offset = Number((metadata.get(field)?.value as bigint | undefined) ?? -1n)
    // The dictionary, where there is one, is the first page; data pages stand behind it.
    if (offset >= from.start)
      moved.set(field, i64(to.start + offset - from.start + (offset > from.start ? to.firstPageGrowth : 0)))
  }
  return new Map([
    [CHUNK.fileOffset, i64(0)],
    [CHUNK.metadata, { type: THRIFT.struct, value: moved }],
  ])
}

function i64(value: number): ThriftField {
  return { type: THRIFT.i64, value: BigInt(value) }
}

function schemaElements(node: ParquetNode, leaves: ReadonlySet<number>): ThriftStruct[] {
  if (node.leaf >= 0) return [node.raw]
  const kept = node.children.filter((child) => holdsAny(child, leaves))
  const element = new Map(node.raw)
  element.set(ELEMENT.childCount, { type: THRIFT.i32, value: BigInt(kept.length) })
  return [element, ...kept.flatMap((child) => schemaElements(child, leaves))]
}

/** Whether a column below `node` is among `leaves`. */
export function holdsAny(node: ParquetNode, leaves: ReadonlySet<number>): boolean {
  return node.leaf >= 0 ? leaves.has(node.leaf) : node.children.some((child) => holdsAny(child, leaves))
}

function pick(from: ThriftStruct, fields: readonly number[]): ThriftStruct {
  const picked: ThriftStruct = new Map()
  for (const field of fields) {
    const value = from.get(field)
    if (value !== undefined) picked.set(field, value)
  }
  return picked
}

function list(items: ThriftStruct[]): { type: number; value: ThriftValue } {
  return { type: THRIFT.list, value: { elementType: THRIFT.struct, items } }
}

function keyValue(key: string, value: string): ThriftStruct {
  const utf8 = new TextEncoder()
  return new Map([
    [1, { type: THRIFT.binary, value: utf8.encode(key) }],
    [2, { type: THRIFT.binary, value: utf8.encode(value) }],
  ])
}
