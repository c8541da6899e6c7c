/**
 * How many writers wait about now: patience, and who folds at once, follow from it. Two sources tell: the ledger, how many
 * appends the last commits folded; and the inbox, whenever this writer looked into it.
 */
import type { FoldContext } from './fold.ts'
import type { Tip } from './follow.ts'
import type { InboxView } from './inbox.ts'
import { ledgerOn } from './ledger.ts'
import { foldable } from './window.ts'

/** Commits that tell how many writers there are. */
const RECENT_COMMITS = 4
/** A commit takes no more. */
const MOST = 1_000
/** So many others and fewer are folded at once by whoever comes. */
const FEW = 1

export class Crowd {
  #seen = 0
  #seenAt = 0
  /** Whoever published before this version is gone. */
  #deserted = 0

  /**
   * As many as the last commit folded, or as were seen to wait. A commit that came too early for most says too little, so that
   * what was known before counts too, half as much after each version: more, and writers that have left would make the last
   * ones patient for long. At least 1: oneself.
   */
  size({ version, ledger }: Tip): number {
    const recent =
      ledger?.entries.filter((entry) => entry.version > Math.max(version - RECENT_COMMITS, this.#deserted)) ?? []
    const folded = recent.map((entry) => entry.folded.length / 2 ** (version - entry.version))
    return Math.min(MOST, Math.max(1, this.#seen / 2 ** Math.max(0, version - this.#seenAt), ...folded))
  }

  /** Learns from a look into the inbox, made when `tip` was the newest version that was known. */
  look(view: InboxView, tip: Tip, ownId: string | undefined): void {
    this.#seen = 1 + this.others(view, tip, ownId)
    this.#seenAt = tip.version
  }

  /** Appends of others, who are alive as far as is known, that the next version could fold. */
  others(view: InboxView, { version, ledger }: Tip, ownId: string | undefined): number {
    const alive = view.intents.filter(({ id, base }) => id !== ownId && base >= this.#deserted - 1)
    return foldable(alive, ledgerOn(ledger, version), version + 1).length
  }

  /** Nobody folded for much longer than a commit takes, until this writer did, as `version`: the others have died or left. */
  nobodyCame(version: number): void {
    this.#deserted = version
    this.#seen = 0
  }
}

/** Whether to fold what a look has shown: among many, one of them shall. */
export function foldsAtOnce({ committer, crowd, follower }: FoldContext, view: InboxView, ownId: string): boolean {
  const others = crowd.others(view, follower.tip, ownId)
  return others <= FEW || committer.place.runtime.random() < 1 / (others + 1)
}
