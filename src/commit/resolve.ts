/**
 * What became of an intent that one did not watch: of a claim's owner, or of one's own after a long sleep. Only the ledger
 * of the version at the end of its window can say `never`; later ones have forgotten.
 */
import type { Committer } from './commit.ts'
import type { TableHead } from './head.ts'
import type { Ledger } from './ledger.ts'
import { ledgerOn, WINDOW } from './ledger.ts'
import { archivedLedger } from './ledger-archive.ts'
import { ledgerOf, peekVersion } from './peek.ts'
import type { IntentName, Verdict } from './window.ts'
import { lastVersionOf, verdictAt } from './window.ts'

/** `unknown`: versions that could tell are gone, and no archive has their ledgers. */
export type Resolution = Exclude<Verdict, { kind: 'before-floor' }> | { readonly kind: 'unknown' }

/**
 * The fate of an intent by the newest version. Requests: the search for the head, one for the version at the end of the
 * window, more only where a ledger was lost within it.
 *
 * @param looking A search for the head that somebody has begun already. An older head can only say `open` more often.
 */
export async function resolveIntent(
  committer: Committer,
  intent: IntentName,
  signal?: AbortSignal,
  looking: Promise<TableHead> = committer.refresh(signal),
): Promise<Resolution> {
  const head = await looking
  const last = lastVersionOf(intent.base, WINDOW)
  const at = Math.min(head.version, last)
  const ledger = at === head.version ? ledgerOf(head.metadata) : await ledgerAt(committer, at, signal)
  if (ledger === 'gone') return { kind: 'unknown' }
  const verdict = verdictBy(intent, ledger, at)
  if (verdict.kind !== 'before-floor') return verdict
  return (await foundBefore(committer, intent, verdict.floor, signal)) ?? { kind: 'never' }
}

/** Looks into the versions from the floor back to the intent's base, which the ledgers after the floor do not cover. */
async function foundBefore(
  committer: Committer,
  intent: IntentName,
  floor: number,
  signal: AbortSignal | undefined,
): Promise<Resolution | undefined> {
  for (let version = floor; version > intent.base; version--) {
    const ledger = await ledgerAt(committer, version, signal)
    if (ledger === 'gone') return { kind: 'unknown' }
    const verdict = verdictBy(intent, ledger, version)
    if (verdict.kind !== 'before-floor') return verdict.kind === 'open' ? undefined : verdict
  }
  return undefined
}

/** A ledger that cannot be of its version is as good as lost, but for what it names: nobody makes up an id. */
function verdictBy(intent: IntentName, ledger: Ledger | undefined, version: number): Verdict {
  const named = ledger && verdictAt(intent, ledger, version)
  return named?.kind === 'folded' ? named : verdictAt(intent, ledgerOn(ledger, version), version)
}

async function ledgerAt(
  committer: Committer,
  version: number,
  signal: AbortSignal | undefined,
): Promise<Ledger | undefined | 'gone'> {
  const { place, head } = committer
  const found = await peekVersion(place, version, { signal })
  // Below the window old versions are deleted, and what is found under such a number may have been created since by a
  // writer that slept: the archive, written before the deletion, is right then.
  if (found && version > head.version - WINDOW) return found.ledger
  const archived = await archivedLedger(place, version, signal)
  return archived ? archived.ledger : found ? found.ledger : 'gone'
}
