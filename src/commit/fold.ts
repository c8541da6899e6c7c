/**
 * Folding: one commit for every append that waits. The folder lists the inbox, follows the chain to its end, writes one
 * manifest for all files that are described by their names alone, and creates the next version with everybody's id in its
 * ledger. Whoever it was done for reads there that it is done.
 */
import type { Runtime } from '../runtime.ts'
import { snapshotId as newSnapshotId, uuid } from '../runtime.ts'
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import { currentSnapshot } from '../spec/metadata.ts'
import type { TableFiles } from '../store/table-files.ts'
import type { Candidate, Described } from './candidates.ts'
import { describe, fitsSchema, readCandidates } from './candidates.ts'
import { isCertain } from './certainty.ts'
import type { Committer, NextOutcome } from './commit.ts'
import type { Crowd } from './crowd.ts'
import type { Sighting } from './custody.ts'
import { inCustody } from './custody.ts'
import type { Follower } from './follow.ts'
import { FAR } from './follow.ts'
import type { TableHead } from './head.ts'
import type { InboxView } from './inbox.ts'
import { HOLD_MS, listInbox } from './inbox.ts'
import { uuid8 } from './intent.ts'
import { ledgerOn, roomFor } from './ledger.ts'
import type { ManifestListCache } from './list-cache.ts'
import type { Merges } from './merges.ts'
import type { UnboundManifest } from './manifests.ts'
import { appendManifests, putManifestList } from './manifests.ts'
import { ledgerBy } from './peek.ts'
import { storeNow } from './place.ts'
import { appendSnapshot, snapshotUpdates } from './snapshot.ts'
import type { AppendStats } from './stats.ts'
import type { Tempo } from './tempo.ts'
import { allEnded, putUnique } from './upload.ts'
import type { Watch } from './watch.ts'
import type { IntentName } from './window.ts'
import { chooseCandidates, decidedIn, foldable, mayFold, verdictAt } from './window.ts'

/** What everybody who appends to one table through one handle shares. */
export interface FoldContext {
  readonly committer: Committer
  readonly follower: Follower
  readonly crowd: Crowd
  readonly files: TableFiles
  readonly lists: ManifestListCache
  readonly tempo: Tempo
  readonly merges: Merges
  /** Extra fields of each snapshot's summary. */
  readonly summary: Readonly<Record<string, string>>
}

/** At most so many appends in one commit: bounds the manifest, the ledger, and the time to make them. */
const MAX_FOLD = 1_000
/** Manifests with more entries are listed as they are, instead of being written once more. */
const MAX_MERGED_ENTRIES = 100

/** The folder's own append. */
export interface OwnAppend {
  readonly intent: IntentName
  /** By which its rows were written. */
  readonly schemaId: number
  readonly specId: number
  readonly dataFiles: readonly DataFile[]
  readonly begun: Sighting
  /** Where its manifests are in the table already; else its files come into the fold's manifest. */
  readonly manifests: readonly UnboundManifest[] | undefined
}

export interface FoldRequest {
  readonly own: OwnAppend | undefined
  /** Follows the fate of the own intent, if that was published. */
  readonly watch: Watch | undefined
  /** What a listing has shown already. */
  readonly view?: InboxView
  /** The oldest base of interest: one's own, or that of an intent to be helped. */
  readonly fromBase: number
  /** Committed as cancelled, if it may still be folded and is not there to be folded now. */
  readonly cancel?: IntentName
  readonly deadlineMs: number
  readonly signal: AbortSignal | undefined
  readonly beforeCreate?: (() => void) | undefined
  readonly stats: AppendStats
}

/** `settled`: the fate of the own intent was decided by somebody else. `nothing`: there is nothing to commit. */
export type FoldOutcome =
  | { readonly kind: 'won'; readonly version: number; readonly snapshotId: bigint; readonly ids: readonly string[] }
  | { readonly kind: 'lost' | 'settled' | 'nothing' }

