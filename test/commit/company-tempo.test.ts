/** A writer learns from its own folds how long a commit takes, by which it waits the next time. */
import { expect, test } from 'vitest'
import { waitInCompany } from '../../src/commit/company.ts'
import { listOpen } from '../../src/commit/fold.ts'
import { Watch } from '../../src/commit/watch.ts'
import { landControl, stateOf } from '../support/appending.ts'
import { foldingTable } from '../support/folding-table.ts'

/** How long a commit is taken to last before and after a fold, the version of which takes 200 ms; `isLost`: to somebody else's. */
async function learnt(isLost: boolean) {
  const table = await foldingTable()
  const own = await table.publish()
  const context = await table.writer()
  const view = await listOpen(context, 0, own.id, undefined)
  await context.tempo.measured(() => table.runtime.sleep(20))
  const beforeMs = context.tempo.commitMs
  table.store.rule = ({ verb, key, before }) => {
    if (verb !== 'put' || !key.endsWith('/v2.metadata.json') || before > 0) return undefined
    return async () => {
      table.runtime.advance({ wallMs: 200, monotonicMs: 200 })
      if (isLost) await table.commit()
    }
  }
  table.chance.onSleep = async () => void (await table.folds(own.id))
  await waitInCompany(context, await stateOf(table, own), new Watch(own), view, landControl())
  return context.tempo.commitMs - beforeMs
}

test('one that won, and one that was lost', async () => {
  expect(await learnt(false)).toBeGreaterThan(10)
  expect(await learnt(true)).toBeGreaterThan(10)
})
