/**
 * Checksums of what the format has none for: the footer, and column chunks with their page headers. They are two
 * entries of ours among the footer's key-value metadata, of which other readers take no notice
 * (docs/decisions/write-checksums.md).
 */
import { crc32 } from 'node:zlib'
import { assert } from '../errors.ts'
import { FooterFault, structs, text } from './parquet-footer-fields.ts'
import type { ThriftField, ThriftStruct } from './parquet-writer-thrift.ts'
import { THRIFT } from './parquet-writer-thrift.ts'

/**
 * The key of the checksums of all column chunks: row group by row group, in each column by column, four bytes each with
 * the highest first, all of it in base64.
 */
export const CHUNK_CHECKSUMS_KEY = 'datashard.chunk-crc32'
/** The key of the checksum of the footer: CRC-32 as eight digits of base 16. */
export const FOOTER_CHECKSUM_KEY = 'datashard.footer-crc32'
/** What stands there before it is known, as long as it will be; with it the checksum is computed. */
const BLANK = new TextEncoder().encode('00000000')

/** How `created_by` of our files begins. */
const OURS = 'datashard version '
const CRC_BYTES = 4
const KEY_VALUES = 5
const ENTRY = { key: 1, value: 2 } as const

/** The field `key_value_metadata` of a footer that is then to be sealed. */
export function checksumEntries(chunks: readonly number[]): ThriftField {
  const bytes = new DataView(new ArrayBuffer(chunks.length * CRC_BYTES))
  for (const [i, crc] of chunks.entries()) bytes.setUint32(i * CRC_BYTES, crc)
  // The seal last: it is looked for from the end.
  const items = [
    entry(CHUNK_CHECKSUMS_KEY, new TextEncoder().encode(Buffer.from(bytes.buffer).toString('base64'))),
    entry(FOOTER_CHECKSUM_KEY, BLANK),
  ]
  return { type: THRIFT.list, value: { elementType: THRIFT.struct, items } }
}

/**
 * The checksums of the column chunks, unsigned, in the order of {@link CHUNK_CHECKSUMS_KEY}; undefined if there are none.
 *
 * @param footer One whose seal is intact.
 * @throws FooterFault if there are not `count`.
 */
export function chunkChecksums(footer: ThriftStruct, count: number): readonly number[] | undefined {
  const found = structs(footer, KEY_VALUES).find((one) => text(one, ENTRY.key) === CHUNK_CHECKSUMS_KEY)
  if (found === undefined) return undefined
  const bytes = Buffer.from(text(found, ENTRY.value) ?? '', 'base64')
  if (bytes.length !== count * CRC_BYTES) {
    throw new FooterFault(`it has ${bytes.length} bytes of checksums for ${count} column chunks`)
  }
  return Array.from({ length: count }, (_, i) => bytes.readUInt32BE(i * CRC_BYTES))
}

/**
 * Writes the checksum of a footer into it. The footer must have {@link checksumEntries}, and `created_by` behind them as
 * DataShard writes it.
 */
export function sealFooter(footer: Uint8Array): void {
  const at = sealPlace(footer)
  assert(at !== undefined, `a Parquet footer without the entry ${FOOTER_CHECKSUM_KEY} cannot be sealed`)
  footer.set(new TextEncoder().encode(hex(crc32(footer))), at)
}

/** Whether a footer is as it was sealed; `none` if it was not sealed by us. */
export function footerSeal(footer: Uint8Array): 'intact' | 'broken' | 'none' {
  const at = sealPlace(footer)
  if (at === undefined) return 'none'
  const end = at + BLANK.length
  const found = hex(crc32(footer.subarray(end), crc32(BLANK, crc32(footer.subarray(0, at)))))
  return found === new TextDecoder('latin1').decode(footer.subarray(at, end)) ? 'intact' : 'broken'
}

/**
 * Where the checksum stands: behind its key, the head of the value's field and its length. Behind it stand the end of the
 * entry, the head and the length of `created_by`, and that itself, which must be ours: some writers, pyarrow among them,
 * copy the key-value metadata of a file that they read to another that they write, where our checksums mean nothing.
 *
 * Looked for in the bytes, because a damaged footer can be decoded to anything. A change of the bytes that are compared
 * here turns the check off, but then it has changed nothing else.
 */
function sealPlace(footer: Uint8Array): number | undefined {
  const bytes = Buffer.from(footer.buffer, footer.byteOffset, footer.byteLength)
  const key = bytes.lastIndexOf(FOOTER_CHECKSUM_KEY, undefined, 'latin1')
  if (key < 0) return undefined
  const at = key + FOOTER_CHECKSUM_KEY.length + 2
  const createdBy = at + BLANK.length + 3
  return bytes.toString('latin1', createdBy, createdBy + OURS.length) === OURS ? at : undefined
}

function entry(key: string, value: Uint8Array): ThriftStruct {
  return new Map([
    [ENTRY.key, { type: THRIFT.binary, value: new TextEncoder().encode(key) }],
    [ENTRY.value, { type: THRIFT.binary, value }],
  ])
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0')
}
