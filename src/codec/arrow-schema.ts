/** The Iceberg schema that holds what an Arrow schema holds, for tables that are made after a file. */
import { invalid } from '../errors.ts'
import { completeSchema, NO_ID } from '../spec/schema-ids.ts'
import type { Field, Schema, Type } from '../spec/types.ts'
import type { ArrowType } from './arrow-data.ts'
import { ARROW } from './arrow-data.ts'

/** A field as apache-arrow has it, known by its shape. */
export interface ArrowField {
  readonly name: string
  readonly type: ArrowType & { readonly dictionary?: ArrowType | null }
  readonly metadata?: ReadonlyMap<string, string> | null
}

/** The canonical extension type of UUIDs (arrow.apache.org/docs/format/CanonicalExtensions.html). */
const UUID_EXTENSION = 'arrow.uuid'

/**
 * A schema for these fields with fresh ids, all columns optional.
 *
 * @throws DataShardError `invalid-argument` naming the column whose type Iceberg does not have.
 */
export function schemaFromArrow(fields: readonly ArrowField[]): Schema {
  return completeSchema(0, optionalFields(fields, ''))
}

function optionalFields(fields: readonly ArrowField[], prefix: string): Field[] {
  return fields.map((field) => ({
    id: NO_ID,
    name: field.name,
    required: false,
    type: typeFromArrow(field, `${prefix}${field.name}`),
  }))
}

function typeFromArrow({ type, metadata }: ArrowField, column: string): Type {
  const children = (type.children ?? []) as readonly ArrowField[]
  switch (type.typeId) {
    case ARROW.bool:
      return { type: 'boolean' }
    case ARROW.int:
      return integerType(type)
    case ARROW.float:
      // Precision.DOUBLE; halves are widened.
      return { type: (type.precision ?? 2) === 2 ? 'double' : 'float' }
    case ARROW.decimal:
      return { type: 'decimal', precision: type.precision!, scale: type.scale! }
    case ARROW.date:
      return { type: 'date' }
    case ARROW.time:
      return { type: 'time' }
    case ARROW.timestamp:
      return { type: (type.timezone ?? '') === '' ? 'timestamp' : 'timestamptz' }
    case ARROW.utf8:
    case ARROW.largeUtf8:
    case ARROW.utf8View:
    case ARROW.null:
      return { type: 'string' }
    case ARROW.binary:
    case ARROW.largeBinary:
    case ARROW.binaryView:
      return { type: 'binary' }
    case ARROW.fixedBinary: {
      const isUuid = metadata?.get('ARROW:extension:name') === UUID_EXTENSION
      return isUuid ? { type: 'uuid' } : { type: 'fixed', length: type.byteWidth! }
    }
    case ARROW.struct:
      return { type: 'struct', fields: optionalFields(children, `${column}.`) }
    case ARROW.list:
    case ARROW.largeList:
    case ARROW.fixedList: {
      const element = typeFromArrow(children[0]!, `${column}.element`)
      return { type: 'list', elementId: NO_ID, element, elementRequired: false }
    }
    case ARROW.map:
      return mapType(children[0]!, column)
    case ARROW.dictionary:
      return typeFromArrow({ name: column, type: dictionaryValues(type) }, column)
    default:
      return invalid(`column '${column}' is of the Arrow type ${type.toString()}, which no Iceberg type holds`)
  }
}

/** Unsigned integers need the next wider type; those of 64 bits must fit when they come. */
function integerType({ bitWidth = 64, isSigned = true }: ArrowType): Type {
  const bits = isSigned ? bitWidth : bitWidth * 2
  return { type: bits <= 32 ? 'int' : 'long' }
}

function mapType(entries: ArrowField, column: string): Type {
  const [key, value] = (entries.type.children ?? []) as readonly ArrowField[]
  return {
    type: 'map',
    keyId: NO_ID,
    key: typeFromArrow(key!, `${column}.key`),
    valueId: NO_ID,
    value: typeFromArrow(value!, `${column}.value`),
    valueRequired: false,
  }
}

function dictionaryValues(type: ArrowField['type']): ArrowType {
  return type.dictionary ?? invalid('a dictionary without values')
}
