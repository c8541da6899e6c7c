/** 16 processes x 50 single-row appends: 800 distinct rows, each in one commit, versions without gaps, read the same by every judge. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { type Judges, startJudges } from '../judges/judges.ts'
import { sortRows } from '../judges/canonical.ts'
import { appendInProcess } from '../support/processes.ts'
import { newBucket, people, person, s3Options, temporaryDirectory } from '../support/tables.ts'

const PROCESSES = 16
const APPENDS = 50
const TIMEOUT_MS = 1_200_000

const s3 = inject('s3')
let judges: Judges
beforeAll(async () => {
  judges = await startJudges(['pyiceberg', 'duckdb', 'spark'])
})
afterAll(() => judges.stop())

async function race(location: string, s3Option: object | undefined): Promise<void> {
  const options = s3Option ? { s3: s3Option } : {}
  const created = await createTable(location, { schema: people, ...options })
  await created.close()
  const jobs = Array.from({ length: PROCESSES }, (_, w) => ({
    location,
    firstId: w * APPENDS,
    count: APPENDS,
    s3: s3Option,
  }))
  const acknowledged = (await Promise.all(jobs.map((job) => appendInProcess(job)))).flat()

  const table = await loadTable(location, options)
  const total = PROCESSES * APPENDS
  // Writers that meet share commits: each version from the first to the last holds appends of somebody.
  const versions = Array.from({ length: table.version - 1 }, (_, i) => i + 2)
  expect([...new Set(acknowledged)].toSorted((a, b) => a - b)).toEqual(versions)
  expect(acknowledged.length).toBe(total)
  expect(table.snapshots().at(-1)!.sequenceNumber).toBe(BigInt(versions.length))
  const ids = (await table.scan({ select: ['id'] }).toArray()).map((row) => Number(row['id']))
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i))
  await table.close()

  const expected = sortRows(Array.from({ length: total }, (_, i) => person(i)))
  for (const engine of judges.available) {
    const rows = await judges.read(engine, { location, ...(s3Option && { s3 }) })
    expect(rows, engine).toEqual(expected)
  }
}

describe(`${PROCESSES} processes append at once`, () => {
  test(
    'to a local directory',
    async () => {
      await using directory = await temporaryDirectory()
      await race(join(directory.path, 'table'), undefined)
    },
    TIMEOUT_MS,
  )

  test(
    `to ${s3.kind}`,
    async () => {
      const bucket = await newBucket(s3, 'processes')
      await race(`s3://${bucket}/some/table`, s3Options(s3))
    },
    TIMEOUT_MS,
  )
})
