/**
 * How an append comes into the table (commit-protocol, "append"). Alone, it is an ordinary optimistic commit of two round
 * trips. In company it is published in the inbox, and whoever commits next folds it in: perhaps this writer, perhaps
 * another. If its window passes without that, it certainly never appears, and is published again under a new name.
 */
import { DataShardError, throwIfAborted } from '../errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition.ts'
import type { Schema } from '../spec/types.ts'
import { FRESH_MS, tryAlone, uploadData } from './alone.ts'
import type { AppendedFile } from './append.ts'
import { fitsSchema } from './candidates.ts'
import { isCertain, leftOpen } from './certainty.ts'
import type { Sighting } from './custody.ts'
import { BASE_MAX_AGE_MS } from './commit.ts'
import { PAUSE_MS, waitInCompany } from './company.ts'
import { FAR } from './follow.ts'
import type { FoldContext } from './fold.ts'
import { newIntentId } from './intent-id.ts'
import type { UnboundManifest } from './manifests.ts'
import { isDescribable, publish } from './publish.ts'
import { resolveIntent } from './resolve.ts'
import type { AppendStats, LandedBy } from './stats.ts'
import { checkNamedInTime } from './unnamed.ts'
import type { Decided } from './watch.ts'
import { Watch } from './watch.ts'
import type { IntentName } from './window.ts'

/** Data files of one schema and spec that become visible together. */
export interface AppendUnit {
  /** By which the rows were written. */
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly appended: readonly AppendedFile[]
  /** When the first of the files was begun. */
  readonly begun: Sighting
}

export interface LandControl {
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number
  /** Throws if somebody left; called as long as nothing was published and nothing sent that could be committed. */
  readonly check: () => void
  /** Called right before a version that brings the append is sent, with true; with false when it certainly brings nothing. */
  readonly sending: (isUnderWay: boolean) => void
  /** Called once, right before the append can become visible without this process doing anything more. */
  readonly published: () => void
  /** Called now and then while the append is published: answers those whose time is over. */
  readonly tick: () => void
  readonly stats: AppendStats
  /**
   * Makes sure that the intent may carry these rows (claims of idempotency keys); undefined if there are none. Throws
   * {@link ClaimsLost} otherwise.
   */
  readonly claim?: ((intent: IntentName) => Promise<void>) | undefined
}

export interface Landed {
  readonly version: number
  readonly snapshotId: bigint
  readonly by: LandedBy
  readonly foldSize: number
}

/** What is known of the objects of a unit while it is on its way. */
export interface UnitState {
  readonly unit: AppendUnit
  /** As they are named where they lie: in the table's data, or published in the inbox. */
  dataFiles: readonly DataFile[]
  /** Keys written, to be deleted when it is certain that no version names them. */
  readonly written: string[]
  /** Whether the data files are in their place, not in the inbox. */
  uploaded: boolean
  /** Written into the table by an attempt to commit alone. */
  manifests: readonly UnboundManifest[] | undefined
}

/** A window passes in some seconds at the fastest; who misses so many has no chance. */
const MAX_PUBLICATIONS = 50

/**
 * Resolves when the append is in the chain. Requests: see `alone.ts` and `company.ts`.
 *
 * @param named an intent that idempotency keys were claimed for already
 */
export async function land(
  context: FoldContext,
  unit: AppendUnit,
  control: LandControl,
  named?: IntentName,
): Promise<Landed> {
  const { committer, follower } = context
  const state: UnitState = {
    unit,
    dataFiles: unit.appended.map((file) => file.dataFile),
    written: [],
    uploaded: unit.appended.every((file) => file.bytes === undefined),
    manifests: undefined,
  }
  try {
    for (let publications = 0; publications < MAX_PUBLICATIONS; publications++) {
      throwIfAborted(control.signal, `the append to ${context.files.location}`)
      if (follower.ageMs > BASE_MAX_AGE_MS) await committer.refresh(control.signal)
      checkFits(context, unit)
      checkNamedInTime(unit.begun, committer.place)
      const landed = await landOnce(context, state, control, publications === 0 ? named : undefined)
      if (landed) return landed
      control.sending(false)
      state.manifests = undefined
    }
  } catch (error) {
    const reason = await committer.reasonOf(error)
    if (isCertain(reason)) committer.discard(state.written)
    throw reason
  }
  throw outOfTime(context, `it was published ${MAX_PUBLICATIONS} times and never folded`)
}

