import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, loadTable, schema, t, type FieldInput } from '../../src/index.ts'
import type { CanonicalRow, CanonicalValue } from '../judges/canonical.ts'
import { ENGINES, startJudges, type EngineName, type Judges } from '../judges/judges.ts'
import { canonicalRow } from '../scan/canonical-rows.ts'
import { ask, type Gap, type Gaps } from './ask.ts'
import { withoutNulls } from './every-type.ts'
import { askFilters, type Filter } from './filters.ts'
import { newPlace, once, type PlaceKind } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'parquet')
const fixtures = JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8')) as Record<
  string,
  Record<string, readonly [type: string | object, values: readonly unknown[]]>
>
const NO_BROTLI: Gap = { refuses: /BrotliCodec/ }
const NO_FIELD_IDS: Gap = { refuses: /carries no parquet field IDs/ }

/** Files of pyarrow and DuckDB, without field ids, and where engines fail on such a file in a table. */
const READY: Readonly<Record<string, Gaps>> = {
  int96: {},
  // pyarrow takes 96 bits for 64 of nanoseconds, which end in 1677 and 2262.
  'int96-far': {
    pyiceberg: { shows: (row) => ({ ...row, at: wrapped(row['at']!) }) },
    clickhouse: { refuses: /INT96 timestamp out of range/ },
  },
  'decimals-fixed': {},
  'decimals-integer': { spark: NO_BROTLI },
  'strings-dictionary': {},
  'strings-plain': {},
  'strings-delta': { pyiceberg: { refuses: /DeltaByteArrayDecoder/ } },
  'strings-checksums': {},
  nested: { pyiceberg: { shows: emptyMap } },
  'nested-item': { pyiceberg: { shows: emptyMap } },
  names: {},
  duckdb: {},
}

function wrapped(at: CanonicalValue): CanonicalValue {
  if (at === null) return null
  const { timestamp } = at as { timestamp: string }
  const shown = timestamp < '1970' ? '1754-08-30T22:43:41.128655' : '1816-03-30T05:56:07.066278'
  return { timestamp: timestamp > '1900' && timestamp < '2200' ? timestamp : shown }
}

/** As with lists of structs, a null map of structs comes back as an empty one. */
function emptyMap({ deep = null }: CanonicalRow): CanonicalRow {
  const { map } = (deep ?? { map: undefined }) as CanonicalRow
  return { deep: map === null ? { ...(deep as CanonicalRow), map: { map: [] } } : deep }
}

/** A table of nothing but one ready file, and its rows as we read them; other tests compare these with their writer's. */
const appended = once(async (name: string) => {
  const fields = Object.entries(fixtures[name]!).map(([column, [type]]): FieldInput => ({ name: column, type }))
  const place = await newPlace('directory')
  await using table = await createTable(place.location, { schema: { fields } })
  await table.appendFiles([join(FIXTURES, `${name}.parquet`)])
  await using loaded = await loadTable(place.location)
  const scan = loaded.scan({ timestamps: 'micros' })
  const columns = scan.schema.fields
  const rows: CanonicalRow[] = (await scan.toArray()).map((row) => canonicalRow(row, columns))
  const clickhouse: Gap = {
    shows: (row) =>
      Object.fromEntries(columns.map((field) => [field.name, withoutNulls(row[field.name] ?? null, field.type)])),
  }
  return { ...place, rows, gaps: { clickhouse, daft: NO_FIELD_IDS, ...READY[name] } }
})

describe.each(ENGINES)('ready files of others, appended by us > %s', (engine) => {
  test.for(Object.keys(READY))('%s', { timeout: 120_000 }, async (name, context) => {
    const place = await appended(name)
    expect(place.rows.length).toBeGreaterThan(0)
    const { given, right } = await ask(judges, engine, context, place, { rows: place.rows, gaps: place.gaps })
    expect(given).toEqual(right)
  })
})

