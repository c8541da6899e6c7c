/**
 * Random columns, rows and predicates, and what the predicates mean: three-valued logic written down a second time, by
 * the book and without any of the code under test but the order of values.
 */
import * as fc from 'fast-check'
import type { Literal, Predicate } from '../../src/spec/expressions.ts'
import type { RowMetrics } from '../../src/spec/prune.ts'
import { compilePredicate } from '../../src/spec/evaluate.ts'
import type { BoundPredicate } from '../../src/spec/expressions.ts'
import { indexSchema } from '../../src/spec/schema.ts'
import type { IndexedField } from '../../src/spec/schema.ts'
import { checkTransform, parseTransform } from '../../src/spec/transforms.ts'
import { formatDate } from '../../src/spec/temporal.ts'
import { isPrimitive } from '../../src/spec/types.ts'
import type { Field, Schema, Type, Value } from '../../src/spec/types.ts'
import { compareValues, encodeValue, truncateLowerBound, truncateUpperBound } from '../../src/spec/values.ts'
import type { Comparator } from '../../src/spec/values.ts'

/** Values of the leaf columns by field id. */
export type WorldRow = ReadonlyMap<number, Value | null>

const HOUR_US = 3_600_000_000n
const DAY_US = 24n * HOUR_US

/** Few values of each type, so that rows and literals meet, and the odd ones among them. */
const DOMAINS: readonly { readonly type: Type; readonly values: readonly Value[] }[] = [
  { type: { type: 'boolean' }, values: [false, true] },
  { type: { type: 'int' }, values: [-0x8000_0000, -11, -10, -1, 0, 1, 9, 10, 11, 0x7fff_ffff] },
  { type: { type: 'long' }, values: [-(2n ** 63n), -11n, -1n, 0n, 5n, 10n, 2n ** 53n + 1n, 2n ** 63n - 1n] },
  { type: { type: 'float' }, values: [-Infinity, -1.5, -0, 0, Math.fround(0.1), 2, NaN, Infinity] },
  { type: { type: 'double' }, values: [-Infinity, -1.5, -0, 0, 0.1, 1e300, NaN, Infinity] },
  { type: { type: 'decimal', precision: 5, scale: 2 }, values: [-99_999n, -101n, -100n, -1n, 0n, 1n, 250n, 99_999n] },
  { type: { type: 'date' }, values: [-800, -366, -365, -1, 0, 1, 30, 31, 365, 20_000] },
  { type: { type: 'time' }, values: [0n, 1n, 43_200_000_000n, 86_399_999_999n] },
  {
    type: { type: 'timestamp' },
    values: [-366n * DAY_US, -DAY_US - 1n, -DAY_US, -1n, 0n, 1n, HOUR_US, 20_000n * DAY_US, 31n * DAY_US - 1n],
  },
  { type: { type: 'timestamptz' }, values: [-HOUR_US - 1n, -HOUR_US, -1n, 0n, 1n, HOUR_US, 365n * DAY_US] },
  { type: { type: 'timestamp_ns' }, values: [-HOUR_US * 1000n, -1n, 0n, 1n, DAY_US * 1000n] },
  {
    type: { type: 'string' },
    values: [
      '',
      'a',
      'ab',
      'abc',
      'abcd',
      'abd',
      'b',
      'z',
      '\u{fffd}',
      '\u{1f600}',
      '\u{1f600}b',
      '\u{10ffff}\u{10ffff}',
    ],
  },
  {
    type: { type: 'uuid' },
    values: [
      '00000000-0000-0000-0000-000000000000',
      '0f000000-0000-0000-8000-000000000000',
      '0f000000-0000-0000-8000-000000000001',
      '0f000000-0000-0000-7000-000000000001',
      '7fffffff-ffff-ffff-ffff-ffffffffffff',
      '80000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  },
  {
    type: { type: 'binary' },
    values: [[], [0], [1], [1, 0], [1, 2, 3], [0xff], [0xff, 0xff, 0]].map((a) => Uint8Array.from(a)),
  },
  {
    type: { type: 'fixed', length: 2 },
    values: [
      [0, 0],
      [0, 1],
      [1, 0],
      [0xff, 0xff],
    ].map((a) => Uint8Array.from(a)),
  },
]

const domainOf = (type: Type): readonly Value[] => DOMAINS.find((domain) => domain.type.type === type.type)!.values

interface RandomColumn {
  readonly domain: (typeof DOMAINS)[number]
  readonly required: boolean
}

/** Types with more rules of their own come more often. */
const WEIGHTS: Readonly<Record<string, number>> = { string: 5, uuid: 3, float: 2, timestamp: 2 }

const columns: fc.Arbitrary<RandomColumn> = fc.record({
  domain: fc.oneof(
    ...DOMAINS.map((domain) => ({ arbitrary: fc.constant(domain), weight: WEIGHTS[domain.type.type] ?? 1 })),
  ),
  required: fc.boolean(),
})

const fieldOf = ({ domain, required }: RandomColumn, id: number, name: string): Field => ({
  id,
  name,
  required,
  type: domain.type,
})

/** One column: everything is about it. */
const narrow = columns.map((column): Schema => ({ schemaId: 0, fields: [fieldOf(column, 1, 'c1')] }))

/** Two columns, and one inside a struct that may be null. */
const wide = fc.tuple(columns, columns, columns, fc.boolean()).map(([first, second, inner, required]): Schema => ({
  schemaId: 0,
  fields: [
    fieldOf(first, 1, 'c1'),
    fieldOf(second, 2, 'c2'),
    { id: 3, name: 's', required, type: { type: 'struct', fields: [fieldOf(inner, 4, 'inner')] } },
  ],
}))

export const schemas: fc.Arbitrary<Schema> = fc.oneof({ arbitrary: narrow, weight: 3 }, { arbitrary: wide, weight: 1 })

/** The columns that hold values. */
export function leavesOf(schema: Schema): readonly IndexedField[] {
  return [...indexSchema(schema).byId.values()].filter(({ field }) => isPrimitive(field.type))
}

export function rows(schema: Schema, maxLength = 6): fc.Arbitrary<WorldRow[]> {
  const cells = leavesOf(schema).map(({ field, required }) => {
    const value = fc.constantFrom(...domainOf(field.type))
    return (required ? value : fc.option(value, { freq: 3 })).map((cell) => [field.id, cell] as const)
  })
  return fc.array(
    fc.tuple(...cells).map((entries) => new Map(entries)),
    { maxLength },
  )
}

/** How a user would write a value. */
function literalOf(type: Type, value: Value): Literal {
  switch (type.type) {
    case 'decimal':
      return { unscaled: value as bigint }
    case 'date':
      return formatDate(value as number)
    case 'time':
      return (
        { 0: '00:00:00', 1: '00:00:00.000001' }[String(value)] ??
        (value === 43_200_000_000n ? '12:00' : '23:59:59.999999')
      )
    default:
      return value
  }
}

export function predicates(schema: Schema): fc.Arbitrary<Predicate> {
  const leaf = fc
    .constantFrom(...leavesOf(schema))
    .chain(({ field: { type }, name: column }): fc.Arbitrary<Predicate> => {
      const value = fc.constantFrom(...domainOf(type)).map((one) => literalOf(type, one))
      const kinds: fc.Arbitrary<Predicate>[] = [
        fc.record({ op: fc.constantFrom('eq', 'notEq', 'lt', 'lte', 'gt', 'gte'), column: fc.constant(column), value }),
        fc.record({
          op: fc.constantFrom('isIn', 'notIn'),
          column: fc.constant(column),
          values: fc.array(value, { maxLength: 4 }),
        }),
        fc.record({ op: fc.constantFrom('isNull', 'notNull'), column: fc.constant(column) }),
      ]
      if (type.type === 'float' || type.type === 'double')
        kinds.push(fc.record({ op: fc.constantFrom('isNan', 'notNan'), column: fc.constant(column) }))
      if (type.type === 'string')
        kinds.push(
          fc.record({ op: fc.constantFrom('startsWith', 'notStartsWith'), column: fc.constant(column), value }),
        )
      return fc.oneof(...kinds)
    })
  const { tree } = fc.letrec<{ tree: Predicate }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.record({ op: fc.constantFrom('and', 'or'), predicates: fc.array(tie('tree'), { maxLength: 3 }) }),
      fc.record({ op: fc.constant('not'), predicate: tie('tree') }),
      fc.constantFrom<Predicate>({ op: 'true' }, { op: 'false' }),
    ),
  }))
  return tree
}

