/**
 * The footer of a Parquet file as plain objects (parquet-format, `parquet.thrift`), checked against the file's size:
 * what is not consistent is refused here, before a decoder sees it. Statistics stay raw bytes; `parquet-metrics.ts`
 * knows what they mean. The Thrift structs themselves stay at hand, because a part of a file gets a footer of its own.
 */
import { corrupt, DataShardError, unsupported } from '../errors.ts'
import { chunkChecksums, footerSeal } from './parquet-checksum-footer.ts'
import { FooterFault, integer, structs, text } from './parquet-footer-fields.ts'
import type { ThriftStruct } from './parquet-writer-thrift.ts'
import { decodeThrift } from './parquet-writer-thrift.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import { leavesOf, parseSchemaTree } from './parquet-footer-schema.ts'

/** Fields of `FileMetaData`. */
export const FILE = {
  version: 1,
  schema: 2,
  rowCount: 3,
  rowGroups: 4,
  keyValues: 5,
  createdBy: 6,
  columnOrders: 7,
} as const
/** Fields of `RowGroup`. */
export const GROUP = { columns: 1, totalByteSize: 2, rowCount: 3 } as const
/** Fields of `ColumnChunk`. */
export const CHUNK = { filePath: 1, fileOffset: 2, metadata: 3, crypto: 8, encryptedMetadata: 9 } as const
/** Fields of `ColumnMetaData`. */
export const COLUMN = {
  type: 1,
  encodings: 2,
  path: 3,
  codec: 4,
  valueCount: 5,
  uncompressedSize: 6,
  compressedSize: 7,
  dataPage: 9,
  dictionaryPage: 11,
  statistics: 12,
  encodingStats: 13,
} as const
/** Fields of `Statistics`; 1 and 2 are the deprecated max and min, whose order nobody knows. */
const STATISTICS = { nullCount: 3, max: 5, min: 6 } as const

const MAGIC = 0x31524150
const MAGIC_ENCRYPTED = 0x45524150
/** The magic number at the beginning. */
export const HEAD_BYTES = 4
/** The length of the footer and the magic number at the end. */
export const TAIL_BYTES = 8
/** The smallest file: both magic numbers, the length, and the end of an empty struct. */
const MIN_FILE_BYTES = 13
/** A footer larger than this is no footer: 10,000 columns in 100 row groups take about this much. */
const MAX_FOOTER_BYTES = 256 * 1024 * 1024

/**
 * Raw values of one column of one row group, as `PLAIN` encodes them. A writer may have shortened them (`is_max_value_exact`):
 * they are bounds all the same.
 */
export interface ParquetStatistics {
  readonly min?: Uint8Array
  readonly max?: Uint8Array
  readonly nullCount?: bigint
}

/** One column of one row group. */
export interface ParquetChunk {
  readonly codec: number
  /** Nulls included; for a column inside a list one per element, and one per empty list. */
  readonly valueCount: bigint
  /** Where its bytes are in the file: dictionary page and data pages. */
  readonly start: number
  readonly size: number
  readonly uncompressedSize: number
  /** CRC-32 of its bytes; undefined if the writer, which then is not DataShard, gave none. */
  readonly crc: number | undefined
  /** Undefined if there are none, or none whose order is defined. */
  readonly statistics: ParquetStatistics | undefined
  /** The data pages are known to be all dictionary-encoded. */
  readonly dictionaryOnly: boolean
  readonly raw: ThriftStruct
}

export interface ParquetRowGroup {
  readonly rowCount: number
  /** One per leaf of the schema, in its order. */
  readonly chunks: readonly ParquetChunk[]
  readonly raw: ThriftStruct
}

export interface ParquetFooter {
  readonly rowCount: number
  readonly root: ParquetNode
  readonly leaves: readonly ParquetNode[]
  readonly rowGroups: readonly ParquetRowGroup[]
  readonly createdBy: string | undefined
  readonly raw: ThriftStruct
}

/**
 * The length of the footer, from the last eight bytes of a file.
 *
 * @param where Names the file in errors.
 * @throws `corrupt` if the file does not end as a Parquet file does, `unsupported` if its footer is encrypted.
 */
