/** What the stress and its writers tell each other. */
import type { Work } from '../support/in-child.ts'

export interface WriterJob {
  readonly library: string
  readonly location: string
  readonly s3: object | undefined
  readonly firstId: number
  readonly operations: number
  /** Appends in flight at once. 1: each is awaited before the next. */
  readonly concurrency: number
  readonly timeoutMs: number
}

export interface WriterReport extends Work {
  /** When each append returned, milliseconds since the epoch, in that order. */
  readonly endedMs: readonly number[]
  readonly tookMs: readonly number[]
  /** The versions that its appends were acknowledged with, each once. */
  readonly versions: readonly number[]
  readonly failures: readonly { readonly id: number; readonly error: string }[]
  readonly attempts: number
  /** By verb, from the loading of the table to its closing. */
  readonly requests: Readonly<Record<string, number>>
}
