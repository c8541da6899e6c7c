/** What becomes of one intent, found out version by version. */
import type { Tip } from './follow.ts'
import { ledgerOn } from './ledger.ts'
import type { IntentName, Verdict } from './window.ts'
import { verdictAt } from './window.ts'

export class Watch {
  readonly intent: IntentName
  #verdict: Verdict = { kind: 'open' }
  #skipped = false

  constructor(intent: IntentName) {
    this.intent = intent
  }

  get verdict(): Verdict {
    return this.#verdict
  }

  get isOpen(): boolean {
    return this.#verdict.kind === 'open'
  }

  /** Whether versions passed by unseen: then only a look at the version at the end of the window can tell. */
  get hasGap(): boolean {
    return this.#skipped && this.isOpen
  }

  readonly see = (tip: Tip, skipped: boolean): void => {
    if (!this.isOpen || tip.version <= this.intent.base) return
    if (skipped) this.#skipped = true
    if (this.#skipped) return
    const verdict = verdictAt(this.intent, ledgerOn(tip.ledger, tip.version), tip.version)
    // Every ledger since the base was seen, and none before the floor had it.
    this.#verdict = verdict.kind === 'before-floor' ? { kind: 'never' } : verdict
  }

  decide(verdict: Verdict): void {
    this.#verdict = verdict
    if (verdict.kind !== 'open') this.#skipped = false
  }
}
