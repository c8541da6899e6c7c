/** Manifests that are merged beside the commits: when that begins, which commit takes it in, and when it is given up. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Committer } from '../../src/commit/commit.ts'
import type { Merges } from '../../src/commit/merges.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { TableFiles } from '../../src/store/table-files.ts'
import { type Chain, pass } from '../support/chain.ts'
import { listed, mergingProcess, writtenManifest, writtenManifests } from '../support/manifests.ts'
import { collect } from '../support/tables.ts'

const BY = { snapshotId: 99n, sequenceNumber: 9n }
const HOUR_MS = 3_600_000

let chain: Chain
let committer: Committer
let metadata: TableMetadata
let files: TableFiles
let merges: Merges

beforeEach(async () => {
  ;({ chain, committer, metadata, files, merges } = await mergingProcess())
})

/** What the next commit carries on. */
const applied = (carried: readonly ManifestFile[], signal?: AbortSignal) => merges.apply(carried, metadata, BY, signal)

/** A commit of ours that leaves these manifests; resolves when what it begins in the background is done. */
async function afterCommit(left: readonly ManifestFile[]): Promise<void> {
  merges.committed(left, metadata)
  await committer.flush()
}

const reads = () => chain.requests().filter((request) => request.startsWith('get'))

const stillThere = async () => (await collect(chain.store.list('t/metadata/'))).map(({ key }) => key)

const manifests = (count: number) => writtenManifests(files, metadata, count)

describe('after a commit', () => {
  test('that leaves a tier full, the next one lists a merged manifest, and pays no request for it', async () => {
    const left = listed(await manifests(16))
    await afterCommit(left)
    chain.requests()
    const [merged, ...others] = await applied([...listed(await manifests(1)), ...left]).then((all) => all.toReversed())
    expect(others).toHaveLength(1)
    expect(merged).toMatchObject({ existingFilesCount: 16, addedSnapshotId: 99n, sequenceNumber: 9n })
    expect(await stillThere()).toContain(files.resolve(merged!.path))
    expect(reads()).toEqual([])
  })

  test('that leaves less, nothing is read or written', async () => {
    const left = listed(await manifests(15))
    chain.requests()
    await afterCommit(left)
    expect(chain.requests()).toEqual([])
    expect(await applied(left)).toBe(left)
  })

  test('manifests of this process are not read', async () => {
    const made = await manifests(16)
    merges.remember(made.slice(1))
    chain.requests()
    await afterCommit(listed(made))
    expect(chain.requests().map((request) => request.split(' ')[0])).toEqual(['get', 'put'])
  })

  test('but only the last 64 of them are kept', async () => {
    const made = await manifests(16)
    merges.remember(made)
    merges.remember(await manifests(50))
    chain.requests()
    await afterCommit(listed(made))
    expect(reads()).toHaveLength(2)
  })

  test('and no large ones', async () => {
    const large = await writtenManifest(files, metadata, 1, {
      lowerBounds: new Map([[1, chain.runtime.randomBytes(66_000)]]),
    })
    expect(large.bytes.length).toBeGreaterThan(64 * 1024)
    const made = [...(await manifests(15)), large]
    merges.remember(made)
    chain.requests()
    await afterCommit(listed(made))
    expect(reads()).toEqual([`get ${large.key.slice('t/metadata/'.length)}`])
  })

  test('what it took in is done, and what is full then is merged next', async () => {
    const first = listed(await manifests(16))
    await afterCommit(first)
    const took = await applied(first)
    expect(took).toHaveLength(1)
    const next = [...listed(await manifests(16)), ...took]
    await afterCommit(next)
    const again = await applied(next)
    expect(again.map(({ existingFilesCount }) => existingFilesCount)).toEqual([16, 16])
  })

  test('that did not take it in, it waits for the next one', async () => {
    const left = listed(await manifests(16))
    await afterCommit(left)
    chain.requests()
    await afterCommit([...listed(await manifests(16)), ...left])
    expect(reads()).toEqual([])
    expect(await applied(left)).toHaveLength(1)
  })

  test('while a merge is on its way no other is begun', async () => {
    const left = listed(await manifests(16))
    chain.requests()
    merges.prepare(left, metadata)
    merges.prepare(left, metadata)
    await committer.flush()
    expect(chain.requests().filter((request) => request.startsWith('put'))).toHaveLength(1)
  })

  test('nothing that stands in the way of merging is told to who committed', async () => {
    const broken = new Proxy(metadata, {
      get: () => {
        throw new Error('no properties')
      },
    })
    const left = listed(await manifests(16))
    expect(() => merges.committed(left, broken)).not.toThrow()
  })

  test('a manifest that cannot be read: commits go on without, and the merge is tried again', async () => {
    const made = await manifests(16)
    await chain.store.delete([made[3]!.key])
    await afterCommit(listed(made))
    expect(await applied(listed(made))).toEqual(listed(made))
    await chain.store.put(made[3]!.key, made[3]!.bytes)
    await afterCommit(listed(made))
    expect(await applied(listed(made))).toHaveLength(1)
  })
})

describe('a merge is given up', () => {
  let left: readonly ManifestFile[]
  let key: string

  beforeEach(async () => {
    left = listed(await manifests(16))
    const before = await stillThere()
    await afterCommit(left)
    key = (await stillThere()).find((one) => !before.includes(one))!
  })

  test('when somebody else merged or removed one of its manifests: nothing names it, and it is deleted', async () => {
    expect(await applied(left.slice(1))).toEqual(left.slice(1))
    await committer.flush()
    expect(await stillThere()).not.toContain(key)
    expect(await applied(left)).toEqual(left)
  })

  test('but it is not deleted when a commit took it in whose outcome is not known', async () => {
    await applied(left)
    expect(await applied(left.slice(1))).toEqual(left.slice(1))
    await committer.flush()
    expect(await stillThere()).toContain(key)
  })

  test('and not after a commit that was lost: the next one takes it in', async () => {
    await applied(left)
    expect(await applied(left)).toHaveLength(1)
  })

  test('after an hour, by the longer of the clocks', async () => {
    pass(chain, HOUR_MS)
    expect(await applied(left)).toHaveLength(1)
    chain.runtime.advance({ wallMs: 1 })
    expect(await applied(left)).toEqual(left)
  })

  test('after an hour it is deleted, if no commit took it in', async () => {
    pass(chain, HOUR_MS + 1)
    await applied(left)
    await committer.flush()
    expect(await stillThere()).not.toContain(key)
  })
})
