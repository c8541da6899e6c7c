/**
 * Thrift's compact protocol (thrift.apache.org, "Thrift Compact Protocol"), as a tree that keeps every field: what a
 * Parquet footer is taken apart to and put together from, without knowing all that is in it.
 */
import { assert } from '../errors.ts'

/** Types as the compact protocol numbers them. Booleans are their own types inside a struct. */
export const THRIFT = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const

/** Fields by id, in the order of the ids. */
export type ThriftStruct = Map<number, ThriftField>

export interface ThriftList {
  readonly elementType: number
  readonly items: ThriftValue[]
}

export type ThriftValue = boolean | bigint | Uint8Array | ThriftList | ThriftStruct

export interface ThriftField {
  readonly type: number
  readonly value: ThriftValue
}

/** Deeper than any Parquet footer; keeps hostile bytes from exhausting the stack. */
const MAX_DEPTH = 32

/** Decodes one struct that begins at `bytes[0]`. */
export function decodeThrift(bytes: Uint8Array): ThriftStruct {
  let at = 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

  const byte = (): number => view.getUint8(at++)
  const varint = (): bigint => {
    let small = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const next = byte()
      small |= (next & 0x7f) << shift
      if (next < 0x80) return BigInt(small)
    }
    let value = BigInt(small)
    for (let shift = 28n; ; shift += 7n) {
      const next = byte()
      value |= BigInt(next & 0x7f) << shift
      if (next < 0x80) return value
    }
  }
  const zigzag = (): bigint => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  const binary = (): Uint8Array => {
    const length = Number(varint())
    assert(at + length <= bytes.length, 'a Thrift string ends behind its buffer')
    at += length
    return bytes.subarray(at - length, at)
  }
  const list = (depth: number): ThriftList => {
    const head = byte()
    const size = head >> 4 === 15 ? Number(varint()) : head >> 4
    const elementType = head & 15
    assert(size <= bytes.length, 'a Thrift list is longer than its buffer')
    return { elementType, items: Array.from({ length: size }, () => value(elementType, depth, true)) }
  }
  const value = (type: number, depth: number, inList: boolean): ThriftValue => {
    assert(depth < MAX_DEPTH, 'Thrift values are nested too deeply')
    switch (type) {
      case THRIFT.true:
      case THRIFT.false:
        return inList ? byte() === THRIFT.true : type === THRIFT.true
      case THRIFT.i8:
        return BigInt(view.getInt8(at++))
      case THRIFT.i16:
      case THRIFT.i32:
      case THRIFT.i64:
        return zigzag()
      case THRIFT.double:
        at += 8
        return bytes.subarray(at - 8, at)
      case THRIFT.binary:
        return binary()
      case THRIFT.list:
      case THRIFT.set:
        return list(depth + 1)
      default:
        assert(type === THRIFT.struct, `Thrift type ${type} is not expected in a Parquet footer`)
        return struct(depth + 1)
    }
  }
  const struct = (depth: number): ThriftStruct => {
    const fields: ThriftStruct = new Map()
    let id = 0
    for (;;) {
      const head = byte()
      if (head === 0) return fields
      id = head >> 4 === 0 ? Number(zigzag()) : id + (head >> 4)
      fields.set(id, { type: head & 15, value: value(head & 15, depth, false) })
    }
  }
  return struct(0)
}

/** Encodes a struct; the inverse of {@link decodeThrift}. */
export function encodeThrift(root: ThriftStruct): Uint8Array {
  let out = new Uint8Array(4096)
  let at = 0

  const reserve = (count: number): void => {
    if (at + count <= out.length) return
    const larger = new Uint8Array((at + count) * 2)
    larger.set(out)
    out = larger
  }
  const byte = (value: number): void => {
    reserve(1)
    out[at++] = value
  }
  const varint = (value: bigint): void => {
    for (; value > 0x7fn; value >>= 7n) byte(Number(value & 0x7fn) | 0x80)
    byte(Number(value))
  }
  const zigzag = (value: bigint): void => varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
  const raw = (bytes: Uint8Array): void => {
    reserve(bytes.length)
    out.set(bytes, at)
    at += bytes.length
  }
  const list = ({ elementType, items }: ThriftList): void => {
    byte((Math.min(items.length, 15) << 4) | elementType)
    if (items.length >= 15) varint(BigInt(items.length))
    for (const item of items) value(elementType, item)
  }
  const value = (type: number, item: ThriftValue): void => {
    if (item instanceof Uint8Array) {
      if (type === THRIFT.binary) varint(BigInt(item.length))
      raw(item)
    } else if (item instanceof Map) struct(item)
    else if (typeof item === 'object') list(item)
    else if (typeof item === 'boolean') byte(item ? THRIFT.true : THRIFT.false)
    else if (type === THRIFT.i8) byte(Number(item) & 0xff)
    else zigzag(item)
  }
  const struct = (fields: ThriftStruct): void => {
    let last = 0
    for (const [id, field] of [...fields].sort(([a], [b]) => a - b)) {
      const type = typeof field.value === 'boolean' ? (field.value ? THRIFT.true : THRIFT.false) : field.type
      if (id - last > 0 && id - last < 16) byte(((id - last) << 4) | type)
      else {
        byte(type)
        zigzag(BigInt(id))
      }
      if (typeof field.value !== 'boolean') value(type, field.value)
      last = id
    }
    byte(0)
  }
  struct(root)
  return out.subarray(0, at)
}
