/** What an append cost and how it went, for results, events and metrics. */

import type { RequestCounts } from '../store/request-counter.ts'

/** How an append came into the table: by a commit of its own, or folded, by itself or by another writer. */
export type LandedBy = 'alone' | 'own-fold' | 'other-fold'

/** Of one append, or of all that shared its commit. */
export interface CommitStats {
  readonly by: LandedBy
  /** Creates of a version that this process tried. */
  readonly attempts: number
  /** How often it was published in the inbox: more than once only when a window passed. */
  readonly publications: number
  /** Appends of all writers in the commit that brought it. */
  readonly foldSize: number
  /** Requests that had to wait for each other. */
  readonly roundTrips: number
  /** Requests of this process by verb, those of the hint included as far as they were sent meanwhile. */
  readonly requests: RequestCounts
  /** From the first request to the answer. */
  readonly elapsedMs: number
  /** Of that, waiting for others to fold. */
  readonly waitedMs: number
}

/** The same while it is counted. */
export interface AppendStats {
  attempts: number
  publications: number
  roundTrips: number
  waitedMs: number
}

export function newStats(): AppendStats {
  return { attempts: 0, publications: 0, roundTrips: 0, waitedMs: 0 }
}
