import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, schema, t } from '../../src/index.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { ask } from './ask.ts'
import { askFilters } from './filters.ts'
import { filtersOf, PARTITION_CASES, rowsOf, writePartitioned } from './partition-cases.ts'
import { newPlace, once, type Place } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const write = once(async (name: string): Promise<Place> => {
  const { place, table } = await writePartitioned(name)
  await table.close()
  return place
})

describe.each(ENGINES)('partitioned by us > %s', (engine) => {
  test.for(Object.keys(PARTITION_CASES))('%s: all rows', { timeout: 120_000 }, async (name, context) => {
    const one = PARTITION_CASES[name]!
    const { expected } = rowsOf(one)
    const { given, right } = await ask(judges, engine, context, await write(name), { rows: expected, gaps: one.gaps })
    expect(given).toEqual(right)
  })

  test.for(Object.keys(PARTITION_CASES))('%s: the rows of each filter', { timeout: 120_000 }, async (name, context) => {
    const one = PARTITION_CASES[name]!
    const { expected } = rowsOf(one)
    const gap = (one.filterGaps ?? one.gaps)?.[engine]
    const asked = { rows: expected, filters: filtersOf(one, expected), gap }
    const { given, right } = await askFilters(judges, engine, context, await write(name), asked)
    expect(given).toEqual(right)
  })
})

/** A file of long strings with one beginning, one of nulls, one of strings that cannot be rounded up. */
const MEASURED = [
  [
    { n: 1, s: `${'same beginning '.repeat(3)}b`, d: 1.5, l: 5n },
    { n: 2, s: `${'same beginning '.repeat(3)}a`, d: Number.NaN, l: -7n },
  ],
  [{ n: 3 }],
  [
    { n: 4, s: '\u{10ffff}'.repeat(20), d: -0, l: 2n ** 62n },
    { n: 5, s: '\u{10ffff}'.repeat(19), d: 0.25, l: null },
  ],
]
const AGGREGATES = [
  `SELECT min(s) AS s_min, max(s) AS s_max, count(s) AS s_count, count(*) AS n FROM {table}`,
  `SELECT min(d) AS d_min, max(d) AS d_max, count(d) AS d_count FROM {table}`,
  `SELECT min(l) AS l_min, max(l) AS l_max, count(l) AS l_count FROM {table}`,
  `SELECT max(d) AS d_max FROM {table} WHERE n > 2`,
]
const AGGREGATED = [
  { s_min: `${'same beginning '.repeat(3)}a`, s_max: '\u{10ffff}'.repeat(20), s_count: 4, n: 5 },
  { d_min: -0, d_max: { float: 'NaN' }, d_count: 4 },
  { l_min: -7, l_max: { long: String(2n ** 62n) }, l_count: 3 },
  { d_max: 0.25 },
]

const measure = once(async (mode: string): Promise<Place> => {
  const place = await newPlace('directory')
  await using table = await createTable(place.location, {
    schema: schema({ n: t.int, s: t.optional(t.string), d: t.optional(t.double), l: t.optional(t.long) }),
    properties: mode === 'default' ? {} : { 'write.metadata.metrics.default': mode },
  })
  for (const rows of MEASURED) await table.append(rows)
  return place
})

/** Both answer from metadata alone if they believe it to be enough. */
describe.each(['spark', 'duckdb'] as const)('measured by us > %s', (engine) => {
  test.for(['default', 'truncate(1)', 'full', 'counts', 'none'])(
    'minimum, maximum and counts by metrics of mode %s',
    { timeout: 120_000 },
    async (mode, context) => {
      const place = await measure(mode)
      const answers = []
      for (const [i, sql] of AGGREGATES.entries()) {
        answers.push(await ask(judges, engine, context, place, { sql, rows: [AGGREGATED[i]!] }))
      }
      expect(answers.map(({ given }) => given)).toEqual(answers.map(({ right }) => right))
    },
  )
})
