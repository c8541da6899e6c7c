/** What becomes of one intent, found out version by version. */
import type { Tip } from './follow.ts'
import { ledgerOn, WINDOW } from './ledger.ts'
import type { IntentName, Verdict } from './window.ts'
import { lastVersionOf, verdictAt } from './window.ts'

/** What became of an intent. */
export type Decided = Extract<Verdict, { kind: 'folded' | 'never' }>

export class Watch {
  readonly intent: IntentName
  #verdict: Decided | { readonly kind: 'open' } = { kind: 'open' }
  /** Whether what was seen cannot tell any more: then only a look at the version at the end of the window can. */
  #hasGap = false
  /** No version up to this one has folded it. */
  #seen: number

  constructor(intent: IntentName) {
    this.intent = intent
    this.#seen = intent.base
  }

  get verdict(): Decided | { readonly kind: 'open' } {
    return this.#verdict
  }

  get isOpen(): boolean {
    return this.#verdict.kind === 'open'
  }

  /**
   * Told of the newest version that is known, perhaps not of each: the head may move by a refresh or an overwrite of the same handle,
   * too.
   *
   * @returns whether more looks are of no use: its fate is decided, or there is a gap
   */
  see(tip: Tip): boolean {
    this.#learn(tip)
    return !this.isOpen || this.#hasGap
  }

  /**
   * A ledger within the window knows all that was folded since the base; one from beyond it has forgotten, and says nothing of an intent
   * that was open before.
   */
  #learn(tip: Tip): void {
    const { base } = this.intent
    if (!this.isOpen || this.#hasGap || tip.version <= this.#seen) return
    const isNext = tip.version === this.#seen + 1
    if (tip.version > lastVersionOf(base, WINDOW)) {
      this.#hasGap = true
      return
    }
    const verdict = verdictAt(this.intent, ledgerOn(tip.ledger, tip.version), tip.version)
    if (verdict.kind !== 'before-floor') {
      this.#seen = tip.version
      this.#verdict = verdict
    } else if (isNext) {
      // Every ledger since the base was seen, and none before the floor had it.
      this.#verdict = { kind: 'never' }
    } else this.#hasGap = true
  }

  decide(verdict: Decided): void {
    this.#verdict = verdict
  }
}
