import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { goldenTables, uploadGolden } from '../support/golden.ts'
import { sortRows } from './canonical.ts'
import { ENGINES, startJudges, type EngineName, type Judges } from './judges.ts'

/**
 * Where an engine, in its pinned version, is not a judge: it refuses the table, or reads it in another way than its writer. A test that
 * asks it for such a table has to know.
 */
const GAPS: Readonly<Record<EngineName, Readonly<Record<string, 'refuses' | 'differs'>>>> = {
  // A null list of structs comes back as an empty list.
  pyiceberg: { types: 'differs', avrodata: 'refuses', eqdel: 'refuses' },
  // No gzip metadata; Parquet data files only.
  duckdb: { refs: 'refuses', avrodata: 'refuses', orcdata: 'refuses' },
  spark: {},
  // Null structs, lists and maps come back as empty ones: its types have no nulls there. No deletion vectors.
  clickhouse: { types: 'differs', dv: 'refuses' },
  polars: { avrodata: 'refuses', eqdel: 'refuses' },
  daft: { dv: 'refuses', avrodata: 'refuses', orcdata: 'refuses', eqdel: 'refuses', py_mapped: 'refuses' },
}

let judges: Judges

beforeAll(async () => {
  ;[judges] = await Promise.all([startJudges(), uploadGolden(inject('s3'))])
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const tables = await goldenTables()

describe.each(ENGINES)('judges > %s', (engine) => {
  test.for(Object.entries(tables))(
    'reads the golden table %s, or its gap is known',
    { timeout: 120_000 },
    async ([name, table], context) => {
      const why = judges.missing.get(engine)
      if (why !== undefined) return context.skip(`${engine} is missing: ${why}`)
      const { current } = table.reads
      if (current === undefined) throw new Error(`${name} has no current read`)
      const { location, metadataFile } = table
      const request = { location, metadataFile, s3: inject('s3'), columns: current.columns }
      const rows = sortRows(current.rows)
      const answer = await judges.read(engine, request).catch(() => 'refuses' as const)
      const differs = answer !== 'refuses' && !isDeepStrictEqual(answer, rows)
      const gap = GAPS[engine][name]
      expect(gap === 'differs' && differs ? 'differs' : answer).toEqual(gap ?? rows)
    },
  )
})

describe('judges > a part of a table', () => {
  test.for(ENGINES)('%s: columns, filter and snapshot', { timeout: 120_000 }, async (engine, context) => {
    const why = judges.missing.get(engine)
    if (why !== undefined) return context.skip(`${engine} is missing: ${why}`)
    const s3 = inject('s3')
    const parts = tables['parts']
    const byId = { location: parts?.location ?? '', s3, columns: parts?.reads['filter_id']?.columns, filter: 'id = 41' }
    expect(await judges.read(engine, byId)).toEqual(parts?.reads['filter_id']?.rows)
    const cow = tables['py_cow']
    const second = cow?.reads['snapshot_2']
    const asOf = { location: cow?.location ?? '', metadataFile: cow?.metadataFile, s3, snapshotId: second?.snapshotId }
    expect(await judges.read(engine, asOf)).toEqual(sortRows(second?.rows ?? []))
  })
})
