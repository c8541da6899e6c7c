/**
 * The schema of a Parquet file as a tree, with the two generations of annotations brought together (parquet-format,
 * `LogicalTypes.md`): the converted types of old, and the logical types that took their place.
 */
import { FooterFault, integer, text } from './parquet-footer-fields.ts'
import type { ThriftStruct } from './parquet-writer-thrift.ts'

/** `Type` of parquet.thrift. */
export const PHYSICAL = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  bytes: 6,
  fixed: 7,
} as const

export type TimeUnit = 'millis' | 'micros' | 'nanos'

/** What the bits of a column mean. */
export type Annotation =
  | { readonly kind: 'string' | 'list' | 'map' | 'date' | 'uuid' | 'null' | 'bson' | 'variant' | 'other' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly unit: TimeUnit; readonly utc: boolean }
  | { readonly kind: 'int'; readonly bits: number; readonly signed: boolean }

export type Repetition = 'required' | 'optional' | 'repeated'

/** A group or a column of the schema. */
export interface ParquetNode {
  readonly name: string
  readonly fieldId: number | undefined
  readonly repetition: Repetition
  /** Neither it nor a group around it is optional or repeated. */
  readonly alwaysPresent: boolean
  /** It or a group around it is repeated. */
  readonly isRepeated: boolean
  readonly annotation: Annotation | undefined
  /** One of {@link PHYSICAL}; undefined for a group. */
  readonly physical: number | undefined
  /** Bytes of a value of `fixed`. */
  readonly typeLength: number
  readonly children: readonly ParquetNode[]
  /** Position among the columns; -1 for a group. */
  readonly leaf: number
  readonly raw: ThriftStruct
}

/** Fields of `SchemaElement`. */
export const ELEMENT = {
  type: 1,
  typeLength: 2,
  repetition: 3,
  name: 4,
  childCount: 5,
  converted: 6,
  scale: 7,
  precision: 8,
  fieldId: 9,
  logical: 10,
} as const

const REPETITIONS: readonly Repetition[] = ['required', 'optional', 'repeated']
const UNITS: readonly TimeUnit[] = ['millis', 'micros', 'nanos']
/** Deeper than any table, whose lists take two levels each; keeps hostile footers from exhausting the stack. */
const MAX_DEPTH = 200

/** The tree of the flat list that a footer holds (a group says how many of the next elements are its children). */
export function parseSchemaTree(elements: readonly ThriftStruct[]): ParquetNode {
  let next = 0
  let leaf = 0
  const parse = (depth: number, parentPresent: boolean, parentRepeated: boolean): ParquetNode => {
    const raw = elements[next++]
    if (raw === undefined) throw new FooterFault('its schema ends too early')
    if (depth > MAX_DEPTH) throw new FooterFault('its schema is nested too deeply')
    const childCount = Number(integer(raw, ELEMENT.childCount) ?? 0n)
    const physical = integer(raw, ELEMENT.type)
    const isGroup = depth === 0 || physical === undefined
    if (childCount < 0 || childCount > elements.length) throw new FooterFault(`a group has ${childCount} children`)
    if (!isGroup && (physical < 0n || physical > 7n)) throw new FooterFault(`a column has the type ${physical}`)
    const repetition = REPETITIONS[Number(integer(raw, ELEMENT.repetition) ?? 0n)] ?? 'optional'
    const alwaysPresent = parentPresent && (depth === 0 || repetition === 'required')
    const isRepeated = parentRepeated || (depth > 0 && repetition === 'repeated')
    return {
      name: text(raw, ELEMENT.name) ?? '',
      fieldId: fieldId(raw),
      repetition,
      alwaysPresent,
      isRepeated,
      annotation: annotationOf(raw),
      physical: isGroup ? undefined : Number(physical),
      typeLength: Number(integer(raw, ELEMENT.typeLength) ?? 0n),
      leaf: isGroup ? -1 : leaf++,
      children: isGroup ? Array.from({ length: childCount }, () => parse(depth + 1, alwaysPresent, isRepeated)) : [],
      raw,
    }
  }
  const root = parse(0, true, false)
  if (next !== elements.length) throw new FooterFault('its schema has elements that belong to nothing')
  return root
}

/** The columns of a tree, in the order of their chunks. */
export function leavesOf(node: ParquetNode): ParquetNode[] {
  return node.leaf >= 0 ? [node] : node.children.flatMap(leavesOf)
}

function fieldId(raw: ThriftStruct): number | undefined {
  const id = integer(raw, ELEMENT.fieldId)
  return id === undefined || id < 0n ? undefined : Number(id)
}

function annotationOf(raw: ThriftStruct): Annotation | undefined {
  const logical = raw.get(ELEMENT.logical)?.value
  if (logical instanceof Map && logical.size > 0) return logicalAnnotation(logical as ThriftStruct)
  const converted = integer(raw, ELEMENT.converted)
  return converted === undefined ? undefined : convertedAnnotation(Number(converted), raw)
}

/** `LogicalType` is a union: one field is set. */
function logicalAnnotation(logical: ThriftStruct): Annotation {
  const [id, field] = [...logical][0]!
  const details = field.value instanceof Map ? (field.value as ThriftStruct) : new Map()
  switch (id) {
    case 1:
    case 4:
    case 12:
      return { kind: 'string' }
    case 2:
      return { kind: 'map' }
    case 3:
      return { kind: 'list' }
    case 5:
      return { kind: 'decimal', scale: small(details, 1), precision: small(details, 2) }
    case 6:
      return { kind: 'date' }
    case 7:
    case 8:
      return { kind: id === 7 ? 'time' : 'timestamp', unit: unitOf(details), utc: details.get(1)?.value === true }
    case 10:
      return { kind: 'int', bits: small(details, 1), signed: details.get(2)?.value === true }
    case 11:
      return { kind: 'null' }
    case 13:
      return { kind: 'bson' }
    case 14:
      return { kind: 'uuid' }
    case 16:
      return { kind: 'variant' }
    default:
      return { kind: 'other' }
  }
}

function unitOf(details: ThriftStruct): TimeUnit {
  const unit = details.get(2)?.value
  const id = unit instanceof Map ? [...unit.keys()][0] : undefined
  return UNITS[Number(id ?? 2) - 1] ?? 'micros'
}

function small(parent: ThriftStruct, field: number): number {
  return Number(integer(parent, field) ?? 0n)
}

/** `ConvertedType`. Its times and timestamps are those of UTC. */
function convertedAnnotation(converted: number, raw: ThriftStruct): Annotation {
  if (converted >= 11 && converted <= 18) {
    return { kind: 'int', bits: 8 << ((converted - 11) & 3), signed: converted >= 15 }
  }
  switch (converted) {
    case 0:
    case 4:
    case 19:
      return { kind: 'string' }
    case 1:
    case 2:
      return { kind: 'map' }
    case 3:
      return { kind: 'list' }
    case 5:
      return { kind: 'decimal', scale: small(raw, ELEMENT.scale), precision: small(raw, ELEMENT.precision) }
    case 6:
      return { kind: 'date' }
    case 7:
    case 8:
      return { kind: 'time', unit: converted === 7 ? 'millis' : 'micros', utc: true }
    case 9:
    case 10:
      return { kind: 'timestamp', unit: converted === 9 ? 'millis' : 'micros', utc: true }
    case 20:
      return { kind: 'bson' }
    default:
      return { kind: 'other' }
  }
}
