/**
 * Which snapshots a commit removes by itself, so that metadata stays small however often a table is appended to: the
 * newest ones are kept whole (the tail), older ones on a ladder of minutes, hours and days.
 */
import type { TableMetadata } from '../spec/metadata.ts'
import { snapshotById } from '../spec/metadata.ts'
import type { RetentionPolicy } from '../spec/retention-policy.ts'
import { retentionPolicy } from '../spec/retention-policy.ts'
import type { Snapshot, SnapshotRef } from '../spec/snapshot.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { TableUpdate } from '../spec/updates.ts'
import { ancestorsOf, isOlder } from '../spec/lineage.ts'
import { onLadder } from './retention-ladder.ts'

/**
 * Snapshots that belong to no branch any more, or not yet (rolled back, staged, of a deleted branch), and those of another
 * branch beyond its own tail: kept as long as the tail of main, and not more of them than this.
 */
export const STRAYS_MAX = 100

/**
 * What a commit removes from its own result. Call it with the metadata that the commit's other updates lead to, and
 * append the answer to them.
 *
 * Kept are: the snapshot of every tag and branch; of main the tail (everything younger than 5 minutes, at least 100 and
 * at most 500 snapshots, without a gap), then the last one of each of the newest 60 minutes, 24 hours and 90 days (UTC);
 * of another branch a tail of its own, down to where it left main. Branches whose ref says more, and tables that set
 * `history.expire.max-snapshot-age-ms` or `history.expire.min-snapshots-to-keep`, keep more, never less. Refs past their
 * `max-ref-age-ms` go. Nothing happens to a table with fewer than 300 snapshots. See {@link retentionPolicy} for the
 * properties that change the numbers.
 *
 * By default main keeps at most 500 + 60 + 24 + 90 = 674 snapshots, and {@link STRAYS_MAX} strays; each tag adds one,
 * each branch 500 at most. A snapshot that a wrong clock put into the future counts as young, and costs others nothing.
 *
 * Pure, no request. Applied, it leaves nothing for a second call at the same time; what it removes at one time it would
 * also remove later. About 0.1 ms for 500 snapshots.
 *
 * @param nowMs by the store's clock.
 * @throws `invalid-argument` if a property of the policy has a value that is none.
 */
export function retain(metadata: TableMetadata, nowMs: number): readonly TableUpdate[] {
  const policy = retentionPolicy(metadata.properties)
  if (policy.mode === 'none' || metadata.snapshots.length < policy.thinFrom) return []
  const expired = expiredRefs(metadata, policy, nowMs)
  const refs = Object.entries(metadata.refs).filter(([name]) => !expired.includes(name))
  const kept = keptSnapshots(metadata, refs, policy, nowMs)
  const snapshotIds = metadata.snapshots.filter((one) => !kept.has(one)).map(({ snapshotId }) => snapshotId)
  return [
    ...expired.map((name): TableUpdate => ({ action: 'remove-snapshot-ref', name })),
    ...(snapshotIds.length > 0 ? [{ action: 'remove-snapshots' as const, snapshotIds }] : []),
  ]
}

/** Spec, "Snapshot Retention Policy": refs other than main whose snapshot is older than they may be. */
function expiredRefs(metadata: TableMetadata, policy: RetentionPolicy, now: number): readonly string[] {
  return Object.entries(metadata.refs).flatMap(([name, ref]) => {
    const maxAgeMs = ref.maxRefAgeMs === undefined ? policy.maxRefAgeMs : Number(ref.maxRefAgeMs)
    if (name === MAIN_BRANCH || maxAgeMs === undefined) return []
    const snapshot = snapshotById(metadata, ref.snapshotId)
    return snapshot && now - snapshot.timestampMs > maxAgeMs ? [name] : []
  })
}

function keptSnapshots(
  metadata: TableMetadata,
  refs: readonly (readonly [string, SnapshotRef])[],
  policy: RetentionPolicy,
  now: number,
): ReadonlySet<Snapshot> {
  const { snapshots } = metadata
  const main = ancestorsOf(snapshots, metadata.currentSnapshotId)
  const onMain = new Set(main)
  const kept = new Set<Snapshot>()
  for (const [name, ref] of refs) {
    if (name === MAIN_BRANCH) continue
    const chain = ancestorsOf(snapshots, ref.snapshotId)
    const count = ref.type === 'tag' ? 1 : branchLength(chain, ref, onMain, policy, now)
    for (const one of chain.slice(0, count)) kept.add(one)
  }
  const ofOthers = new Set(kept)
  const asked = askedLength(main, metadata.refs[MAIN_BRANCH], policy, now)
  const tail = main.slice(0, Math.max(tailLength(main, policy, now), asked))
  for (const one of tail) kept.add(one)
  for (const one of keptStrays(snapshots, tail.at(-1), kept)) kept.add(one)
  // What is older than main's unbroken chain and nobody else's was on main, as far as can be known.
  const oldest = main.at(-1)
  const wasOnMain = (one: Snapshot) => !ofOthers.has(one) && (oldest === undefined || isOlder(one, oldest))
  const history = snapshots.filter((one) => onMain.has(one) || wasOnMain(one))
  for (const one of onLadder(history, policy, now)) kept.add(one)
  return kept
}

/** How many of a branch's snapshots are kept whole, its own and, where it or the table asks for more, main's before. */
function branchLength(
  chain: readonly Snapshot[],
  ref: SnapshotRef,
  onMain: ReadonlySet<Snapshot>,
  policy: RetentionPolicy,
  now: number,
): number {
  const fork = chain.findIndex((one) => onMain.has(one))
  // Where it left main, too: engines look for it to tell whether one is ahead of the other.
  const own = fork < 0 ? chain : chain.slice(0, fork + 1)
  const whole = Math.min(tailLength(own, policy, now), own.length)
  return Math.max(1, whole, askedLength(chain, ref, policy, now))
}

/** How many of a branch's newest snapshots are kept whole by default. */
function tailLength(chain: readonly Snapshot[], policy: RetentionPolicy, now: number): number {
  const young = leading(chain, (one) => now - one.timestampMs < policy.tailAgeMs)
  return Math.min(Math.max(young, policy.tailMin), policy.tailMax)
}

/** How many are to be kept because the ref or the table says so (spec: "Snapshot Retention Policy"). */
function askedLength(
  chain: readonly Snapshot[],
  ref: SnapshotRef | undefined,
  policy: RetentionPolicy,
  now: number,
): number {
  const maxAgeMs = ref?.maxSnapshotAgeMs === undefined ? policy.maxSnapshotAgeMs : Number(ref.maxSnapshotAgeMs)
  const young = maxAgeMs === undefined ? 0 : leading(chain, (one) => now - one.timestampMs <= maxAgeMs)
  return Math.max(young, ref?.minSnapshotsToKeep ?? policy.minSnapshotsToKeep ?? 0)
}

function leading(chain: readonly Snapshot[], test: (snapshot: Snapshot) => boolean): number {
  const end = chain.findIndex((one) => !test(one))
  return end < 0 ? chain.length : end
}

/**
 * Strays of the tail's time: on no branch. Later they could not be told from what was on main before its chain had gaps,
 * so that none outlives the tail.
 */
function keptStrays(
  snapshots: readonly Snapshot[],
  tailEnd: Snapshot | undefined,
  kept: ReadonlySet<Snapshot>,
): readonly Snapshot[] {
  if (tailEnd === undefined) return []
  return snapshots
    .filter((one) => !kept.has(one) && isOlder(tailEnd, one))
    .toSorted((a, b) => (isOlder(a, b) ? 1 : -1))
    .slice(0, STRAYS_MAX)
}
