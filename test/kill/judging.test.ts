/** The judges of kills and stress see what is wrong: without this, a clean run would say nothing. */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isClean, tally } from '../../bench/support/verdict.ts'
import { temporaryDirectory } from '../support/tables.ts'
import { openIds, openJournal, readJournals } from './journal.ts'
import { planKills } from './plan.ts'

describe('tally', () => {
  const expected = { acknowledged: new Set([1, 2, 3]), possible: new Set([4]) }

  test.for([
    ['all there', [3, 1, 2], {}],
    ['an unacknowledged one there as well', [1, 2, 3, 4], {}],
    ['an acknowledged one missing', [1, 3], { lost: 1, examples: [2] }],
    ['one twice', [1, 2, 2, 3], { doubled: 1, examples: [2] }],
    ['one three times', [1, 2, 2, 2, 3], { doubled: 2 }],
    ['an unacknowledged one twice', [1, 2, 3, 4, 4], { doubled: 1, examples: [4] }],
    ['one that was refused, or never appended', [1, 2, 3, 5], { foreign: 1, examples: [5] }],
  ] as const)('%s', ([, ids, wrong]) => {
    const found = tally(ids, expected)
    expect(found).toMatchObject({ rows: ids.length, lost: 0, doubled: 0, foreign: 0, ...wrong })
    expect(isClean(found)).toBe(Object.keys(wrong).length === 0)
  })
})

describe('journal', () => {
  test('says what was noted, from several writers', async () => {
    await using directory = await temporaryDirectory()
    const paths = ['a', 'b', 'missing'].map((name) => join(directory.path, name))
    const [a, b] = [openJournal(paths[0]!), openJournal(paths[1]!)]
    a.note('intended', [1, 2, 3])
    a.note('acknowledged', [1])
    a.note('refused', [3])
    b.note('intended', [10])
    const said = readJournals(paths)
    expect([...said.intended]).toEqual([1, 2, 3, 10])
    expect(openIds(said)).toEqual([2, 10])
    a.close()
    b.close()
  })

  test('a line that a kill cut short was not said, and spoils nothing that follows', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'journal')
    const first = openJournal(path)
    first.note('intended', [1234])
    first.close()
    appendFileSync(path, 'acknowledged 12')
    expect([...readJournals([path]).acknowledged]).toEqual([])
    const second = openJournal(path)
    second.note('intended', [1235])
    second.close()
    const said = readJournals([path])
    expect([...said.acknowledged]).toEqual([])
    expect([...said.intended]).toEqual([1234, 1235])
    expect(readFileSync(path, 'utf8')).toContain('acknowledged 12 torn\n')
  })
})

test('plan > every kill is planned once, over all places and keys, in tables of a bounded size', () => {
  const plan = planKills(1_000, {
    where: ['local', 's3', 'chaos'],
    keys: ['none', 'one', 'many'],
    perTable: 60,
    seed: 1,
  })
  expect(plan.reduce((sum, { kills }) => sum + kills, 0)).toBe(1_000)
  expect(new Set(plan.map(({ where, keys }) => `${where} ${keys}`)).size).toBe(9)
  expect(Math.max(...plan.map(({ kills }) => kills))).toBeLessThanOrEqual(60)
  expect(new Set(plan.map(({ seed }) => seed)).size).toBe(plan.length)
})
