/**
 * A table in full use: while 16 processes append, another engine commits, an overwrite gets through, and readers see nothing
 * but whole commits; and then every judge reads the same table.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { eq } from '../../src/spec/expressions.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { type Judges, startJudges } from '../judges/judges.ts'
import { sortRows } from '../judges/canonical.ts'
import { commitLikeAnotherEngine } from '../support/other-engine.ts'
import { appendInProcess } from '../support/processes.ts'
import { newBucket, people, person, s3Options, temporaryDirectory } from '../support/tables.ts'

const PROCESSES = 16
/** Enough for the writers to be at work, on a fast disk too, when the others come through after a second or two. */
const APPENDS = 24
const ROWS = 3
const OLD = Array.from({ length: 50 }, (_, i) => ({ id: 1_000_000 + i, name: 'old' }))
const NEW = { id: 2_000_000, name: 'new' }
const FOREIGN_COMMITS = 5
const TIMEOUT_MS = 600_000

const s3 = inject('s3')
let judges: Judges
beforeAll(async () => {
  judges = await startJudges(['pyiceberg', 'duckdb', 'spark'])
})
afterAll(() => judges.stop())

/** Reads a table until it is told to stop; what it saw that must not be seen. */
async function readInLoop(read: () => Promise<readonly number[]>, isOver: () => boolean) {
  const problems: string[] = []
  let reads = 0
  let before = new Set<number>()
  for (let last = false; ;) {
    last = isOver()
    const ids = await read()
    reads += 1
    const seen = new Set(ids)
    if (seen.size !== ids.length) problems.push('a row is there twice')
    const old = OLD.filter(({ id }) => seen.has(id)).length
    if (old !== (seen.has(NEW.id) ? 0 : OLD.length)) problems.push(`${old} old rows beside the new one`)
    for (let first = 0; first < PROCESSES * APPENDS * ROWS; first += ROWS) {
      const there = Array.from({ length: ROWS }, (_, i) => first + i).filter((id) => seen.has(id)).length
      if (there % ROWS !== 0) problems.push(`${there} rows of the append that begins with ${first}`)
    }
    for (const id of before) {
      if (id < OLD[0]!.id && !seen.has(id)) problems.push(`row ${id} is gone`)
    }
    before = seen
    if (last) return { problems, reads }
    await sleep(20)
  }
}

async function expectPeace(location: string, s3Option: object | undefined): Promise<void> {
  const options = s3Option ? { s3: s3Option } : {}
  await using table = await createTable(location, { schema: people, ...options })
  await table.append(OLD)
  let acknowledged = 0
  let over = false
  const writers = Promise.all(
    Array.from({ length: PROCESSES }, (_, w) =>
      appendInProcess(
        { location, firstId: w * APPENDS * ROWS, count: APPENDS, rows: ROWS, s3: s3Option },
        () => (acknowledged += 1),
      ),
    ),
  ).finally(() => (over = true))
  await using mine = await loadTable(location, options)
  await using theirs = await loadTable(location, options)
  const reader = readInLoop(
    async () => {
      await theirs.refresh()
      return (await theirs.scan({ select: ['id'] }).toArray()).map((row) => Number(row['id']))
    },
    () => over,
  )
  await expect.poll(() => acknowledged, { timeout: 120_000, interval: 20 }).toBeGreaterThan(PROCESSES)
  const foreign = commitLikeAnotherEngine(location, options, FOREIGN_COMMITS)
  const replaced = await mine.overwrite(eq('name', 'old'), [NEW], { timeoutMs: 60_000 })
  expect(replaced.deletedRows).toBe(OLD.length)
  expect(over, 'the overwrite came through while the others were at work').toBe(false)
  expect(await foreign).toBe(FOREIGN_COMMITS)
  const versions = (await writers).flat()
  expect(versions.length).toBe(PROCESSES * APPENDS)
  const { problems, reads } = await reader
  expect(problems).toEqual([])
  expect(reads).toBeGreaterThan(3)

  await mine.refresh()
  expect(mine.metadata.properties['other-engine.commits']).toBe(String(FOREIGN_COMMITS))
  const rows = Array.from({ length: PROCESSES * APPENDS * ROWS }, (_, i) => person(i))
  const expected = sortRows([...rows, NEW])
  for (const engine of judges.available) {
    const found = await judges.read(engine, { location, ...(s3Option && { s3 }) })
    expect(found, engine).toEqual(expected)
  }
}

describe(`${PROCESSES} processes append, others commit, overwrite and read beside them`, () => {
  test(
    'on a local directory',
    async () => {
      await using directory = await temporaryDirectory()
      await expectPeace(join(directory.path, 'table'), undefined)
    },
    TIMEOUT_MS,
  )

  test(
    `on ${s3.kind}`,
    async () => {
      const bucket = await newBucket(s3, 'company')
      await expectPeace(`s3://${bucket}/some/table`, s3Options(s3))
    },
    TIMEOUT_MS,
  )
})
