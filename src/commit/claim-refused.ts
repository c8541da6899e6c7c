/** One key cannot be claimed, for a reason that is its own: appends under other keys, or none, may go on without it. */
export class ClaimRefused extends Error {
  readonly key: string
  readonly reason: unknown

  constructor(key: string, reason: unknown) {
    super(`the idempotency key ${JSON.stringify(key)} could not be claimed`)
    this.key = key
    this.reason = reason
  }
}
