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
    const oldest = Math.floor(now / lengthMs) - count
    const last = new Map<number, Snapshot>()
    for (const snapshot of history) {
      const at = Math.floor(snapshot.timestampMs / lengthMs)
      if (at <= oldest) continue
      const before = last.get(at)
      if (before === undefined || isOlder(before, snapshot)) last.set(at, snapshot)
    }
    for (const snapshot of last.values()) kept.add(snapshot)
  }
  return kept
}
