/**
 * Decoders made from Avro schemas: one closure per type, built once per schema.
 *
 * | Avro | value |
 * |---|---|
 * | null, boolean, string, enum | null, boolean, string |
 * | int, float, double | number |
 * | long | bigint |
 * | bytes, fixed | Uint8Array; logical type decimal: bigint (unscaled); uuid: string |
 * | record | array of its values, in the order of the schema's fields |
 * | array | array; logical type map: Map |
 * | map | Map |
 * | union | the value of its branch |
 */
import { decimalFromBytes } from '../spec/decimal.ts'
import { uuidFromBytes } from '../spec/uuid-bytes.ts'
import type { AvroReader } from './avro-bytes.ts'
import { minimumBytes } from './avro-schema.ts'
import type { AvroArray, AvroFixed, AvroPrimitive, AvroRecordType, AvroType } from './avro-schema.ts'

export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | ReadonlyMap<AvroValue, AvroValue>

export type AvroDecoder = (reader: AvroReader) => AvroValue

/** Items that take no bytes can be claimed without end; nobody writes more of them than this. */
const MAX_EMPTY_ITEMS = 1_000_000

/** The most items of a type that `bytes` bytes can hold. */
export function maximumItems(type: AvroType, bytes: number): number {
  const size = minimumBytes(type)
  return size === 0 ? MAX_EMPTY_ITEMS : Math.floor(bytes / size)
}

/** Named types are compiled once, however often a schema uses them. */
export function compileDecoder(type: AvroType, known = new Map<AvroType, AvroDecoder>()): AvroDecoder {
  let decoder = known.get(type)
  if (decoder === undefined) {
    decoder = compile(type, (inner) => compileDecoder(inner, known))
    known.set(type, decoder)
  }
  return decoder
}

type Compile = (type: AvroType) => AvroDecoder

function compile(type: AvroType, inner: Compile): AvroDecoder {
  switch (type.kind) {
    case 'record':
      return compileRecord(type, inner)
    case 'array':
      return isPairs(type) ? compilePairs(type.items as AvroRecordType, inner) : compileArray(type.items, inner)
    case 'map':
      return compileMap(type.values, inner)
    case 'union': {
      const branches = type.branches.map(inner)
      return (reader) => branches[reader.count('the branch of a union', branches.length - 1)]!(reader)
    }
    case 'enum': {
      const { symbols } = type
      return (reader) => symbols[reader.count('the index of an enum', symbols.length - 1)]!
    }
    case 'fixed':
      return compileFixed(type)
    default:
      return compilePrimitive(type)
  }
}

function compilePrimitive(type: AvroPrimitive): AvroDecoder {
  switch (type.kind) {
    case 'null':
      return () => null
    case 'boolean':
      return (reader) => reader.boolean()
    case 'int':
      return (reader) => reader.int()
    case 'long':
      return (reader) => reader.long()
    case 'float':
      return (reader) => reader.float()
    case 'double':
      return (reader) => reader.double()
    case 'string':
      return (reader) => reader.string()
    case 'bytes':
      return type.logicalType === 'decimal' ? (reader) => decimalFromBytes(reader.data()) : (reader) => reader.data()
  }
}

function compileFixed({ size, logicalType }: AvroFixed): AvroDecoder {
  if (logicalType === 'decimal') return (reader) => decimalFromBytes(reader.fixed(size))
  if (logicalType === 'uuid' && size === 16) return (reader) => uuidFromBytes(reader.fixed(16))
  return (reader) => reader.fixed(size)
}

function compileRecord(type: AvroRecordType, inner: Compile): AvroDecoder {
  const decoders = type.fields.map((field) => inner(field.type))
  return (reader) => {
    const values: AvroValue[] = []
    for (let i = 0; i < decoders.length; i++) values.push(decoders[i]!(reader))
    return values
  }
}

/** Iceberg's maps are arrays of records with two fields (appendix A: "Array storage must use logical type name map"). */
function isPairs(type: AvroArray): boolean {
  return type.logicalType === 'map' && type.items.kind === 'record' && type.items.fields.length === 2
}

function compileArray(items: AvroType, inner: Compile): AvroDecoder {
  const decode = inner(items)
  return (reader) => {
    const values: AvroValue[] = []
    for (let n = blockLength(reader, items); n > 0; n = blockLength(reader, items)) {
      while (n-- > 0) values.push(decode(reader))
    }
    return values
  }
}

function compilePairs(pair: AvroRecordType, inner: Compile): AvroDecoder {
  const key = inner(pair.fields[0]!.type)
  const value = inner(pair.fields[1]!.type)
  return (reader) => {
    const map = new Map<AvroValue, AvroValue>()
    for (let n = blockLength(reader, pair); n > 0; n = blockLength(reader, pair)) {
      while (n-- > 0) map.set(key(reader), value(reader))
    }
    return map
  }
}

function compileMap(values: AvroType, inner: Compile): AvroDecoder {
  const value = inner(values)
  return (reader) => {
    const map = new Map<AvroValue, AvroValue>()
    for (let n = blockLength(reader, values); n > 0; n = blockLength(reader, values)) {
      while (n-- > 0) map.set(reader.string(), value(reader))
    }
    return map
  }
}

/** How many items follow; 0 is the end. A negative count is followed by the block's bytes, which only skipping needs. */
function blockLength(reader: AvroReader, items: AvroType): number {
  const count = reader.long()
  if (count === 0n) return 0
  const limit = maximumItems(items, reader.remaining)
  if (count > BigInt(limit) || count < -BigInt(limit))
    reader.fail(`a block of ${count} items, at most ${limit} can follow`)
  if (count > 0n) return Number(count)
  reader.count('the size of a block', reader.remaining)
  return Number(-count)
}
