/** A list that nobody merges, because each process commits once and ends: then a commit waits for it. */
import { beforeEach, expect, test } from 'vitest'
import { Committer } from '../../src/commit/commit.ts'
import { Merges } from '../../src/commit/merges.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { TableFiles } from '../../src/store/table-files.ts'
import type { Chain } from '../support/chain.ts'
import { listed, mergingProcess, writtenManifest, writtenManifests } from '../support/manifests.ts'

let chain: Chain
let committer: Committer
let metadata: TableMetadata
let files: TableFiles
let merges: Merges

beforeEach(async () => {
  ;({ chain, committer, metadata, files, merges } = await mergingProcess())
})

const applied = (carried: readonly ManifestFile[], signal?: AbortSignal, base = metadata) =>
  merges.apply(carried, base, { snapshotId: 99n, sequenceNumber: 9n }, signal)

test('64 of one tier are merged by the commit itself', async () => {
  const carried = listed(await writtenManifests(files, metadata, 64))
  expect(await applied(carried)).toMatchObject([{ existingFilesCount: 64 }])
})

test('63 are not: there is time until another commit', async () => {
  const carried = listed(await writtenManifests(files, metadata, 63))
  chain.requests()
  expect(await applied(carried)).toBe(carried)
  expect(chain.requests()).toEqual([])
})

test('64 of two tiers are not', async () => {
  const larger = []
  while (larger.length < 20) larger.push(await writtenManifest(files, metadata, 20))
  const carried = listed([...larger, ...(await writtenManifests(files, metadata, 44))])
  chain.requests()
  expect(await applied(carried)).toBe(carried)
  expect(chain.requests()).toEqual([])
})

test('nor where the table does not want manifests to be merged', async () => {
  const carried = listed(await writtenManifests(files, metadata, 80))
  const base = { ...metadata, properties: { 'commit.manifest-merge.enabled': 'false' } }
  expect(await applied(carried, undefined, base)).toBe(carried)
})

test('a commit whose manifests cannot be merged goes on without', async () => {
  const made = await writtenManifests(files, metadata, 64)
  await chain.store.delete([made[0]!.key])
  expect(await applied(listed(made))).toEqual(listed(made))
})

test('but a bug is not hidden as if the manifests were at fault', async () => {
  const carried = listed(await writtenManifests(files, metadata, 64))
  const bug = new TypeError('a bug')
  chain.store.get = () => Promise.reject(bug)
  await expect(applied(carried)).rejects.toBe(bug)
})

test('a commit that is cancelled does not wait; the merge goes on, and the next commit has it', async () => {
  const carried = listed(await writtenManifests(files, metadata, 64))
  const controller = new AbortController()
  chain.store.rule = ({ verb, key }) => {
    if (verb === 'put' && key.endsWith('-m0.avro')) return () => controller.abort()
    return undefined
  }
  await expect(applied(carried, controller.signal)).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
  await committer.flush()
  expect(await applied(carried)).toHaveLength(1)
})
