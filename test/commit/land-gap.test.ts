/** What becomes of a published append whose handle moved past its window while it waited, as by a refresh of another call. */
import { expect, test } from 'vitest'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { land } from '../../src/commit/landing.ts'
import { WINDOW } from '../../src/commit/ledger.ts'
import { landControl, unitOf } from '../support/appending.ts'
import type { FoldingTable } from '../support/folding-table.ts'
import { foldingTable } from '../support/folding-table.ts'

/**
 * Published at version 2, so that version 18 is the last of its window; `first` makes version 3, and others follow before the handle knows
 * of any. `then` happens before it looks what became of the append.
 */
async function passedBy(
  first: (table: FoldingTable, id: string) => Promise<unknown>,
  then: (table: FoldingTable) => unknown = () => undefined,
) {
  const table = await foldingTable()
  await table.folds(...Array.from({ length: 20 }, () => newIntentId(table.runtime)))
  const context = await table.writer()
  const control = landControl({ deadlineMs: table.runtime.monotonic() + 30_000 })
  const published = () => table.calls('put').flatMap((key) => /\/in\/.*-([0-9a-v]{16})-/.exec(key)?.[1] ?? [])
  table.chance.random = () => 0.99
  table.chance.onSleep = async () => {
    table.chance.onSleep = async () => undefined
    await first(table, published()[0]!)
    for (let i = 0; i < WINDOW + 2; i++) await table.commit()
    await context.committer.refresh()
    await then(table)
  }
  return { ...table, control, published, landed: land(context, await unitOf(table), control) }
}

test('folded: it is told so, by the version at the end of its window', async () => {
  const { landed, control } = await passedBy(async (table, id) => table.folds(id))
  expect(await landed).toEqual({ version: 3, snapshotId: 9n, by: 'other-fold', foldSize: 1 })
  expect(control.stats).toMatchObject({ publications: 1, attempts: 0 })
})

test('never folded: it is published again, at the newest version', async () => {
  const { landed, control, published, ledger } = await passedBy(async (table) => table.commit())
  expect(await landed).toMatchObject({ version: 3 + WINDOW + 3, foldSize: 1 })
  expect(control.stats).toMatchObject({ publications: 2 })
  expect((await ledger()).folded).toEqual([published()[1]])
})

test('nobody can tell any more, because the versions are gone: unknown', async () => {
  const { landed } = await passedBy(
    async (table, id) => table.folds(id),
    async ({ store }) => store.delete(['t/metadata/v18.metadata.json']),
  )
  await expect(landed).rejects.toMatchObject({ code: 'commit-unknown', details: { base: 2 } })
})

test('the store does not say for a while: it is asked again', async () => {
  let fails = 4
  const { landed, chance } = await passedBy(
    async (table, id) => table.folds(id),
    ({ store }) => {
      store.rule = ({ verb, key }) =>
        verb === 'get' && key.endsWith('/v18.metadata.json') && fails-- > 0 ? 'lost-before' : undefined
    },
  )
  expect(await landed).toMatchObject({ version: 3, by: 'other-fold' })
  expect(chance.slept.filter((ms) => ms === 500)).toHaveLength(4)
})

test('the store does not say until its time is over: unknown', async () => {
  const { landed, chance } = await passedBy(
    async (table) => table.commit(),
    ({ store }) => {
      store.rule = ({ verb, key }) => (verb === 'get' && key.endsWith('/v18.metadata.json') ? 'lost-before' : undefined)
    },
  )
  await expect(landed).rejects.toMatchObject({ code: 'commit-unknown' })
  const pauses = chance.slept.filter((ms) => ms >= 100)
  expect(pauses.length).toBeGreaterThan(50)
  expect(Math.max(...pauses)).toBe(500)
})
