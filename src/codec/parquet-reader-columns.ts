/**
 * Arrow arrays, as parquet-wasm decodes them, as columns of the table's types: promoted where the type was widened,
 * constants and nulls in place of what a file has not.
 */
import { isUtf8 } from 'node:buffer'
import { assert, corrupt, unsupported } from '../errors.ts'
import { typeName } from '../spec/schema.ts'
import type { Field, Type } from '../spec/types.ts'
import type { Column, Validity } from './columns.ts'
import type { DictionaryColumn, ReadColumn } from './arrow-rows-column.ts'
import { constantColumn } from './parquet-reader-constant.ts'
import { holdsAny } from './parquet-reader-excerpt.ts'
import type { FieldSource } from './parquet-reader-fields.ts'
import type { ArrayView } from './parquet-reader-memory.ts'
import type { Shape } from './parquet-reader-shape.ts'

export interface ConvertContext {
  /** The columns that were decoded: children of groups are counted among them. */
  readonly leaves: ReadonlySet<number>
  /** Names the file in errors. */
  readonly where: string
}

/** The columns of one batch. `root` is the struct of the columns that were decoded, in the order of the file. */
export function convertBatch(
  sources: readonly FieldSource[],
  shapes: readonly Shape[],
  root: ArrayView,
  context: ConvertContext,
): readonly ReadColumn[] {
  const childOf = decodedChildren(shapes, root, context)
  return sources.map((source) => {
    if (source.kind === 'constant') return constantColumn(source.field, source.value, root.length)
    const array = childOf(source.shape)
    return array.dictionary === undefined
      ? convert(source, array, root.offset, root.length, context)
      : dictionaryColumn(source.field, array, array.dictionary, root, context)
  })
}

/** Finds values among the decoded children of their group. A group can have thousands: they are counted off once. */
function decodedChildren(
  siblings: readonly Shape[],
  parent: ArrayView,
  context: ConvertContext,
): (shape: Shape) => ArrayView {
  const decoded = siblings.filter(({ node }) => holdsAny(node, context.leaves))
  const places = new Map(decoded.map((shape, place) => [shape, place]))
  return (shape) => {
    const child = parent.children[places.get(shape) ?? -1]
    assert(child !== undefined && parent.children.length === decoded.length, 'a column was not decoded')
    return child
  }
}

/** Values `[start, start + length)` of an array, which has an offset of its own. */
function convert(
  source: FieldSource,
  array: ArrayView,
  start: number,
  length: number,
  context: ConvertContext,
): Column {
  const { field } = source
  if (source.kind === 'constant') return constantColumn(field, source.value, length)
  const from = array.offset + start
  const { children, shape } = source
  const base = { fieldId: field.id, type: field.type, length, ...nulls(array, from, length) }
  switch (field.type.type) {
    case 'struct': {
      expectFormat(array, '+s', field, context)
      const childOf = decodedChildren(shape.children, array, context)
      return {
        ...base,
        kind: 'struct',
        children: children.map((child) =>
          child.kind === 'constant'
            ? constantColumn(child.field, child.value, length)
            : convert(child, childOf(child.shape), from, length, context),
        ),
      }
    }
    case 'list': {
      expectFormat(array, '+l', field, context)
      const { offsets, first, count } = offsetsOf(array, from, length)
      return {
        ...base,
        kind: 'list',
        offsets,
        element: convert(children[0]!, array.children[0]!, first, count, context),
      }
    }
    case 'map': {
      expectFormat(array, '+m', field, context)
      const { offsets, first, count } = offsetsOf(array, from, length)
      const entries = array.children[0]!
      const [key, value] = children.map((child, i) =>
        convert(child, entries.children[i]!, entries.offset + first, count, context),
      )
      return { ...base, kind: 'map', offsets, key: key!, value: value! }
    }
    case 'string':
    case 'binary': {
      const column = bytesColumn(field.type, array, from, length, context)
      return { ...base, kind: 'bytes', ...column }
    }
    default:
      return { ...base, kind: 'fixed', values: fixedValues(field.type, array, from, length, context) }
  }
}

function expectFormat(array: ArrayView, format: string, field: Field, context: ConvertContext): void {
  if (array.format !== format) unexpected(field.type, array, context)
}

function unexpected(type: Type, array: ArrayView, context: ConvertContext): never {
  return unsupported(
    `${context.where}: a column that is decoded as Arrow '${array.format}' cannot be read as ${typeName(type)} by this version`,
  )
}

/** Which values are there. A bitmap that begins inside a byte is shifted into place. */
function nulls(array: ArrayView, from: number, length: number): { validity: Validity; nullCount: number } {
  const address = array.buffers[0]
  if (address === undefined || address === 0 || array.nullCount === 0 || length === 0) {
    return { validity: undefined, nullCount: 0 }
  }
  const validity = bits(array.memory, address, from, length)
  let present = 0
  for (let i = 0; i < length; i++) present += (validity[i >> 3]! >> (i & 7)) & 1
  return present === length ? { validity: undefined, nullCount: 0 } : { validity, nullCount: length - present }
}

function bits(memory: ArrayBuffer, address: number, from: number, length: number): Uint8Array {
  if ((from & 7) === 0) return new Uint8Array(memory, address + (from >> 3), (length + 7) >> 3)
  const bytes = new Uint8Array(memory, address, (from + length + 7) >> 3)
  const shifted = new Uint8Array((length + 7) >> 3)
  for (let i = 0; i < length; i++) {
    const bit = (bytes[(from + i) >> 3]! >> ((from + i) & 7)) & 1
    shifted[i >> 3] = shifted[i >> 3]! | (bit << (i & 7))
  }
  return shifted
}