/**
 * Tries once to commit what waits. Requests: one list and the next version, in parallel with what is missing of the
 * head; one manifest and one manifest list in parallel; the version. Three round trips.
 */
export async function fold(context: FoldContext, request: FoldRequest): Promise<FoldOutcome> {
  const { committer, follower } = context
  const { signal, watch, stats } = request
  const [view] = await allEnded([
    request.view ? Promise.resolve(request.view) : listOpen(context, request.fromBase, request.own?.intent.id, signal),
    catchUpAndLoad(context, request),
  ])
  stats.roundTrips += 1
  if (watch?.see(follower.tip)) return { kind: 'settled' }
  if (await respectOthers(context, view, request)) {
    await catchUpAndLoad(context, request)
  }
  // Nothing is awaited between this look and the base: another call of the handle may move the head at any time.
  if (watch?.see(follower.tip)) return { kind: 'settled' }
  const base = committer.head
  if (committer.place.runtime.monotonic() >= request.deadlineMs) return { kind: 'lost' }
  if (request.own && !mayFold(request.own.intent, ledgerBy(base), base.version + 1)) {
    // Its window passed, it was cancelled, or it is below the floor: nobody can fold it any more. If it was folded, the tip has said so.
    const verdict = verdictAt(request.own.intent, ledgerBy(base), base.version)
    watch?.decide(verdict.kind === 'folded' ? verdict : { kind: 'never' })
    return { kind: 'settled' }
  }
  // Whoever slept since the listing may have intents in it that were swept since, with all that they name.
  if (!inCustody(view.seen, committer.place.runtime)) return { kind: 'lost' }
  const { own } = request
  if (own && !fitsSchema(base.metadata, own.schemaId, own.specId)) return giveUp(context, base, own, request)
  const { chosen, cancelled } = await choose(context, base, view, request)
  if (chosen.length + cancelled.length === 0 && !request.own) return { kind: 'nothing' }
  const made = await writeFold(context, base, chosen, request)
  stats.roundTrips += 2
  stats.attempts += 1
  let created: NextOutcome
  try {
    created = await committer.createNext({
      base,
      updates: made.updates,
      ledger: { snapshotId: made.snapshotId, folded: made.ids, cancelled },
      begun: own?.begun,
      deadlineMs: request.deadlineMs,
      signal,
      isPunctual: true,
      beforeCreate: request.beforeCreate,
    })
  } catch (error) {
    if (isCertain(error)) committer.discard(made.scratch)
    throw error
  }
  if (created.outcome === 'won') {
    if (made.list) context.merges.committed(made.list, created.head.metadata)
    return { kind: 'won', version: created.head.version, snapshotId: made.snapshotId, ids: made.ids }
  }
  committer.discard(made.scratch)
  if (created.outcome === 'lost' && created.peeked) {
    follower.note(created.peeked)
    watch?.see(follower.tip)
  }
  return { kind: 'lost' }
}

/** The table has a schema now that the rows do not fit: nobody shall fold them, also not when it changes back. */
async function giveUp(
  { committer }: FoldContext,
  base: TableHead,
  { intent }: OwnAppend,
  { deadlineMs, signal, watch }: FoldRequest,
): Promise<FoldOutcome> {
  const ledger = { snapshotId: 0n, folded: [], cancelled: [intent.id] }
  const created = await committer.createNext({ base, updates: [], ledger, deadlineMs, signal, isPunctual: true })
  if (created.outcome !== 'won') return { kind: 'lost' }
  watch?.decide({ kind: 'never' })
  return { kind: 'settled' }
}

