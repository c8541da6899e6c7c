/** Strings that were decoded as a dictionary, as a column of bytes. */
import type { ReadColumn } from '../codec/arrow-rows-column.ts'
import type { Column } from '../codec/columns.ts'

export function plainColumn(column: ReadColumn): Column {
  if (column.kind !== 'dictionary') return column
  const { fieldId, type, length, nullCount, validity, indices } = column
  const isPresent = (i: number) => validity === undefined || (validity[i >> 3]! & (1 << (i & 7))) !== 0
  const entry = (i: number) => {
    const index = indices[i]!
    return column.data.subarray(column.offsets[index]!, column.offsets[index + 1]!)
  }
  const offsets = new Int32Array(length + 1)
  for (let i = 0; i < length; i++) offsets[i + 1] = offsets[i]! + (isPresent(i) ? entry(i).length : 0)
  const data = new Uint8Array(offsets[length]!)
  for (let i = 0; i < length; i++) if (isPresent(i)) data.set(entry(i), offsets[i]!)
  return { kind: 'bytes', fieldId, type, length, nullCount, validity, offsets, data }
}
