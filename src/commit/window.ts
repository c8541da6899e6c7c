/**
 * Which intents a version may fold, and what became of an intent (commit-protocol, invariants I2 to I4). Pure functions:
 * the writers, the model checker and the simulation use the same ones.
 */
import type { Ledger } from './ledger.ts'
import { foldedIn, isCancelled } from './ledger.ts'

/** An intent as the rules see it: who it is, and which version its publisher had seen. */
export interface IntentName {
  readonly id: string
  readonly base: number
}

/** `folded`: in the chain, for ever. `never`: not in it, for ever. `open`: not decided yet. */
export type Verdict =
  | { readonly kind: 'folded'; readonly version: number; readonly snapshotId: bigint }
  | { readonly kind: 'never' }
  | { readonly kind: 'open' }
  /** The ledger begins after the intent's base: only the versions before the floor can tell. */
  | { readonly kind: 'before-floor'; readonly floor: number }

/** An intent may appear in the versions `base + 1` to `base + window`. */
export function lastVersionOf(base: number, window: number): number {
  return base + window
}

/**
 * Whether version `next` may fold the intent, by the ledger of the version before. A base at or above `next` was
 * published by somebody who has seen more than we have: our own base is stale then.
 */
export function mayFold(intent: IntentName, ledger: Ledger, next: number): boolean {
  return (
    isInWindow(intent, ledger, next) && foldedIn(ledger, intent.id) === undefined && !isCancelled(ledger, intent.id)
  )
}

function isInWindow({ base }: IntentName, { floor, window }: Ledger, next: number): boolean {
  return base >= floor && base < next && next <= lastVersionOf(base, window)
}

/** Those of many intents that version `next` may fold (see {@link mayFold}); goes through the ledger once, not for each. */
export function foldable<T extends IntentName>(published: readonly T[], ledger: Ledger, next: number): readonly T[] {
  const open = published.filter((intent) => isInWindow(intent, ledger, next))
  if (open.length === 0) return open
  const known = decidedIn(ledger)
  return open.filter(({ id }) => !known.has(id))
}

/** Ids that were folded or cancelled. Made once for a ledger: a fold asks four times, and there may be thousands. */
export function decidedIn(ledger: Ledger): ReadonlySet<string> {
  const known = decided.get(ledger)
  if (known) return known
  const ids = new Set(ledger.entries.flatMap((entry) => [...entry.folded, ...entry.cancelled]))
  decided.set(ledger, ids)
  return ids
}

const decided = new WeakMap<Ledger, ReadonlySet<string>>()

/**
 * What the ledger of version `version` says of an intent. Only versions up to the end of the intent's window may be
 * asked: a later ledger has forgotten, and would say `never` of an append that is there.
 */
export function verdictAt(intent: IntentName, ledger: Ledger, version: number): Verdict {
  const entry = foldedIn(ledger, intent.id)
  if (entry) return { kind: 'folded', version: entry.version, snapshotId: entry.snapshotId }
  if (isCancelled(ledger, intent.id)) return { kind: 'never' }
  if (intent.base < ledger.floor) return { kind: 'before-floor', floor: ledger.floor }
  if (version >= lastVersionOf(intent.base, ledger.window)) return { kind: 'never' }
  return { kind: 'open' }
}

/**
 * The intents that version `next` folds: those it may, oldest first, each once, at most `room`, one's own among them.
 */
export function chooseCandidates<T extends IntentName>(
  published: readonly T[],
  own: T | undefined,
  ledger: Ledger,
  next: number,
  room: number,
): readonly T[] {
  const byId = new Map<string, T>()
  for (const intent of foldable(own ? [own, ...published] : published, ledger, next)) {
    if (!byId.has(intent.id)) byId.set(intent.id, intent)
  }
  const ordered = [...byId.values()].sort((a, b) => a.base - b.base || (a.id < b.id ? -1 : 1))
  if (ordered.length <= room) return ordered
  const chosen = ordered.slice(0, room)
  if (own && byId.has(own.id) && !chosen.some((one) => one.id === own.id)) chosen[room - 1] = byId.get(own.id)!
  return chosen
}