/** True, false, or null for unknown. */
export function meaning(predicate: Predicate, schema: Schema, row: WorldRow): boolean | null {
  switch (predicate.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'not': {
      const inner = meaning(predicate.predicate, schema, row)
      return inner === null ? null : !inner
    }
    case 'and': {
      const parts = predicate.predicates.map((part) => meaning(part, schema, row))
      return parts.includes(false) ? false : parts.includes(null) ? null : true
    }
    case 'or': {
      const parts = predicate.predicates.map((part) => meaning(part, schema, row))
      return parts.includes(true) ? true : parts.includes(null) ? null : false
    }
    default:
      return meaningOfTest(predicate, schema, row)
  }
}

type Test = Exclude<Predicate, { readonly op: 'and' | 'or' | 'not' | 'true' | 'false' }>

function meaningOfTest(test: Test, schema: Schema, row: WorldRow): boolean | null {
  const { type, id } = indexSchema(schema).byName.get(test.column)!.field
  const found = row.get(id)!
  if (!('value' in test || 'values' in test)) {
    const isIt = test.op === 'isNull' || test.op === 'notNull' ? found === null : Number.isNaN(found)
    return isIt === (test.op === 'isNull' || test.op === 'isNan')
  }
  if ('values' in test) {
    const values = test.values.map((one) => canonical(type, one))
    if (values.length === 0) return test.op === 'notIn'
    if (found === null) return null
    return values.some((one) => order(type, found, one) === 0) === (test.op === 'isIn')
  }
  if (found === null) return null
  const value = canonical(type, test.value)
  const difference = order(type, found, value)
  switch (test.op) {
    case 'eq':
      return difference === 0
    case 'notEq':
      return difference !== 0
    case 'lt':
      return difference < 0
    case 'lte':
      return difference <= 0
    case 'gt':
      return difference > 0
    case 'gte':
      return difference >= 0
    case 'startsWith':
      return (found as string).startsWith(value as string)
    case 'notStartsWith':
      return !(found as string).startsWith(value as string)
  }
}

