import { describe, expect, test } from 'vitest'
import { bindPredicate } from '../../src/spec/bind.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import {
  and,
  eq,
  gt,
  gte,
  isIn,
  isNan,
  isNull,
  lt,
  lte,
  notEq,
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from '../../src/spec/expressions.ts'
import type { BoundPredicate, Predicate } from '../../src/spec/expressions.ts'
import type { PartitionSpec, PartitionTuple } from '../../src/spec/partition.ts'
import { predicateText } from '../../src/spec/predicate-text.ts'
import { projectPredicate, projectStrict } from '../../src/spec/project.ts'
import { manifestMayMatch, metricsAllMatch, metricsMayMatch, reduceByMetrics } from '../../src/spec/prune.ts'
import type { RowMetrics } from '../../src/spec/prune.ts'
import { residual } from '../../src/spec/residual.ts'
import { parseTransform } from '../../src/spec/transforms.ts'
import { parseType } from '../../src/spec/type-json.ts'
import type { Schema, Type, Value } from '../../src/spec/types.ts'
import { encodeValue } from '../../src/spec/values.ts'

const typeOf = (name: string): Type => parseType(name, { path: '', fail: (message) => expect.unreachable(message) })
const column = (type: string): Schema => ({
  schemaId: 0,
  fields: [{ id: 1, name: 'c', required: false, type: typeOf(type) }],
})

interface Known {
  readonly rows?: bigint
  readonly values?: bigint | undefined
  readonly nulls?: bigint | undefined
  readonly nans?: bigint
  readonly lower?: Value
  readonly upper?: Value
}

/** Metrics of ten rows without nulls, unless said otherwise. */
function metrics(type: string, { rows = 10n, values = rows, nulls = 0n, nans, lower, upper }: Known): RowMetrics {
  const one = <T>(value: T | undefined) => new Map(value === undefined ? [] : [[1, value] as const])
  const bytes = (value: Value | undefined) => (value === undefined ? undefined : encodeValue(typeOf(type), value))
  return {
    recordCount: rows,
    valueCounts: one(values),
    nullValueCounts: one(nulls),
    nanValueCounts: one(nans),
    lowerBounds: one(bytes(lower)),
    upperBounds: one(bytes(upper)),
  }
}

/** `all`, `none` or `some` of the rows, as far as can be told. */
function verdict(type: string, predicate: Predicate, known: RowMetrics): string {
  const bound = bindPredicate(predicate, column(type))
  return metricsAllMatch(bound, known) ? 'all' : metricsMayMatch(bound, known) ? 'some' : 'none'
}

