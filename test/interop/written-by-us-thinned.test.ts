/** Tables with merged manifests and thinned out snapshots: every engine reads the rows that were appended. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTable, identity, loadTable, schema, t } from '../../src/index.ts'
import type { CanonicalRow } from '../judges/canonical.ts'
import { ENGINES, startJudges, type Judges } from '../judges/judges.ts'
import { verifyTable } from '../../src/table/verify.ts'
import { ask } from './ask.ts'
import { askFilters, type Filter } from './filters.ts'
import { newPlace, once, type Place } from './places.ts'
import { thinningWriter } from './thinning.ts'

let judges: Judges
beforeAll(async () => {
  judges = await startJudges()
}, 120_000)
afterAll(() => judges.stop(), 30_000)

const COMMITS = 300
const MINUTE_MS = 60_000
/** The partition's column is an int before, and a long after. */
const WIDENED_AT = 100
const TAGGED_AT = 33
const PROPERTIES = {
  'datashard.retention.thin-from': '1',
  'datashard.retention.tail-min': '20',
  'datashard.retention.tail-max': '20',
  'datashard.retention.minutes': '30',
}

/** Two rows of one partition. */
const rowsOf = (commit: number): CanonicalRow[] => {
  const part = commit % 4 === 3 ? null : commit % 4
  return [
    { n: commit, part, text: `row ${commit}` },
    { n: -1 - commit, part, text: null },
  ]
}
const rowsUpTo = (commit: number) => Array.from({ length: commit + 1 }, (_, i) => rowsOf(i)).flat()

interface Thinned extends Place {
  /** By number of the commit. */
  readonly snapshots: ReadonlyMap<number, bigint>
  readonly listed: number
  readonly merged: number
}

const thinned = once(async (_key: 'table'): Promise<Thinned> => {
  const place = await newPlace('directory')
  const created = await createTable(place.location, {
    schema: schema({ n: t.int, part: t.optional(t.int), text: t.optional(t.string) }),
    partitionBy: [identity('part')],
    properties: PROPERTIES,
  })
  await created.close()
  const writer = await thinningWriter(place)
  const made: bigint[] = []
  const startMs = Math.floor(Date.now() / MINUTE_MS - COMMITS) * MINUTE_MS
  for (let commit = 0; commit < COMMITS; commit++) {
    if (commit === WIDENED_AT) {
      await using table = await loadTable(place.location)
      await table.transaction((tx) => tx.updateSchema((columns) => columns.widenColumn('part', t.long)))
      await writer.refresh()
    }
    made.push(await writer.append(rowsOf(commit), startMs + commit * MINUTE_MS))
    if (commit === TAGGED_AT) {
      await using table = await loadTable(place.location)
      await table.transaction((tx) => tx.setTag('early'))
      await writer.refresh()
    }
  }
  const left = new Set((await writer.refresh()).snapshots.map(({ snapshotId }) => snapshotId))
  await writer.close()
  const snapshots = new Map([...made.entries()].filter(([, id]) => left.has(id)))
  return { ...place, snapshots, listed: writer.listed, merged: writer.merged }
})

test('300 commits leave some 40 snapshots and some 20 manifests', async () => {
  const { snapshots, listed, merged } = await thinned('table')
  expect(snapshots.size).toBeGreaterThan(30)
  expect(snapshots.size).toBeLessThan(45)
  expect(snapshots.has(TAGGED_AT)).toBe(true)
  expect(listed).toBeLessThanOrEqual(2 * 15 + 1)
  expect(merged).toBeGreaterThan(COMMITS)
})

test('we read the same, verify finds nothing, and what was appended since is known where history is whole', async () => {
  const { location, snapshots } = await thinned('table')
  await using table = await loadTable(location)
  expect(await table.scan().count()).toBe(2 * COMMITS)
  const all = await table.scan({ select: ['n'] }).toArray()
  expect(new Set(all.map((row) => row['n'])).size).toBe(2 * COMMITS)
  const commits = [...snapshots.keys()]
  for (const commit of [TAGGED_AT, commits[1]!, commits.at(-21)!]) {
    expect(
      await table
        .timeTravel({ snapshotId: snapshots.get(commit)! })
        .scan()
        .count(),
    ).toBe(2 * (commit + 1))
  }
  // Manifests of these commits were merged by later ones of them.
  const since = { snapshotId: snapshots.get(COMMITS - 20)! }
  const rows = await table.scan({ since, select: ['n'] }).toArray()
  expect(
    rows
      .map((row) => Number(row['n']))
      .map((n) => (n < 0 ? -1 - n : n))
      .toSorted((a, b) => a - b),
  ).toEqual(Array.from({ length: 38 }, (_, i) => COMMITS - 19 + Math.floor(i / 2)))
  expect((await verifyTable(location, { snapshots: 'all' })).problems).toEqual([])
  const before = { snapshotId: snapshots.get(TAGGED_AT)! }
  await expect(table.scan({ since: before }).toArray()).rejects.toThrow(/The newest one before the gap is/)
})

const FILTERS: readonly Filter[] = [
  { column: 'part', type: 'long', op: '=', value: 2 },
  { column: 'part', type: 'long', op: 'is null' },
  { column: 'n', type: 'int', op: '>', value: 250 },
  { column: 'n', type: 'int', op: '=', value: 7 },
]
describe.each(ENGINES)('thinned out by us > %s', (engine) => {
  test('all rows', { timeout: 120_000 }, async (context) => {
    const question = { rows: rowsUpTo(COMMITS - 1) }
    const { given, right } = await ask(judges, engine, context, await thinned('table'), question)
    expect(given).toEqual(right)
  })

  test('the rows of each filter', { timeout: 120_000 }, async (context) => {
    const asked = { rows: rowsUpTo(COMMITS - 1), filters: FILTERS, gap: undefined }
    const { given, right } = await askFilters(judges, engine, context, await thinned('table'), asked)
    expect(given).toEqual(right)
  })

  test.for(['of the tail', 'of the ladder'])(
    'a snapshot %s, by its id',
    { timeout: 120_000 },
    async (which, context) => {
      const place = await thinned('table')
      const commits = [...place.snapshots.keys()]
      const commit = which === 'of the tail' ? COMMITS - 10 : commits[Math.floor(commits.length / 2)]!
      const question = { rows: rowsUpTo(commit), snapshotId: place.snapshots.get(commit) }
      const { given, right } = await ask(judges, engine, context, place, question)
      expect(given).toEqual(right)
    },
  )

  test.runIf(engine === 'spark' || engine === 'pyiceberg')('a tag', { timeout: 120_000 }, async (context) => {
    const question = { rows: rowsUpTo(TAGGED_AT), tag: 'early' }
    const { given, right } = await ask(judges, engine, context, await thinned('table'), question)
    expect(given).toEqual(right)
  })
})

// Last, since the others read the table as we left it.
test('Spark appends to it, and nothing is lost', { timeout: 120_000 }, async (context) => {
  const place = await thinned('table')
  const append = `SELECT CAST(9999 AS INT) AS n, CAST(1 AS BIGINT) AS part, 'of Spark' AS text`
  const rows = [...rowsUpTo(COMMITS - 1), { n: 9999, part: 1, text: 'of Spark' }]
  const { given, right } = await ask(judges, 'spark', context, place, { append, rows })
  expect(given).toEqual(right)
  await using table = await loadTable(place.location)
  expect(await table.scan().count()).toBe(rows.length)
})
