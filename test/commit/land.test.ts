/** How an append comes into the table, and what it says of itself on the way. */
import { describe, expect, test } from 'vitest'
import { fold } from '../../src/commit/fold.ts'
import type { LandControl } from '../../src/commit/landing.ts'
import { land } from '../../src/commit/landing.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import { landControl, unitOf } from '../support/appending.ts'
import type { FoldingTable } from '../support/folding-table.ts'
import { foldingTable, foldRequest } from '../support/folding-table.ts'

const files = (table: FoldingTable, part: string) => table.calls('put').filter((key) => key.includes(part))

async function landing(table: FoldingTable, change: Partial<LandControl> = {}) {
  const context = await table.writer()
  const unit = await unitOf(table)
  const control = landControl(change)
  table.store.calls.length = 0
  return { context, unit, control, start: () => land(context, unit, control) }
}

/** Version 2 has folded three appends just now: there is company. */
async function busyTable() {
  const table = await foldingTable()
  await table.folds('0000000000000001', '0000000000000002', '0000000000000003')
  return table
}

describe('an append', () => {
  test('that is alone is a version of its own, and publishes nothing', async () => {
    const table = await foldingTable()
    const { control, start } = await landing(table)
    const landed = await start()
    const { version, metadata } = await table.head()
    expect(landed).toEqual({ version, snapshotId: metadata.currentSnapshotId, by: 'alone', foldSize: 1 })
    expect(control.said).toEqual(['sending'])
    expect(control.stats).toMatchObject({ attempts: 1, publications: 0, roundTrips: 2 })
    expect(files(table, '/data/in/')).toEqual([])
    expect(await table.manifests()).toMatchObject([{ addedFilesCount: 1 }])
  })

  test('in company is published at once, and folded by who comes next', async () => {
    const table = await busyTable()
    const { control, start } = await landing(table)
    const landed = await start()
    expect(landed).toMatchObject({ version: 3, by: 'own-fold', foldSize: 1 })
    expect(control.said).toEqual(['published'])
    expect(control.stats).toMatchObject({ publications: 1 })
    expect(files(table, '/data/in/')).toHaveLength(1)
    expect(files(table, '/data/own')).toEqual([])
  })

  test('is alone again when its writer has seen no version for two seconds', async () => {
    const table = await busyTable()
    const [soon, late] = [await landing(table), await landing(table)]
    table.runtime.advance({ wallMs: 2_000, monotonicMs: 2_000 })
    expect(await soon.start()).toMatchObject({ version: 3, by: 'own-fold' })
    table.runtime.advance({ wallMs: 1, monotonicMs: 1 })
    expect(await late.start()).toMatchObject({ version: 4 })
    expect(late.control.said[0]).toBe('sending')
  })

  test('by a process that comes to a table when company has left is alone, whatever that folded', async () => {
    const table = await busyTable()
    table.runtime.advance({ wallMs: 2_001, monotonicMs: 2_001 })
    const { control, start } = await landing(table)
    expect(await start()).toMatchObject({ version: 3, by: 'alone' })
    expect(control.stats).toMatchObject({ publications: 0, roundTrips: 2 })
  })

  test('that loses its version is published, under the newest base, and its file is sent under that name', async () => {
    const table = await foldingTable()
    const { control, start } = await landing(table)
    table.store.rule = ({ verb, key, before }) =>
      verb === 'put' && key.endsWith('/v2.metadata.json') && before === 0
        ? async () => void (await table.commit())
        : undefined
    expect(await start()).toMatchObject({ version: 3, by: 'own-fold', foldSize: 1 })
    expect(control.said).toEqual(['sending', 'nothing sent', 'published'])
    expect(control.stats).toMatchObject({ attempts: 2, publications: 1 })
    expect(files(table, '/data/in/')[0]).toMatch(/data\/in\/000000000\/0000000002-/)
    expect(await table.manifests()).toMatchObject([{ addedFilesCount: 1 }])
  })

  test('that another writer folds answers with its version, and how many that brought', async () => {
    const table = await busyTable()
    const { start } = await landing(table)
    table.chance.random = () => 0.99
    await table.publish()
    await table.publish()
    table.chance.onSleep = async () => {
      table.chance.onSleep = async () => undefined
      await fold(await table.writer(), foldRequest(undefined))
    }
    const landed = await start()
    const { metadata } = await table.head()
    expect(landed).toEqual({ version: 3, snapshotId: metadata.currentSnapshotId, by: 'other-fold', foldSize: 3 })
  })

  test('that was cancelled is published again, under another name', async () => {
    const table = await busyTable()
    const { control, start } = await landing(table)
    const cancelled: string[] = []
    table.store.rule = ({ verb, key }) => {
      const id = verb === 'put' ? /-([0-9a-v]{16})-/.exec(key)?.[1] : undefined
      if (id === undefined || cancelled.length === 3) return undefined
      cancelled.push(id)
      return async () => void (await table.cancels(id))
    }
    expect(await start()).toMatchObject({ version: 6, foldSize: 1 })
    expect(control.stats.publications).toBe(4)
    expect(new Set(cancelled).size).toBe(3)
    expect(cancelled).not.toContain((await table.ledger()).folded[0])
    expect(currentSnapshot((await table.head()).metadata)!.summary).toMatchObject({ 'total-records': '1' })
    expect(control.said.filter((said) => said === 'published')).toHaveLength(4)
  })

  test('that was idle for long while others were busy goes to the end by the hint', async () => {
    const table = await busyTable()
    const { control, start } = await landing(table)
    for (let i = 0; i < 40; i++) await table.commit()
    table.runtime.advance({ wallMs: 1_500, monotonicMs: 1_500 })
    table.store.calls.length = 0
    expect(await start()).toMatchObject({ version: 43 })
    expect(control.stats.publications).toBe(1)
    expect(files(table, '/data/in/')[0]).toMatch(/\/000000002a-/)
    expect(table.calls('get').filter((key) => key.endsWith('.metadata.json')).length).toBeLessThan(20)
  })
})