describe('column metrics', () => {
  test.each<[Predicate, string]>([
    [lt('c', 10), 'none'],
    [lt('c', 11), 'some'],
    [lt('c', 20), 'some'],
    [lt('c', 21), 'all'],
    [lte('c', 9), 'none'],
    [lte('c', 20), 'all'],
    [gt('c', 20), 'none'],
    [gt('c', 9), 'all'],
    [gte('c', 21), 'none'],
    [gte('c', 10), 'all'],
    [eq('c', 9), 'none'],
    [eq('c', 15), 'some'],
    [eq('c', 21), 'none'],
    [notEq('c', 9), 'all'],
    [notEq('c', 15), 'some'],
    [isIn('c', [1, 9, 21, 30]), 'none'],
    [isIn('c', [1, 15, 30]), 'some'],
    [notIn('c', [1, 9, 21, 30]), 'all'],
    [notIn('c', [1, 15, 30]), 'some'],
    [isNull('c'), 'none'],
    [notNull('c'), 'all'],
    [and(gte('c', 10), lt('c', 10)), 'none'],
    [or(lt('c', 10), gte('c', 10)), 'all'],
  ])('ints from 10 to 20: %o matches %s', (predicate, expected) => {
    expect(verdict('int', predicate, metrics('int', { lower: 10, upper: 20 }))).toBe(expected)
  })

  test('with nulls a comparison is never true of all rows', () => {
    const known = metrics('int', { nulls: 3n, lower: 10, upper: 20 })
    expect(verdict('int', lt('c', 30), known)).toBe('some')
    expect(verdict('int', notEq('c', 30), known)).toBe('some')
    expect(verdict('int', isNull('c'), known)).toBe('some')
  })

  test('nothing but nulls matches no comparison', () => {
    const known = metrics('string', { nulls: 10n })
    expect(verdict('string', notEq('c', 'x'), known)).toBe('none')
    expect(verdict('string', isNull('c'), known)).toBe('all')
    expect(verdict('string', notNull('c'), known)).toBe('none')
  })

  test('one value in all rows answers != and not in', () => {
    const known = metrics('int', { lower: 5, upper: 5 })
    expect(verdict('int', notEq('c', 5), known)).toBe('none')
    expect(verdict('int', notIn('c', [4, 5]), known)).toBe('none')
    expect(verdict('int', eq('c', 5), known)).toBe('all')
    expect(verdict('int', isIn('c', [4, 5]), known)).toBe('all')
  })

  test('bounds without counts rule out, but claim nothing (fault 25)', () => {
    const known = { ...metrics('int', { lower: 10, upper: 20 }), nullValueCounts: new Map(), valueCounts: new Map() }
    expect(verdict('int', gt('c', 5), known)).toBe('some')
    expect(verdict('int', notNull('c'), known)).toBe('some')
    expect(verdict('int', isNull('c'), known)).toBe('some')
    expect(verdict('int', gt('c', 20), known)).toBe('none')
  })

  test('counts that contradict the number of rows are not believed', () => {
    const known = metrics('int', { values: 9n, nulls: 9n, lower: 10, upper: 20 })
    expect(verdict('int', notNull('c'), known)).toBe('some')
    expect(verdict('int', isNull('c'), known)).toBe('some')
    expect(verdict('int', gte('c', 10), known)).toBe('some')
  })

  test('a file without metrics may match anything, one without rows nothing', () => {
    const empty = new Map<number, never>()
    const bare = {
      recordCount: 1n,
      valueCounts: empty,
      nullValueCounts: empty,
      nanValueCounts: empty,
      lowerBounds: empty,
      upperBounds: empty,
    }
    expect(verdict('int', and(eq('c', 1), isNull('c')), bare)).toBe('some')
    expect(metricsMayMatch({ op: 'true' }, { ...bare, recordCount: 0n })).toBe(false)
    expect(metricsAllMatch({ op: 'true' }, bare)).toBe(true)
  })

  test('bounds that are no values of the type decide nothing', () => {
    const known = { ...metrics('int', {}), lowerBounds: new Map([[1, Uint8Array.of(1)]]) }
    expect(verdict('int', lt('c', 5), known)).toBe('some')
    expect(verdict('int', lt('c', 5), metrics('int', { lower: 20, upper: 10 }))).toBe('some')
  })

  test('bounds written before the column was widened count', () => {
    const known = { ...metrics('int', { lower: 10, upper: 20 }) }
    expect(verdict('long', gt('c', 20), known)).toBe('none')
    expect(verdict('long', gt('c', 9n), known)).toBe('all')
    expect(verdict('double', gt('c', 1.5), metrics('float', { nans: 0n, lower: 1, upper: 1.5 }))).toBe('none')
  })

  test('what all rows fulfil, or none, is taken out of a predicate', () => {
    const schema: Schema = {
      schemaId: 0,
      fields: [...column('int').fields, { id: 2, name: 'd', required: false, type: { type: 'int' } }],
    }
    const bound = bindPredicate(and(gte('c', 10), eq('d', 1), or(eq('c', 5), eq('d', 2))), schema)
    const left = reduceByMetrics(bound, metrics('int', { lower: 10, upper: 20 }))
    expect(predicateText(left)).toBe('d = 1 and d = 2')
  })
})

