/**
 * Avro schemas, from their JSON to a tree with all names resolved, Iceberg's field ids kept. Avro 1.11 specification,
 * "Schema Declaration"; Iceberg spec, appendix A "Avro".
 */
import type { JsonValue } from './lossless-json.ts'

export type AvroPrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface AvroPrimitive {
  readonly kind: AvroPrimitiveName
  readonly logicalType?: string
}

export interface AvroFixed {
  readonly kind: 'fixed'
  readonly size: number
  readonly logicalType?: string
}

export interface AvroEnum {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
}

export interface AvroField {
  readonly name: string
  /** Iceberg's `field-id`; undefined in files of other writers. */
  readonly id: number | undefined
  readonly type: AvroType
}

export interface AvroRecordType {
  readonly kind: 'record'
  readonly fields: readonly AvroField[]
  /** The fewest bytes a value takes. */
  readonly minimumBytes: number
  /** How many types there are in it, those of nested records included. */
  readonly typeCount: number
}

export interface AvroArray {
  readonly kind: 'array'
  readonly items: AvroType
  /** `map`: an array of records with a key and a value, which is how Iceberg writes maps. */
  readonly logicalType?: string
}

export interface AvroMap {
  readonly kind: 'map'
  readonly values: AvroType
}

export interface AvroUnion {
  readonly kind: 'union'
  readonly branches: readonly AvroType[]
}

export type AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroRecordType | AvroArray | AvroMap | AvroUnion

/** Types may nest this deep; every function on them recurses. */
const MAX_SCHEMA_DEPTH = 100
/** Named types can be used again and again inside each other; a small schema must not describe endless records. */
const MAX_TYPE_COUNT = 100_000
/** The largest `fixed`: wider than any decimal, uuid or fixed column that makes sense. */
const MAX_FIXED_BYTES = 1 << 20

const PRIMITIVES: ReadonlySet<string> = new Set<AvroPrimitiveName>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])

/** A schema that is no Avro schema; the codec that knows the object's name turns it into `corrupt`. */
export class AvroSchemaError extends Error {
  override readonly name = 'AvroSchemaError'
}

/** @throws AvroSchemaError naming what is wrong. */
export function parseAvroSchema(json: JsonValue): AvroType {
  return parse(json, { named: new Map(), namespace: '', depth: 0 })
}

interface Scope {
  readonly named: Map<string, AvroType>
  readonly namespace: string
  readonly depth: number
}

function fail(message: string): never {
  throw new AvroSchemaError(message)
}

function parse(json: JsonValue | undefined, outer: Scope): AvroType {
  const scope = { ...outer, depth: outer.depth + 1 }
  if (scope.depth > MAX_SCHEMA_DEPTH) fail(`types nest deeper than ${MAX_SCHEMA_DEPTH}`)
  if (typeof json === 'string') return byName(json, scope)
  if (Array.isArray(json)) {
    if (json.length === 0) fail('a union has no branches')
    return { kind: 'union', branches: json.map((branch) => parse(branch, scope)) }
  }
  if (typeof json !== 'object' || json === null) fail(`${JSON.stringify(String(json))} is no type`)
  const logicalType = typeof json['logicalType'] === 'string' ? { logicalType: json['logicalType'] } : {}
  switch (json['type']) {
    case 'record':
    case 'error':
      return parseRecord(json, scope)
    case 'enum':
      return define(json, scope, { kind: 'enum', symbols: list(json['symbols'], 'symbols').map(String) })
    case 'fixed':
      return define(json, scope, { kind: 'fixed', size: fixedSize(json['size']), ...logicalType })
    case 'array':
      return { kind: 'array', items: parse(json['items'], scope), ...logicalType }
    case 'map':
      return { kind: 'map', values: parse(json['values'], scope) }
    default: {
      const type = parse(json['type'], scope)
      return PRIMITIVES.has(type.kind) ? ({ ...type, ...logicalType } as AvroPrimitive) : type
    }
  }
}

function byName(name: string, scope: Scope): AvroType {
  const primitive: AvroType | undefined = PRIMITIVES.has(name) ? { kind: name as AvroPrimitiveName } : undefined
  const type = primitive ?? scope.named.get(fullName(name, scope)) ?? scope.named.get(name)
  return type ?? fail(`there is no type ${JSON.stringify(name)}`)
}

function fullName(name: string, scope: Scope): string {
  return name.includes('.') || scope.namespace === '' ? name : `${scope.namespace}.${name}`
}

type Definition = Readonly<Record<string, JsonValue>>

function define<T extends AvroType>(json: Definition, scope: Scope, type: T): T {
  const { name, namespace } = json
  if (typeof name !== 'string' || name === '') fail(`a ${type.kind} has no name`)
  scope.named.set(fullName(name, typeof namespace === 'string' ? { ...scope, namespace } : scope), type)
  return type
}

/** The name is known only after the fields: a record that contains itself is no Iceberg struct. */
function parseRecord(json: Definition, scope: Scope): AvroRecordType {
  const name = String(json['name'])
  const space = typeof json['namespace'] === 'string' ? json['namespace'] : namespaceOf(name, scope.namespace)
  const fields = list(json['fields'], 'fields').map((field) => parseField(field, { ...scope, namespace: space }))
  let typeCount = 1
  let bytes = 0
  for (const { type } of fields) {
    typeCount += countTypes(type)
    bytes += minimumBytes(type)
  }
  if (typeCount > MAX_TYPE_COUNT) fail(`record ${JSON.stringify(name)} has more than ${MAX_TYPE_COUNT} types in it`)
  return define(json, scope, { kind: 'record', fields, minimumBytes: bytes, typeCount })
}

function countTypes(type: AvroType): number {
  switch (type.kind) {
    case 'record':
      return type.typeCount
    case 'array':
      return 1 + countTypes(type.items)
    case 'map':
      return 1 + countTypes(type.values)
    case 'union':
      return type.branches.reduce((sum, branch) => sum + countTypes(branch), 1)
    default:
      return 1
  }
}

function namespaceOf(name: string, outer: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? outer : name.slice(0, dot)
}

function parseField(json: JsonValue, scope: Scope): AvroField {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) fail('a field of a record is no object')
  const { name, 'field-id': id } = json
  if (typeof name !== 'string') fail('a field of a record has no name')
  return { name, id: typeof id === 'number' ? id : undefined, type: parse(json['type'], scope) }
}

function list(json: JsonValue | undefined, what: string): readonly JsonValue[] {
  return Array.isArray(json) ? json : fail(`${what} are missing`)
}

function fixedSize(json: JsonValue | undefined): number {
  const valid = typeof json === 'number' && Number.isInteger(json) && json >= 0 && json <= MAX_FIXED_BYTES
  return valid ? json : fail(`the size of a fixed is ${String(json)}`)
}

/**
 * The fewest bytes that a value of the type takes; 0 for a record without fields. It bounds how many items a block
 * can claim to hold.
 */
export function minimumBytes(type: AvroType): number {
  switch (type.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return type.size
    case 'record':
      return type.minimumBytes
    default:
      return 1
  }
}
