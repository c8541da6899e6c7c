/** How far a store's clock is from ours, learnt from the times that it writes on its answers. */

/** One answer: what the store's clock said, at some moment between our `sentMs` and `receivedMs`. */
export interface ClockSample {
  readonly storeMs: number
  /** The store's time is somewhere in `[storeMs, storeMs + resolutionMs)`: HTTP dates have whole seconds. */
  readonly resolutionMs: number
  readonly sentMs: number
  readonly receivedMs: number
}

/**
 * Each answer bounds the difference from both sides; the bounds of many answers meet. While no difference at all would
 * explain everything seen, it is 0: two good clocks are not moved apart by guesses.
 */
export class ClockOffset {
  #low = -Infinity
  #high = Infinity

  learn({ storeMs, resolutionMs, sentMs, receivedMs }: ClockSample): void {
    if (!Number.isFinite(storeMs)) return
    const low = storeMs - receivedMs
    const high = storeMs + resolutionMs - sentMs
    // One of the clocks was set, or drifted: what was learnt before is void.
    const contradicts = low > this.#high || high < this.#low
    this.#low = contradicts ? low : Math.max(low, this.#low)
    this.#high = contradicts ? high : Math.min(high, this.#high)
  }

  /** The store's clock less ours, milliseconds; 0 before the first answer. */
  get ms(): number {
    if (this.#low <= 0 && this.#high >= 0) return 0
    return Math.round((this.#low + this.#high) / 2)
  }
}
