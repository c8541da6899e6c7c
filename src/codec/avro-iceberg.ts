/** Iceberg types as Avro schemas (spec: appendix A, "Avro"). */
import { unsupported } from '../errors.ts'
import { typeName } from '../spec/type-json.ts'
import type { Type } from '../spec/types.ts'
import type { JsonObject, JsonValue } from './lossless-json.ts'

/** A field of a record, required. */
export function requiredField(id: number, name: string, type: JsonValue): JsonObject {
  return { name, type, 'field-id': id }
}

/** A field of a record that may be null (spec: "Optional fields must be wrapped in an Avro union with null"). */
export function optionalField(id: number, name: string, type: JsonValue): JsonObject {
  return { name, type: ['null', type], default: null, 'field-id': id }
}

/** Maps whose keys are not strings are arrays of pairs. */
export function mapType(keyId: number, key: JsonValue, valueId: number, value: JsonValue): JsonObject {
  const pair = {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [requiredField(keyId, 'key', key), requiredField(valueId, 'value', value)],
  }
  return { type: 'array', logicalType: 'map', items: pair }
}

export function listType(elementId: number, items: JsonValue): JsonObject {
  return { type: 'array', items, 'element-id': elementId }
}

/**
 * A primitive type.
 *
 * @param unique goes into the names of fixed types: a schema defines a name once, and not every reader resolves a
 *   second use of it.
 * @throws `unsupported` for types that partition values cannot have.
 */
export function primitiveType(type: Type, unique: string): JsonValue {
  switch (type.type) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return type.type
    case 'binary':
      return 'bytes'
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'time':
      return { type: 'long', logicalType: 'time-micros' }
    case 'timestamp':
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': type.type === 'timestamptz' }
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return { type: 'long', logicalType: 'timestamp-nanos', 'adjust-to-utc': type.type === 'timestamptz_ns' }
    case 'uuid':
      return { type: 'fixed', size: 16, name: `uuid_${unique}`, logicalType: 'uuid' }
    case 'fixed':
      return { type: 'fixed', size: type.length, name: `fixed_${unique}` }
    case 'decimal': {
      const { precision, scale } = type
      const name = `decimal_${unique}`
      return { type: 'fixed', size: decimalBytes(precision), name, logicalType: 'decimal', precision, scale }
    }
    default:
      return unsupported(`values of type ${typeName(type)} cannot be written to Avro`)
  }
}

/** The fewest bytes that hold every unscaled value of a precision in two's complement. */
function decimalBytes(precision: number): number {
  const largest = 10n ** BigInt(precision) - 1n
  let bytes = 1
  while (BigInt.asIntN(bytes * 8, largest) !== largest) bytes++
  return bytes
}

/**
 * A name that Avro allows (`[A-Za-z_][A-Za-z0-9_]*`): other characters become `_x` with their hexadecimal code, a digit
 * at the start gets an underscore in front. As Iceberg's Java implementation does, but for letters beyond ASCII, which
 * that one leaves and Avro forbids. Readers go by field ids; the name in the table stays what it is.
 */
export function avroName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_]/gu, (char) => `_x${char.codePointAt(0)!.toString(16).toUpperCase()}`)
  return /^\d/.test(safe) ? `_${safe}` : safe || '_'
}