describe('a file that holds NaN', () => {
  const withNan = metrics('double', { nans: 1n, lower: 5, upper: 5 })
  const withoutCount = metrics('double', { lower: 5, upper: 5 })

  test('is not ruled out by != (fault 22)', () => {
    expect(verdict('double', notEq('c', 5), withNan)).toBe('some')
    expect(verdict('double', notEq('c', 5), withoutCount)).toBe('some')
    expect(verdict('double', notIn('c', [5, 6]), withNan)).toBe('some')
    expect(verdict('double', eq('c', 5), withNan)).toBe('some')
  })

  test('has values above its upper bound', () => {
    expect(verdict('double', gt('c', 100), withNan)).toBe('some')
    expect(verdict('double', gt('c', 100), withoutCount)).toBe('some')
    expect(verdict('double', gt('c', 100), metrics('double', { nans: 0n, lower: 5, upper: 5 }))).toBe('none')
    expect(verdict('double', gt('c', 4), withNan)).toBe('all')
    expect(verdict('double', lt('c', 4), withNan)).toBe('none')
  })

  test('and nothing else is known for what it is', () => {
    const onlyNan = metrics('double', { nans: 10n })
    expect(verdict('double', isNan('c'), onlyNan)).toBe('all')
    expect(verdict('double', notNan('c'), onlyNan)).toBe('none')
    expect(verdict('double', lt('c', 5), onlyNan)).toBe('none')
    expect(verdict('double', isNan('c'), metrics('double', { nans: 0n }))).toBe('none')
    expect(verdict('double', isNan('c'), metrics('double', { nulls: 10n }))).toBe('none')
  })

  test('as a bound, which the spec forbids, is no bound', () => {
    expect(verdict('double', gt('c', 100), metrics('double', { nans: 0n, lower: 5, upper: NaN }))).toBe('some')
    expect(verdict('double', lt('c', 1), metrics('double', { nans: 0n, lower: NaN, upper: 5 }))).toBe('some')
  })
})

describe('strings', () => {
  test.each<[Predicate, string]>([
    [startsWith('c', 'ab'), 'some'],
    [startsWith('c', 'a'), 'all'],
    [startsWith('c', 'b'), 'none'],
    [startsWith('c', 'aa'), 'none'],
    [startsWith('c', 'abc'), 'some'],
    [notStartsWith('c', 'a'), 'none'],
    [notStartsWith('c', 'b'), 'all'],
    [notStartsWith('c', 'ab'), 'some'],
    [gt('c', 'ad'), 'none'],
    [eq('c', 'abz'), 'some'],
  ])("from 'ab' to 'ad': %o matches %s", (predicate, expected) => {
    expect(verdict('string', predicate, metrics('string', { lower: 'ab', upper: 'ad' }))).toBe(expected)
  })
})

test('bounds of UUIDs in the order of Java rule out no value that lies between them', () => {
  // Java compares two signed longs, so that ...-8000-... comes before ...-7000-....
  const [high, low, last] = ['8000-000000000000', '7000-000000000000', '8000-000000000001'] as const
  const lower = `0f000000-0000-0000-${high}`
  const upper = `7f000000-0000-0000-${last}`
  const known = metrics('uuid', { lower, upper })
  expect(verdict('uuid', eq('c', `0f000000-0000-0000-${low}`), known)).toBe('some')
  expect(verdict('uuid', isIn('c', [`0f000000-0000-0000-${low}`, upper]), known)).toBe('some')
  expect(verdict('uuid', gte('c', lower), known)).toBe('some')
  expect(verdict('uuid', eq('c', `0e000000-0000-0000-${low}`), known)).toBe('none')
  expect(verdict('uuid', gt('c', `80000000-0000-0000-${low}`), known)).toBe('none')
  expect(verdict('uuid', eq('c', lower), metrics('uuid', { lower: '00000000-0000-0000-0000-000000000000' }))).toBe(
    'some',
  )
})

const spec = (transform: string): PartitionSpec => ({
  specId: 0,
  fields: [{ sourceId: 1, fieldId: 1000, name: 'p', transform: parseTransform(transform) }],
})