/** Undefined: this publication can never be folded any more. */
async function landOnce(
  context: FoldContext,
  state: UnitState,
  control: LandControl,
  named: IntentName | undefined,
): Promise<Landed | undefined> {
  const { committer, follower } = context
  const { runtime } = committer.place
  const hadCompany = context.crowd.size(follower.tip) > 1
  if (hadCompany && follower.ageMs > FRESH_MS && follower.expectedSince > FAR) await follower.leap(control.signal)
  const alone = control.stats.publications === 0 && isAlone(context)
  if (!alone) await prepareForCompany(context, state, control)
  let watch = new Watch(named ?? { id: newIntentId(runtime), base: follower.tip.version })
  const claims = new Claiming(control, watch.intent)
  if (alone) {
    const done = await tryAlone(context, state, watch, control, claims)
    if (done) return done
    if (watch.see(follower.tip)) return undefined
    // Nobody knows the name yet, and folders look for appends of the newest bases first. Keys are claimed for a name for good.
    if (!control.claim) watch = new Watch({ id: newIntentId(runtime), base: follower.tip.version })
  }
  await claims.acquire()
  control.check()
  if (runtime.monotonic() >= control.deadlineMs) throw outOfTime(context, 'its time was over')
  const view = await publish(context, state, watch, control)
  control.stats.publications += 1
  try {
    const done = await waitInCompany(context, state, watch, view, control)
    if (done) return done
    const verdict = await settled(context, watch, control)
    if (verdict.kind === 'never') return undefined
    const { version, snapshotId } = verdict
    return { version, snapshotId, by: 'other-fold', foldSize: sizeOf(context, version) }
  } catch (error) {
    throw afterPublication(context, watch.intent, await committer.reasonOf(error))
  }
}

/** Claims the keys of an append for one intent, once. */
export class Claiming {
  readonly #control: LandControl
  readonly #intent: IntentName
  #done: Promise<void> | undefined

  constructor(control: LandControl, intent: IntentName) {
    this.#control = control
    this.#intent = intent
  }

  acquire(): Promise<void> {
    this.#done ??= this.#control.claim?.(this.#intent) ?? Promise.resolve()
    return this.#done
  }
}

/** The base is read only after a slow upload, which must not eat the window in which the append can be folded. */
async function prepareForCompany(context: FoldContext, state: UnitState, control: LandControl): Promise<void> {
  const { follower } = context
  if (!isDescribable(state)) await uploadData(context, state, control.signal)
  if (follower.ageMs > FRESH_MS) await follower.leap(control.signal)
}

/** The verdict of an intent that is not open any more; where versions passed by unseen, it is looked up. */
async function settled(context: FoldContext, watch: Watch, control: LandControl): Promise<Decided> {
  const { verdict } = watch
  if (verdict.kind !== 'open') return verdict
  const found = await forgiving(context, control, () => resolveIntent(context.committer, watch.intent, control.signal))
  // Open after a gap: another engine brought an older ledger back, and what it forgot nobody can say.
  if (found.kind === 'unknown' || found.kind === 'open') throw unknown(context, watch.intent, undefined)
  return found
}

/** Asks again while there is time: a store that was away for a moment tells it all the same. */
async function forgiving<T>(
  { committer }: FoldContext,
  { signal, deadlineMs, tick }: LandControl,
  ask: () => Promise<T>,
): Promise<T> {
  const { runtime } = committer.place
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      tick()
      if (!DataShardError.is(error, 'unavailable') || runtime.monotonic() >= deadlineMs) throw error
      await runtime.sleep(Math.min(PAUSE_MS, deadlineMs - runtime.monotonic()), signal)
    }
  }
}

function sizeOf({ follower }: FoldContext, version: number): number {
  const entry = follower.tip.ledger?.entries.find((one) => one.version === version)
  return entry?.folded.length ?? 1
}

/** The last commits brought one append each at most, or are long ago. */
function isAlone({ crowd, follower }: FoldContext): boolean {
  return crowd.size(follower.tip) <= 1 || follower.idleMs > COMPANY_ENDS_MS
}

/** Nobody committed for so long: company has left. */
const COMPANY_ENDS_MS = 2_000

/** Rows written by a schema that the table has left behind in a way that they do not fit any more. */
function checkFits({ committer, files }: FoldContext, { schema, spec }: AppendUnit): void {
  if (fitsSchema(committer.head.metadata, schema.schemaId, spec.specId)) return
  throw new DataShardError(
    'commit-conflict',
    `the schema or partitioning of ${files.location} changed while rows were written by schema ${schema.schemaId} and ` +
      `spec ${spec.specId}; nothing was committed. Load the table again and append them again`,
    { details: { table: files.location } },
  )
}

/** Once an intent is published, anybody may fold it: no failure of ours says that it was not. */
function afterPublication(context: FoldContext, intent: IntentName, error: unknown): unknown {
  if (DataShardError.is(error) && error.committed === 'unknown') return error
  // Of a table that is gone nothing is folded any more.
  if (DataShardError.is(error, 'not-found')) return error
  if (DataShardError.is(error, 'internal')) return leftOpen(error)
  if (!(error instanceof Error)) return error
  return unknown(context, intent, error)
}

function outOfTime({ files }: FoldContext, why: string): DataShardError {
  return new DataShardError(
    'commit-contention',
    `the append to ${files.location} did not get through to the table: ${why}; nothing of it was committed. Call again, ` +
      `or give more time with timeoutMs`,
    { details: { table: files.location } },
  )
}

function unknown({ files }: FoldContext, intent: IntentName, cause: unknown): DataShardError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new DataShardError(
    'commit-unknown',
    `the append to ${files.location} was published and may still be committed, by any writer${why}. Append again only ` +
      `under the same idempotency key, or look first what is there; delete nothing`,
    { cause, details: { table: files.location, intent: intent.id, base: intent.base } },
  )
}
