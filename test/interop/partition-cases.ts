/** Tables by transform, with the filters to be asked of each, and what engines make of them. */
import { createTable, schema } from '../../src/index.ts'
import type { CanonicalRow, CanonicalValue } from '../judges/canonical.ts'
import type { Gaps } from './ask.ts'
import { EVERY_TYPE, sideBySide, type Pair, type Rows, type TypeSample } from './every-type.ts'
import type { Filter } from './filters.ts'
import type { TypeName } from './literals.ts'
import { newPlace } from './places.ts'

export interface PartitionCase {
  /** The columns, of the types that they are called after. */
  readonly columns: readonly TypeName[]
  readonly partitionBy: readonly string[]
  readonly values?: (value: CanonicalValue) => boolean
  /** Where reading all rows goes wrong. */
  readonly gaps?: Gaps
  /** Where filters do, and reading all rows does not. */
  readonly filterGaps?: Gaps
}

/** Values beside the ordinary ones: on both sides of the limits of partitions, or hard to put into a path. */
const MORE: Readonly<Partial<Record<TypeName, readonly Pair[]>>> = {
  int: [-10, -11, 10, 9].map((value) => [value, value]),
  long: [-10n, -11n, 10n].map((value) => [value, Number(value)]),
  decimal_9: ['-10.00', '-10.01', '9.99'].map((decimal) => [decimal, { decimal }]),
  string: ['a/b', 'a b', 'a%2Fb', 'a#b?c=d&e', '😀😀😀😀', 'abc', 'abcd', 'null', '..', 'ä'.repeat(120)].map(
    (value) => [value, value],
  ),
  date: ['1969-12-01', '1969-11-30', '1968-12-31', '2000-02-29', '0001-01-01', '9999-12-31'].map((date) => [
    date,
    { date },
  ]),
  timestamp: moments('').map(([input, timestamp]) => [input, { timestamp }]),
  timestamptz: moments('Z').map(([input, timestamp]) => [input, { timestamp }]),
}

function moments(zone: string): (readonly [string, string])[] {
  const early = ['1969-12-31T23:00:00.000000', '1969-12-31T22:59:59.000000', '1968-12-31T23:59:59.999999']
  const late = ['2024-02-29T12:00:00.999999', '2024-03-01T00:00:00.000000', '2262-04-12T00:00:00.000000']
  return [...early, ...late].map((moment) => [`${moment}${zone}`, moment])
}

export function rowsOf({ columns, values = () => true }: PartitionCase): Rows {
  return sideBySide(
    Object.fromEntries(
      columns.map((name) => {
        const { type, plain }: TypeSample = EVERY_TYPE[name]
        return [name, { type, pairs: [...plain, ...(MORE[name] ?? [])].filter(([, canonical]) => values(canonical)) }]
      }),
    ),
  )
}

const NAMES = Object.keys(EVERY_TYPE) as TypeName[]
/** With gaps of their own as partitions, so that they are in tables of their own. */
const APART: readonly TypeName[] = ['time', 'uuid', 'fixed']
const COMMON = NAMES.filter((name) => !APART.includes(name))
const HASHED = COMMON.filter((name) => name !== 'boolean' && name !== 'float' && name !== 'double')
const TRUNCATED: readonly TypeName[] = ['int', 'long', 'string', 'binary']
const DAYS: readonly TypeName[] = ['date', 'timestamp', 'timestamptz']
const HOURS: readonly TypeName[] = ['timestamp', 'timestamptz']

const by = (transform: string, columns: readonly TypeName[], parameter = ''): PartitionCase => ({
  columns,
  partitionBy: columns.map((column) => `${transform}(${column}${parameter})`),
})

/** From 1970 to the end of the 64 bits of nanoseconds in which some engines compute. */
const modern = (value: CanonicalValue): boolean => !early(value) && textOf(value) < '2262-04-11'
const early = (value: CanonicalValue): boolean => textOf(value) < '1970'
const plainText = (value: CanonicalValue): boolean => !/[^\0-\x7f]/.test(JSON.stringify(value))
const far = (value: CanonicalValue): boolean => textOf(value) > '2262-04-11'

function textOf(value: CanonicalValue): string {
  return typeof value === 'object' && value !== null ? String(Object.values(value)[0]) : ''
}

/** They round transforms of times before 1970 towards 1970 (duckdb-iceberg#1361, ClickHouse#119579), and so skip files. */
const CLICKHOUSE_EARLY: Gaps = { clickhouse: 'loses rows' }
const BOTH_EARLY: Gaps = { duckdb: 'loses rows', clickhouse: 'loses rows' }
/** ClickHouse finds them, and cannot show them. */
const SPARK_TIME: Gaps = { spark: { refuses: /does not support time/ } }
const NO_TIME: Gaps = { ...SPARK_TIME, clickhouse: { refuses: /has no times/ } }

