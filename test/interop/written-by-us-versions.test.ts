import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, dropTable, identity, loadTable, schema, t, type Table } from '../../src/index.ts'
import { systemRuntime } from '../../src/runtime.ts'
import type { CanonicalRow } from '../judges/canonical.ts'
import { ENGINES, startJudges, type EngineName, type Judges } from '../judges/judges.ts'
import { canonicalRow } from '../scan/canonical-rows.ts'
import { ask, compare, skipIfMissing, type Gaps } from './ask.ts'
import { newPlace, once, type Place, type PlaceKind } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const SIMPLE = schema({ n: t.int, s: t.optional(t.string) })
const rowsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ n: first + i, s: i % 3 === 0 ? null : `row ${first + i}` }))

const TENS: readonly CanonicalRow[] = [...rowsFrom(0, 10), ...rowsFrom(10, 10), ...rowsFrom(20, 10)]

/** Three appends; the second has a tag. */
const history = once(async (kind: PlaceKind) => {
  const place = await newPlace(kind)
  await using table = await createTable(place.location, {
    schema: SIMPLE,
    sortBy: ['s desc nulls first', 'bucket(n, 4)'],
    skipProbe: true,
    ...place.options,
  })
  const ids: bigint[] = []
  for (const first of [0, 10, 20]) {
    const { snapshotId } = await table.append(rowsFrom(first, 10))
    ids.push(snapshotId)
    if (first === 10) await table.transaction((tx) => tx.setTag('second'))
  }
  return { ...place, ids }
})

describe.each(ENGINES)('versions of ours > %s', (engine) => {
  test.for(['directory', 'bucket'] as const)(
    'each snapshot of a sorted table by its id, in a %s',
    { timeout: 120_000 },
    async (kind, context) => {
      const place = await history(kind)
      const answers = []
      for (const [i, snapshotId] of place.ids.entries()) {
        answers.push(await ask(judges, engine, context, place, { snapshotId, rows: TENS.slice(0, 10 * (i + 1)) }))
      }
      answers.push(await ask(judges, engine, context, place, { rows: TENS }))
      expect(answers.map(({ given }) => given)).toEqual(answers.map(({ right }) => right))
    },
  )
})

test.for(['spark', 'pyiceberg'] as const)(
  'versions of ours > %s: a tag',
  { timeout: 120_000 },
  async (engine, context) => {
    const place = await history('directory')
    const { given, right } = await ask(judges, engine, context, place, { tag: 'second', rows: TENS.slice(0, 20) })
    expect(given).toEqual(right)
  },
)

/** HadoopTables commits by renaming, without a condition: safe only while nobody else writes, as here. */
test('versions of ours > Spark and we append in turns', { timeout: 120_000 }, async (context) => {
  const place = await newPlace('directory')
  await using table = await createTable(place.location, { schema: SIMPLE, partitionBy: [identity('s')], sortBy: ['n'] })
  await table.append(rowsFrom(0, 3))
  const append = `SELECT CAST(id AS INT) AS n, IF(id % 2 = 0, NULL, 'by Spark') AS s FROM range(100, 103)`
  const sparks = [100, 101, 102].map((n) => ({ n, s: n % 2 === 0 ? null : 'by Spark' }))
  const first = await ask(judges, 'spark', context, place, { append, rows: [...rowsFrom(0, 3), ...sparks] })
  expect(first.given).toEqual(first.right)
  await table.append(rowsFrom(3, 3))
  expect(table.version).toBe(4)
  const all = [...rowsFrom(0, 3), ...sparks, ...rowsFrom(3, 3)]
  expect(await table.scan().toArray()).toHaveLength(all.length)
  const second = await ask(judges, 'spark', context, place, { rows: all })
  expect(second.given).toEqual(second.right)
  expect(await compare(rowsOf(table), all, undefined).then(({ given }) => given)).toEqual(second.right)
})

async function rowsOf(table: Table): Promise<CanonicalRow[]> {
  const scan = table.scan({ timestamps: 'micros' })
  return (await scan.toArray()).map((row) => canonicalRow(row, scan.schema.fields))
}

const dropped = once(async (kind: PlaceKind) => {
  const place = await newPlace(kind)
  await using table = await createTable(place.location, { schema: SIMPLE, skipProbe: true, ...place.options })
  await table.append(rowsFrom(0, 5))
  await table.close()
  await dropTable(place.location, place.options)
  return place
})

describe.each(ENGINES)('a table that we dropped > %s', (engine) => {
  test.for(['directory', 'bucket'] as const)(
    'in a %s: an error, and no old rows',
    { timeout: 120_000 },
    async (kind, context) => {
      const question = { rows: [], gaps: { [engine]: { refuses: /./ } } }
      const { given, right } = await ask(judges, engine, context, await dropped(kind), question)
      expect(given).toEqual(right)
    },
  )

  test('created again: its new rows and no others', { timeout: 120_000 }, async (context) => {
    const { given, right } = await ask(judges, engine, context, await createdAgain('directory'), {
      rows: rowsFrom(7, 1),
    })
    expect(given).toEqual(right)
  })
})

