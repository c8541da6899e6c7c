import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manifestSummary } from '../../src/codec/manifest.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import type { ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import { compilePredicate } from '../../src/spec/evaluate.ts'
import type { BoundPredicate } from '../../src/spec/expressions.ts'
import type { PartitionField, PartitionSpec, PartitionTuple } from '../../src/spec/partition.ts'
import { projectPredicate, projectStrict } from '../../src/spec/project.ts'
import type { RowMetrics } from '../../src/spec/prune.ts'
import {
  manifestMayMatch,
  metricsAllMatch,
  metricsMayMatch,
  partitionFilter,
  partitionMayMatch,
  reduceByMetrics,
} from '../../src/spec/prune.ts'
import { residual } from '../../src/spec/residual.ts'
import type { Transform } from '../../src/spec/transforms.ts'
import { bindTransform, checkTransform } from '../../src/spec/transforms.ts'
import type { Schema, Type, Value } from '../../src/spec/types.ts'
import { compareValues, encodeValue, truncateLowerBound, truncateUpperBound } from '../../src/spec/values.ts'
import type { KindName, SampleRow } from '../support/arbitrary-predicates.ts'
import { evaluate, KINDS, world } from '../support/arbitrary-predicates.ts'
import { caught } from './caught.ts'

const RUNS = { numRuns: 400 }

const TRANSFORMS: readonly Transform[] = [
  { transform: 'identity' },
  { transform: 'bucket', buckets: 3 },
  { transform: 'truncate', width: 2 },
  { transform: 'truncate', width: 5 },
  { transform: 'year' },
  { transform: 'month' },
  { transform: 'day' },
  { transform: 'hour' },
  { transform: 'void' },
  { transform: 'unknown', name: 'zorder' },
]

const fits = (transform: Transform, type: Type): boolean =>
  transform.transform === 'unknown' || caught(() => checkTransform(transform, type, 'c')) === undefined

/** A spec over the columns, with fields that fit their types. */
function specs(kinds: readonly KindName[]): fc.Arbitrary<PartitionSpec> {
  const field = fc.nat(kinds.length - 1).chain((column) => {
    const options = TRANSFORMS.filter((transform) => fits(transform, KINDS[kinds[column]!]!.type))
    return fc.constantFrom(...options).map((transform) => ({ column, transform }))
  })
  return fc.array(field, { maxLength: 3 }).map((fields) => ({
    specId: 0,
    fields: fields.map(({ column, transform }, i): PartitionField => ({
      sourceId: column + 1,
      fieldId: 1000 + i,
      name: `p${i}`,
      transform,
    })),
  }))
}

type ApplyTransform = (field: PartitionField, type: Type, value: Value | null) => Value | null

const bySpec: ApplyTransform = ({ transform }, type, value) =>
  transform.transform === 'unknown' ? 'who knows' : bindTransform(transform, type)(value)

const UNIT_MICROS: Readonly<Record<string, bigint>> = { day: 86_400_000_000n, hour: 3_600_000_000n }

/** As old versions of Iceberg's Java library did it: days and hours before 1970 rounded up, months and years too. */
const roundedUp: ApplyTransform = (field, type, value) => {
  const right = bySpec(field, type, value)
  const { transform } = field.transform
  if (right === null || (right as number) >= 0 || !['year', 'month', 'day', 'hour'].includes(transform)) return right
  if (type.type === 'date' && transform === 'day') return right
  const unit = UNIT_MICROS[transform]
  const aligned = unit !== undefined && typeof value === 'bigint' && value % unit === 0n
  return aligned ? right : (right as number) + 1
}

function partitions(rows: readonly SampleRow[], spec: PartitionSpec, schema: Schema, apply: ApplyTransform) {
  const groups = new Map<string, { tuple: PartitionTuple; rows: SampleRow[] }>()
  for (const row of rows) {
    const tuple = spec.fields.map((field) => {
      const column = field.sourceId - 1
      return apply(field, schema.fields[column]!.type, row[column]!)
    })
    const key = tuple
      .map((value) => (value instanceof Uint8Array ? `bytes ${value}` : `${typeof value} ${value}`))
      .join()
    const group = groups.get(key) ?? { tuple, rows: [] }
    group.rows.push(row)
    groups.set(key, group)
  }
  return [...groups.values()]
}

