/**
 * An append that expects to be alone: an ordinary optimistic commit. Data files, manifest, manifest list and a look into
 * the inbox go out together, then the version: two round trips, 4 puts and a list. Whoever is found in the inbox is folded
 * in; if the create is lost, there is company.
 */
import { snapshotId as newSnapshotId, uuid } from '../runtime.ts'
import { ageMs } from './custody.ts'
import { foldsAtOnce } from './crowd.ts'
import { FAR } from './follow.ts'
import type { FoldContext } from './fold.ts'
import { carriedManifests, fold, listOpen } from './fold.ts'
import type { TableHead } from './head.ts'
import type { InboxView } from './inbox.ts'
import type { Claiming, Landed, LandControl, UnitState } from './landing.ts'
import { WINDOW } from './ledger.ts'
import type { UnboundManifest, WrittenManifestList } from './manifests.ts'
import { appendManifests, putManifestList } from './manifests.ts'
import { ownAppend } from './own-append.ts'
import { ledgerBy } from './peek.ts'
import { storeNow } from './place.ts'
import { appendSnapshot, snapshotUpdates } from './snapshot.ts'
import { allEnded, putUnique } from './upload.ts'
import type { Watch } from './watch.ts'
import { foldable, mayFold } from './window.ts'

/** A base seen so long ago is asked for again beside the uploads, at no cost in time. */
export const FRESH_MS = 1_000

/** Undefined if the version was lost to somebody: nothing of the append is in the table, for certain. */
export async function tryAlone(
  context: FoldContext,
  state: UnitState,
  watch: Watch,
  control: LandControl,
  claims: Claiming,
): Promise<Landed | undefined> {
  const { committer, follower } = context
  const base = committer.head
  const { list, view, isStale } = await startUploads(context, state, base, control, claims)
  control.stats.roundTrips += 1
  const expectsNobody = !isStale && !hasCompany(view, base) && view.heldUntilMs === undefined
  const own = ownAppend(state, watch.intent, state.manifests)
  const { signal, deadlineMs, stats } = control
  const beforeCreate = () => {
    control.check()
    control.sending(true)
  }
  if (!mayBeNamed(watch, base)) {
    // Claimed some time ago, and cancelled since by somebody who found the claim: another owner may have its keys.
    committer.discard([list.key])
    watch.decide({ kind: 'never' })
    return undefined
  }
  if (!expectsNobody) {
    committer.discard([list.key])
    if (view.newestBase > follower.tip.version + FAR) {
      // Idle for long while others were busy. Step by step it would never reach them, and nobody folds what is named so long ago.
      const { version } = follower.tip
      await committer.refresh(signal)
      if (follower.tip.version > version) {
        if (!mayBeNamed(watch, committer.head)) watch.decide({ kind: 'never' })
        return undefined
      }
    }
    // Of many who find each other like this, one shall fold; the others publish.
    if (!foldsAtOnce(context, view, watch.intent.id)) return undefined
    const fromBase = base.version - WINDOW
    const done = await fold(context, { own, watch, view, fromBase, deadlineMs, signal, beforeCreate, stats })
    if (done.kind !== 'won') {
      control.sending(false)
      return undefined
    }
    return { version: done.version, snapshotId: done.snapshotId, by: 'own-fold', foldSize: done.ids.length }
  }
  const snapshotId = list.snapshotId
  const append = { snapshotId, manifestList: list.path, files: state.dataFiles, summary: context.summary }
  const snapshot = appendSnapshot(base.metadata, append, storeNow(committer.place))
  stats.attempts += 1
  stats.roundTrips += 1
  context.lists.set(list.path, list.manifests)
  state.written.push(list.key)
  const created = await committer.createNext({
    base,
    updates: snapshotUpdates(base.metadata, snapshot),
    ledger: { snapshotId, folded: [watch.intent.id], cancelled: [] },
    begun: state.unit.begun,
    deadlineMs,
    signal,
    isPunctual: true,
    beforeCreate,
  })
  if (created.outcome === 'won') {
    // Named by a version now: whatever happens from here on, nothing of it may be deleted.
    state.written.length = 0
    context.merges.remember(state.manifests ?? [])
    context.merges.committed(list.manifests, created.head.metadata)
    return { version: created.head.version, snapshotId, by: 'alone', foldSize: 1 }
  }
  control.sending(false)
  state.written.splice(state.written.indexOf(list.key), 1)
  committer.discard([list.key])
  if (created.outcome === 'lost' && created.peeked) {
    follower.note(created.peeked)
    watch.see(follower.tip)
  }
  return undefined
}

interface Started {
  readonly list: WrittenManifestList & { readonly snapshotId: bigint }
  readonly view: InboxView
  /** A newer version is there. */
  readonly isStale: boolean
}

/** Everything that must be there before the version, at once. */
async function startUploads(
  context: FoldContext,
  state: UnitState,
  base: TableHead,
  control: LandControl,
  claims: Claiming,
): Promise<Started> {
  const { committer, follower, files } = context
  const { place } = committer
  const { signal } = control
  const unique = uuid(place.runtime)
  const snapshotId = newSnapshotId(place.runtime)
  const manifests = appendManifests(
    base.metadata,
    state.dataFiles,
    files,
    (index) => `metadata/${unique}-m${index}.avro`,
  )
  state.manifests = manifests
  const name = `metadata/snap-${snapshotId}-1-${unique}.avro`
  const writeList = async () => {
    const carried = await carriedManifests(context, base.metadata, snapshotId, signal)
    const added = manifests.map(({ file }) => file)
    return putManifestList(files, base.metadata, { snapshotId, name, added, carried }, signal)
  }
  const isOld = ageMs(base.seen, place.runtime) > FRESH_MS || base.version < follower.tip.version
  try {
    const [list, view, moved] = await allEnded([
      writeList(),
      // All that is still open: there is little of it where writers are alone, and who is overlooked starves.
      listOpen(context, base.version - WINDOW, undefined, signal),
      isOld ? follower.step(signal) : Promise.resolve(false),
      uploadData(context, state, signal),
      putManifests(context, state, manifests, signal),
      claims.acquire(),
    ])
    const isStale = moved || base.version < follower.tip.version || view.newestBase > base.version
    return { list: { ...list, snapshotId }, view, isStale }
  } catch (error) {
    committer.discard([files.key(name)])
    throw error
  }
}

/** Whether the version after `base` may still bring this intent. */
function mayBeNamed({ intent }: Watch, base: TableHead): boolean {
  return mayFold(intent, ledgerBy(base), base.version + 1)
}

/** Others of the inbox that this version could fold. */
function hasCompany(view: InboxView, base: TableHead): boolean {
  return foldable(view.intents, ledgerBy(base), base.version + 1).length > 0
}

/** Data files that are still in memory, to where files of the table lie. */
export async function uploadData(
  { files }: FoldContext,
  state: UnitState,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (state.uploaded) return
  const pending = state.unit.appended.flatMap((file) => (file.bytes ? [{ key: file.key, bytes: file.bytes }] : []))
  state.written.push(...pending.map(({ key }) => key))
  await allEnded(pending.map(({ key, bytes }) => putUnique(files, key, bytes, signal)))
  state.uploaded = true
}

async function putManifests(
  { files }: FoldContext,
  state: UnitState,
  manifests: readonly UnboundManifest[],
  signal: AbortSignal | undefined,
): Promise<void> {
  state.written.push(...manifests.map(({ key }) => key))
  await allEnded(manifests.map(({ key, bytes }) => putUnique(files, key, bytes, signal)))
}
