import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, schema } from '../../src/index.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { ask } from './ask.ts'
import { askFilters } from './filters.ts'
import { filtersOf, PARTITION_CASES, rowsOf } from './partition-cases.ts'
import { newPlace, once, type Place } from './places.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

/** In three appends, so that there are manifests to be skipped too. */
const write = once(async (name: string): Promise<Place> => {
  const one = PARTITION_CASES[name]!
  const { columns, input } = rowsOf(one)
  const place = await newPlace('directory')
  await using table = await createTable(place.location, { schema: schema(columns), partitionBy: one.partitionBy })
  const third = Math.ceil(input.length / 3)
  for (const at of [0, third, 2 * third]) await table.append(input.slice(at, at + third))
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
