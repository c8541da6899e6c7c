/** Batches picked apart and put together: what partitioning, sorting and row groups need. */
import type { Column, ColumnBatch, FixedColumn, Validity } from './columns.ts'
import { isPresent } from './column-nulls.ts'

/** Rows in the order of `indices`; a row may appear several times, or not at all. */
export function take(batch: ColumnBatch, indices: Int32Array): ColumnBatch {
  return { length: indices.length, columns: batch.columns.map((column) => takeColumn(column, indices)) }
}

/** Rows `[from, to)`. */
export function slice(batch: ColumnBatch, from: number, to: number): ColumnBatch {
  if (from === 0 && to === batch.length) return batch
  const indices = new Int32Array(to - from)
  for (let i = 0; i < indices.length; i++) indices[i] = from + i
  return take(batch, indices)
}

/** All rows of all batches, in order; the batches must be of one schema. At least one batch. */
export function concat(batches: readonly ColumnBatch[]): ColumnBatch {
  const first = batches[0]!
  if (batches.length === 1) return first
  return {
    length: batches.reduce((sum, batch) => sum + batch.length, 0),
    columns: first.columns.map((_, i) => concatColumns(batches.map((batch) => batch.columns[i]!))),
  }
}

function takeColumn(column: Column, indices: Int32Array): Column {
  const nulls = takeNulls(column, indices)
  const base = { fieldId: column.fieldId, type: column.type, length: indices.length, ...nulls }
  switch (column.kind) {
    case 'fixed':
      return { ...base, kind: 'fixed', values: takeValues(column, indices) }
    case 'struct':
      return { ...base, kind: 'struct', children: column.children.map((child) => takeColumn(child, indices)) }
    case 'bytes': {
      const offsets = takeOffsets(column.offsets, indices)
      return { ...base, kind: 'bytes', offsets, data: takeData(column.data, column.offsets, indices, offsets) }
    }
    case 'list': {
      const offsets = takeOffsets(column.offsets, indices)
      const children = childIndices(column.offsets, indices, offsets)
      return { ...base, kind: 'list', offsets, element: takeColumn(column.element, children) }
    }
    default: {
      const offsets = takeOffsets(column.offsets, indices)
      const children = childIndices(column.offsets, indices, offsets)
      const key = takeColumn(column.key, children)
      return { ...base, kind: 'map', offsets, key, value: takeColumn(column.value, children) }
    }
  }
}

function takeNulls({ validity }: Column, indices: Int32Array): { validity: Validity; nullCount: number } {
  if (validity === undefined) return { validity: undefined, nullCount: 0 }
  const taken = new Uint8Array((indices.length + 7) >> 3)
  let present = 0
  for (let i = 0; i < indices.length; i++) {
    if (!isPresent(validity, indices[i]!)) continue
    taken[i >> 3] = taken[i >> 3]! | (1 << (i & 7))
    present++
  }
  const nullCount = indices.length - present
  return { validity: nullCount === 0 ? undefined : taken, nullCount }
}

function takeValues(column: FixedColumn, indices: Int32Array): FixedColumn['values'] {
  const { values, type, length } = column
  if (values instanceof Int32Array) return gather(values, indices, new Int32Array(indices.length))
  if (values instanceof BigInt64Array) return gatherLongs(values, indices)
  if (values instanceof Float32Array) return gather(values, indices, new Float32Array(indices.length))
  if (values instanceof Float64Array) return gather(values, indices, new Float64Array(indices.length))
  if (type.type === 'boolean') return gatherBits(values, indices)
  return gatherBytes(values, length === 0 ? 0 : values.length / length, indices)
}

type Numbers = Int32Array | Float32Array | Float64Array

function gather<T extends Numbers>(values: T, indices: Int32Array, into: T): T {
  for (let i = 0; i < indices.length; i++) into[i] = values[indices[i]!]!
  return into
}

/** By 32-bit halves: no bigint is made. */
function gatherLongs(values: BigInt64Array, indices: Int32Array): BigInt64Array {
  const into = new BigInt64Array(indices.length)
  const to = new Int32Array(into.buffer)
  const from = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i]! * 2
    to[i * 2] = from[at]!
    to[i * 2 + 1] = from[at + 1]!
  }
  return into
}

function gatherBits(bits: Uint8Array, indices: Int32Array): Uint8Array {
  const into = new Uint8Array((indices.length + 7) >> 3)
  for (let i = 0; i < indices.length; i++) {
    if (isPresent(bits, indices[i]!)) into[i >> 3] = into[i >> 3]! | (1 << (i & 7))
  }
  return into
}

function gatherBytes(values: Uint8Array, width: number, indices: Int32Array): Uint8Array {
  const into = new Uint8Array(indices.length * width)
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i]! * width
    into.set(values.subarray(at, at + width), i * width)
  }
  return into
}