const matcher = (predicate: BoundPredicate): ((row: SampleRow) => boolean) =>
  compilePredicate<SampleRow>(predicate, (term) => (row) => row[term.fieldId - 1] ?? null)

interface Gaps {
  readonly valueCounts: boolean
  readonly nullCounts: boolean
  readonly nanCounts: boolean
  readonly lower: boolean
  readonly upper: boolean
  readonly bytes: number
}

const gaps: fc.Arbitrary<Gaps> = fc.record({
  valueCounts: fc.boolean(),
  nullCounts: fc.boolean(),
  nanCounts: fc.boolean(),
  lower: fc.boolean(),
  upper: fc.boolean(),
  bytes: fc.constantFrom(1, 2, 16),
})

/** Metrics as a writer gives them, some of them left out. */
function metricsOf(rows: readonly SampleRow[], schema: Schema, missing: Gaps): RowMetrics {
  const counts = (wanted: boolean, test: (value: Value | null) => boolean) =>
    new Map(
      wanted
        ? schema.fields.map(({ id }) => [id, BigInt(rows.filter((row) => test(row[id - 1]!)).length)] as const)
        : [],
    )
  const lowerBounds = new Map<number, Uint8Array>()
  const upperBounds = new Map<number, Uint8Array>()
  for (const { id, type } of schema.fields) {
    const ordinary = rows.map((row) => row[id - 1]!).filter((value) => value !== null && !Number.isNaN(value))
    const sorted = ordinary.sort(compareValues(type) as (a: Value | null, b: Value | null) => number)
    if (sorted.length === 0) continue
    if (!missing.lower) lowerBounds.set(id, encodeValue(type, truncateLowerBound(type, sorted[0]!, missing.bytes)))
    const upper = truncateUpperBound(type, sorted.at(-1)!, missing.bytes)
    if (!missing.upper && upper !== undefined) upperBounds.set(id, encodeValue(type, upper))
  }
  return {
    recordCount: BigInt(rows.length),
    valueCounts: counts(!missing.valueCounts, () => true),
    nullValueCounts: counts(!missing.nullCounts, (value) => value === null),
    nanValueCounts: counts(!missing.nanCounts, (value) => Number.isNaN(value)),
    lowerBounds,
    upperBounds,
  }
}

const worldWithSpec = world.chain((one) => fc.record({ one: fc.constant(one), spec: specs(one.kinds) }))

describe('pruning', () => {
  test('a bound predicate keeps the rows for which the predicate is true, in three-valued logic', () => {
    fc.assert(
      fc.property(world, ({ kinds, schema, rows, predicate }) => {
        const matches = matcher(bindPredicate(predicate, schema))
        expect(rows.map(matches)).toEqual(rows.map((row) => evaluate(predicate, row, kinds) === true))
      }),
      RUNS,
    )
  })

  test.each([
    ['as the spec says', bySpec],
    ['as old writers rounded before 1970', roundedUp],
  ])('no partition with a matching row is dropped, and what is left to check is exact: %s', (_, apply) => {
    fc.assert(
      fc.property(worldWithSpec, ({ one, spec }) => {
        const { schema, rows, predicate } = one
        const bound = bindPredicate(predicate, schema)
        const projected = projectPredicate(bound, spec)
        const proves = partitionFilter(projectStrict(bound, spec), spec)
        for (const { tuple, rows: inside } of partitions(rows, spec, schema, apply)) {
          const matched = inside.map(matcher(bound))
          expect(partitionMayMatch(projected, spec, tuple) || !matched.includes(true)).toBe(true)
          expect(!proves(tuple) || !matched.includes(false)).toBe(true)
          expect(inside.map(matcher(residual(bound, spec, tuple)))).toEqual(matched)
        }
      }),
      RUNS,
    )
  })

  test('no manifest with a matching row is dropped', () => {
    fc.assert(
      fc.property(worldWithSpec, fc.boolean(), ({ one, spec }, withNan) => {
        const { schema, rows, predicate } = one
        const bound = bindPredicate(predicate, schema)
        const entries = partitions(rows, spec, schema, bySpec).map(
          ({ tuple }) => ({ dataFile: { partition: tuple } }) as unknown as ManifestEntry,
        )
        const { partitions: summaries } = manifestSummary(entries, spec, schema)
        const partial = summaries?.map(({ containsNan, ...summary }) =>
          withNan && containsNan !== undefined ? { ...summary, containsNan } : summary,
        )
        const manifest = { partitions: partial } as unknown as ManifestFile
        const mayMatch = manifestMayMatch(projectPredicate(bound, spec), spec, manifest)
        expect(mayMatch || !rows.some(matcher(bound))).toBe(true)
      }),
      RUNS,
    )
  })

  test('metrics, whatever is missing of them, neither drop a matching row nor vouch for one that does not match', () => {
    fc.assert(
      fc.property(world, gaps, ({ schema, rows, predicate }, missing) => {
        const bound = bindPredicate(predicate, schema)
        const metrics = metricsOf(rows, schema, missing)
        const matched = rows.map(matcher(bound))
        expect(metricsMayMatch(bound, metrics) || !matched.includes(true)).toBe(true)
        expect(!metricsAllMatch(bound, metrics) || !matched.includes(false)).toBe(true)
        expect(rows.map(matcher(reduceByMetrics(bound, metrics)))).toEqual(matched)
      }),
      RUNS,
    )
  })
})

