/** How much one fold takes, what it leaves, and what it costs. */
import { describe, expect, test } from 'vitest'
import { listOpen, fold } from '../../src/commit/fold.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import type { FoldingTable } from '../support/folding-table.ts'
import { foldingTable, foldRequest, ownOf } from '../support/folding-table.ts'

/** A look into the inbox that shows so many appends, made of one that is there. */
async function viewOf(table: FoldingTable, count: number) {
  await table.publish()
  const view = await listOpen(await table.writer(), 0, undefined, undefined)
  const [intent] = view.intents
  return { ...view, intents: Array.from({ length: count }, () => ({ ...intent!, id: newIntentId(table.runtime) })) }
}

describe('one fold takes', () => {
  test('1,000 appends at most, its own among them; the oldest first', async () => {
    const table = await foldingTable()
    const view = await viewOf(table, 1_100)
    const own = await ownOf(table)
    const done = await fold(await table.writer(), foldRequest(own, { view }))
    const oldest = view.intents.map(({ id }) => id).toSorted()
    expect(done).toMatchObject({ kind: 'won' })
    expect('ids' in done && new Set(done.ids)).toEqual(new Set([own.intent.id, ...oldest.slice(0, 999)]))
  })

  test('no more than the ledger has room for', async () => {
    const table = await foldingTable()
    await table.folds(...Array.from({ length: 3_900 }, () => newIntentId(table.runtime)))
    const view = await viewOf(table, 1_000)
    await fold(await table.writer(), foldRequest(undefined, { view }))
    const { metadata } = await table.head()
    const bytes = metadata.properties['datashard.ledger']!.length
    expect(bytes).toBeLessThanOrEqual(64 * 1024)
    expect(bytes).toBeGreaterThan(64 * 1024 - 200)
    expect((await table.ledger()).folded.length).toBeGreaterThan(100)
  })
})

test('what nobody can describe is passed over, and the rest is folded', async () => {
  const table = await foldingTable()
  const damaged = await table.publish()
  const sound = await table.publish()
  await table.store.put(damaged.key, new Uint8Array(3))
  expect(await fold(await table.writer(), foldRequest(undefined))).toMatchObject({ kind: 'won', ids: [sound.id] })
})

test('manifests of many folds are merged on the way, and nothing is listed twice or lost', async () => {
  const table = await foldingTable()
  const context = await table.writer()
  for (let i = 0; i < 34; i++) {
    await fold(context, foldRequest(await ownOf(table, { dataFiles: [table.file(`${i}`)] })))
    await context.committer.flush()
  }
  const manifests = await table.manifests()
  expect(manifests.length).toBeLessThan(20)
  const files = manifests.reduce((sum, one) => sum + one.addedFilesCount! + one.existingFilesCount!, 0)
  expect(files).toBe(34)
  const numbers = manifests.map(({ sequenceNumber }) => sequenceNumber)
  expect(Math.max(...numbers.map(Number)), 'that of the snapshot which brought it').toBe(34)
  expect(Math.min(...numbers.map(Number))).toBeGreaterThan(16)
})

describe('a fold asks for', () => {
  test('the next version once, and writes three objects', async () => {
    const table = await foldingTable()
    const context = await table.writer()
    const own = await ownOf(table)
    table.store.calls.length = 0
    await fold(context, foldRequest(own))
    await context.committer.flush()
    expect(table.calls('get').filter((key) => key.endsWith('.json'))).toEqual(['t/metadata/v2.metadata.json'])
    expect(table.calls('put').filter((key) => !key.endsWith('version-hint.text'))).toHaveLength(3)
  })

  test('the manifests of the version that it knows beside that', async () => {
    const table = await foldingTable()
    await fold(await table.writer(), foldRequest(await ownOf(table)))
    const context = await table.writer()
    const own = await ownOf(table)
    let isBeside = false
    table.store.calls.length = 0
    table.store.rule = ({ verb, key }) => {
      if (verb !== 'get' || !key.endsWith('/v3.metadata.json')) return undefined
      return async () => {
        for (let i = 0; i < 20 && !isBeside; i++) {
          isBeside = table.calls('get').some((one) => one.includes('/snap-'))
          await new Promise(setImmediate)
        }
      }
    }
    expect(await fold(context, foldRequest(own))).toMatchObject({ kind: 'won' })
    expect(isBeside).toBe(true)
    expect(await table.manifests()).toHaveLength(2)
  })
})