describe('projections', () => {
  const projected = (type: string, transform: string, predicate: Predicate, kind = projectPredicate) =>
    predicateText(kind(bindPredicate(predicate, column(type)), spec(transform)))

  test.each<[type: string, transform: string, Predicate, inclusive: string, strict: string]>([
    ['int', 'identity', notIn('c', [1, 2]), 'p not in (1, 2)', 'p not in (1, 2)'],
    ['int', 'bucket[16]', eq('c', 34), 'p = 3', 'false'],
    ['int', 'bucket[16]', notEq('c', 34), 'p is not null', 'p != 3'],
    ['int', 'bucket[16]', gt('c', 34), 'p is not null', 'false'],
    ['int', 'bucket[16]', isNull('c'), 'p is null', 'p is null'],
    ['decimal(9,2)', 'bucket[16]', eq('c', '14.20'), 'p = 3', 'false'],
    ['int', 'truncate[10]', lt('c', 20), 'p <= 10', 'p < 20'],
    ['int', 'truncate[10]', lte('c', 20), 'p <= 20', 'p < 20'],
    ['int', 'truncate[10]', lte('c', 19), 'p <= 10', 'p < 20'],
    ['int', 'truncate[10]', gt('c', 19), 'p >= 20', 'p > 10'],
    ['int', 'truncate[10]', gte('c', 20), 'p >= 20', 'p > 10'],
    ['int', 'truncate[10]', isIn('c', [1, 2, 25]), 'p in (0, 20)', 'false'],
    ['int', 'truncate[10]', notIn('c', [1, 2, 25]), 'p is not null', 'p not in (0, 20)'],
    ['int', 'truncate[10]', gt('c', 0x7fff_ffff), 'false', 'p > 2147483640'],
    ['int', 'truncate[10]', gte('c', -0x8000_0000), 'p >= -2147483648', 'p is not null'],
    ['string', 'truncate[2]', startsWith('c', 'a'), "p like 'a%'", "p like 'a%'"],
    ['string', 'truncate[2]', startsWith('c', 'abc'), "p = 'ab'", 'false'],
    ['string', 'truncate[2]', notStartsWith('c', 'abc'), 'p is not null', "p != 'ab'"],
    ['string', 'truncate[2]', eq('c', 'a'), "p = 'a'", "p = 'a'"],
    ['string', 'truncate[2]', eq('c', 'ab'), "p = 'ab'", 'false'],
    ['string', 'truncate[2]', notEq('c', 'a'), "p != 'a'", "p != 'a'"],
    ['string', 'truncate[2]', lt('c', 'abc'), "p <= 'ab'", "p < 'ab'"],
    ['string', 'truncate[2]', lt('c', 'ab'), "p < 'ab'", "p < 'ab'"],
    ['string', 'truncate[1]', eq('c', '\u{1f600}b'), "p = '\u{1f600}'", 'false'],
    ['date', 'day', eq('c', '2026-01-01'), "p = '2026-01-01'", "p = '2026-01-01'"],
    ['date', 'month', lt('c', '2026-01-01'), 'p <= 671', 'p < 672'],
    ['timestamp', 'day', lt('c', '2026-01-02'), "p <= '2026-01-01'", "p < '2026-01-02'"],
    ['timestamptz', 'hour', gte('c', '1970-01-01T01:00:00Z'), 'p >= 1', 'p > 0'],
    ['timestamp', 'year', isNull('c'), 'p is null', 'p is null'],
    ['int', 'void', eq('c', 1), 'true', 'false'],
    ['int', 'zorder', eq('c', 1), 'true', 'false'],
    ['double', 'bucket[4]', eq('c', 1), 'true', 'false'],
    ['double', 'identity', isNan('c'), 'p is nan', 'p is nan'],
  ])('of %s through %s: %o', (type, transform, predicate, inclusive, strict) => {
    expect(projected(type, transform, predicate)).toBe(inclusive)
    expect(projected(type, transform, predicate, projectStrict)).toBe(strict)
  })

  test.each<[Predicate, inclusive: string, strict: string]>([
    [eq('c', '1969-12-31T12:00:00'), "p in ('1969-12-31', '1970-01-01')", 'false'],
    [lt('c', '1970-01-01'), "p <= '1970-01-01'", "p < '1970-01-01'"],
    [gt('c', '1969-12-30T12:00:00'), "p >= '1969-12-30'", "p > '1969-12-31'"],
    [notEq('c', '1969-12-31T12:00:00'), 'p is not null', "p not in ('1969-12-31', '1970-01-01')"],
  ])('before 1970 a stored day may be one more than it should be: %o', (predicate, inclusive, strict) => {
    expect(projected('timestamp', 'day', predicate)).toBe(inclusive)
    expect(projected('timestamp', 'day', predicate, projectStrict)).toBe(strict)
  })

  test('every field of a spec that comes from the column counts', () => {
    const both: PartitionSpec = {
      specId: 1,
      fields: [
        { sourceId: 1, fieldId: 1000, name: 'd', transform: { transform: 'day' } },
        { sourceId: 1, fieldId: 1001, name: 'b', transform: { transform: 'bucket', buckets: 4 } },
      ],
    }
    const bound = bindPredicate(eq('c', '2026-01-01T00:00:00'), column('timestamp'))
    expect(predicateText(projectPredicate(bound, both))).toMatch(/^d = '2026-01-01' and b = \d$/)
  })
})

