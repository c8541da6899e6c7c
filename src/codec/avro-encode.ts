/**
 * Encoders made from Avro schemas, the inverse of avro-decode.ts: the same values, records as arrays in the order of
 * the schema's fields. Only the types that Iceberg writes: of unions, `["null", X]`.
 */
import { assert } from '../errors.ts'
import { uuidToBytes } from '../spec/uuid-bytes.ts'
import type { AvroWriter } from './avro-bytes.ts'
import type { AvroValue } from './avro-decode.ts'
import type { AvroFixed, AvroPrimitive, AvroRecordType, AvroType } from './avro-schema.ts'

/** Takes values as avro-decode.ts describes them; `undefined` is as good as null. */
export type AvroEncoder = (writer: AvroWriter, value: AvroInput) => void

export type AvroInput = AvroValue | undefined | readonly AvroInput[] | ReadonlyMap<AvroInput, AvroInput>

export function compileEncoder(type: AvroType): AvroEncoder {
  switch (type.kind) {
    case 'record':
      return compileRecord(type)
    case 'array': {
      if (type.logicalType === 'map' && type.items.kind === 'record') return compilePairs(type.items)
      const item = compileEncoder(type.items)
      return (writer, value) => {
        const items = value as readonly AvroInput[]
        if (items.length > 0) writer.int(items.length)
        for (let i = 0; i < items.length; i++) item(writer, items[i])
        writer.byte(0)
      }
    }
    case 'union': {
      const [none, some] = type.branches
      assert(
        none?.kind === 'null' && some !== undefined && type.branches.length === 2,
        'only optional values are written',
      )
      const encode = compileEncoder(some)
      return (writer, value) => {
        if (value === null || value === undefined) return writer.byte(0)
        writer.byte(2)
        encode(writer, value)
      }
    }
    case 'fixed':
      return compileFixed(type)
    case 'enum':
    case 'map':
      assert(false, `Avro ${type.kind} is never written`)
      break
    default:
      return compilePrimitive(type)
  }
}

function compilePrimitive({ kind }: AvroPrimitive): AvroEncoder {
  switch (kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (writer, value) => writer.boolean(value as boolean)
    case 'int':
      return (writer, value) => writer.int(value as number)
    case 'long':
      return (writer, value) => writer.long(value as bigint)
    case 'float':
      return (writer, value) => writer.float(value as number)
    case 'double':
      return (writer, value) => writer.double(value as number)
    case 'string':
      return (writer, value) => writer.string(value as string)
    case 'bytes':
      return (writer, value) => writer.data(value as Uint8Array)
  }
}

function compileFixed({ size, logicalType }: AvroFixed): AvroEncoder {
  if (logicalType === 'decimal') return (writer, value) => writer.fixed(signedBytes(value as bigint, size))
  if (logicalType === 'uuid') return (writer, value) => writer.fixed(uuidToBytes(value as string))
  return (writer, value) => {
    assert((value as Uint8Array).length === size, `a fixed of ${size} bytes has ${(value as Uint8Array).length}`)
    writer.fixed(value as Uint8Array)
  }
}

/** Two's complement, big-endian, in exactly `size` bytes. */
function signedBytes(value: bigint, size: number): Uint8Array {
  assert(BigInt.asIntN(size * 8, value) === value, `a decimal does not fit in ${size} bytes`)
  const bytes = new Uint8Array(size)
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(value & 0xffn)
    value >>= 8n
  }
  return bytes
}

function compileRecord(type: AvroRecordType): AvroEncoder {
  const encoders = type.fields.map((field) => compileEncoder(field.type))
  return (writer, value) => {
    const values = value as readonly AvroInput[]
    assert(values.length === encoders.length, `a record of ${encoders.length} fields got ${values.length}`)
    for (let i = 0; i < encoders.length; i++) encoders[i]!(writer, values[i])
  }
}

function compilePairs(pair: AvroRecordType): AvroEncoder {
  assert(pair.fields.length === 2, 'a map has keys and values')
  const encodeKey = compileEncoder(pair.fields[0]!.type)
  const encodeValue = compileEncoder(pair.fields[1]!.type)
  return (writer, value) => {
    const map = value as ReadonlyMap<AvroInput, AvroInput>
    if (map.size > 0) writer.int(map.size)
    for (const [key, item] of map) {
      encodeKey(writer, key)
      encodeValue(writer, item)
    }
    writer.byte(0)
  }
}
