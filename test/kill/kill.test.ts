/** A few of the kills of `npm run test:kill`, which does a thousand. */
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { buildLibrary, type Built } from '../../bench/support/built.ts'
import { startJudges, type Judges } from '../judges/judges.ts'
import type { Keys } from './job.ts'
import { killOne, type KillReport, type Where } from './plan.ts'

/** What this version of the library has; `one` and `many` need idempotency keys. */
const KEYS: readonly Keys[] = ['none', 'one', 'many']
const OPTIONS = { slots: 3, meanLifeMs: 800, pauseMs: 20 }
const TIMEOUT_MS = 300_000

const s3 = inject('s3')
let built: Built
let judges: Judges
beforeAll(async () => {
  ;[built, judges] = await Promise.all([buildLibrary(), startJudges(['pyiceberg', 'duckdb'])])
}, 120_000)
afterAll(async () => {
  await judges?.stop()
  await built?.[Symbol.asyncDispose]()
}, 30_000)

async function runOne(where: Where, keys: Keys, kills: number): Promise<KillReport> {
  const report = await killOne({ where, keys, kills, seed: 17 }, { built, judges, s3 }, OPTIONS)
  expect(report.problems).toEqual([])
  expect(report.kills).toBe(kills)
  expect(report.acknowledged).toBeGreaterThan(0)
  for (const engine of judges.available) expect(report.reads[engine], engine).toBeGreaterThan(0)
  expect(report.verdicts.map(({ judge, lost, doubled }) => ({ judge, lost, doubled }))).toEqual(
    [...judges.available, 'datashard'].map((judge) => ({ judge, lost: 0, doubled: 0 })),
  )
  return report
}

/** The compiled library with another `append`: what these tests must be able to see. */
async function sabotaged(name: string, append: string): Promise<Built> {
  const library = new URL(`${name}.js`, built.library)
  const code = `export * from './index.js'
    import { loadTable as load } from './index.js'
    export async function loadTable(...args) {
      const table = await load(...args)
      return { append: (rows, options) => (${append})(table, rows, options), close: () => table.close() }
    }`
  await writeFile(library, code)
  return { ...built, library: library.href }
}

/** Death between the commit and its answer, more often than not: an append that is there, and that nobody was told of. */
const DIE = `if (JSON.parse(process.argv[2]).until === 'killed' && Math.random() < 0.7) {
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => {})
}`

describe('a library that breaks its word is found out', () => {
  test.for([
    [
      'lost',
      'none',
      'it acknowledges what it will commit a little later',
      '(table, rows) => (void table.append(rows), Promise.resolve({}))',
    ],
    ['doubled', 'none', 'it appends twice', 'async (table, rows) => (await table.append(rows), table.append(rows))'],
    [
      'doubled',
      'one',
      'it forgets its keys',
      `async (table, rows) => { const done = await table.append(rows); ${DIE}; return done }`,
    ],
  ] as const)('%s rows, keys: %s: %s', { timeout: TIMEOUT_MS }, async ([what, keys, name, append]) => {
    const planned = { where: 'local', keys, kills: 10, seed: 31 } as const
    const library = await sabotaged(name.replaceAll(' ', '-'), append)
    const report = await killOne(planned, { built: library, judges, s3 }, { ...OPTIONS, pauseMs: 5 })
    for (const verdict of report.verdicts) expect(verdict[what], JSON.stringify(verdict)).toBeGreaterThan(0)
    expect(report.problems.length).toBeGreaterThan(0)
  })
})

test.for(['one', 'many'] as const)(
  'keys: %s: what a kill left open is appended again, and was there already or not',
  { timeout: TIMEOUT_MS },
  async (keys) => {
    // Keys by looking first: right as long as an id has one writer, and enough to try what is around it.
    const append = `async (table, rows) => {
      await table.refresh()
      const there = new Set((await table.scan({ select: ['id'] }).toArray()).map((row) => row.id))
      const fresh = rows.filter((row) => !there.has(row.id))
      if (fresh.length > 0) await table.append(fresh)
      ${DIE}
      const again = rows.filter((row) => there.has(row.id)).map((row) => 'row ' + row.id)
      return { replayed: fresh.length === 0, replayedKeys: again }
    }`
    const planned = { where: 'local', keys, kills: 10, seed: 41 } as const
    const library = await sabotaged(`looks-first-${keys}`, append)
    const report = await killOne(planned, { built: library, judges, s3 }, { ...OPTIONS, pauseMs: 5 })
    expect(report.problems).toEqual([])
    expect(report.landed, 'a kill between a commit and its answer').toBeGreaterThan(0)
  },
)

describe.each(KEYS)('writers killed at random, keys: %s', (keys) => {
  test(
    '15 on a local directory: each acknowledged row once, the table always readable',
    async () => {
      await runOne('local', keys, 15)
    },
    TIMEOUT_MS,
  )

  test(
    `15 on ${s3.kind}: each acknowledged row once, the table always readable`,
    async () => {
      await runOne('s3', keys, 15)
    },
    TIMEOUT_MS,
  )

  test(
    `20 on ${s3.kind} behind a proxy that cuts, repeats, delays and refuses requests`,
    async () => {
      const { chaos } = await runOne('chaos', keys, 20)
      const happened = Object.entries(chaos ?? {}).filter(([, times]) => times > 0)
      expect(happened.length, JSON.stringify(chaos)).toBeGreaterThanOrEqual(3)
    },
    TIMEOUT_MS,
  )
})
