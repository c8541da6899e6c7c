/**
 * A schema from a sample of rows. All columns come out optional: a sample cannot promise that a value is always there
 * (`create --schema` can). What it says of each value:
 *
 * | values | type |
 * |---|---|
 * | true, false | boolean |
 * | integers within 64 bits; any with a fraction or exponent | long; double |
 * | integers beyond 64 bits | decimal(38,0) |
 * | texts that all are `2026-01-31`; with time and zone; with time and no zone | date; timestamptz; timestamp |
 * | any other text, and texts of several of these kinds | string |
 * | objects, arrays | struct of all keys seen, list |
 * | only null, `[]`, `{}` | string, `list<string>`, `map<string, string>` |
 *
 * Digits with leading zeros (`007`) are text. JSON values of kinds that share no type (a number here, a text there) are
 * an error, unless they may become text; in CSV, where everything is text, they make a string column.
 */
import { DataShardError } from '../errors.ts'
import { completeSchema } from '../spec/schema-ids.ts'
import { parseDate, parseTimestamp } from '../spec/temporal.ts'
import type { Field, Schema, Type } from '../spec/types.ts'
import { ExactNumber } from './exact-json.ts'

/** More columns than this come from ids used as keys of objects, not from a table. */
const MAX_FIELDS = 2_000

type Scalar = 'boolean' | 'long' | 'big' | 'double' | 'date' | 'timestamp' | 'timestamptz' | 'string'

/** What was seen of one column: undefined kinds mean "only nulls so far". */
interface Shape {
  scalar?: Scalar
  list?: Shape
  struct?: Map<string, Shape>
  /** Holds kinds that share no type. */
  mixed?: true
  /** Where the first value of each kind stood, for the error when they do not fit. */
  readonly places: Map<string, string>
}

export interface Inference {
  /** Adds a row of JSON values. `place` is its file and line. */
  addJson(row: Record<string, unknown>, place: string): void
  /** Adds a row of texts, in which `nullText` stands for null. */
  addTexts(row: Record<string, unknown>, nullText: string): void
  readonly rows: number
  /** @throws DataShardError `invalid-argument` without rows or columns. */
  schema(source: string): Schema
}

/** @param mixedAsText columns of kinds that share no type become strings, which hold other values as JSON text. */
export function createInference(mixedAsText = false): Inference {
  const columns = new Map<string, Shape>()
  let rows = 0
  return {
    addJson(row, place) {
      rows++
      for (const [name, value] of Object.entries(row))
        seeJson(shapeOf(columns, name), value, { column: name, place, mixedAsText })
    },
    addTexts(row, nullText) {
      rows++
      for (const [name, text] of Object.entries(row)) {
        const shape = shapeOf(columns, name)
        if (text === nullText || shape.scalar === 'string') continue
        const kind = cellKind(text as string)
        shape.scalar = shape.scalar === undefined ? kind : (common(shape.scalar, kind) ?? 'string')
      }
    },
    get rows() {
      return rows
    },
    schema(source) {
      if (columns.size === 0) {
        throw new DataShardError('invalid-argument', `${source} has no rows to infer a schema from; give --schema`)
      }
      return completeSchema(0, fieldsOf(columns))
    },
  }
}

function shapeOf(shapes: Map<string, Shape>, name: string): Shape {
  let shape = shapes.get(name)
  if (shape === undefined) {
    if (shapes.size >= MAX_FIELDS) {
      throw new DataShardError(
        'invalid-argument',
        `the sample has more than ${MAX_FIELDS} different keys in one object; give --schema, with a map for such keys`,
      )
    }
    shape = { places: new Map() }
    shapes.set(name, shape)
  }
  return shape
}

interface Sight {
  readonly column: string
  readonly place: string
  readonly mixedAsText: boolean
}

