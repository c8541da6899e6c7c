/**
 * Waiting among others: an append that is published is folded by whoever commits next. The one who waits looks now and
 * then whether there is a next version with its id in the ledger, and folds itself when its patience ends.
 */
import { DataShardError } from '../errors.ts'
import { isRefusal } from './certainty.ts'
import { WINDOW } from './ledger.ts'
import type { FoldContext, FoldRequest } from './fold.ts'
import { fold } from './fold.ts'
import type { InboxView } from './inbox.ts'
import { foldsAtOnce } from './crowd.ts'
import type { Tip } from './follow.ts'
import { FAR } from './follow.ts'
import type { Landed, LandControl, UnitState } from './landing.ts'
import { ownAppend } from './own-append.ts'
import type { Watch } from './watch.ts'

/** Who waited so long looks for older intents too: their writers may be dead. */
const FULL_WINDOW_AFTER_MS = 1_000
/** Versions back from the tip in which appends are looked for: nearly all of older bases were folded, or their writers died. */
const RECENT = 2
/** And further back as long as the listing stays within a page: it is one request all the same, and nobody is overlooked. */
const CHEAP_INTENTS = 900
/** How often a fold looks for all that is open, however many pages that takes. */
const FULL_WINDOW_SHARE = 1 / 4
/** Waits after a request that failed: the store may be away for a while. */
export const PAUSE_MS = 500

/**
 * Resolves when this writer has folded its append itself, or (undefined) when its fate is decided: see `watch`. Requests: one
 * per look, three round trips per fold that is tried.
 */
export async function waitInCompany(
  context: FoldContext,
  state: UnitState,
  watch: Watch,
  view: InboxView | undefined,
  control: LandControl,
): Promise<Landed | undefined> {
  const waiting = new Waiting(context, state, watch, control)
  if (view && foldsAtOnce(context, view, watch.intent.id)) {
    const done = await waiting.fold(view)
    if (done) return done
  }
  return waiting.run()
}

/** From where a fold lists the inbox, by what the ledger says that lies there. */
function recentBase({ version, ledger }: Tip): number {
  let base = version - RECENT
  let listed = 0
  for (const entry of ledger?.entries ?? []) {
    listed += entry.folded.length
    if (listed > CHEAP_INTENTS) break
    base = Math.min(base, entry.version - 1)
  }
  return base
}

class Waiting {
  readonly #context: FoldContext
  readonly #state: UnitState
  readonly #watch: Watch
  readonly #control: LandControl
  readonly #startMs: number

  constructor(context: FoldContext, state: UnitState, watch: Watch, control: LandControl) {
    this.#context = context
    this.#state = state
    this.#watch = watch
    this.#control = control
    this.#startMs = this.#nowMs
  }

  get #nowMs(): number {
    return this.#context.committer.place.runtime.monotonic()
  }

  get #appends(): number {
    const { crowd, follower } = this.#context
    return crowd.size(follower.tip)
  }

  async run(): Promise<Landed | undefined> {
    const { follower, tempo, committer } = this.#context
    const { runtime } = committer.place
    const { signal, stats } = this.#control
    let foldAtMs = this.#nowMs + tempo.patienceMs(this.#appends)
    let isImpatient = false
    let isBehind = false
    let foundInARow = 0
    while (!this.#watch.see(follower.tip)) {
      this.#checkTime()
      const lookAtMs = this.#nowMs + (isBehind ? 0 : tempo.pollMs(this.#appends))
      if (foldAtMs <= lookAtMs) {
        await this.#sleepUntil(foldAtMs)
        const done = await this.fold(undefined)
        if (done && isImpatient) this.#context.crowd.nobodyCame(done.version)
        if (done) return done
        foldAtMs = this.#nowMs + tempo.patienceMs(this.#appends)
        isImpatient = false
        continue
      }
      await this.#sleepUntil(lookAtMs)
      const { sinceMs } = follower.tip
      const isFar: boolean = isBehind && foundInARow >= FAR
      const moved: boolean | undefined = await this.#forgiving(() =>
        isFar ? follower.leap(signal) : follower.step(signal),
      )
      stats.roundTrips += 1
      // Versions that come faster than looks would leave this writer further and further behind.
      const isFast = this.#nowMs - sinceMs < 2 * tempo.pollMs(this.#appends)
      isBehind = moved === true && (isFast || foundInARow > 0)
      foundInARow = moved && !isFar ? foundInARow + 1 : 0
      if (moved) {
        foldAtMs = this.#nowMs + tempo.patienceMs(this.#appends)
        isImpatient = false
      } else {
        const idleMs = this.#nowMs - Math.max(follower.tip.sinceMs, this.#startMs)
        const soonMs = tempo.impatienceMs(this.#appends, idleMs)
        if (soonMs !== undefined && this.#nowMs + soonMs < foldAtMs) {
          foldAtMs = this.#nowMs + soonMs
          isImpatient = true
        }
      }
    }
    stats.waitedMs += runtime.monotonic() - this.#startMs
    return undefined
  }

  async fold(view: InboxView | undefined): Promise<Landed | undefined> {
    const { signal, deadlineMs, stats, tick } = this.#control
    const { intent } = this.#watch
    const { runtime } = this.#context.committer.place
    const isFull = this.#nowMs - this.#startMs > FULL_WINDOW_AFTER_MS || runtime.random() < FULL_WINDOW_SHARE
    const { tip } = this.#context.follower
    const request: FoldRequest = {
      own: ownAppend(this.#state, intent, undefined),
      watch: this.#watch,
      ...(view && { view }),
      fromBase: isFull ? tip.version - WINDOW : Math.min(recentBase(tip), intent.base - 1),
      deadlineMs,
      signal,
      stats,
    }
    tick()
    const startMs = this.#nowMs
    const done = await this.#forgiving(() => fold(this.#context, request))
    // One that found its append settled was no whole fold.
    if (done?.kind === 'won' || done?.kind === 'lost') this.#context.tempo.folded(this.#nowMs - startMs)
    if (done?.kind !== 'won') return undefined
    stats.waitedMs += this.#nowMs - this.#startMs
    return { version: done.version, snapshotId: done.snapshotId, by: 'own-fold', foldSize: done.ids.length }
  }

  /** A store that does not answer is waited for: the append is published, and its fate is known later. */
  async #forgiving<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await request()
    } catch (error) {
      // A full disk stays full: each fold more would leave a manifest and a list of its own behind, and end so again.
      if (isRefusal(error) && error.committed === 'unknown') throw error
      // A fold whose outcome nobody knows is a version that may be there: the next looks tell.
      if (!DataShardError.is(error, 'unavailable') && !DataShardError.is(error, 'commit-unknown')) throw error
      this.#checkTime()
      await this.#context.committer.place.runtime.sleep(PAUSE_MS, this.#control.signal)
      return undefined
    }
  }

  #checkTime(): void {
    const { tick, deadlineMs, signal } = this.#control
    tick()
    if (signal?.aborted) {
      throw new DataShardError('aborted', 'the append was cancelled after it was published', { cause: signal.reason })
    }
    if (this.#nowMs >= deadlineMs) {
      throw new DataShardError('unavailable', 'the time for the append is over')
    }
  }

  async #sleepUntil(ms: number): Promise<void> {
    const { committer } = this.#context
    const waitMs = Math.min(ms, this.#control.deadlineMs) - this.#nowMs
    if (waitMs > 0) await committer.place.runtime.sleep(waitMs, this.#control.signal)
  }
}
