/** A modelled process: a generator that yields a request and is given the answer, or yields a pause. */
import type { VirtualRuntime } from '../support/virtual-runtime.ts'
import type { Sighting } from '../../src/commit/custody.ts'
import { CUSTODY_MS } from '../../src/commit/custody.ts'
import type { Mutation } from './mutations.ts'
import type { VersionRecord } from './objects.ts'
import type { Oracle } from './oracle.ts'
import type { Answer, Request } from './store.ts'

export type Step = Request | { readonly pauseTicks: number }
export type Steps<T> = Generator<Step, T, Answer>

/** One tick is one event of the world; a version that was seen may be built upon for so many. */
export const CUSTODY_TICKS = 40
export const TICK_MS = CUSTODY_MS / CUSTODY_TICKS
/** A request that did not arrive within so many ticks is refused by the store (its signature has expired). */
export const LATENESS_TICKS = 40
/** How long a superseded version is kept: longer than its custody and the latest request together. */
export const RETENTION_TICKS = CUSTODY_TICKS + LATENESS_TICKS + 40

/** What a process knows of the newest version it saw. */
export interface SeenHead {
  readonly version: number
  readonly record: VersionRecord
  readonly seen: Sighting
}

/** What all processes of a run share. */
export interface Model {
  readonly runtime: VirtualRuntime
  readonly oracle: Oracle
  readonly mutation: Mutation | undefined
  readonly window: number
  /** The most ids that one version may add. */
  readonly room: number
  /** How often a process does not get to write the hint. */
  readonly hintNeglect: number
}

/**
 * `done`: acknowledged. `refused`: an error that says that nothing was written, nor ever will be. `unknown`: an error that
 * leaves it open.
 */
export type Outcome = 'done' | 'refused' | 'unknown'

export interface Process {
  readonly name: string
  readonly model: Model
  /** The table's uuid, once it was opened. */
  table: string
  head: SeenHead | undefined
  /** Whether something was sent that may take effect later. */
  exposed: boolean
}

/** The table that the process works on is not there any more. */
export class TableGone extends Error {}
/** Nothing found out within the tries that a process has. */
export class GaveUp extends Error {}

export function isOff(me: Process, protection: Mutation): boolean {
  return me.model.mutation === protection
}

export function chance(me: Process, probability: number): boolean {
  return me.model.runtime.random() < probability
}

/** For requests that may be repeated without harm. */
export function* untilAnswered(request: Request): Steps<Answer> {
  for (;;) {
    const answer = yield request
    if (answer.status !== 'timeout') return answer
  }
}

export function* get(key: string): Steps<Answer> {
  return yield* untilAnswered({ verb: 'get', key })
}