/** Offsets that begin at 0, and which part of the children they are about. */
function offsetsOf(array: ArrayView, from: number, length: number) {
  if (length === 0) return { offsets: new Int32Array(1), first: 0, count: 0 }
  const offsets = new Int32Array(array.memory, array.buffers[1]! + from * 4, length + 1)
  const first = offsets[0]!
  const count = offsets[length]! - first
  return { offsets: first === 0 ? offsets : offsets.map((offset) => offset - first), first, count }
}

function bytesColumn(type: Type, array: ArrayView, from: number, length: number, context: ConvertContext) {
  if (array.format !== 'u' && array.format !== 'z') unexpected(type, array, context)
  const { offsets, first, count } = offsetsOf(array, from, length)
  const data = new Uint8Array(array.memory, count === 0 ? 0 : array.buffers[2]! + first, count)
  // parquet-rs has checked what is annotated as a string; old writers left the annotation out.
  if (type.type === 'string' && array.format === 'z' && !isUtf8(data)) {
    corrupt(`${context.where}: a string is not valid UTF-8; if the column holds bytes, it must not be read as a string`)
  }
  return { offsets, data }
}

const STRING = { type: 'string' } as const

function dictionaryColumn(
  field: Field,
  array: ArrayView,
  dictionary: ArrayView,
  root: ArrayView,
  context: ConvertContext,
): DictionaryColumn {
  expectFormat(array, 'i', field, context)
  const from = array.offset + root.offset
  const values = bytesColumn(field.type, dictionary, dictionary.offset, dictionary.length, context)
  return {
    kind: 'dictionary',
    fieldId: field.id,
    type: STRING,
    length: root.length,
    ...nulls(array, from, root.length),
    indices: new Int32Array(array.memory, root.length === 0 ? 0 : array.buffers[1]! + from * 4, root.length),
    ...values,
    valueCount: dictionary.length,
  }
}

type FixedValues = Uint8Array | Int32Array | BigInt64Array | Float32Array | Float64Array

/** Constructors of views by the format of fixed-width numbers. */
const NUMBERS = {
  c: Int8Array,
  C: Uint8Array,
  s: Int16Array,
  S: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  l: BigInt64Array,
  f: Float32Array,
  g: Float64Array,
} as const

function fixedValues(type: Type, array: ArrayView, from: number, length: number, context: ConvertContext): FixedValues {
  const { format, memory } = array
  const address = length === 0 ? 0 : array.buffers[1]!
  const fail = () => unexpected(type, array, context)
  switch (type.type) {
    case 'boolean':
      return format === 'b' ? bits(memory, address, from, length) : fail()
    case 'int':
      return toInt32(smallIntegers(array, address, from, length) ?? fail())
    case 'long':
      if (format === 'l') return new BigInt64Array(memory, address + from * 8, length)
      return BigInt64Array.from(smallIntegers(array, address, from, length) ?? fail(), BigInt)
    case 'float':
      return format === 'f' ? new Float32Array(memory, address + from * 4, length) : fail()
    case 'double':
      if (format === 'g') return new Float64Array(memory, address + from * 8, length)
      return format === 'f' ? Float64Array.from(new Float32Array(memory, address + from * 4, length)) : fail()
    case 'date':
      return format === 'tdD' ? new Int32Array(memory, address + from * 4, length) : fail()
    case 'time':
      if (format === 'ttu') return new BigInt64Array(memory, address + from * 8, length)
      if (format !== 'ttm') return fail()
      return BigInt64Array.from(new Int32Array(memory, address + from * 4, length), (ms) => BigInt(ms) * 1000n)
    case 'timestamp':
    case 'timestamptz':
      return timestamps(array, address, from, length, context) ?? fail()
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return format.startsWith('tsn:') ? new BigInt64Array(memory, address + from * 8, length) : fail()
    case 'decimal':
      return format.startsWith('d:') ? new Uint8Array(memory, address + from * 16, length * 16) : fail()
    case 'uuid':
    case 'fixed': {
      const width = type.type === 'fixed' ? type.length : 16
      return format === `w:${width}` ? new Uint8Array(memory, address + from * width, length * width) : fail()
    }
    default:
      return fail()
  }
}

function smallIntegers({ format, memory }: ArrayView, address: number, from: number, length: number) {
  if (format === 'l' || format === 'f' || format === 'g' || !Object.hasOwn(NUMBERS, format)) return undefined
  const View = NUMBERS[format as 'c' | 'C' | 's' | 'S' | 'i' | 'I']
  return new View(memory, address + from * View.BYTES_PER_ELEMENT, length)
}

function toInt32(values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array): Int32Array {
  return values instanceof Int32Array ? values : Int32Array.from(values)
}

/** Microseconds, from whatever unit the file has; what is finer than that is refused, not rounded. */
function timestamps(array: ArrayView, address: number, from: number, length: number, context: ConvertContext) {
  const { format, memory } = array
  if (!format.startsWith('ts')) return undefined
  const stored = new BigInt64Array(memory, address + from * 8, length)
  switch (format[2]) {
    case 'u':
      return stored
    case 'm':
      return stored.map((ms) => ms * 1000n)
    case 'n':
      return stored.map((ns) => {
        if (ns % 1000n === 0n) return ns / 1000n
        return unsupported(`${context.where}: a timestamp of ${ns} nanoseconds is finer than the table's microseconds`)
      })
    default:
      return undefined
  }
}
