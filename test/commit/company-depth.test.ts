/** How far back a waiting writer looks for appends that its fold takes along (commit-protocol, "Append", 3). */
import { describe, expect, test } from 'vitest'
import { waitInCompany } from '../../src/commit/company.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { Watch } from '../../src/commit/watch.ts'
import { landControl, stateOf } from '../support/appending.ts'
import type { FoldingTable } from '../support/folding-table.ts'
import { foldingTable } from '../support/folding-table.ts'

interface History {
  /** What chance decides: whether a fold looks for all that is open. */
  readonly random?: number
  readonly waitedMs?: number
  /** Appends that versions 4 and 5 folded; 0 is for a version of another change. */
  readonly folded?: readonly [number, number]
}

async function commitOf(table: FoldingTable, appends: number): Promise<void> {
  await (appends === 0
    ? table.commit()
    : table.folds(...Array.from({ length: appends }, () => newIntentId(table.runtime))))
}

/** Of which bases a writer folds appends that it finds at version 8, when it has one of base 8 itself. */
async function foldedBases({ random = 0.5, waitedMs = 0, folded = [0, 0] }: History) {
  const table = await foldingTable()
  await table.commit()
  await table.commit()
  for (const appends of [...folded, 0, 0, 0]) await commitOf(table, appends)
  const others = [1, 2, 3, 4, 5, 6, 7]
  const published = [...(await Promise.all(others.map(async (base) => table.publish({ base })))), await table.publish()]
  const own = published.at(-1)!
  table.chance.random = () => random
  const context = await table.writer()
  const waiting = waitInCompany(context, await stateOf(table, own), new Watch(own), undefined, landControl())
  table.runtime.advance({ wallMs: waitedMs, monotonicMs: waitedMs })
  await waiting
  const { folded: ids } = await table.ledger()
  return published.filter(({ id }) => ids.includes(id)).map(({ base }) => base)
}

const ALL = [1, 2, 3, 4, 5, 6, 7, 8]

describe('a fold takes along', () => {
  test('what was published two versions ago, and not what is older', async () => {
    expect(await foldedBases({})).toEqual([6, 7, 8])
  })

  test('all that is open, for one fold in four', async () => {
    expect(await foldedBases({ random: 0.24 })).toEqual(ALL)
    expect(await foldedBases({ random: 0.25 })).toEqual([6, 7, 8])
  })

  test('all that is open, when its writer has waited for a second', async () => {
    expect(await foldedBases({ waitedMs: 900 })).toEqual([6, 7, 8])
    expect(await foldedBases({ waitedMs: 1_001 })).toEqual(ALL)
  })

  test.each([
    [
      [1, 1],
      [3, 4, 5, 6, 7, 8],
    ],
    [
      [0, 900],
      [4, 5, 6, 7, 8],
    ],
    [
      [500, 400],
      [3, 4, 5, 6, 7, 8],
    ],
    [
      [501, 400],
      [4, 5, 6, 7, 8],
    ],
    [
      [0, 901],
      [6, 7, 8],
    ],
  ] as const)(
    'older ones where versions folded %j, as long as that is a page of the listing: %j',
    async (folded, bases) => {
      expect(await foldedBases({ folded })).toEqual(bases)
    },
  )
})