/** The inbox from a base on. */
export async function listOpen(
  { committer, follower, crowd }: FoldContext,
  fromBase: number,
  ownId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<InboxView> {
  const { place, head } = committer
  const { tip } = follower
  const decided = decidedIn(ledgerOn(tip.ledger, tip.version))
  const view = await listInbox(place, uuid8(head.metadata.tableUuid), fromBase, decided, signal)
  crowd.look(view, tip, ownId)
  return view
}

/** So often in a row the chain may move while the newest version is read along; who is further behind reads it in the end. */
const MOVES_WITH_LOAD = 2

/** The end of the chain, its metadata and its manifests, asked for at once as far as that is possible; ends with the time that it has. */
async function catchUpAndLoad(
  { committer, follower, lists, files }: FoldContext,
  { watch, signal, deadlineMs }: Pick<FoldRequest, 'watch' | 'signal' | 'deadlineMs'>,
): Promise<void> {
  const load = async () => {
    const name = follower.manifestList
    const [head] = await Promise.all([
      follower.head(signal),
      name === undefined ? undefined : lists.prefetch(files.pathOf(files.key(`metadata/${name}`)), signal),
    ])
    const snapshot = currentSnapshot(head.metadata)
    if (snapshot) await lists.get(snapshot, signal)
  }
  const { runtime } = committer.place
  for (let moves = 0; runtime.monotonic() < deadlineMs;) {
    const loads = moves < MOVES_WITH_LOAD
    const isFar = moves >= FAR
    const [moved] = await allEnded([
      isFar ? follower.leap(signal) : follower.step(signal),
      loads ? load() : Promise.resolve(),
    ])
    if (!moved && loads && committer.head.version === follower.tip.version) return
    if (moved) watch?.see(follower.tip)
    moves = moved && !isFar ? moves + 1 : 0
  }
}

/**
 * A hold gives another writer room for one commit; a pace keeps folders from filling a table with versions. Whether there
 * was something to wait for.
 */
async function respectOthers(
  { committer, follower }: FoldContext,
  view: InboxView,
  { signal, deadlineMs }: Pick<FoldRequest, 'signal' | 'deadlineMs'>,
): Promise<boolean> {
  const { place, head } = committer
  const heldMs = view.heldUntilMs === undefined ? 0 : Math.min(HOLD_MS, view.heldUntilMs - storeNow(place))
  const pacedMs = paceMs(head.metadata) - (place.runtime.monotonic() - follower.tip.sinceMs)
  const waitMs = Math.min(Math.max(heldMs, pacedMs), deadlineMs - place.runtime.monotonic())
  if (waitMs <= 0) return false
  await place.runtime.sleep(waitMs, signal)
  return true
}

/** `datashard.pace-ms`: at most one fold in this time, so that slower writers of other engines get through. */
function paceMs(metadata: TableMetadata): number {
  const ms = Number(metadata.properties['datashard.pace-ms'] ?? 0)
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), MAX_PACE_MS) : 0
}

const MAX_PACE_MS = 60_000

interface Chosen {
  readonly chosen: readonly Candidate[]
  readonly cancelled: readonly string[]
}

async function choose(
  context: FoldContext,
  base: TableHead,
  view: InboxView,
  { own, cancel, signal }: FoldRequest,
): Promise<Chosen> {
  const next = base.version + 1
  const ledger = ledgerBy(base)
  const room = Math.min(MAX_FOLD, roomFor(ledger, next))
  // Most of what is listed was folded long since: only what is open is worth decoding.
  const others = foldable(view.intents, ledger, next)
    .filter((intent) => intent.id !== own?.intent.id)
    .flatMap((intent) => describe(intent, base.metadata, context.files) ?? [])
  const picked = chooseCandidates<Described | IntentName>(others, own?.intent, ledger, next, room)
  const described = picked.filter((one): one is Described => 'intent' in one)
  const chosen = await readCandidates(described, base.metadata, context.files, signal)
  const isThere = cancel !== undefined && chosen.some(({ intent }) => intent.id === cancel.id)
  const canBe = cancel !== undefined && chooseCandidates([cancel], undefined, ledger, next, 1).length > 0
  return { chosen, cancelled: cancel && canBe && !isThere ? [cancel.id] : [] }
}

interface MadeFold {
  readonly updates: ReturnType<typeof snapshotUpdates>
  readonly snapshotId: bigint
  readonly ids: readonly string[]
  /** The manifests of the snapshot; undefined if there is none. */
  readonly list?: readonly ManifestFile[]
  /** Useless when the create is lost. */
  readonly scratch: readonly string[]
}

