/**
 * Columns as an Arrow IPC stream (arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess
 * Communication"), which is how parquet-wasm takes them. By hand: the columns are in Arrow's layout already.
 */
import { unsupported } from '../errors.ts'
import { childFields, typeName } from '../spec/schema.ts'
import type { Field, Schema, Type } from '../spec/types.ts'
import type { Offset } from './arrow-flatbuffer.ts'
import { FlatBufferBuilder } from './arrow-flatbuffer.ts'
import type { Column, ColumnBatch } from './columns.ts'

/** Message.fbs: MetadataVersion.V5, and the members of the unions MessageHeader and Type. */
const METADATA_V5 = 4
const HEADER = { schema: 1, recordBatch: 3 } as const
const TYPE = {
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
  fixed: 15,
  map: 17,
} as const
const MICROSECOND = 2
const NANOSECOND = 3

/** Arrow recommends 64; parquet-wasm copies what is not aligned to the 16 bytes of a decimal. */
const ALIGNMENT = 64

/** The name under which Parquet writers look for a field's id in Arrow metadata. */
export const FIELD_ID_KEY = 'PARQUET:field_id'

/** The bytes of a stream: the schema, then each batch, then the end. */
export function encodeArrowStream(schema: Schema, batches: readonly ColumnBatch[]): Uint8Array {
  return layOutArrowStream(schema, batches, (size) => new Uint8Array(size))!
}

/**
 * As {@link encodeArrowStream}.
 *
 * @param allocate Gives the memory for a number of bytes; more than these may be there, what is in it does not matter.
 * @returns undefined if there is no memory.
 */
export function layOutArrowStream(
  schema: Schema,
  batches: readonly ColumnBatch[],
  allocate: (size: number) => Uint8Array | undefined,
): Uint8Array | undefined {
  const parts = [encodeSchema(schema), ...batches.map(encodeBatch)]
  const total = parts.reduce((size, part) => size + 8 + part.header.length + part.bodyLength, 8)
  const out = allocate(total)?.subarray(0, total)
  if (out === undefined) return undefined
  const view = new DataView(out.buffer, out.byteOffset, total)
  let at = 0
  for (const { header, bodyLength, buffers } of parts) {
    view.setInt32(at, -1, true)
    view.setInt32(at + 4, header.length, true)
    out.set(header, at + 8)
    at += 8 + header.length
    for (const { offset, bytes } of buffers) out.set(bytes, at + offset)
    at += bodyLength
  }
  view.setInt32(at, -1, true)
  view.setInt32(at + 4, 0, true)
  return out
}

interface Message {
  readonly header: Uint8Array
  readonly bodyLength: number
  readonly buffers: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
}

function encodeSchema(schema: Schema): Message {
  const builder = new FlatBufferBuilder()
  const fields = builder.offsets(schema.fields.map((field) => encodeField(builder, field)))
  builder.startTable(4)
  builder.offset(1, fields)
  const header = builder.endTable()
  return { header: encodeMessage(builder, HEADER.schema, header, 0), bodyLength: 0, buffers: [] }
}

function encodeMessage(builder: FlatBufferBuilder, kind: number, header: Offset, bodyLength: number): Uint8Array {
  builder.startTable(5)
  builder.long(3, bodyLength)
  builder.offset(2, header)
  builder.short(0, METADATA_V5)
  builder.byte(1, kind)
  return builder.finish(builder.endTable())
}

function encodeField(builder: FlatBufferBuilder, field: Field): Offset {
  const { type } = field
  const children = builder.offsets(arrowChildren(type).map((child) => encodeField(builder, child)))
  const name = builder.string(field.name)
  const metadata = builder.offsets(fieldMetadata(field).map(([key, value]) => encodeKeyValue(builder, key, value)))
  const { kind, table } = encodeType(builder, type)
  builder.startTable(7)
  builder.offset(0, name)
  builder.offset(3, table)
  builder.offset(5, children)
  builder.offset(6, metadata)
  builder.byte(1, field.required ? 0 : 1)
  builder.byte(2, kind)
  return builder.endTable()
}

/** No id for the group between a map and its key and value: Iceberg gives it none. */
const NO_ID = -1

/** As {@link childFields}, but a map has one child, the struct `key_value` of its entries. */
function arrowChildren(type: Type): readonly Field[] {
  if (type.type !== 'map') return childFields(type)
  return [{ id: NO_ID, name: 'key_value', required: true, type: { type: 'struct', fields: childFields(type) } }]
}

