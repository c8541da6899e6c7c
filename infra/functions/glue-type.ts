import type { Type } from 'datashard'

/** How Glue calls a type of Iceberg: engines read the types from the table's metadata, consoles and people from here. */
export function glueType(type: Type): string {
  switch (type.type) {
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}:${glueType(field.type)}`).join(',')}>`
    case 'list':
      return `array<${glueType(type.element)}>`
    case 'map':
      return `map<${glueType(type.key)},${glueType(type.value)}>`
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'long':
      return 'bigint'
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return 'timestamp'
    case 'fixed':
      return 'binary'
    case 'time':
    case 'uuid':
    case 'unsupported':
      return 'string'
    default:
      return type.type
  }
}