const canonical = (type: Type, literal: Literal): Value =>
  domainOf(type).find(
    (value) =>
      Object.is(value, literal) || JSON.stringify(show(literalOf(type, value))) === JSON.stringify(show(literal)),
  )!

const show = (value: unknown): unknown =>
  typeof value === 'bigint'
    ? `${value}n`
    : value instanceof Uint8Array
      ? [...value]
      : typeof value === 'number'
        ? String(Object.is(value, -0) ? '-0' : value)
        : typeof value === 'object'
          ? `${(value as { unscaled: bigint }).unscaled}`
          : value

const order = (type: Type, a: Value, b: Value): number => (a === b ? 0 : compareValues(type)(a, b))

/** Rows that a compiled predicate keeps. */
export function keeps(predicate: BoundPredicate): (row: WorldRow) => boolean {
  return compilePredicate<WorldRow>(
    predicate,
    ({ fieldId }) =>
      (row) =>
        row.get(fieldId) ?? null,
  )
}

/** The order of UUIDs by the spec, and that of Java's UUID class, two signed longs. */
export const UUID_ORDERS: readonly Comparator[] = [
  compareValues({ type: 'uuid' }),
  (a, b) => compareValues({ type: 'string' })(withSignsFlipped(a as string), withSignsFlipped(b as string)),
]

function withSignsFlipped(uuid: string): string {
  return `${flip(uuid[0]!)}${uuid.slice(1, 19)}${flip(uuid[19]!)}${uuid.slice(20)}`
}

/** True metrics of rows, bounds cut to `length`. */
export function metricsOf(
  schema: Schema,
  rows: readonly WorldRow[],
  length: number,
  orders = { uuid: UUID_ORDERS[0]! },
): RowMetrics {
  const valueCounts = new Map<number, bigint>()
  const nullValueCounts = new Map<number, bigint>()
  const nanValueCounts = new Map<number, bigint>()
  const lowerBounds = new Map<number, Uint8Array>()
  const upperBounds = new Map<number, Uint8Array>()
  for (const { field } of leavesOf(schema)) {
    const { id, type } = field
    const values = rows.map((row) => row.get(id) ?? null)
    const present = values.filter((value) => value !== null && !Number.isNaN(value)) as Value[]
    valueCounts.set(id, BigInt(values.length))
    nullValueCounts.set(id, BigInt(values.filter((value) => value === null).length))
    if (type.type === 'float' || type.type === 'double')
      nanValueCounts.set(id, BigInt(values.filter((value) => Number.isNaN(value)).length))
    const sorted = present.sort(type.type === 'uuid' ? orders.uuid : compareValues(type))
    if (sorted.length === 0) continue
    lowerBounds.set(id, encodeValue(type, truncateLowerBound(type, sorted[0]!, length)))
    const upper = truncateUpperBound(type, sorted.at(-1)!, length)
    if (upper !== undefined) upperBounds.set(id, encodeValue(type, upper))
  }
  return { recordCount: BigInt(rows.length), valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds }
}

/** Metrics with some of them missing, as writers leave them. */
export function withGaps(metrics: RowMetrics): fc.Arbitrary<RowMetrics> {
  return fc.record({
    recordCount: fc.constant(metrics.recordCount),
    valueCounts: gappy(metrics.valueCounts),
    nullValueCounts: gappy(metrics.nullValueCounts),
    nanValueCounts: gappy(metrics.nanValueCounts),
    lowerBounds: gappy(metrics.lowerBounds),
    upperBounds: gappy(metrics.upperBounds),
  })
}

const gappy = <T>(map: ReadonlyMap<number, T>) => fc.subarray([...map]).map((entries) => new Map(entries))

const flip = (digit: string): string => (parseInt(digit, 16) ^ 8).toString(16)

export const TRANSFORMS = [
  'identity',
  'bucket[2]',
  'truncate[1]',
  'truncate[2]',
  'truncate[10]',
  'year',
  'month',
  'day',
  'hour',
  'void',
] as const

/** Those of some transforms that a type can have. */
export function transformsOf(type: Type, transforms: readonly string[]): readonly string[] {
  return transforms.filter((name) => {
    try {
      checkTransform(parseTransform(name), type, 'c')
      return true
    } catch {
      return false
    }
  })
}
