/**
 * Tables, rows and predicates at random, and what the predicates mean: an evaluation in three-valued logic that shares
 * nothing with the code under test but the builders.
 */
import * as fc from 'fast-check'
import type { Literal, Predicate } from '../../src/spec/expressions.ts'
import * as build from '../../src/spec/expressions.ts'
import { formatDate, formatTime } from '../../src/spec/temporal.ts'
import type { Schema, Type, Value } from '../../src/spec/types.ts'

/** A value of a column, as a row has it and as a predicate writes it. */
interface Sample {
  readonly value: Value
  readonly literal: Literal
}

export interface ColumnKind {
  readonly type: Type
  readonly sample: fc.Arbitrary<Sample>
  /** Literals that are no values of the type, but can be compared with them. */
  readonly odd: readonly Literal[]
  /** Something that orders values and literals alike. */
  readonly compare: (value: Value, literal: Literal) => number
}

const order = <T extends number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

const DIGITS = 4
/** Numbers as multiples of 10^-4: enough for every literal here. */
function scaled(literal: Literal, columnScale: number): bigint {
  if (typeof literal === 'bigint') return literal * 10n ** BigInt(DIGITS)
  if (typeof literal === 'number') return BigInt(Math.round(literal * 10 ** DIGITS))
  if (typeof literal === 'string') return BigInt(Math.round(Number(literal) * 10 ** DIGITS))
  const { unscaled, scale = columnScale } = literal as { unscaled: bigint; scale?: number }
  return unscaled * 10n ** BigInt(DIGITS - scale)
}

function orderFloats(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? order(Number(Number.isNaN(a)), Number(Number.isNaN(b))) : order(a, b)
}

const same = <T extends Value & Literal>(values: fc.Arbitrary<T>): fc.Arbitrary<Sample> =>
  values.map((value) => ({ value, literal: value }))

const DAY_MICROS = 86_400_000_000n
const EDGES = [
  -DAY_MICROS * 366n,
  -DAY_MICROS * 31n,
  -DAY_MICROS,
  -3_600_000_000n,
  0n,
  3_600_000_000n,
  DAY_MICROS * 31n,
]
const micros = fc
  .tuple(fc.constantFrom(...EDGES), fc.constantFrom(-1_800_000_000n, -1n, 0n, 1n, 1_800_000_000n))
  .map(([edge, offset]) => edge + offset)
const letters = fc
  .array(fc.constantFrom('a', 'b', 'é', '\ufffd', '\u{1f600}', '\u{10ffff}'), { maxLength: 5 })
  .map((list) => list.join(''))
const hex = fc.constantFrom('0', '7', '8', 'f')