function takeOffsets(offsets: Int32Array, indices: Int32Array): Int32Array {
  const taken = new Int32Array(indices.length + 1)
  let end = 0
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!
    end += offsets[index + 1]! - offsets[index]!
    taken[i + 1] = end
  }
  return taken
}

/** Up to so many bytes a loop beats `set(subarray)`. */
const SHORT_BYTES = 32

function takeData(data: Uint8Array, offsets: Int32Array, indices: Int32Array, taken: Int32Array): Uint8Array {
  const into = new Uint8Array(taken[indices.length]!)
  for (let i = 0; i < indices.length; i++) {
    const from = offsets[indices[i]!]!
    const to = offsets[indices[i]! + 1]!
    const at = taken[i]!
    if (to - from > SHORT_BYTES) into.set(data.subarray(from, to), at)
    else for (let j = from; j < to; j++) into[at + j - from] = data[j]!
  }
  return into
}

function childIndices(offsets: Int32Array, indices: Int32Array, taken: Int32Array): Int32Array {
  const children = new Int32Array(taken[indices.length]!)
  let at = 0
  for (let i = 0; i < indices.length; i++) {
    const end = offsets[indices[i]! + 1]!
    for (let j = offsets[indices[i]!]!; j < end; j++) children[at++] = j
  }
  return children
}

function concatColumns(columns: readonly Column[]): Column {
  const first = columns[0]!
  const length = columns.reduce((sum, column) => sum + column.length, 0)
  const base = { fieldId: first.fieldId, type: first.type, length, ...concatNulls(columns, length) }
  const children = (pick: (column: never) => Column) => concatColumns(columns.map((column) => pick(column as never)))
  switch (first.kind) {
    case 'fixed':
      return { ...base, kind: 'fixed', values: concatValues(columns as FixedColumn[], length) }
    case 'struct': {
      const all = first.children.map((_, i) => children((column: typeof first) => column.children[i]!))
      return { ...base, kind: 'struct', children: all }
    }
    case 'bytes': {
      const same = columns as (typeof first)[]
      const size = same.reduce((sum, { offsets, length: n }) => sum + offsets[n]! - offsets[0]!, 0)
      const data = new Uint8Array(size)
      let at = 0
      for (const { data: part, offsets, length: n } of same) {
        data.set(part.subarray(offsets[0], offsets[n]), at)
        at += offsets[n]! - offsets[0]!
      }
      return { ...base, kind: 'bytes', offsets: concatOffsets(same, length), data }
    }
    case 'list': {
      const offsets = concatOffsets(columns as (typeof first)[], length)
      return { ...base, kind: 'list', offsets, element: children((column: typeof first) => column.element) }
    }
    default: {
      const offsets = concatOffsets(columns as (typeof first)[], length)
      const key = children((column: typeof first) => column.key)
      return { ...base, kind: 'map', offsets, key, value: children((column: typeof first) => column.value) }
    }
  }
}

function concatNulls(columns: readonly Column[], length: number): { validity: Validity; nullCount: number } {
  const nullCount = columns.reduce((sum, column) => sum + column.nullCount, 0)
  if (nullCount === 0) return { validity: undefined, nullCount }
  const validity = new Uint8Array((length + 7) >> 3)
  copyBits(
    validity,
    columns.map((column) => ({ bits: column.validity, length: column.length })),
  )
  return { validity, nullCount }
}

function concatValues(columns: readonly FixedColumn[], length: number): FixedColumn['values'] {
  const { values, type } = columns[0]!
  if (type.type === 'boolean') {
    const bits = new Uint8Array((length + 7) >> 3)
    copyBits(
      bits,
      columns.map((column) => ({ bits: column.values as Uint8Array, length: column.length })),
    )
    return bits
  }
  const size = columns.reduce((sum, column) => sum + column.values.length, 0)
  const all = new (values.constructor as new (size: number) => FixedColumn['values'])(size)
  let at = 0
  for (const column of columns) {
    all.set(column.values as never, at)
    at += column.values.length
  }
  return all
}

/** Undefined bits are all ones. */
function copyBits(into: Uint8Array, parts: readonly { bits: Validity; length: number }[]): void {
  let at = 0
  for (const { bits, length } of parts) {
    for (let i = 0; i < length; i++, at++) {
      if (isPresent(bits, i)) into[at >> 3] = into[at >> 3]! | (1 << (at & 7))
    }
  }
}

function concatOffsets(columns: readonly { offsets: Int32Array; length: number }[], length: number): Int32Array {
  const all = new Int32Array(length + 1)
  let at = 0
  let base = 0
  for (const { offsets, length: n } of columns) {
    const shift = base - offsets[0]!
    for (let i = 1; i <= n; i++) all[at + i] = offsets[i]! + shift
    at += n
    base += offsets[n]! - offsets[0]!
  }
  return all
}