function fieldMetadata(field: Field): [string, string][] {
  const metadata: [string, string][] = field.id === NO_ID ? [] : [[FIELD_ID_KEY, String(field.id)]]
  if (field.type.type === 'uuid') {
    metadata.push(['ARROW:extension:name', 'arrow.uuid'], ['ARROW:extension:metadata', ''])
  }
  return metadata
}

function encodeKeyValue(builder: FlatBufferBuilder, key: string, value: string): Offset {
  const keyOffset = builder.string(key)
  const valueOffset = builder.string(value)
  builder.startTable(2)
  builder.offset(0, keyOffset)
  builder.offset(1, valueOffset)
  return builder.endTable()
}

function encodeType(builder: FlatBufferBuilder, type: Type): { kind: number; table: Offset } {
  const table = (kind: number, slots: number, fill?: () => void) => {
    builder.startTable(slots)
    fill?.()
    return { kind, table: builder.endTable() }
  }
  const int = (bits: number) =>
    table(TYPE.int, 2, () => {
      builder.int(0, bits)
      builder.byte(1, 1)
    })
  const timestamp = (unit: number, zoned: boolean) => {
    const zone = zoned ? builder.string('UTC') : 0
    return table(TYPE.timestamp, 2, () => {
      if (zoned) builder.offset(1, zone)
      builder.short(0, unit)
    })
  }
  switch (type.type) {
    case 'boolean':
      return table(TYPE.bool, 0)
    case 'int':
      return int(32)
    case 'long':
      return int(64)
    case 'float':
      return table(TYPE.float, 1, () => builder.short(0, 1))
    case 'double':
      return table(TYPE.float, 1, () => builder.short(0, 2))
    case 'date':
      return table(TYPE.date, 1, () => builder.short(0, 0))
    case 'time':
      return table(TYPE.time, 2, () => {
        builder.int(1, 64)
        builder.short(0, MICROSECOND)
      })
    case 'timestamp':
    case 'timestamptz':
      return timestamp(MICROSECOND, type.type === 'timestamptz')
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timestamp(NANOSECOND, type.type === 'timestamptz_ns')
    case 'decimal':
      return table(TYPE.decimal, 3, () => {
        builder.int(0, type.precision)
        builder.int(1, type.scale)
        builder.int(2, 128)
      })
    case 'uuid':
      return table(TYPE.fixed, 1, () => builder.int(0, 16))
    case 'fixed':
      return table(TYPE.fixed, 1, () => builder.int(0, type.length))
    case 'string':
      return table(TYPE.utf8, 0)
    case 'binary':
      return table(TYPE.binary, 0)
    case 'struct':
      return table(TYPE.struct, 0)
    case 'list':
      return table(TYPE.list, 0)
    case 'map':
      return table(TYPE.map, 1)
    default:
      return unsupported(`columns of type ${typeName(type)} cannot be written by this version of DataShard`)
  }
}

function encodeBatch(batch: ColumnBatch): Message {
  const nodes: [number, number][] = []
  const ranges: [number, number][] = []
  const buffers: { offset: number; bytes: Uint8Array }[] = []
  let bodyLength = 0
  const addBuffer = (values: ArrayBufferView | undefined) => {
    const length = values?.byteLength ?? 0
    ranges.push([bodyLength, length])
    if (values !== undefined && length > 0) {
      buffers.push({ offset: bodyLength, bytes: new Uint8Array(values.buffer, values.byteOffset, length) })
    }
    bodyLength += Math.ceil(length / ALIGNMENT) * ALIGNMENT
  }
  const addColumn = (column: Column) => {
    nodes.push([column.length, column.nullCount])
    addBuffer(column.validity)
    if (column.kind === 'fixed') return addBuffer(column.values)
    if (column.kind === 'struct') return column.children.forEach(addColumn)
    addBuffer(column.offsets)
    if (column.kind === 'bytes') return addBuffer(column.data)
    if (column.kind === 'list') return addColumn(column.element)
    // The entries of a map are a struct of its own, never null.
    nodes.push([column.key.length, 0])
    addBuffer(undefined)
    addColumn(column.key)
    addColumn(column.value)
  }
  batch.columns.forEach(addColumn)

  const builder = new FlatBufferBuilder()
  const bufferVector = builder.longPairs(ranges)
  const nodeVector = builder.longPairs(nodes)
  builder.startTable(4)
  builder.long(0, batch.length)
  builder.offset(1, nodeVector)
  builder.offset(2, bufferVector)
  const header = encodeMessage(builder, HEADER.recordBatch, builder.endTable(), bodyLength)
  return { header, bodyLength, buffers }
}
