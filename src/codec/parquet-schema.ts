/** The Iceberg schema that holds what a Parquet file holds, for tables that are made after a file. */
import { invalid } from '../errors.ts'
import { completeSchema, NO_ID } from '../spec/schema-ids.ts'
import type { Field, Schema, Type } from '../spec/types.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import { PHYSICAL } from './parquet-footer-schema.ts'
import type { Shape } from './parquet-reader-shape.ts'
import { shapesOf } from './parquet-reader-shape.ts'

/**
 * A schema for these columns with fresh ids, all of them optional.
 *
 * @throws DataShardError `invalid-argument` naming the column whose type Iceberg does not have.
 */
export function schemaFromParquet(root: ParquetNode): Schema {
  return completeSchema(0, fieldsOf(shapesOf(root), ''))
}

function fieldsOf(shapes: readonly Shape[], prefix: string): Field[] {
  return shapes.map((shape) => {
    const { name } = shape.node
    return { id: NO_ID, name, required: false, type: typeOf(shape, `${prefix}${name}`) }
  })
}

function typeOf({ kind, node, children }: Shape, column: string): Type {
  const [first, second] = children
  switch (kind) {
    case 'struct':
      return { type: 'struct', fields: fieldsOf(children, `${column}.`) }
    case 'list': {
      const element = typeOf(first!, `${column}.element`)
      return { type: 'list', elementId: NO_ID, element, elementRequired: false }
    }
    case 'map': {
      const key = typeOf(first!, `${column}.key`)
      const value = typeOf(second!, `${column}.value`)
      return { type: 'map', keyId: NO_ID, key, valueId: NO_ID, value, valueRequired: false }
    }
    case 'primitive':
      return leafType(node, column)
  }
}

function leafType(node: ParquetNode, column: string): Type {
  const { annotation, physical, typeLength } = node
  switch (annotation?.kind) {
    case 'string':
    case 'date':
    case 'uuid':
      return { type: annotation.kind }
    case 'decimal':
      return { type: 'decimal', precision: annotation.precision, scale: annotation.scale }
    case 'time':
      return { type: 'time' }
    case 'timestamp':
      return { type: annotation.utc ? 'timestamptz' : 'timestamp' }
    case 'int': {
      // Unsigned ones need a bit more; those of 64 bits must fit when they come.
      const bits = annotation.signed ? annotation.bits : annotation.bits + 1
      return { type: bits <= 32 ? 'int' : 'long' }
    }
    case 'null':
      return { type: 'string' }
    case 'bson':
    case undefined:
      break
    default:
      return invalid(`column '${column}' is of a Parquet type that no Iceberg type holds (${annotation!.kind})`)
  }
  switch (physical) {
    case PHYSICAL.boolean:
      return { type: 'boolean' }
    case PHYSICAL.int32:
      return { type: 'int' }
    case PHYSICAL.int64:
      return { type: 'long' }
    case PHYSICAL.int96:
      return { type: 'timestamp' }
    case PHYSICAL.float:
      return { type: 'float' }
    case PHYSICAL.double:
      return { type: 'double' }
    case PHYSICAL.fixed:
      return { type: 'fixed', length: typeLength }
    default:
      return { type: 'binary' }
  }
}
