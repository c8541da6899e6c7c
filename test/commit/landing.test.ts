/** What an append that was published is told, when its writer has lost sight of the versions that would tell. */
import { expect, test } from 'vitest'
import { WINDOW } from '../../src/commit/ledger.ts'
import { createTable, loadTable } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

/** A writer that publishes, and whose handle moves past the window while it looks for the next version; then `fails` times no answer. */
async function losesSight(fails: number) {
  const inner = memoryStore()
  await createTable(LOCATION, { schema: people, store: inner })
  const other = await loadTable(LOCATION, { store: inner })
  let state: 'alone' | 'published' | 'behind' | 'past' = 'alone'
  let failed = 0
  const store = faultyStore(inner, ({ verb, key }) => {
    if (state === 'alone' && verb === 'put' && key.endsWith('/v2.metadata.json')) {
      return async () => {
        state = 'published'
        await other.append([person(100)])
      }
    }
    if (state === 'published' && verb === 'get' && key.endsWith('/v3.metadata.json')) {
      state = 'behind'
      return async () => {
        for (let i = 0; i < WINDOW + 3; i++) await other.append([person(101 + i)])
        await other.flush()
        await writer.refresh()
        state = 'past'
      }
    }
    if (state !== 'past' || verb === 'put' || !key.includes('.metadata.json') || failed === fails) return undefined
    failed += 1
    return 'lost-before'
  })
  const writer = await loadTable(LOCATION, { store })
  return { writer, inner, failed: () => failed }
}

test.each([2, 4])('a store that does not answer %i times is asked again', async (fails) => {
  const { writer, inner, failed } = await losesSight(fails)
  const result = await writer.append([person(1)])
  expect(result).toMatchObject({ rows: 1, stats: { by: 'other-fold' } })
  expect(failed()).toBe(fails)
  const ids = (await (await loadTable(LOCATION, { store: inner })).scan().toArray()).map(({ id }) => Number(id))
  expect(ids.filter((id) => id === 1)).toEqual([1])
})

test('a store that never answers: when the time is over, it is unknown', async () => {
  const { writer, inner, failed } = await losesSight(Infinity)
  const append = writer.append([person(1)], { timeoutMs: 1_500 })
  await expect(append).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
  expect(failed()).toBeGreaterThan(1)
  expect(await (await loadTable(LOCATION, { store: inner })).scan().count()).toBe(WINDOW + 5)
})