export const KINDS: Readonly<Record<string, ColumnKind>> = {
  boolean: {
    type: { type: 'boolean' },
    sample: same(fc.boolean()),
    odd: [],
    compare: (value, literal) => order(Number(value), Number(literal)),
  },
  int: {
    type: { type: 'int' },
    sample: same(fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom(-0x7fff_fff0, 0x7fff_ffff))),
    odd: [5_000_000_000n, -5_000_000_000, 1.5, -0.5],
    compare: (value, literal) => order(scaled(value as number, 0), scaled(literal, 0)),
  },
  long: {
    type: { type: 'long' },
    sample: same(
      fc.oneof(
        fc.bigInt({ min: -12n, max: 12n }),
        fc.constantFrom(-0x7fff_ffff_ffff_fff0n, 0x7fff_ffff_ffff_ffffn, 2n ** 53n + 1n),
      ),
    ),
    odd: [2n ** 64n, -(2n ** 70n), 0.25, 7, { unscaled: 15n, scale: 1 }],
    compare: (value, literal) => order(scaled(value as bigint, 0), scaled(literal, 0)),
  },
  decimal: {
    type: { type: 'decimal', precision: 5, scale: 2 },
    sample: fc
      .oneof(fc.bigInt({ min: -12n, max: 12n }), fc.constantFrom(-99999n, 99999n))
      .map((unscaled) => ({ value: unscaled, literal: { unscaled } })),
    odd: [1000, -12345.5, 0.005, '0.011', 1n],
    compare: (value, literal) => order(scaled({ unscaled: value as bigint }, 2), scaled(literal, 2)),
  },
  double: {
    type: { type: 'double' },
    sample: same(fc.constantFrom(-Infinity, -1.5, -0, 0, 0.1, 1e300, Infinity, NaN)),
    odd: [1n],
    compare: (value, literal) => orderFloats(value as number, Number(literal)),
  },
  float: {
    type: { type: 'float' },
    sample: fc
      .constantFrom(-Infinity, -1.5, -0, 0, 0.1, 3e38, Infinity, NaN)
      .map((literal) => ({ value: Math.fround(literal), literal })),
    odd: [1e300, -1e300],
    // A literal within the range is rounded as a row's value is; beyond it, it lies before the infinities.
    compare: (value, literal) =>
      orderFloats(
        value as number,
        Math.abs(literal as number) === 1e300 ? (literal as number) : Math.fround(literal as number),
      ),
  },
  date: {
    type: { type: 'date' },
    sample: fc.oneof(fc.integer({ min: -400, max: 400 }), fc.integer({ min: -2, max: 2 })).map((days) => ({
      value: days,
      literal: new Date(days * 86_400_000),
    })),
    odd: [new Date(-1), new Date(43_200_000)],
    compare: (value, literal) => order((value as number) * 86_400_000, (literal as Date).getTime()),
  },
  timestamp: {
    type: { type: 'timestamp' },
    sample: same(micros),
    odd: [],
    compare: (value, literal) => order(value as bigint, literal as bigint),
  },
  timestamptz: {
    type: { type: 'timestamptz' },
    sample: same(micros),
    odd: [new Date(-1), new Date(3_600_000)],
    compare: (value, literal) =>
      order(value as bigint, literal instanceof Date ? BigInt(literal.getTime()) * 1000n : (literal as bigint)),
  },
  string: {
    type: { type: 'string' },
    sample: same(letters),
    odd: [],
    compare: (value, literal) => Buffer.compare(Buffer.from(value as string), Buffer.from(literal as string)),
  },
  uuid: {
    type: { type: 'uuid' },
    sample: same(fc.tuple(hex, hex).map(([a, b]) => `${a.repeat(8)}-0000-4000-${b.repeat(4)}-000000000000`)),
    odd: [],
    compare: (value, literal) => Buffer.compare(Buffer.from(value as string), Buffer.from(literal as string)),
  },
  binary: {
    type: { type: 'binary' },
    sample: same(
      fc.uint8Array({ maxLength: 4, max: 255 }).map((bytes) => bytes.map((byte) => (byte > 127 ? 255 : byte % 2))),
    ),
    odd: [],
    compare: (value, literal) => Buffer.compare(value as Uint8Array, literal as Uint8Array),
  },
}

export type KindName = keyof typeof KINDS & string

/** Values by column, in the order of the schema's fields. */
export type SampleRow = readonly (Value | null)[]

export interface World {
  readonly kinds: readonly KindName[]
  readonly schema: Schema
  readonly rows: readonly SampleRow[]
  readonly predicate: Predicate
}

/** Up to three columns `c0`, `c1`, ... with ids from 1, some rows with nulls, and a predicate over them. */
export const world: fc.Arbitrary<World> = fc
  .array(fc.constantFrom(...(Object.keys(KINDS) as KindName[])), { minLength: 1, maxLength: 3 })
  .chain((kinds) => {
    const fields = kinds.map((kind, i) => ({ id: i + 1, name: `c${i}`, required: false, type: KINDS[kind]!.type }))
    const cells = kinds.map((kind) =>
      fc.option(
        KINDS[kind]!.sample.map(({ value }) => value),
        { freq: 5 },
      ),
    )
    return fc.record({
      kinds: fc.constant(kinds),
      schema: fc.constant<Schema>({ schemaId: 0, fields }),
      rows: fc.array(fc.tuple(...cells) as fc.Arbitrary<SampleRow>, { minLength: 1, maxLength: 12 }),
      predicate: predicates(kinds),
    })
  })

