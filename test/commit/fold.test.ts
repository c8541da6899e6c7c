/** What a fold makes of the appends that wait: one snapshot, with everybody's id in its ledger. */
import { describe, expect, test } from 'vitest'
import { fold } from '../../src/commit/fold.ts'
import { appendManifests } from '../../src/commit/manifests.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import { FILE_BYTES, foldingTable, foldRequest, ownOf } from '../support/folding-table.ts'

const summaryOf = async (table: Awaited<ReturnType<typeof foldingTable>>) =>
  currentSnapshot((await table.head()).metadata)!.summary

describe('a fold', () => {
  test('commits the own append and all that wait as one snapshot: its own id first, then by base and id', async () => {
    const table = await foldingTable()
    const late = [await table.publish({ base: 2 }), await table.publish({ base: 2 })]
    await table.commit()
    const early = await table.publish({ base: 1, rows: 5n })
    const request = foldRequest(await ownOf(table))
    const done = await fold(await table.writer({ 'written-by': 'a test' }), request)

    const ids = late.map(({ id }) => id).toSorted()
    const folded = [request.own!.intent.id, early.id, ...ids]
    const { version, metadata } = await table.head()
    expect(done).toEqual({ kind: 'won', version: 3, snapshotId: metadata.currentSnapshotId, ids: folded })
    expect(version).toBe(3)
    expect(await table.ledger()).toEqual({ folded, cancelled: [] })
    expect(await summaryOf(table)).toMatchObject({
      operation: 'append',
      'written-by': 'a test',
      'datashard.folded': '4',
      'added-data-files': '4',
      'added-records': '8',
      'added-files-size': String(4 * FILE_BYTES),
    })
    expect(request.stats).toMatchObject({ attempts: 1, roundTrips: 3 })
  })

  test('lists one manifest for all that have none, above those of the snapshot before', async () => {
    const table = await foldingTable()
    await fold(await table.writer(), foldRequest(await ownOf(table)))
    const [before] = await table.manifests()
    await table.publish()
    await table.publish({ manifestOf: 3 })
    await fold(await table.writer(), foldRequest(await ownOf(table)))
    const [added, carried, ...more] = await table.manifests()
    expect(added).toMatchObject({ addedFilesCount: 5, addedRowsCount: 5n, sequenceNumber: 2n })
    expect(carried).toEqual(before)
    expect(more).toEqual([])
  })

  test('takes manifests of its own append as they are', async () => {
    const table = await foldingTable()
    const { committer } = await table.writer()
    const dataFiles = [table.file('a'), table.file('b')]
    const manifests = appendManifests(committer.head.metadata, dataFiles, table.files, () => 'metadata/own-m0.avro')
    const other = await table.publish()
    const request = foldRequest(await ownOf(table, { dataFiles, manifests }))
    await fold(await table.writer(), request)
    const listed = await table.manifests()
    expect(listed.map(({ addedFilesCount }) => addedFilesCount)).toEqual([1, 2])
    expect(listed[1]!.path).toBe('memory://test/t/metadata/own-m0.avro')
    expect((await table.ledger()).folded).toEqual([request.own!.intent.id, other.id])
    expect(await summaryOf(table)).toMatchObject({ 'added-data-files': '3' })
  })

  test('writes manifests of up to 100 files once more; larger ones are listed where they were published', async () => {
    const table = await foldingTable()
    const small = await table.publish({ manifestOf: 100 })
    const large = await table.publish({ manifestOf: 101 })
    await fold(await table.writer(), foldRequest(undefined))
    const [made, asItIs, ...more] = await table.manifests()
    expect(made).toMatchObject({ addedFilesCount: 100 })
    expect(made!.path).not.toBe(table.files.pathOf(small.key))
    const size = (await table.store.head(large.key))!.size
    expect(asItIs).toMatchObject({ path: table.files.pathOf(large.key), addedFilesCount: 101, length: BigInt(size) })
    expect(more).toEqual([])
    expect(await summaryOf(table)).toMatchObject({ 'added-data-files': '201' })
  })

  test('of one append does not say that it is one of many', async () => {
    const table = await foldingTable()
    await fold(await table.writer(), foldRequest(await ownOf(table)))
    expect(await summaryOf(table)).not.toHaveProperty(['datashard.folded'])
  })

  test('without an own append commits for others; where nothing waits, nothing', async () => {
    const table = await foldingTable()
    const context = await table.writer()
    expect(await fold(context, foldRequest(undefined))).toEqual({ kind: 'nothing' })
    expect((await table.head()).version).toBe(1)
    const other = await table.publish()
    expect(await fold(context, foldRequest(undefined))).toMatchObject({ kind: 'won', version: 2, ids: [other.id] })
    expect(await fold(context, foldRequest(undefined))).toEqual({ kind: 'nothing' })
  })

  test('does not list its own intent twice, when that is in the inbox already', async () => {
    const table = await foldingTable()
    const { id, base, paths } = await table.publish()
    const own = await ownOf(table, { intent: { id, base }, dataFiles: [{ ...table.file('-'), path: paths[0]! }] })
    expect(await fold(await table.writer(), foldRequest(own))).toMatchObject({ kind: 'won', ids: [id] })
    expect(await table.manifests()).toMatchObject([{ addedFilesCount: 1 }])
  })

  test('goes by a listing that was made already, and asks for none', async () => {
    const table = await foldingTable()
    const context = await table.writer()
    const own = await ownOf(table)
    const view = { intents: [], heldUntilMs: undefined, newestBase: 0, seen: own.begun }
    await table.publish()
    expect(await fold(context, foldRequest(own, { view }))).toMatchObject({ kind: 'won', ids: [own.intent.id] })
  })
})