/** The base's manifests, some of them merged, for the snapshot that follows it. */
export async function carriedManifests(
  { lists, merges }: FoldContext,
  base: TableMetadata,
  snapshotId: bigint,
  signal: AbortSignal | undefined,
): Promise<readonly ManifestFile[]> {
  const parent = currentSnapshot(base)
  if (!parent) return []
  const listed = await lists.get(parent, signal)
  return merges.apply(listed, base, { snapshotId, sequenceNumber: base.lastSequenceNumber + 1n }, signal)
}

/** Writes the manifest of what has none, and the manifest list, in parallel. */
async function writeFold(
  context: FoldContext,
  base: TableHead,
  chosen: readonly Candidate[],
  { own, signal }: FoldRequest,
): Promise<MadeFold> {
  const { files, lists, committer } = context
  const { runtime } = committer.place
  const ids = [...(own ? [own.intent.id] : []), ...chosen.map(({ intent }) => intent.id)]
  if (ids.length === 0) return { updates: [], snapshotId: 0n, ids: [], scratch: [] }
  const id = newSnapshotId(runtime)
  const { merged, asTheyAre, dataFiles } = sortOut(chosen, own)
  const manifests = newManifests(base.metadata, merged, files, runtime)
  const carried = await carriedManifests(context, base.metadata, id, signal)
  const added = [...manifests, ...(own?.manifests ?? []), ...manifestsOf(base.metadata, asTheyAre, context)]
  const name = `metadata/snap-${id}-1-${uuid(runtime)}.avro`
  const scratch = [files.key(name), ...manifests.map(({ key }) => key)]
  const list = { snapshotId: id, name, added: added.map(({ file }) => file), carried }
  try {
    const [written] = await allEnded([
      putManifestList(files, base.metadata, list, signal),
      ...manifests.map(({ key, bytes }) => putUnique(files, key, bytes, signal)),
    ])
    lists.set(written.path, written.manifests)
    const summary = { ...context.summary, ...(ids.length > 1 && { 'datashard.folded': String(ids.length) }) }
    const append = { snapshotId: id, manifestList: written.path, files: dataFiles, summary }
    const snapshot = appendSnapshot(base.metadata, append, storeNow(committer.place))
    context.merges.remember(manifests)
    return { updates: snapshotUpdates(base.metadata, snapshot), snapshotId: id, ids, scratch, list: written.manifests }
  } catch (error) {
    committer.discard(scratch)
    throw error
  }
}

function sortOut(chosen: readonly Candidate[], own: OwnAppend | undefined) {
  const asTheyAre = chosen.filter(
    ({ intent, dataFiles }) => intent.kind === 'manifest' && dataFiles.length > MAX_MERGED_ENTRIES,
  )
  const toMerge = chosen.filter((one) => !asTheyAre.includes(one)).flatMap((one) => one.dataFiles)
  const merged = own && !own.manifests ? [...own.dataFiles, ...toMerge] : toMerge
  const dataFiles = [...(own?.dataFiles ?? []), ...chosen.flatMap((one) => one.dataFiles)]
  return { merged, asTheyAre, dataFiles }
}

function newManifests(base: TableMetadata, dataFiles: readonly DataFile[], files: TableFiles, runtime: Runtime) {
  const unique = uuid(runtime)
  return appendManifests(base, dataFiles, files, (index) => `metadata/${unique}-m${index}.avro`)
}

/** The lines of manifests that their publishers wrote: as one would write them, but the file is there already. */
function manifestsOf(
  base: TableMetadata,
  candidates: readonly Candidate[],
  { files }: FoldContext,
): readonly UnboundManifest[] {
  return candidates.flatMap(({ intent, dataFiles }) =>
    appendManifests(base, dataFiles, files, () => intent.key).map((manifest) => ({
      ...manifest,
      key: intent.key,
      file: { ...manifest.file, path: files.pathOf(intent.key), length: BigInt(intent.size) },
    })),
  )
}