const COUNT = 5_000
const MANY = Array.from({ length: COUNT }, (_, n) => ({
  n,
  s: n % 11 === 0 ? null : `row ${n} ${'x'.repeat(n % 50)}`,
  f: n % 7 === 0 ? null : n / 4,
  list: n % 5 === 0 ? null : Array.from({ length: n % 4 }, (_element, i) => (i === 2 ? null : i)),
}))
const COLUMNS = schema({
  n: t.int,
  s: t.optional(t.string),
  f: t.optional(t.double),
  list: t.optional(t.list(t.optional(t.int))),
})
/** Of a file of many row groups Spark reads each in a task of its own, which it begins at our split offsets. */
const SMALL_PIECES = {
  'write.parquet.row-group-size-bytes': '20000',
  'write.parquet.page-size-bytes': '2000',
  'write.target-file-size-bytes': '60000',
  'read.split.target-size': '1',
  'read.split.open-file-cost': '1',
}
const CODECS = ['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'uncompressed'] as const

const encoded = once(async (codec: (typeof CODECS)[number]) => {
  const place = await newPlace('directory')
  const properties = { 'write.parquet.compression-codec': codec, ...(codec === 'zstd' && SMALL_PIECES) }
  await using table = await createTable(place.location, { schema: COLUMNS, properties })
  await table.append(MANY)
  let groups = 0
  for await (const file of table.files()) groups += file.splitOffsets?.length ?? 0
  return { ...place, groups }
})

const noLists = (row: CanonicalRow): CanonicalRow => ({ ...row, list: row['list'] ?? [] })

describe.each(ENGINES)('encoded by us > %s', (engine: EngineName) => {
  test.for(CODECS)('%s', { timeout: 120_000 }, async (codec, context) => {
    const gaps: Gaps = { clickhouse: { shows: noLists }, ...(codec === 'brotli' && { spark: NO_BROTLI }) }
    const { given, right } = await ask(judges, engine, context, await encoded(codec), { rows: MANY, gaps })
    expect(given).toEqual(right)
  })

  test('the rows of filters in many row groups', { timeout: 120_000 }, async (context) => {
    const place = await encoded('zstd')
    expect(place.groups).toBeGreaterThan(10)
    const filters: readonly Filter[] = [
      { column: 'n', type: 'int', op: '=', value: 4_321 },
      { column: 'n', type: 'int', op: '>=', value: 4_990 },
      { column: 's', type: 'string', op: '=', value: 'row 100 ' },
      { column: 's', type: 'string', op: '<', value: 'row 1000' },
      { column: 'f', type: 'double', op: '<', value: 3.5 },
    ]
    const { given, right } = await askFilters(judges, engine, context, place, { rows: MANY, filters, gap: undefined })
    expect(given).toEqual(right)
  })
})

const inStruct = once(async (kind: PlaceKind) => {
  const place = await newPlace(kind)
  await using table = await createTable(place.location, {
    schema: schema({
      n: t.int,
      'dotted.name': t.optional(t.string),
      at: t.optional(
        t.struct({ 'day.of': t.optional(t.date), place: t.optional(t.struct({ id: t.optional(t.int) })) }),
      ),
    }),
    partitionBy: ['month(at.day.of)', 'bucket(at.place.id, 3)', 'truncate(dotted.name, 2)'],
    sortBy: ['at.place.id'],
  })
  await table.append([
    { n: 1, 'dotted.name': 'ab', at: { 'day.of': '2026-01-31', place: { id: 7 } } },
    { n: 2, 'dotted.name': 'abc', at: { 'day.of': null, place: null } },
    { n: 3, 'dotted.name': null, at: null },
  ])
  return place
})

describe.each(ENGINES)('partitioned by us by fields of structs > %s', (engine) => {
  test('all rows', { timeout: 120_000 }, async (context) => {
    const date = (value: string | null) => (value === null ? null : { date: value })
    const row = (n: number, name: string | null, at: CanonicalValue): CanonicalRow => ({ n, 'dotted.name': name, at })
    const rows = [
      row(1, 'ab', { 'day.of': date('2026-01-31'), place: { id: 7 } }),
      row(2, 'abc', { 'day.of': null, place: null }),
      row(3, null, null),
    ]
    const empty = { 'day.of': null, place: { id: null } }
    const shows = (one: CanonicalRow): CanonicalRow => (one['n'] === 1 ? one : { ...one, at: empty })
    const question = { rows, gaps: { clickhouse: { shows } } }
    const { given, right } = await ask(judges, engine, context, await inStruct('directory'), question)
    expect(given).toEqual(right)
  })
})
