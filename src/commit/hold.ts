/**
 * Asking for room: an ordinary change (an overwrite, a schema change) takes longer from base to create than a fold, and
 * would lose to folders for ever. After some losses it puts an object into the inbox, which every folder sees in the
 * listing that it makes anyway; for at most two seconds they wait. It is a favour, not a lock: nothing rests on it, and
 * a dead holder is forgotten by the store's clock.
 */
import { HOLD_MS } from './inbox.ts'
import { HOLDS } from './intent.ts'
import { newIntentId } from './intent-id.ts'
import type { Place } from './place.ts'
import { keyIn } from './place.ts'

/** Between two holds of one writer, so that asking again and again does not stop the others. */
const PAUSE_MS = HOLD_MS

export class Hold {
  readonly #place: Place
  #key: string | undefined
  #askedMs = Number.NEGATIVE_INFINITY

  constructor(place: Place) {
    this.#place = place
  }

  /** Whether the others wait for us now. */
  get isAsked(): boolean {
    return this.#place.runtime.monotonic() - this.#askedMs < HOLD_MS
  }

  /** Asks once, and again only after a pause. One request, best effort. */
  async ask(): Promise<void> {
    const { runtime, store } = this.#place
    if (runtime.monotonic() - this.#askedMs < HOLD_MS + PAUSE_MS) return
    const previous = this.#key
    this.#key = keyIn(this.#place, `${HOLDS}${newIntentId(runtime)}`)
    this.#askedMs = runtime.monotonic()
    await store.put(this.#key, new Uint8Array()).catch(() => undefined)
    if (previous !== undefined) await store.delete([previous]).catch(() => undefined)
  }

  /** Takes it back, best effort: it would end by itself. One request if room was asked for. */
  async release(): Promise<void> {
    if (this.#key !== undefined) await this.#place.store.delete([this.#key]).catch(() => undefined)
  }
}