/** All columns of a case are in one spec, so that each row is in a file of its own. */
export const PARTITION_CASES: Readonly<Record<string, PartitionCase>> = {
  none: { columns: [...COMMON, 'uuid', 'fixed'], partitionBy: [] },
  identity: {
    ...by(
      'identity',
      COMMON.filter((name) => name !== 'double'),
    ),
    values: (value) => value !== 0,
  },
  // It reads doubles in manifests with the precision of floats.
  'identity of double': {
    ...by('identity', ['double']),
    values: (value) => value !== 0,
    filterGaps: { pyiceberg: 'loses rows' },
  },
  // As a partition value -0 is another one than 0 to Spark, and `= 0` skips it.
  'identity of zeros': {
    ...by('identity', ['float', 'double']),
    values: (value) => value === 0,
    filterGaps: { spark: 'loses rows' },
  },
  'identity of time': { ...by('identity', ['time']), gaps: NO_TIME, filterGaps: SPARK_TIME },
  'identity of uuid': {
    ...by('identity', ['uuid']),
    gaps: { clickhouse: { refuses: /UnicodeDecodeError|Cannot parse uuid/ }, daft: { refuses: /Cannot cast UUID/ } },
    filterGaps: {
      clickhouse: { refuses: /Cannot (?:parse uuid|compare)/ },
      daft: { refuses: /Cannot cast UUID/ },
      pyiceberg: 'loses rows',
    },
  },
  // Iceberg's Java library reads Avro `fixed` in manifests as `bytes`, with a length that is not there.
  'identity of fixed': {
    ...by('identity', ['fixed']),
    gaps: { spark: { refuses: /Malformed data|out of bounds|EOF/ } },
  },
  bucket: by('bucket', [...HASHED, 'fixed'], ', 7'),
  'bucket of time': { ...by('bucket', ['time'], ', 7'), gaps: NO_TIME, filterGaps: SPARK_TIME },
  // It hashes something else than the 16 bytes of the spec.
  'bucket of uuid': { ...by('bucket', ['uuid'], ', 7'), filterGaps: { duckdb: 'loses rows' } },
  truncate: { ...by('truncate', TRUNCATED, ', 3'), values: plainText },
  // DuckDB counts what a reader sees as one character, daft bytes; the spec counts code points.
  'truncate of unicode': {
    ...by('truncate', ['string'], ', 3'),
    values: (value) => !plainText(value),
    filterGaps: { duckdb: 'loses rows', daft: { refuses: /invalid utf-8 boundary/ } },
  },
  'truncate of decimal': {
    ...by('truncate', ['decimal_9'], ', 3'),
    filterGaps: { duckdb: { refuses: /Information loss on integer cast/ } },
  },
  'truncate of wide decimal': {
    ...by('truncate', ['decimal_38'], ', 3'),
    gaps: { clickhouse: { refuses: /icebergTruncate/ } },
    filterGaps: { clickhouse: { refuses: /icebergTruncate/ }, duckdb: 'loses rows' },
  },
  year: { ...by('year', DAYS), values: modern },
  month: { ...by('month', DAYS), values: modern },
  day: { ...by('day', DAYS), values: modern },
  hour: { ...by('hour', HOURS), values: modern },
  'year before 1970': { ...by('year', DAYS), values: early, filterGaps: CLICKHOUSE_EARLY },
  'month before 1970': { ...by('month', DAYS), values: early, filterGaps: BOTH_EARLY },
  'day before 1970': { ...by('day', DAYS), values: early, filterGaps: BOTH_EARLY },
  'hour before 1970': { ...by('hour', HOURS), values: early, filterGaps: CLICKHOUSE_EARLY },
  'day in the far future': { ...by('day', DAYS), values: far, filterGaps: CLICKHOUSE_EARLY },
  void: { columns: ['int', 'string'], partitionBy: ['void(int)', 'string'] },
}

/** A table of a case, written in three appends, so that there are manifests to be skipped too. */
export async function writePartitioned(name: string) {
  const one = PARTITION_CASES[name]!
  const { columns, input } = rowsOf(one)
  const place = await newPlace('directory')
  const table = await createTable(place.location, { schema: schema(columns), partitionBy: one.partitionBy })
  const third = Math.ceil(input.length / 3)
  for (const at of [0, third, 2 * third]) await table.append(input.slice(at, at + third))
  return { place, table, input, third }
}

/** Values looked for, and the rows on either side of one. Fewer where columns are many: Spark takes its time for each. */
export function filtersOf({ columns }: PartitionCase, expected: readonly CanonicalRow[]): Filter[] {
  const many = columns.length > 4
  return columns.flatMap((column) => {
    const values = expected.flatMap((row) => row[column] ?? [])
    const finite = values.filter((value) => !JSON.stringify(value).includes('NaN'))
    const middle = finite[Math.floor(finite.length / 2)]!
    const filter = (op: Filter['op'], value?: CanonicalValue): Filter => ({
      column,
      type: column,
      op,
      ...(value !== undefined && { value }),
    })
    return [
      ...(many ? [finite[0]!, finite.at(-1)!] : finite).map((value) => filter('=', value)),
      ...(middle === 0 ? [] : opsOf(column, many)).map((op) => filter(op, middle)),
      ...(many ? [] : [filter('is null')]),
    ]
  })
}

function opsOf(column: TypeName, many: boolean): readonly Filter['op'][] {
  if (column === 'uuid') return []
  // A NaN is above all numbers to some engines, and incomparable to others.
  if (column === 'float' || column === 'double') return ['<', '<=']
  return many ? ['<', '>='] : ['<', '>=', '<>']
}
