/** The manifests of the last few snapshots: what is asked for again costs no request. */
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeManifestList } from '../../src/codec/manifest-list.ts'
import { ManifestListCache } from '../../src/commit/list-cache.ts'
import { DataShardError } from '../../src/errors.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { replaceWorld } from '../support/replace-world.ts'
import type { ReplaceWorld } from '../support/replace-world.ts'

let world: ReplaceWorld
let lists: ManifestListCache

const pathOf = (id: number) => `memory://test/t/metadata/snap-${id}.avro`
const snapshot = (id: number): Snapshot => ({
  snapshotId: BigInt(id),
  sequenceNumber: BigInt(id),
  timestampMs: id,
  manifestList: pathOf(id),
})
const manifestOf = (id: number) => ({
  path: `memory://test/t/metadata/${id}-m0.avro`,
  length: 100n,
  partitionSpecId: 0,
  content: 'data' as const,
  sequenceNumber: BigInt(id),
  minSequenceNumber: BigInt(id),
  addedSnapshotId: BigInt(id),
  addedFilesCount: 1,
  existingFilesCount: 0,
  deletedFilesCount: 0,
  addedRowsCount: 10n,
  existingRowsCount: 0n,
  deletedRowsCount: 0n,
})

beforeEach(async () => {
  world = replaceWorld()
  lists = new ManifestListCache(world.files)
  for (let id = 1; id <= 6; id++) {
    const ids = { snapshotId: BigInt(id), sequenceNumber: BigInt(id), formatVersion: 2 } as const
    await world.store.put(`t/metadata/snap-${id}.avro`, encodeManifestList({ ...ids, manifests: [manifestOf(id)] }))
  }
  world.store.calls.length = 0
})

/** Whether these cost a request. */
async function areRead(...ids: readonly number[]): Promise<readonly boolean[]> {
  const read: boolean[] = []
  for (const id of ids) {
    world.store.calls.length = 0
    expect(await lists.get(snapshot(id))).toMatchObject([manifestOf(id)])
    read.push(world.store.calls.length > 0)
  }
  return read
}

describe('the manifests of a snapshot', () => {
  test('are read once', async () => expect(await areRead(1, 1, 2, 1, 2)).toEqual([true, false, true, false, false]))

  test('that this process wrote are not read', async () => {
    lists.set(pathOf(9), [manifestOf(9)])
    expect(await areRead(9)).toEqual([false])
  })

  test('are kept of four snapshots; the one that came first goes', async () => {
    expect(await areRead(1, 2, 3, 4, 1, 2, 3, 4)).toEqual([...Array(4).fill(true), ...Array(4).fill(false)])
    expect(await areRead(5, 2, 3, 4, 5)).toEqual([true, false, false, false, false])
    expect(await areRead(1)).toEqual([true])
  })

  test('that were asked for ahead are there', async () => {
    await lists.prefetch(pathOf(3))
    await lists.prefetch(pathOf(3))
    expect(world.store.calls.map(({ verb }) => verb)).toEqual(['get'])
    expect(await areRead(3)).toEqual([false])
  })

  test('are an error where the list is missing or cannot be read, but not before they are needed', async () => {
    await lists.prefetch(pathOf(77))
    await expect(lists.get(snapshot(77))).rejects.toMatchObject({
      code: 'corrupt',
      details: { path: pathOf(77), table: 'memory://test/t' },
      message: expect.stringMatching(/of snapshot 77, .* does not exist/) as string,
    })
    world.store.rule = () => new DataShardError('unavailable', 'no answer')
    await lists.prefetch(pathOf(1))
    await expect(lists.get(snapshot(1))).rejects.toMatchObject({ code: 'unavailable' })
    world.store.rule = () => undefined
    expect(await areRead(1)).toEqual([true])
  })

  test('are no longer read once that is cancelled', async () => {
    await lists.prefetch(pathOf(1), AbortSignal.abort())
    await expect(lists.get(snapshot(1), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
    expect(await areRead(1)).toEqual([true])
  })

  test('are refused where the metadata itself lists them, as in format v1', async () => {
    const { manifestList: _none, ...old } = snapshot(1)
    await expect(lists.get({ ...old, manifests: ['memory://test/t/m.avro'] })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('snapshot 1 ') as string,
    })
  })
})