const createdAgain = once(async (kind: PlaceKind) => {
  const place = await newPlace(kind)
  for (const first of [0, 7]) {
    const table = await createTable(place.location, { schema: SIMPLE })
    await table.append(rowsFrom(first, 1))
    await table.close()
    if (first === 0) await dropTable(place.location)
  }
  return place
})

const hinted = once(async (hint: 'lags by one' | 'is missing') => {
  const place = await newPlace('directory')
  const table = await createTable(place.location, { schema: SIMPLE })
  await table.append(rowsFrom(0, 3))
  await table.append(rowsFrom(3, 3))
  await table.close()
  const path = join(place.location, 'metadata', 'version-hint.text')
  await (hint === 'is missing' ? rm(path) : writeFile(path, '2'))
  return place
})

test('a table that is closed has the hint of its newest version, which DuckDB believes', async () => {
  const { location } = await history('directory')
  expect(await readFile(join(location, 'metadata', 'version-hint.text'), 'utf8')).toBe('5')
})

describe.each(ENGINES)('a version hint > %s', (engine) => {
  test('that lags by one shows the newest rows; the old ones to DuckDB', { timeout: 120_000 }, async (context) => {
    const rows = engine === 'duckdb' ? rowsFrom(0, 3) : [...rowsFrom(0, 3), ...rowsFrom(3, 3)]
    const { given, right } = await ask(judges, engine, context, await hinted('lags by one'), { rows })
    expect(given).toEqual(right)
  })

  test('that is missing is not missed, but by DuckDB', { timeout: 120_000 }, async (context) => {
    const rows = [...rowsFrom(0, 3), ...rowsFrom(3, 3)]
    const gaps: Gaps = { duckdb: { refuses: /no version-hint could be found/ } }
    const { given, right } = await ask(judges, engine, context, await hinted('is missing'), { rows, gaps })
    expect(given).toEqual(right)
  })
})

const CLOCK_ERROR_MS = 10 * 60_000

/** A writer with a right clock, then one ten minutes behind, then the first again. */
const skewed = once(async (kind: PlaceKind) => {
  const place = await newPlace(kind)
  await using table = await createTable(place.location, { schema: SIMPLE, skipProbe: true, ...place.options })
  await table.append(rowsFrom(0, 1))
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() - CLOCK_ERROR_MS }
  await using late = await loadTable(place.location, { ...place.options, runtime })
  await late.append(rowsFrom(1, 1))
  await late.append(rowsFrom(2, 1))
  await table.append(rowsFrom(3, 1))
  const { metadata } = await table.refresh()
  return { place, metadata, rows: [0, 1, 2, 3].flatMap((n) => rowsFrom(n, 1)) }
})

describe.each(['directory', 'bucket'] as const)('a writer whose clock is 10 minutes behind, in a %s', (kind) => {
  test('writes no snapshot older than its parent', async () => {
    const { metadata } = await skewed(kind)
    const times = metadata.snapshots.map((snapshot) => snapshot.timestampMs)
    expect(times).toHaveLength(4)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(new Set(times).size).toBe(4)
    expect(metadata.lastUpdatedMs).toBeGreaterThanOrEqual(times.at(-1)!)
    const log = metadata.metadataLog.map((entry) => entry.timestampMs)
    expect(log).toEqual(log.toSorted((a, b) => a - b))
  })

  test.for(ENGINES)('%s reads all rows', { timeout: 120_000 }, async (engine, context) => {
    const { place, rows } = await skewed(kind)
    const { given, right } = await ask(judges, engine, context, place, { rows })
    expect(given).toEqual(right)
  })
})

const MEGABYTE = 'é'.repeat(524_288)

const long = once(async (kind: PlaceKind): Promise<{ place: Place; manifestBytes: number }> => {
  const place = await newPlace(kind)
  await using table = await createTable(place.location, { schema: SIMPLE, skipProbe: true, ...place.options })
  await table.append([{ n: 1, s: MEGABYTE }])
  const [manifest] = await table.currentSnapshot()!.manifests()
  return { place, manifestBytes: Number(manifest!.length) }
})

describe('a string of a megabyte', () => {
  test('does not make the manifest larger', async () => {
    expect((await long('directory')).manifestBytes).toBeLessThan(10_000)
  })

  test.for(ENGINES)('%s reads it, and finds it', { timeout: 120_000 }, async (engine: EngineName, context) => {
    skipIfMissing(judges, engine, context)
    const { place } = await long('directory')
    const rows = await judges.read(engine, { location: place.location })
    expect(rows.map(({ n, s }) => [n, String(s).length, s === MEGABYTE])).toEqual([[1, MEGABYTE.length, true]])
    const found = await judges.read(engine, { location: place.location, columns: ['n'], filter: `s > 'éééé'` })
    expect(found).toEqual([{ n: 1 }])
  })
})