const FULL: Gaps = { valueCounts: false, nullCounts: false, nanCounts: false, lower: false, upper: false, bytes: 16 }

/** The one column `c0` (id 1) of a kind, and metrics of a file with these values. */
function file(kind: KindName, values: readonly (Value | null)[], missing: Partial<Gaps> = {}) {
  const schema: Schema = {
    schemaId: 0,
    fields: [{ id: 1, name: 'c0', required: false, type: KINDS[kind]!.type }],
  }
  const rows = values.map((value) => [value])
  return { schema, metrics: metricsOf(rows, schema, { ...FULL, ...missing }) }
}

const bucketed: PartitionSpec = {
  specId: 0,
  fields: [{ sourceId: 1, fieldId: 1000, name: 'b', transform: { transform: 'bucket', buckets: 16 } }],
}

describe('pruning drops what it can', () => {
  test.each([
    ['int', [1, 5], { op: 'gt', column: 'c0', value: 5 }],
    ['int', [1, 5], { op: 'eq', column: 'c0', value: 6 }],
    ['int', [1, 5, null], { op: 'isIn', column: 'c0', values: [0, 6] }],
    ['int', [5, 5, null], { op: 'notEq', column: 'c0', value: 5 }],
    ['int', [null, null], { op: 'notEq', column: 'c0', value: 5 }],
    ['int', [null, null], { op: 'notNull', column: 'c0' }],
    ['int', [1], { op: 'isNull', column: 'c0' }],
    ['double', [1, 2], { op: 'isNan', column: 'c0' }],
    ['double', [NaN, NaN], { op: 'lt', column: 'c0', value: Infinity }],
    ['double', [NaN], { op: 'notNan', column: 'c0' }],
    ['double', [1, 2], { op: 'gt', column: 'c0', value: 2 }],
    ['string', ['abc', 'abd'], { op: 'startsWith', column: 'c0', value: 'b' }],
    ['string', ['abc', 'abd'], { op: 'notStartsWith', column: 'c0', value: 'ab' }],
  ] as const)('%s %j: %j', (kind, values, predicate) => {
    const { schema, metrics } = file(kind, values)
    expect(metricsMayMatch(bindPredicate(predicate, schema), metrics)).toBe(false)
  })

  test.each([
    ['int', [1, 5], { op: 'lte', column: 'c0', value: 5 }],
    ['int', [1, 5], { op: 'notNull', column: 'c0' }],
    ['int', [5, 5], { op: 'eq', column: 'c0', value: 5 }],
    ['double', [1, NaN], { op: 'gte', column: 'c0', value: 1 }],
    ['double', [1, NaN], { op: 'notEq', column: 'c0', value: 0 }],
    ['string', ['abc', 'abd'], { op: 'startsWith', column: 'c0', value: 'ab' }],
  ] as const)('%s %j: every row matches %j', (kind, values, predicate) => {
    const { schema, metrics } = file(kind, values)
    expect(metricsAllMatch(bindPredicate(predicate, schema), metrics)).toBe(true)
  })

  test('`!=` keeps a file whose bounds are the value, but that holds NaN, or may hold it', () => {
    for (const missing of [{}, { nanCounts: true }]) {
      const { schema, metrics } = file('double', [1, 1, NaN], missing)
      expect(metricsMayMatch(bindPredicate({ op: 'notEq', column: 'c0', value: 1 }, schema), metrics)).toBe(true)
    }
  })

  test('`>` keeps a file that may hold NaN, the highest value', () => {
    const { schema, metrics } = file('double', [1, 2], { nanCounts: true })
    expect(metricsMayMatch(bindPredicate({ op: 'gt', column: 'c0', value: 5 }, schema), metrics)).toBe(true)
  })

  test('bounds without counts never vouch for every row: there may be nulls', () => {
    for (const missing of [{ nullCounts: true }, { valueCounts: true }]) {
      const { schema, metrics } = file('int', [1, 2], missing)
      expect(metricsAllMatch(bindPredicate({ op: 'gt', column: 'c0', value: 0 }, schema), metrics)).toBe(false)
    }
  })

  test('counts that contradict each other are not believed', () => {
    const { schema, metrics } = file('double', [1, NaN])
    const wrong = { ...metrics, nanValueCounts: new Map([[1, 5n]]) }
    expect(metricsMayMatch(bindPredicate({ op: 'eq', column: 'c0', value: 1 }, schema), wrong)).toBe(true)
  })

  test('bounds of an int file serve a column that was widened to long', () => {
    const { metrics } = file('int', [1, 5])
    const { schema } = file('long', [])
    expect(metricsMayMatch(bindPredicate({ op: 'eq', column: 'c0', value: 6n }, schema), metrics)).toBe(false)
    expect(metricsMayMatch(bindPredicate({ op: 'eq', column: 'c0', value: 5n }, schema), metrics)).toBe(true)
  })

  test('bytes that are no value of the type decide nothing', () => {
    const { schema, metrics } = file('int', [1, 5])
    const damaged = { ...metrics, upperBounds: new Map([[1, new Uint8Array([1, 2])]]) }
    expect(metricsMayMatch(bindPredicate({ op: 'gt', column: 'c0', value: 9 }, schema), damaged)).toBe(true)
  })

  test('a file without rows has none that match', () => {
    const { schema, metrics } = file('int', [])
    expect(metricsMayMatch(bindPredicate({ op: 'true' }, schema), metrics)).toBe(false)
  })

  test('equality on a bucketed decimal finds its rows, and leaves 15 of 16 buckets alone', () => {
    const { schema } = file('decimal', [])
    const bound = bindPredicate({ op: 'eq', column: 'c0', value: '12.50' }, schema)
    const projected = projectPredicate(bound, bucketed)
    const home = bindTransform({ transform: 'bucket', buckets: 16 }, { type: 'decimal', precision: 5, scale: 2 })(1250n)
    const kept = Array.from({ length: 16 }, (_, b) => b).filter((b) => partitionMayMatch(projected, bucketed, [b]))
    expect(kept).toEqual([home])
  })

  test('a null in a date partition is found as null, and by nothing else', () => {
    const { schema } = file('date', [])
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'd', transform: { transform: 'identity' } }],
    }
    const keeps = (predicate: Parameters<typeof bindPredicate>[0]) =>
      partitionMayMatch(projectPredicate(bindPredicate(predicate, schema), spec), spec, [null])
    expect(keeps({ op: 'isNull', column: 'c0' })).toBe(true)
    expect(keeps({ op: 'notEq', column: 'c0', value: '2026-01-01' })).toBe(false)
    expect(keeps({ op: 'not', predicate: { op: 'isIn', column: 'c0', values: ['2026-01-01'] } })).toBe(false)
  })

  test('what an identity partition says is not checked again in the rows', () => {
    const { schema } = file('string', [])
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'c0', transform: { transform: 'identity' } }],
    }
    const bound = bindPredicate({ op: 'startsWith', column: 'c0', value: 'ab' }, schema)
    expect(residual(bound, spec, ['abc'])).toEqual({ op: 'true' })
    expect(residual(bound, spec, ['b'])).toEqual({ op: 'false' })
    expect(residual(bound, spec, [null])).toEqual({ op: 'false' })
  })

  test('a spec of a column that was dropped says nothing', () => {
    const { schema } = file('int', [])
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceId: 99, fieldId: 1000, name: 'gone', transform: { transform: 'bucket', buckets: 4 } }],
    }
    const bound = bindPredicate({ op: 'eq', column: 'c0', value: 1 }, schema)
    expect(projectPredicate(bound, spec)).toEqual({ op: 'true' })
    expect(residual(bound, spec, [3])).toEqual(bound)
  })
})
