/**
 * Avro object container files (Avro 1.11 specification, "Object Container Files"), as Iceberg uses them for manifests
 * and manifest lists. The schema goes into the header exactly as given, with Iceberg's field ids.
 *
 * The sync marker, which the specification wants random, is a digest of everything else in the file: the same content
 * always makes the same bytes, and our reader notices any change to a file of ours. Other readers only compare markers.
 */
import { createHash } from 'node:crypto'
import { assert, corrupt } from '../errors.ts'
import { AvroReader, AvroWriter, utf8Bytes } from './avro-bytes.ts'
import { decompressor, deflate } from './avro-compression.ts'
import { compileDecoder, maximumItems } from './avro-decode.ts'
import type { AvroDecoder, AvroValue } from './avro-decode.ts'
import type { AvroEncoder, AvroInput } from './avro-encode.ts'
import { AvroSchemaError, parseAvroSchema } from './avro-schema.ts'
import type { AvroType } from './avro-schema.ts'
import { JsonSyntaxError, parseJson } from './lossless-json.ts'

const MAGIC = Uint8Array.of(0x4f, 0x62, 0x6a, 1)
const SYNC_BYTES = 16
const CHECKSUM_KEY = 'datashard.checksum'
/** The sync marker is the start of the SHA-256 of the file without its sync markers. */
const CHECKSUM = 'sync-sha256'
/** A block is closed when it is this large before compression, so that readers can work in pieces. */
const BLOCK_BYTES = 256 * 1024
/** Files smaller than this are not compressed: their header, which never is, is most of them. */
const COMPRESS_FROM_BYTES = 4 * 1024
/** Schemas of files that were read, kept compiled. Tables have few; a scan over many tables must not keep them all. */
const MAX_CACHED_SCHEMAS = 64

/** A schema as it is written to files: its text and what it compiles to. Build it once, use it often. */
export interface AvroWriteSchema {
  readonly text: string
  readonly encode: AvroEncoder
}

/** Encodes a file. `header` is what comes beside the schema, in this order; its keys must not start with `avro.`. */
export function writeAvro(
  schema: AvroWriteSchema,
  header: Readonly<Record<string, string>>,
  records: readonly AvroInput[],
): Uint8Array {
  const blocks = encodeBlocks(schema.encode, records)
  const compress = blocks.reduce((sum, block) => sum + block.bytes.length, 0) >= COMPRESS_FROM_BYTES
  const entries = {
    'avro.schema': schema.text,
    'avro.codec': compress ? 'deflate' : 'null',
    ...header,
    [CHECKSUM_KEY]: CHECKSUM,
  }
  const parts = [encodeHeader(entries)]
  for (const { count, bytes } of blocks) {
    const data = compress ? deflate(bytes) : bytes
    const frame = new AvroWriter(data.length + 16)
    frame.int(count)
    frame.data(data)
    parts.push(frame.finish())
  }
  return joinWithSync(parts)
}

interface Block {
  readonly count: number
  readonly bytes: Uint8Array
}

function encodeBlocks(encode: AvroEncoder, records: readonly AvroInput[]): Block[] {
  const blocks: Block[] = []
  for (let next = 0; next < records.length;) {
    const first = next
    const writer = new AvroWriter()
    while (next < records.length && writer.length < BLOCK_BYTES) encode(writer, records[next++])
    blocks.push({ count: next - first, bytes: writer.finish() })
  }
  return blocks
}

function encodeHeader(entries: Readonly<Record<string, string>>): Uint8Array {
  const writer = new AvroWriter()
  writer.fixed(MAGIC)
  const keys = Object.keys(entries)
  writer.int(keys.length)
  for (const key of keys) {
    writer.string(key)
    writer.data(utf8Bytes(entries[key]!))
  }
  writer.int(0)
  return writer.finish()
}

function joinWithSync(parts: readonly Uint8Array[]): Uint8Array {
  const sync = digest(parts)
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length + SYNC_BYTES, 0))
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    file.set(sync, at + part.length)
    at += part.length + SYNC_BYTES
  }
  assert(at === file.length, 'an Avro file has the length of its parts')
  return file
}

function digest(parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest().subarray(0, SYNC_BYTES)
}

/** An Avro file whose header was read. */
export interface AvroFile {
  /** Text by key. Values that are no text are there with replacement characters. */
  readonly header: ReadonlyMap<string, string>
  /** Whether DataShard wrote it: then what the header says of the file is right. */
  readonly isOurs: boolean
  /** Of the schema the file was written with; the same object for the same schema text, as long as it is cached. */
  readonly type: AvroType
  /** Decodes all records, each handed to `convert` at once. @throws `corrupt` */
  readRecords<T>(convert: (record: AvroValue, index: number) => T): T[]
}