function seeJson(shape: Shape, value: unknown, sight: Sight): void {
  if (value === null || value === undefined || shape.mixed === true) return
  const { column } = sight
  if (!fits(shape, kindOf(value), sight)) shape.mixed = true
  else if (Array.isArray(value)) {
    shape.list ??= { places: new Map() }
    for (const item of value) seeJson(shape.list, item, { ...sight, column: `${column}.element` })
  } else if (typeof value === 'object' && !(value instanceof ExactNumber)) {
    shape.struct ??= new Map()
    for (const [name, item] of Object.entries(value)) {
      seeJson(shapeOf(shape.struct, name), item, { ...sight, column: `${column}.${name}` })
    }
  } else {
    const kind = scalarKind(value)
    shape.scalar = shape.scalar === undefined ? kind : common(shape.scalar, kind)!
  }
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'boolean') return 'true or false'
  if (typeof value === 'number' || value instanceof ExactNumber) return 'a number'
  return typeof value === 'string' ? 'a text' : 'an object'
}

/** Whether a column that may hold other kinds already can hold this one. Remembers where it was seen first. */
function fits(shape: Shape, kind: string, { column, place, mixedAsText }: Sight): boolean {
  if (shape.places.has(kind)) return true
  const other = shape.places.entries().next().value
  shape.places.set(kind, place)
  if (other === undefined) return true
  if (mixedAsText) return false
  throw new DataShardError(
    'invalid-argument',
    `no type fits column '${column}': it holds ${other[0]} in ${other[1]} and ${kind} in ${place}; ` +
      'give --schema, or --mixed-as-text',
  )
}

function scalarKind(value: unknown): Scalar {
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'number')
    return Number.isInteger(value) && !Object.is(value, -0) ? integerKind(String(value)) : 'double'
  if (value instanceof ExactNumber) return integerKind(value.text)
  return textKind(String(value))
}

const isNumberKind = (kind: Scalar) => kind === 'long' || kind === 'big' || kind === 'double'

const MAX_LONG = 0x7fff_ffff_ffff_ffffn

function integerKind(text: string): Scalar {
  if (!/^-?\d+$/.test(text)) return 'double'
  const value = BigInt(text)
  if (value <= MAX_LONG && value >= -MAX_LONG - 1n) return 'long'
  return text.replace('-', '').length <= 38 ? 'big' : 'double'
}

function textKind(text: string): Scalar {
  const code = text.charCodeAt(4)
  if (code !== 0x2d || text.length < 10) return 'string'
  if (text.length === 10) return parses(() => parseDate(text)) ? 'date' : 'string'
  if (parses(() => parseTimestamp(text, true))) return 'timestamptz'
  return parses(() => parseTimestamp(text, false)) ? 'timestamp' : 'string'
}

function parses(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}

function cellKind(text: string): Scalar {
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) {
    const kind = integerKind(text)
    return kind === 'double' ? 'string' : kind
  }
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) || /^(?:nan|[+-]?inf(?:inity)?)$/i.test(text))
    return 'double'
  if (/^(?:true|false)$/i.test(text)) return 'boolean'
  return textKind(text)
}

/** The type that holds values of both kinds; undefined if there is none. */
function common(a: Scalar, b: Scalar): Scalar | undefined {
  if (a === b) return a
  if (isNumberKind(a) && isNumberKind(b)) return a === 'double' || b === 'double' ? 'double' : 'big'
  if (isNumberKind(a) || isNumberKind(b) || a === 'boolean' || b === 'boolean') return undefined
  return 'string'
}

function fieldsOf(shapes: ReadonlyMap<string, Shape>): Field[] {
  return Array.from(shapes, ([name, shape]) => ({ id: 0, name, required: false, type: typeOf(shape) }))
}

function typeOf(shape: Shape): Type {
  if (shape.mixed === true) return { type: 'string' }
  if (shape.list !== undefined) {
    return { type: 'list', elementId: 0, element: typeOf(shape.list), elementRequired: false }
  }
  if (shape.struct !== undefined) {
    if (shape.struct.size > 0) return { type: 'struct', fields: fieldsOf(shape.struct) }
    const text: Type = { type: 'string' }
    return { type: 'map', keyId: 0, key: text, valueId: 0, value: text, valueRequired: false }
  }
  if (shape.scalar === 'big') return { type: 'decimal', precision: 38, scale: 0 }
  return { type: shape.scalar ?? 'string' }
}
