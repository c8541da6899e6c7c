/** A table whose every commit merges manifests and removes snapshots, at times that are chosen. */
import { encodeManifestList } from '../../src/codec/manifest-list.ts'
import { appendChange } from '../../src/commit/append.ts'
import { ManifestListCache } from '../../src/commit/list-cache.ts'
import type { Change } from '../../src/commit/commit.ts'
import { Committer } from '../../src/commit/commit.ts'
import { findHead } from '../../src/commit/head.ts'
import { applyMerge, prepareMerge } from '../../src/commit/merge-manifests.ts'
import { putUnique } from '../../src/commit/upload.ts'
import { retain } from '../../src/commit/retention.ts'
import { planMerges } from '../../src/commit/tiers.ts'
import { systemRuntime, uuid } from '../../src/runtime.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import type { TableUpdate } from '../../src/spec/updates.ts'
import { applyUpdates } from '../../src/spec/updates.ts'
import type { TableFiles } from '../../src/store/table-files.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { encodeStaged, stage } from '../../src/table/stage.ts'
import { openPlace } from '../../src/table/open-place.ts'
import { writeTarget } from '../../src/table/write-target.ts'
import type { Place } from './places.ts'

export interface ThinningWriter {
  /** Appends rows in a snapshot of this time. */
  append(rows: readonly Record<string, unknown>[], nowMs: number, also?: readonly TableUpdate[]): Promise<bigint>
  /** Looks for what others have committed. */
  refresh(): Promise<TableMetadata>
  /** Manifests that the newest snapshot lists, and those that were merged so far. */
  readonly listed: number
  readonly merged: number
  close(): Promise<void>
}

export async function thinningWriter({ location, options }: Place): Promise<ThinningWriter> {
  const { place, store } = openPlace(location, options)
  const head = await findHead(place)
  if (head?.kind !== 'table') throw new Error(`no table at ${location}`)
  const files = tableFiles(store, place.prefix, head.metadata.location)
  const lists = new ManifestListCache(files)
  const committer = new Committer(place, head)
  const seen = { listed: 0, merged: 0 }
  return {
    append: async (rows, nowMs, also = []) => {
      const staged = await stage([...rows], writeTarget(committer.head.metadata, files, systemRuntime), files, {})
      const appended = await encodeStaged([staged], files)
      const change = appendChange({ files, lists, appended, runtime: systemRuntime, also: () => also })
      await committer.commit(thinning(change, { files, lists, nowMs, seen }))
      return change.snapshotId
    },
    refresh: async () => (await committer.refresh()).metadata,
    get listed() {
      return seen.listed
    },
    get merged() {
      return seen.merged
    },
    close: async () => {
      await committer.flush()
      store.close()
    },
  }
}

interface Thinning {
  readonly files: TableFiles
  readonly lists: ManifestListCache
  readonly nowMs: number
  readonly seen: { listed: number; merged: number }
}

function thinning(inner: Change, options: Thinning): Change {
  const { nowMs } = options
  return {
    what: inner.what,
    derive: async (base, context) => {
      const derived = await inner.derive(base, { ...context, nowMs })
      const updates = await Promise.all(
        derived.updates.map(async (update) =>
          update.action === 'add-snapshot'
            ? { ...update, snapshot: await withMerges(base, update.snapshot, options) }
            : update,
        ),
      )
      const next = applyUpdates(base, updates, { nowMs, baseFile: '' })
      return { ...derived, updates: [...updates, ...retain(next, nowMs)] }
    },
  }
}

/** The snapshot with what its parent's manifests are due, in a list of its own. */
async function withMerges(base: TableMetadata, snapshot: Snapshot, options: Thinning): Promise<Snapshot> {
  const { files, lists, seen } = options
  const parent = currentSnapshot(base)
  let listed = await lists.get(snapshot)
  for (const plan of parent ? planMerges(await lists.get(parent)) : []) {
    const merge = await prepareMerge(files, plan, base, systemRuntime)
    listed = (merge && applyMerge(listed, merge, snapshot)) ?? listed
    seen.merged += plan.manifests.length
  }
  seen.listed = listed.length
  if (listed === (await lists.get(snapshot))) return snapshot
  const { snapshotId, parentSnapshotId, sequenceNumber } = snapshot
  const ids = { snapshotId, parentSnapshotId, sequenceNumber, formatVersion: base.formatVersion }
  const key = files.key(`metadata/snap-${snapshotId}-1-${uuid(systemRuntime)}.avro`)
  await putUnique(files, key, encodeManifestList({ ...ids, manifests: listed }), undefined)
  lists.set(files.pathOf(key), listed)
  return { ...snapshot, manifestList: files.pathOf(key) }
}
