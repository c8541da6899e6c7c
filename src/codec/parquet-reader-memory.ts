/**
 * Arrow arrays where parquet-wasm has them: the structs of the C data interface
 * (arrow.apache.org/docs/format/CDataInterface.html) in the memory of a 32-bit WebAssembly module, read as views
 * without a copy. Such views are good until the module's next call; whoever keeps them copies them.
 */
import { assert } from '../errors.ts'

/** An array and its type. Addresses are bytes in the module's memory. */
export interface ArrayView {
  readonly memory: ArrayBuffer
  /** The type, in the format strings of the C data interface: `i`, `u`, `+s`, `tsu:UTC`, ... */
  readonly format: string
  readonly length: number
  readonly nullCount: number
  /** Values of the buffers before the first of this array. */
  readonly offset: number
  readonly buffers: readonly number[]
  readonly children: readonly ArrayView[]
  /** The values that an array of indices points to. */
  readonly dictionary: ArrayView | undefined
}

/** ArrowSchema: 4-byte pointers, 8-byte integers at multiples of eight. */
const SCHEMA = { format: 0, childCount: 24, children: 32, dictionary: 36 } as const
/** ArrowArray. */
const ARRAY = {
  length: 0,
  nullCount: 8,
  offset: 16,
  bufferCount: 24,
  childCount: 32,
  buffers: 40,
  children: 44,
  dictionary: 48,
} as const

/** The array at `array`, whose type is at `schema`. */
export function viewArray(memory: ArrayBuffer, array: number, schema: number): ArrayView {
  const view = new DataView(memory)
  const size = (at: number): number => {
    const value = view.getBigInt64(at, true)
    assert(value >= -1n && value < 2n ** 32n, 'an Arrow array of the decoder has an impossible size')
    return Number(value)
  }
  const pointers = (at: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => view.getUint32(view.getUint32(at, true) + 4 * i, true))

  const read = (a: number, s: number): ArrayView => {
    const childCount = size(a + ARRAY.childCount)
    assert(childCount === size(s + SCHEMA.childCount), 'an Arrow array of the decoder does not match its schema')
    const schemas = pointers(s + SCHEMA.children, childCount)
    const dictionary = view.getUint32(a + ARRAY.dictionary, true)
    return {
      memory,
      format: cString(memory, view.getUint32(s + SCHEMA.format, true)),
      length: size(a + ARRAY.length),
      nullCount: size(a + ARRAY.nullCount),
      offset: size(a + ARRAY.offset),
      buffers: pointers(a + ARRAY.buffers, size(a + ARRAY.bufferCount)),
      children: pointers(a + ARRAY.children, childCount).map((child, i) => read(child, schemas[i]!)),
      dictionary: dictionary === 0 ? undefined : read(dictionary, view.getUint32(s + SCHEMA.dictionary, true)),
    }
  }
  return read(array, schema)
}

function cString(memory: ArrayBuffer, at: number): string {
  const bytes = new Uint8Array(memory, at, Math.min(64, memory.byteLength - at))
  return String.fromCharCode(...bytes.subarray(0, Math.max(0, bytes.indexOf(0))))
}
