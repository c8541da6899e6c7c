/** Which columns of a Parquet file can be read as which Iceberg type (spec: "Parquet", and "Schema Evolution"). */
import { typeName } from '../spec/schema.ts'
import type { Type } from '../spec/types.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import { PHYSICAL } from './parquet-footer-schema.ts'
import type { Shape } from './parquet-reader-shape.ts'

/**
 * Why values of `node` cannot be read as `type`; undefined if they can, be it by a promotion (int as long, float as
 * double, a decimal of fewer digits) or because old writers left an annotation out.
 */
export function misfit(node: ParquetNode, type: Type): string | undefined {
  return fits(node, type) ? undefined : `it holds ${describeLeaf(node)}, which cannot be read as ${typeName(type)}`
}

function fits(node: ParquetNode, type: Type): boolean {
  const { physical, annotation } = node
  const kind = annotation?.kind
  switch (type.type) {
    case 'boolean':
      return physical === PHYSICAL.boolean
    case 'int':
      return physical === PHYSICAL.int32 && integerBits(node, 32)
    case 'long':
      return (physical === PHYSICAL.int32 || physical === PHYSICAL.int64) && integerBits(node, 64)
    case 'float':
      return physical === PHYSICAL.float
    case 'double':
      return physical === PHYSICAL.float || physical === PHYSICAL.double
    case 'date':
      return kind === 'date'
    case 'time':
      return annotation?.kind === 'time' && annotation.unit !== 'nanos'
    case 'timestamp':
    case 'timestamptz':
      return kind === 'timestamp' || physical === PHYSICAL.int96
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return annotation?.kind === 'timestamp' && annotation.unit === 'nanos'
    case 'decimal':
      return annotation?.kind === 'decimal' && annotation.scale === type.scale && annotation.precision <= type.precision
    case 'string':
      return physical === PHYSICAL.bytes && (kind === 'string' || annotation === undefined)
    case 'binary':
      return physical === PHYSICAL.bytes && (kind === 'string' || kind === 'bson' || annotation === undefined)
    case 'fixed':
      return physical === PHYSICAL.fixed && node.typeLength === type.length && annotation === undefined
    case 'uuid':
      return physical === PHYSICAL.fixed && node.typeLength === 16 && (kind === 'uuid' || annotation === undefined)
    default:
      return false
  }
}

/** An integer, whose values all fit into so many signed bits. */
function integerBits({ physical, annotation }: ParquetNode, bits: number): boolean {
  if (annotation === undefined) return true
  if (annotation.kind !== 'int') return false
  const needed = annotation.signed ? annotation.bits : annotation.bits + 1
  return needed <= bits && annotation.bits <= (physical === PHYSICAL.int32 ? 32 : 64)
}

const PHYSICAL_NAMES = Object.keys(PHYSICAL) as (keyof typeof PHYSICAL)[]

/** `int64 (timestamp of micros)`, for messages. */
function describeLeaf(node: ParquetNode): string {
  const name = PHYSICAL_NAMES[node.physical!]!
  const physical = name === 'fixed' ? `fixed[${node.typeLength}]` : name
  const { annotation } = node
  switch (annotation?.kind) {
    case undefined:
      return physical
    case 'decimal':
      return `${physical} (decimal(${annotation.precision},${annotation.scale}))`
    case 'int':
      return `${physical} (${annotation.signed ? '' : 'u'}int${annotation.bits})`
    case 'time':
    case 'timestamp':
      return `${physical} (${annotation.kind} of ${annotation.unit}${annotation.utc ? ', UTC' : ''})`
    default:
      return `${physical} (${annotation!.kind})`
  }
}

/** `a list`, `int64`, for messages. */
export function describeShape(shape: Shape): string {
  return shape.kind === 'primitive' ? describeLeaf(shape.node) : `a ${shape.kind}`
}