export function footerLength(tail: Uint8Array, fileSize: number, where: string): number {
  if (fileSize < MIN_FILE_BYTES || tail.length < TAIL_BYTES) {
    return corrupt(`${where} is no Parquet file: it has ${fileSize} bytes; ${RESTORE}`)
  }
  const view = new DataView(tail.buffer, tail.byteOffset + tail.length - TAIL_BYTES, TAIL_BYTES)
  const magic = view.getUint32(4, true)
  if (magic === MAGIC_ENCRYPTED) return unsupported(`${where} is encrypted, which DataShard cannot read`)
  if (magic !== MAGIC)
    return corrupt(`${where} does not end as a Parquet file does (PAR1); it is cut off or no Parquet file; ${RESTORE}`)
  const length = view.getUint32(0, true)
  if (length > fileSize - HEAD_BYTES - TAIL_BYTES || length > MAX_FOOTER_BYTES) {
    return corrupt(`the footer of ${where} claims ${length} bytes, the file has ${fileSize}; ${RESTORE}`)
  }
  return length
}

/** What a user can do about a damaged file. */
export const RESTORE = 'restore the object from a backup or an older version of it'

/**
 * The footer of a file.
 *
 * @param bytes The footer alone, without the eight bytes behind it.
 * @throws `corrupt` saying what does not fit together, `unsupported` for encrypted columns.
 */
export function parseFooter(bytes: Uint8Array, fileSize: number, where: string): ParquetFooter {
  const seal = footerSeal(bytes)
  if (seal === 'broken') return corrupt(`the footer of ${where} is damaged: its checksum does not match; ${RESTORE}`)
  const raw = decode(bytes, where)
  try {
    return interpret(raw, fileSize - bytes.length - TAIL_BYTES, seal === 'intact')
  } catch (error) {
    if (DataShardError.is(error, 'unsupported')) return unsupported(`${where}: ${error.message}`)
    if (error instanceof FooterFault) return corrupt(`the footer of ${where} is damaged: ${error.message}; ${RESTORE}`)
    return corrupt(
      `the footer of ${where} is damaged: it is not what a Parquet footer looks like; ${RESTORE}`,
      undefined,
      error,
    )
  }
}

function decode(bytes: Uint8Array, where: string): ThriftStruct {
  try {
    return decodeThrift(bytes)
  } catch (error) {
    return corrupt(`the footer of ${where} is damaged: it is not valid Thrift; ${RESTORE}`, undefined, error)
  }
}

function interpret(raw: ThriftStruct, dataEnd: number, isSealed: boolean): ParquetFooter {
  const root = parseSchemaTree(structs(raw, FILE.schema))
  const leaves = leavesOf(root)
  const ordered = definedOrders(raw, leaves.length)
  const groups = structs(raw, FILE.rowGroups)
  const checksums = isSealed ? chunkChecksums(raw, groups.length * leaves.length) : undefined
  const rowGroups = groups.map((group, i) => {
    const crcs = checksums?.slice(i * leaves.length, (i + 1) * leaves.length)
    return parseRowGroup(group, { leaves, ordered, dataEnd, crcs })
  })
  const rowCount = rowGroups.reduce((sum, group) => sum + group.rowCount, 0)
  // Some writers leave the file's own count at 0.
  const claimed = integer(raw, FILE.rowCount)
  if (claimed === undefined || !raw.has(FILE.rowGroups)) throw new FooterFault('it has no row count or no row groups')
  if (claimed !== 0n && claimed !== BigInt(rowCount)) {
    throw new FooterFault(`it says that there are ${claimed} rows, its row groups have ${rowCount}`)
  }
  return { rowCount, root, leaves, rowGroups, createdBy: text(raw, FILE.createdBy), raw }
}

/** Minimum and maximum mean something only in the order of the type (`ColumnOrder.TYPE_ORDER`), column by column. */
function definedOrders(raw: ThriftStruct, leafCount: number): readonly boolean[] {
  const orders = structs(raw, FILE.columnOrders)
  return Array.from({ length: leafCount }, (_, i) => orders.length === leafCount && orders[i]!.has(1))
}

/** What is to be known to read a row group's part of the footer; lists have one item per leaf. */
interface GroupContext {
  readonly leaves: readonly ParquetNode[]
  readonly ordered: readonly boolean[]
  readonly crcs: readonly number[] | undefined
  readonly dataEnd: number
}

