/** Columns in which every row has the same value: what stands in for a column that a file has not. */
import { encodeValue } from '../spec/values.ts'
import type { Field, Type, Value } from '../spec/types.ts'
import { childFields } from '../spec/schema.ts'
import type { Column, FixedColumn } from './columns.ts'

/** `length` times `value`; null: no value at all, of whatever type. */
export function constantColumn(field: Field, value: Value | null, length: number): Column {
  const { type } = field
  const missing = value === null && length > 0
  const base = {
    fieldId: field.id,
    type,
    length,
    validity: missing ? new Uint8Array((length + 7) >> 3) : undefined,
    nullCount: missing ? length : 0,
  }
  switch (type.type) {
    case 'struct':
      return {
        ...base,
        kind: 'struct',
        children: childFields(type).map((child) => constantColumn(child, null, length)),
      }
    case 'list':
      return { ...base, kind: 'list', offsets: new Int32Array(length + 1), element: emptyColumn(childFields(type)[0]!) }
    case 'map': {
      const [key, entry] = childFields(type)
      return {
        ...base,
        kind: 'map',
        offsets: new Int32Array(length + 1),
        key: emptyColumn(key!),
        value: emptyColumn(entry!),
      }
    }
    case 'string':
    case 'binary':
      return {
        ...base,
        kind: 'bytes',
        ...repeatBytes(value === null ? new Uint8Array() : encodeValue(type, value), length),
      }
    default:
      return { ...base, kind: 'fixed', values: fixedValues(type, value, length) }
  }
}

function emptyColumn(field: Field): Column {
  return constantColumn(field, null, 0)
}

function repeatBytes(bytes: Uint8Array, length: number): { offsets: Int32Array; data: Uint8Array } {
  const data = new Uint8Array(bytes.length * length)
  const offsets = new Int32Array(length + 1)
  for (let i = 0; i < length; i++) {
    data.set(bytes, i * bytes.length)
    offsets[i + 1] = (i + 1) * bytes.length
  }
  return { offsets, data }
}

function fixedValues(type: Type, value: Value | null, length: number): FixedColumn['values'] {
  switch (type.type) {
    case 'boolean':
      return new Uint8Array((length + 7) >> 3).fill(value === true ? 0xff : 0)
    case 'int':
    case 'date':
      return new Int32Array(length).fill((value as number | null) ?? 0)
    case 'float':
      return new Float32Array(length).fill((value as number | null) ?? 0)
    case 'double':
      return new Float64Array(length).fill((value as number | null) ?? 0)
    case 'decimal':
      return decimals((value as bigint | null) ?? 0n, length)
    case 'uuid':
    case 'fixed': {
      const width = type.type === 'fixed' ? type.length : 16
      return repeatBytes(value === null ? new Uint8Array(width) : encodeValue(type, value), length).data
    }
    default:
      return new BigInt64Array(length).fill((value as bigint | null) ?? 0n)
  }
}

function decimals(unscaled: bigint, length: number): Uint8Array {
  const words = new BigInt64Array(length * 2)
  for (let i = 0; i < length; i++) {
    words[2 * i] = BigInt.asIntN(64, unscaled)
    words[2 * i + 1] = unscaled >> 64n
  }
  return new Uint8Array(words.buffer)
}