describe('residuals', () => {
  const left = (type: string, transform: string, predicate: Predicate, tuple: PartitionTuple) =>
    predicateText(residual(bindPredicate(predicate, column(type)), spec(transform), tuple))

  test('a partition that is the value leaves nothing to check', () => {
    expect(left('string', 'identity', eq('c', 'x'), ['x'])).toBe('true')
    expect(left('string', 'identity', eq('c', 'x'), ['y'])).toBe('false')
    expect(left('string', 'identity', notEq('c', 'x'), [null])).toBe('false')
    expect(left('int', 'bucket[16]', eq('c', 34), [3])).toBe('c = 34')
    expect(left('int', 'bucket[16]', eq('c', 34), [4])).toBe('false')
  })

  test('a day within the range leaves nothing, one at its edge the edge', () => {
    const range = and(gte('c', '2026-01-01T12:00'), lt('c', '2026-01-03'))
    expect(left('timestamp', 'day', range, [20_454])).toBe("c >= '2026-01-01T12:00:00'")
    expect(left('timestamp', 'day', range, [20_455])).toBe('true')
    expect(left('timestamp', 'day', range, [20_456])).toBe('false')
  })
})

describe('manifest summaries', () => {
  const manifest = (partitions: ManifestFile['partitions']): ManifestFile => ({
    path: 'm',
    length: 1n,
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    addedFilesCount: 1,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: 1n,
    existingRowsCount: 0n,
    deletedRowsCount: 0n,
    ...(partitions && { partitions }),
  })
  const mayMatch = (type: string, predicate: Predicate, partitions: ManifestFile['partitions']) => {
    const bound: BoundPredicate = projectPredicate(bindPredicate(predicate, column(type)), spec('identity'))
    return manifestMayMatch(bound, spec('identity'), manifest(partitions))
  }
  const int = (value: number) => encodeValue({ type: 'int' }, value)
  const double = (value: number) => encodeValue({ type: 'double' }, value)

  test('rule out by bounds and by null', () => {
    const summary = [{ containsNull: false, lowerBound: int(1), upperBound: int(3) }]
    expect(mayMatch('int', eq('c', 4), summary)).toBe(false)
    expect(mayMatch('int', eq('c', 2), summary)).toBe(true)
    expect(mayMatch('int', isNull('c'), summary)).toBe(false)
    expect(mayMatch('int', isNull('c'), [{ containsNull: true }])).toBe(true)
  })

  test('that are missing, of another spec or without bounds rule out nothing', () => {
    expect(mayMatch('int', eq('c', 4), undefined)).toBe(true)
    expect(mayMatch('int', eq('c', 4), [])).toBe(true)
    expect(mayMatch('int', eq('c', 4), [{ containsNull: true }])).toBe(true)
  })

  test('with NaN, or not telling of it, keep what is above and different', () => {
    const bounds = { containsNull: false, lowerBound: double(5), upperBound: double(5) }
    expect(mayMatch('double', notEq('c', 5), [{ ...bounds, containsNan: true }])).toBe(true)
    expect(mayMatch('double', notEq('c', 5), [bounds])).toBe(true)
    expect(mayMatch('double', gt('c', 6), [bounds])).toBe(true)
    expect(mayMatch('double', gt('c', 6), [{ ...bounds, containsNan: false }])).toBe(false)
  })
})