function parseRowGroup(raw: ThriftStruct, context: GroupContext): ParquetRowGroup {
  const { leaves } = context
  const chunks = structs(raw, GROUP.columns)
  if (chunks.length !== leaves.length) {
    throw new FooterFault(`a row group has ${chunks.length} columns, the schema ${leaves.length}`)
  }
  const rowCount = count(raw, GROUP.rowCount, 'row count of a row group')
  const parsed = chunks.map((chunk, i) => parseChunk(chunk, i, context))
  for (const [i, { valueCount }] of parsed.entries()) {
    const { name, isRepeated } = leaves[i]!
    // Outside lists and maps there is one value in each row, be it null.
    if (!isRepeated && valueCount !== BigInt(rowCount)) {
      throw new FooterFault(`column '${name}' has ${valueCount} values in ${rowCount} rows`)
    }
  }
  return { rowCount, chunks: parsed, raw }
}

function parseChunk(raw: ThriftStruct, i: number, { leaves, ordered, crcs, dataEnd }: GroupContext): ParquetChunk {
  const leaf = leaves[i]!
  if (raw.has(CHUNK.crypto) || raw.has(CHUNK.encryptedMetadata)) unsupported(`column '${leaf.name}' is encrypted`)
  if (raw.has(CHUNK.filePath)) unsupported(`column '${leaf.name}' lies in another file`)
  const metadata = raw.get(CHUNK.metadata)?.value
  if (!(metadata instanceof Map)) throw new FooterFault(`column '${leaf.name}' has no metadata`)
  if (integer(metadata, COLUMN.type) !== BigInt(leaf.physical!)) {
    throw new FooterFault(`column '${leaf.name}' has two physical types`)
  }
  const data = count(metadata, COLUMN.dataPage, 'page offset')
  const dictionary = metadata.has(COLUMN.dictionaryPage) ? count(metadata, COLUMN.dictionaryPage, 'page offset') : 0
  // Some writers say 0 for "no dictionary".
  const start = dictionary >= HEAD_BYTES && (dictionary < data || data < HEAD_BYTES) ? dictionary : data
  const size = count(metadata, COLUMN.compressedSize, 'size')
  const valueCount = count(metadata, COLUMN.valueCount, 'value count')
  // Of a row group without rows the offsets are often made up.
  if (valueCount > 0 && (start < HEAD_BYTES || start + size > dataEnd)) {
    throw new FooterFault(`column '${leaf.name}' would lie at bytes ${start} to ${start + size}, outside of the data`)
  }
  return {
    codec: Number(integer(metadata, COLUMN.codec) ?? 0n),
    valueCount: BigInt(valueCount),
    start,
    size: valueCount === 0 ? 0 : size,
    uncompressedSize: count(metadata, COLUMN.uncompressedSize, 'size'),
    crc: crcs?.[i],
    statistics: parseStatistics(metadata.get(COLUMN.statistics)?.value, ordered[i]!),
    dictionaryOnly: isDictionaryOnly(metadata),
    raw,
  }
}

function parseStatistics(raw: unknown, ordered: boolean): ParquetStatistics | undefined {
  if (!(raw instanceof Map)) return undefined
  const statistics = raw as ThriftStruct
  const min = ordered ? statistics.get(STATISTICS.min)?.value : undefined
  const max = ordered ? statistics.get(STATISTICS.max)?.value : undefined
  const nullCount = integer(statistics, STATISTICS.nullCount)
  return {
    ...(min instanceof Uint8Array && { min }),
    ...(max instanceof Uint8Array && { max }),
    ...(nullCount !== undefined && nullCount >= 0n && { nullCount }),
  }
}

const DATA_PAGES = new Set([0n, 3n])
const DICTIONARY_ENCODINGS = new Set([2n, 8n])

/** `encoding_stats` says for each kind of page how many there are of each encoding. */
function isDictionaryOnly(metadata: ThriftStruct): boolean {
  const stats = structs(metadata, COLUMN.encodingStats).filter((one) => DATA_PAGES.has(integer(one, 1) ?? -1n))
  return stats.length > 0 && stats.every((one) => DICTIONARY_ENCODINGS.has(integer(one, 2) ?? -1n))
}

/** A count, offset or size, which is neither negative nor too large for a number. */
function count(parent: ThriftStruct, field: number, what: string): number {
  const value = integer(parent, field)
  if (value === undefined || value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FooterFault(`a ${what} is ${value === undefined ? 'missing' : String(value)}`)
  }
  return Number(value)
}