/**
 * Opens an Avro file.
 *
 * @param where names the object in errors: "manifest s3://bucket/key".
 * @throws `corrupt` if it is damaged or no Avro file; `unsupported` for a codec without code.
 */
export function openAvro(bytes: Uint8Array, where: string): AvroFile {
  const reader = new AvroReader(bytes, where)
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    corrupt(`${where} is no Avro file: it ${bytes.length === 0 ? 'is empty' : 'does not start with "Obj" 1'}`)
  }
  reader.skip(MAGIC.length)
  const header = readHeader(reader)
  const body = readBlocks(reader)
  const isOurs = header.get(CHECKSUM_KEY) === CHECKSUM
  if (isOurs) verifyDigest(bytes, body, where)
  const schema = header.get('avro.schema') ?? corrupt(`${where} is damaged: there is no schema in its header`)
  const { type, decode } = compiled(schema, where)
  const decompress = decompressor(header.get('avro.codec') ?? 'null', where)
  return {
    header,
    isOurs,
    type,
    readRecords: (convert) => {
      const records: ReturnType<typeof convert>[] = []
      for (const block of body.blocks) {
        for (const record of decodeBlock(block, decompress, type, decode, where)) {
          records.push(convert(record, records.length))
        }
      }
      return records
    },
  }
}

function readHeader(reader: AvroReader): Map<string, string> {
  const header = new Map<string, string>()
  for (;;) {
    // A negative count is followed by the size of the block.
    const count = reader.long()
    if (count === 0n) return header
    if (count < 0n) reader.count('the size of the header', reader.remaining)
    const entries = count < 0n ? -count : count
    if (entries > BigInt(reader.remaining)) reader.fail(`a header of ${entries} entries`)
    for (let i = 0n; i < entries; i++) {
      const key = reader.string()
      header.set(key, reader.looseString())
    }
  }
}

interface Body {
  /** Parts of the file between sync markers: header first, then the blocks. */
  readonly parts: readonly Uint8Array[]
  readonly blocks: readonly Block[]
  readonly sync: Uint8Array
}

function readBlocks(reader: AvroReader): Body {
  const { bytes } = reader
  const parts = [bytes.subarray(0, reader.at)]
  const sync = reader.fixed(SYNC_BYTES)
  const blocks: Block[] = []
  while (reader.remaining > 0) {
    const start = reader.at
    const count = reader.count('the number of records in a block', Number.MAX_SAFE_INTEGER)
    const size = reader.count('the size of a block', reader.remaining)
    const from = reader.at
    reader.skip(size)
    blocks.push({ count, bytes: bytes.subarray(from, from + size) })
    parts.push(bytes.subarray(start, reader.at))
    for (let i = 0; i < SYNC_BYTES; i++) {
      if (reader.byte() !== sync[i]) reader.fail('a sync marker is not the one of the header')
    }
  }
  return { parts, blocks, sync }
}

function verifyDigest(file: Uint8Array, { parts, sync }: Body, where: string): void {
  const expected = digest(parts)
  if (!sync.every((byte, i) => byte === expected[i])) {
    corrupt(`${where} is damaged: its ${file.length} bytes do not have the checksum they were written with`)
  }
}

function* decodeBlock(
  { count, bytes }: Block,
  decompress: (data: Uint8Array) => Uint8Array,
  type: AvroType,
  decode: AvroDecoder,
  where: string,
): Generator<AvroValue> {
  const reader = new AvroReader(decompress(bytes), where)
  if (count > maximumItems(type, reader.remaining)) reader.fail(`a block claims to hold ${count} records`)
  for (let i = 0; i < count; i++) yield decode(reader)
  if (reader.remaining > 0) reader.fail('a block is longer than its records')
}

interface Compiled {
  readonly type: AvroType
  readonly decode: AvroDecoder
}

const cache = new Map<string, Compiled>()

function compiled(text: string, where: string): Compiled {
  let schema = cache.get(text)
  if (schema === undefined) {
    schema = compileSchema(text, where)
    if (cache.size >= MAX_CACHED_SCHEMAS) cache.clear()
    cache.set(text, schema)
  }
  return schema
}

function compileSchema(text: string, where: string): Compiled {
  try {
    const type = parseAvroSchema(parseJson(text))
    return { type, decode: compileDecoder(type) }
  } catch (error) {
    if (!(error instanceof AvroSchemaError) && !(error instanceof JsonSyntaxError)) throw error
    return corrupt(`${where} is damaged: the schema in its header is wrong: ${error.message}`, undefined, error)
  }
}
