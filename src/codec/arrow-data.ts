/**
 * Apache Arrow's in-memory data, known by its shape and not by its class: a table may come from another version or copy
 * of apache-arrow, and to take it in none has to be loaded.
 */
import type { Validity } from './columns.ts'

/** Members of `Type` in apache-arrow, which are those of Arrow's Schema.fbs. */
export const ARROW = {
  null: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedBinary: 15,
  fixedList: 16,
  map: 17,
  largeBinary: 19,
  largeUtf8: 20,
  largeList: 21,
  binaryView: 23,
  utf8View: 24,
  dictionary: -1,
} as const

export interface ArrowType {
  readonly typeId: number
  readonly bitWidth?: number
  readonly isSigned?: boolean
  readonly precision?: number
  readonly scale?: number
  /** Dates: 0 days, 1 milliseconds. Times and timestamps: 0 s, 1 ms, 2 us, 3 ns. */
  readonly unit?: number
  readonly timezone?: string | null
  readonly byteWidth?: number
  readonly listSize?: number
  readonly children?: readonly { readonly name: string }[] | null
  toString(): string
}

type Values = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array

/** `values` begin with the first value, whatever `offset` says; only bitmaps are counted from `offset` on. */
export interface ArrowData {
  readonly type: ArrowType
  readonly length: number
  readonly offset: number
  readonly nullCount: number
  readonly nullBitmap?: Uint8Array | null
  readonly values: Values | BigInt64Array | BigUint64Array
  readonly valueOffsets: Int32Array | BigInt64Array
  readonly children: readonly ArrowData[]
  readonly dictionary?: { readonly data: readonly ArrowData[] }
  readonly variadicBuffers?: readonly Uint8Array[]
  slice(offset: number, length: number): ArrowData
}

export interface ArrowRecordBatch {
  readonly schema: { readonly fields: readonly { readonly name: string }[] }
  readonly data: ArrowData
  readonly numRows: number
}

/**
 * A table or a record batch of any copy of apache-arrow: what tells it from anything else. The types of its data differ
 * between versions, so they are looked at when they are there.
 */
export type ArrowInput =
  | { readonly schema: ArrowRecordBatch['schema']; readonly batches: readonly unknown[] }
  | { readonly schema: ArrowRecordBatch['schema']; readonly data: unknown; readonly numRows: number }

/** Whether a value is an Arrow table or record batch. */
export function isArrow(input: unknown): input is ArrowInput {
  if (typeof input !== 'object' || input === null) return false
  const { schema, batches, data, numRows } = input as Partial<ArrowRecordBatch & { batches: unknown }>
  if (!Array.isArray(schema?.fields)) return false
  return Array.isArray(batches) || (typeof numRows === 'number' && Array.isArray(data?.children))
}

export function recordBatchesOf(input: ArrowInput): readonly ArrowRecordBatch[] {
  return ('batches' in input ? input.batches : [input]) as readonly ArrowRecordBatch[]
}

/** The bitmap of the present values from bit 0 on; undefined if none is null. */
export function validityOf(data: ArrowData): { validity: Validity; nullCount: number } {
  const { length, nullBitmap } = data
  if (data.type.typeId === ARROW.null) {
    return length === 0 ? { validity: undefined, nullCount: 0 } : { validity: noneOf(length), nullCount: length }
  }
  const { nullCount } = data
  if (nullCount === 0 || nullBitmap === undefined || nullBitmap === null || nullBitmap.length === 0) {
    return { validity: undefined, nullCount: 0 }
  }
  return { validity: bitsFrom(nullBitmap, data.offset, length), nullCount }
}

const noneOf = (length: number): Uint8Array => new Uint8Array((length + 7) >> 3)

/** `length` bits of a bitmap from bit `from` on. */
export function bitsFrom(bits: Uint8Array, from: number, length: number): Uint8Array {
  const into = new Uint8Array((length + 7) >> 3)
  const first = from >> 3
  const shift = from & 7
  for (let i = 0; i < into.length; i++) {
    into[i] = (bits[first + i]! >> shift) | ((bits[first + i + 1] ?? 0) << (8 - shift))
  }
  if ((length & 7) !== 0) into[into.length - 1] = into[into.length - 1]! & ((1 << (length & 7)) - 1)
  return into
}

/** The function that gives the bytes of a value of any binary or text type. */
export function bytesReader(data: ArrowData): ((index: number) => Uint8Array) | undefined {
  const values = bytesOf(data)
  switch (data.type.typeId) {
    case ARROW.utf8:
    case ARROW.largeUtf8:
    case ARROW.binary:
    case ARROW.largeBinary: {
      const offsets = data.valueOffsets
      return (index) => values.subarray(Number(offsets[index]), Number(offsets[index + 1]))
    }
    case ARROW.fixedBinary: {
      const width = data.type.byteWidth!
      return (index) => values.subarray(index * width, (index + 1) * width)
    }
    case ARROW.utf8View:
    case ARROW.binaryView:
      return viewReader(values, data.variadicBuffers ?? [])
    default:
      return undefined
  }
}

/** Columnar.html, "Variable-size Binary View Layout": 16 bytes per value, short ones inside, long ones in buffers. */
function viewReader(values: Uint8Array, buffers: readonly Uint8Array[]): (index: number) => Uint8Array {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  return (index) => {
    const at = index * 16
    const length = view.getInt32(at, true)
    if (length <= 12) return values.subarray(at + 4, at + 4 + length)
    const from = view.getInt32(at + 12, true)
    return buffers[view.getInt32(at + 8, true)]!.subarray(from, from + length)
  }
}

/** The bytes of the values buffer. */
export function bytesOf({ values }: ArrowData): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** The 64-bit integers of the values buffer, which older versions of apache-arrow keep as pairs of 32 bits. */
export function longsOf(data: ArrowData): BigInt64Array {
  const { values, length } = data
  if (values instanceof BigInt64Array) return values.subarray(0, length)
  if (values.byteOffset % 8 === 0) return new BigInt64Array(values.buffer, values.byteOffset, length)
  const copy = bytesOf(data).slice(0, length * 8)
  return new BigInt64Array(copy.buffer, 0, length)
}
