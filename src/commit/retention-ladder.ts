/** One snapshot for each of the last minutes, hours and days. */
import { isOlder } from '../spec/lineage.ts'
import type { RetentionPolicy } from '../spec/retention-policy.ts'
import type { Snapshot } from '../spec/snapshot.ts'

const MINUTE_MS = 60_000

/**
 * The last snapshot of each of the newest minutes, hours and days, the current ones included. They are those of the UTC
 * clock, not counted from now: so the same snapshot is the last of its hour whenever it is asked, the last of an hour is
 * also the last of a minute, and what was kept for one rung is there when the next one needs it.
 */
export function onLadder(history: readonly Snapshot[], policy: RetentionPolicy, now: number): ReadonlySet<Snapshot> {
  const rungs = [
    { lengthMs: MINUTE_MS, count: policy.minutes },
    { lengthMs: 60 * MINUTE_MS, count: policy.hours },
    { lengthMs: 24 * 60 * MINUTE_MS, count: policy.days },
  ]
  const kept = new Set<Snapshot>()
  for (const { lengthMs, count } of rungs) {
    const last = lastOfEach(history, lengthMs, Math.floor(now / lengthMs) - count)
    // More than that only if some are in the future.
    const newest = last.size > count ? [...last].toSorted(([a], [b]) => b - a).slice(0, count) : last
    for (const [, snapshot] of newest) kept.add(snapshot)
  }
  return kept
}

/** The last snapshot of each period after `before`; periods count from the epoch. */
function lastOfEach(history: readonly Snapshot[], lengthMs: number, before: number): ReadonlyMap<number, Snapshot> {
  const last = new Map<number, Snapshot>()
  let at = before
  let newest: Snapshot | undefined
  // Metadata lists the newest last: mostly the first one that is seen of a period is its last.
  for (let i = history.length - 1; i >= 0; i--) {
    const snapshot = history[i]!
    const period = Math.floor(snapshot.timestampMs / lengthMs)
    if (period <= before) continue
    if (period !== at) newest = last.get((at = period))
    if (newest === undefined || isOlder(newest, snapshot)) last.set(period, (newest = snapshot))
  }
  return last
}