function predicates(kinds: readonly KindName[]): fc.Arbitrary<Predicate> {
  const leaf = fc.oneof(...kinds.map((kind, i) => leaves(`c${i}`, kind)))
  return fc.letrec<{ node: Predicate }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 4, arbitrary: leaf },
      { weight: 1, arbitrary: fc.array(tie('node'), { maxLength: 3 }).map((parts) => build.and(...parts)) },
      { weight: 1, arbitrary: fc.array(tie('node'), { maxLength: 3 }).map((parts) => build.or(...parts)) },
      { weight: 1, arbitrary: tie('node').map(build.not) },
    ),
  })).node
}

function leaves(column: string, kind: KindName): fc.Arbitrary<Predicate> {
  const { sample, odd, type } = KINDS[kind]!
  const literal = fc.oneof(
    { weight: 5, arbitrary: sample.map((one) => one.literal) },
    ...(odd.length > 0 ? [{ weight: 1, arbitrary: fc.constantFrom(...odd) }] : []),
  )
  const comparisons = [build.eq, build.notEq, build.lt, build.lte, build.gt, build.gte]
  const options: fc.Arbitrary<Predicate>[] = [
    fc.tuple(fc.constantFrom(...comparisons), literal).map(([compare, value]) => compare(column, value)),
    fc
      .tuple(fc.constantFrom(build.isIn, build.notIn), fc.array(literal, { maxLength: 4 }))
      .map(([member, values]) => member(column, values)),
    fc.constantFrom(build.isNull(column), build.notNull(column)),
  ]
  if (type.type === 'float' || type.type === 'double')
    options.push(fc.constantFrom(build.isNan(column), build.notNan(column)))
  if (type.type === 'string')
    options.push(
      fc
        .tuple(fc.constantFrom(build.startsWith, build.notStartsWith), letters)
        .map(([prefixed, prefix]) => prefixed(column, prefix)),
    )
  return fc.oneof(...options)
}

/** true, false, or null for unknown. */
export function evaluate(predicate: Predicate, row: SampleRow, kinds: readonly KindName[]): boolean | null {
  switch (predicate.op) {
    case 'true':
    case 'false':
      return predicate.op === 'true'
    case 'not':
      return negate(evaluate(predicate.predicate, row, kinds))
    case 'and':
      return predicate.predicates.map((part) => evaluate(part, row, kinds)).reduce(both, true)
    case 'or':
      return negate(predicate.predicates.map((part) => negate(evaluate(part, row, kinds))).reduce(both, true))
    default: {
      const index = Number(predicate.column.slice(1))
      return evaluateLeaf(predicate, row[index] ?? null, KINDS[kinds[index]!]!)
    }
  }
}

const negate = (known: boolean | null): boolean | null => (known === null ? null : !known)

function both(a: boolean | null, b: boolean | null): boolean | null {
  if (a === false || b === false) return false
  return a === null || b === null ? null : true
}

type Leaf = Extract<Predicate, { readonly column: string }>

function evaluateLeaf(leaf: Leaf, value: Value | null, { compare }: ColumnKind): boolean | null {
  switch (leaf.op) {
    case 'isNull':
      return value === null
    case 'notNull':
      return value !== null
    case 'isNan':
      return Number.isNaN(value)
    case 'notNan':
      return !Number.isNaN(value)
    case 'isIn':
    case 'notIn': {
      if (leaf.values.length === 0) return leaf.op === 'notIn'
      if (value === null) return null
      return leaf.values.some((literal) => compare(value, literal) === 0) === (leaf.op === 'isIn')
    }
    case 'startsWith':
    case 'notStartsWith':
      if (value === null) return null
      return (
        Buffer.from(value as string)
          .subarray(0, Buffer.byteLength(leaf.value as string))
          .equals(Buffer.from(leaf.value as string)) ===
        (leaf.op === 'startsWith')
      )
    default: {
      if (value === null) return null
      const sign = compare(value, leaf.value)
      const outcomes = { eq: sign === 0, notEq: sign !== 0, lt: sign < 0, lte: sign <= 0, gt: sign > 0, gte: sign >= 0 }
      return outcomes[leaf.op]
    }
  }
}

/** A canonical value as a row takes it. */
export function input(type: Type, value: Value | null): unknown {
  if (value === null) return null
  switch (type.type) {
    case 'decimal':
      return { unscaled: value }
    case 'date':
      return formatDate(value as number)
    case 'time':
      return formatTime(value as bigint)
    default:
      return value
  }
}
