import type { IntentName } from './window.ts'

/** Some keys belong to appends that are in the table: their rows must not be appended again. Nothing was committed. */
export class ClaimsLost extends Error {
  /** Holds the other keys. */
  readonly intent: IntentName

  constructor(intent: IntentName) {
    super('keys were claimed by appends that are in the table')
    this.intent = intent
  }
}
