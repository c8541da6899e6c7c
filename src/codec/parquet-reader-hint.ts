/**
 * The `ARROW:schema` entry of an excerpt's footer, by which parquet-rs lets a file say how its columns were before
 * they were written: used to have repeated strings as dictionaries (each value is decoded once), and INT96 as
 * microseconds (its default, nanoseconds, ends in 2262).
 */
import type { Offset } from './arrow-flatbuffer.ts'
import { FlatBufferBuilder } from './arrow-flatbuffer.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import { PHYSICAL } from './parquet-footer-schema.ts'
import { holdsAny } from './parquet-reader-excerpt.ts'
import type { Shape } from './parquet-reader-shape.ts'
import { shapesOf } from './parquet-reader-shape.ts'

/** Message.fbs and Schema.fbs of Arrow. */
const METADATA_V5 = 4
const HEADER_SCHEMA = 1
const TYPE = { null: 1, int: 2, utf8: 5, timestamp: 10, list: 12, struct: 13, map: 17 } as const
const MICROSECOND = 2

/** Base64 of the schema as an IPC message; undefined if parquet-rs's own choice is right for every column. */
export function arrowSchemaHint(
  root: ParquetNode,
  leaves: ReadonlySet<number>,
  dictionaries: ReadonlySet<number>,
): string | undefined {
  const shapes = shapesOf(root).filter(({ node }) => holdsAny(node, leaves))
  if (dictionaries.size === 0 && !shapes.some((shape) => holdsInt96(shape.node, leaves))) return undefined
  const builder = new FlatBufferBuilder()
  const fields = builder.offsets(shapes.map((shape) => encodeField(builder, shape, leaves, dictionaries)))
  builder.startTable(4)
  builder.offset(1, fields)
  const header = builder.endTable()
  builder.startTable(5)
  builder.long(3, 0)
  builder.offset(2, header)
  builder.short(0, METADATA_V5)
  builder.byte(1, HEADER_SCHEMA)
  const message = builder.finish(builder.endTable())
  const framed = new Uint8Array(message.length + 8)
  const view = new DataView(framed.buffer)
  view.setInt32(0, -1, true)
  view.setInt32(4, message.length, true)
  framed.set(message, 8)
  return Buffer.from(framed).toString('base64')
}

function holdsInt96(node: ParquetNode, leaves: ReadonlySet<number>): boolean {
  if (node.leaf >= 0) return node.physical === PHYSICAL.int96 && leaves.has(node.leaf)
  return node.children.some((child) => holdsInt96(child, leaves))
}

function encodeField(
  builder: FlatBufferBuilder,
  shape: Shape,
  leaves: ReadonlySet<number>,
  dictionaries: ReadonlySet<number>,
): Offset {
  const children = builder.offsets(encodeChildren(builder, shape, leaves, dictionaries))
  const name = builder.string(shape.node.name)
  const asDictionary = dictionaries.has(shape.node.leaf)
  const dictionary = asDictionary ? encodeDictionary(builder) : 0
  const { kind, table } = encodeType(builder, shape, asDictionary)
  builder.startTable(7)
  builder.offset(0, name)
  builder.offset(3, table)
  if (asDictionary) builder.offset(4, dictionary)
  builder.offset(5, children)
  builder.byte(1, shape.nullable ? 1 : 0)
  builder.byte(2, kind)
  return builder.endTable()
}

function encodeChildren(
  builder: FlatBufferBuilder,
  shape: Shape,
  leaves: ReadonlySet<number>,
  dictionaries: ReadonlySet<number>,
): Offset[] {
  const kept = shape.children.filter(({ node }) => holdsAny(node, leaves))
  const encode = () => kept.map((child) => encodeField(builder, child, leaves, dictionaries))
  if (shape.kind !== 'map') return encode()
  const entries = builder.offsets(encode())
  const name = builder.string('entries')
  builder.startTable(0)
  const struct = builder.endTable()
  builder.startTable(7)
  builder.offset(0, name)
  builder.offset(3, struct)
  builder.offset(5, entries)
  builder.byte(1, 0)
  builder.byte(2, TYPE.struct)
  return [builder.endTable()]
}

function encodeDictionary(builder: FlatBufferBuilder): Offset {
  builder.startTable(2)
  builder.int(0, 32)
  builder.byte(1, 1)
  const indexType = builder.endTable()
  builder.startTable(3)
  builder.offset(1, indexType)
  return builder.endTable()
}

/** `Null` asks for nothing: parquet-rs takes its own type wherever the hint does not fit. */
function encodeType(builder: FlatBufferBuilder, shape: Shape, asDictionary: boolean): { kind: number; table: Offset } {
  const isInt96 = shape.node.physical === PHYSICAL.int96
  const kind =
    shape.kind !== 'primitive' ? TYPE[shape.kind] : asDictionary ? TYPE.utf8 : isInt96 ? TYPE.timestamp : TYPE.null
  builder.startTable(2)
  if (kind === TYPE.timestamp) builder.short(0, MICROSECOND)
  return { kind, table: builder.endTable() }
}
