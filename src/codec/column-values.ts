/** Canonical values (spec/types.ts) out of columns, one at a time. */
import { unsupported } from '../errors.ts'
import { typeName } from '../spec/schema.ts'
import type { Value } from '../spec/types.ts'
import { uuidFromBytes } from '../spec/uuid-bytes.ts'
import { isPresent } from './column-nulls.ts'
import type { BytesColumn, Column, ColumnBatch, FixedColumn, Validity } from './columns.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Up to so many bytes a loop beats the call into the decoder. */
const SHORT_BYTES = 24

/**
 * The function that gives value `i` of a column, or null.
 *
 * @param around Validity of the structs around it: where one of them is null, so is the value.
 * @throws `unsupported` for nested columns, which have no canonical values.
 */
export function columnReader(column: Column, around?: Validity): (index: number) => Value | null {
  const read = presentReader(column)
  const { validity } = column
  if (validity === undefined && around === undefined) return read
  return (index) => (isPresent(validity, index) && isPresent(around, index) ? read(index) : null)
}

/** As {@link columnReader}, for values that are known not to be null. */
export function presentReader(column: Column): (index: number) => Value {
  if (column.kind === 'bytes') return bytesReader(column)
  if (column.kind === 'fixed') return fixedReader(column)
  return unsupported(`a column of type ${typeName(column.type)} has no single values`)
}

function bytesReader({ type, offsets, data }: BytesColumn): (index: number) => Value {
  if (type.type === 'string') return (index) => decodeUtf8(data, offsets[index]!, offsets[index + 1]!)
  return (index) => data.slice(offsets[index], offsets[index + 1])
}

function decodeUtf8(data: Uint8Array, from: number, to: number): string {
  if (to - from > SHORT_BYTES) return decoder.decode(data.subarray(from, to))
  let text = ''
  for (let i = from; i < to; i++) {
    const byte = data[i]!
    if (byte > 0x7f) return decoder.decode(data.subarray(from, to))
    text += String.fromCharCode(byte)
  }
  return text
}

function fixedReader({ type, values }: FixedColumn): (index: number) => Value {
  if (!(values instanceof Uint8Array)) return (index) => values[index]!
  switch (type.type) {
    case 'boolean':
      return (index) => (values[index >> 3]! & (1 << (index & 7))) !== 0
    case 'decimal': {
      const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
      return (index) => (view.getBigInt64(index * 16 + 8, true) << 64n) | view.getBigUint64(index * 16, true)
    }
    case 'uuid':
      return (index) => uuidFromBytes(values, index * 16)
    default: {
      const width = type.type === 'fixed' ? type.length : 1
      return (index) => values.slice(index * width, (index + 1) * width)
    }
  }
}

/** A column with the combined validity of the structs around it; undefined where none of them is null. */
export interface PlacedColumn {
  readonly column: Column
  readonly around: Validity
}

/** The column of a field, found by the ids from the top; undefined inside lists and maps. */
export function columnAt(batch: ColumnBatch, path: readonly number[]): PlacedColumn | undefined {
  let columns = batch.columns
  let around: Validity
  let found: Column | undefined
  for (const id of path) {
    if (found !== undefined) around = bothPresent(around, found.validity)
    found = columns.find((column) => column.fieldId === id)
    if (found === undefined) return undefined
    columns = found.kind === 'struct' ? found.children : []
  }
  return found === undefined ? undefined : { column: found, around }
}

/** The bitmap of what is present in both. */
export function bothPresent(a: Validity, b: Validity): Validity {
  if (a === undefined || b === undefined) return a ?? b
  return a.map((byte, i) => byte & b[i]!)
}
