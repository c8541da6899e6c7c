/** One snapshot for each of the last minutes, hours and days of the UTC clock. */
import { describe, expect, test } from 'vitest'
import { onLadder } from '../../src/commit/retention-ladder.ts'
import { retentionPolicy } from '../../src/spec/retention-policy.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'

const NOW = Date.parse('2026-06-10T12:00:30Z')

/** Snapshots at these times of 2026-06, in the order in which they were made: `10T11:59:30`. */
const made = (...times: readonly string[]): readonly Snapshot[] =>
  times.map((time, i) => ({
    snapshotId: BigInt(i + 1),
    sequenceNumber: BigInt(i + 1),
    timestampMs: Date.parse(`2026-06-${time}Z`),
    manifestList: `memory://t/${i + 1}.avro`,
  }))

function kept(history: readonly Snapshot[], rungs: { minutes?: number; hours?: number; days?: number }, now = NOW) {
  const properties = Object.entries({ minutes: 0, hours: 0, days: 0, ...rungs }).map(
    ([name, count]) => [`datashard.retention.${name}`, String(count)] as const,
  )
  const left = onLadder(history, retentionPolicy(Object.fromEntries(properties)), now)
  return history.filter((one) => left.has(one)).map((one) => new Date(one.timestampMs).toISOString().slice(8, 19))
}

describe('of the newest periods, the current one included, the last snapshot of each', () => {
  test('minutes', () => {
    const history = made('10T11:57:59', '10T11:58:00', '10T11:58:59', '10T11:59:00', '10T12:00:00', '10T12:00:30')
    expect(kept(history, { minutes: 3 })).toEqual(['10T11:58:59', '10T11:59:00', '10T12:00:30'])
    expect(kept(history, { minutes: 1 })).toEqual(['10T12:00:30'])
  })

  test('hours', () => {
    const history = made('10T09:59:59', '10T10:00:00', '10T10:59:59', '10T11:00:00', '10T11:30:00')
    expect(kept(history, { hours: 3 })).toEqual(['10T10:59:59', '10T11:30:00'])
  })

  test('days', () => {
    const history = made('07T23:59:59', '08T00:00:00', '08T23:59:59', '09T00:00:00', '10T11:30:00')
    expect(kept(history, { days: 3 })).toEqual(['08T23:59:59', '09T00:00:00', '10T11:30:00'])
  })

  test('a period without one keeps nothing in its place', () => {
    expect(kept(made('09T10:00:00', '10T12:00:10'), { minutes: 5, hours: 5 })).toEqual(['10T12:00:10'])
  })

  test('all three at once: one that is on two rungs is kept once', () => {
    const history = made('09T23:59:00', '10T10:20:00', '10T10:40:00', '10T11:59:10', '10T11:59:20')
    expect(kept(history, { minutes: 2, hours: 3, days: 2 })).toEqual(['09T23:59:00', '10T10:40:00', '10T11:59:20'])
    expect(kept(history, {})).toEqual([])
  })
})

test('the last is the one that was made last, wherever the metadata lists it', () => {
  const [a, b, c, d] = made('10T10:10:00', '10T10:20:00', '10T11:10:00', '10T11:20:00')
  for (const history of [
    [a!, b!, c!, d!],
    [b!, a!, d!, c!],
    [d!, b!, c!, a!],
    [a!, d!, b!, c!],
  ]) {
    expect(kept(history, { hours: 3 }).toSorted()).toEqual(['10T10:20:00', '10T11:20:00'])
  }
})

test('a clock that was ahead puts no more on the ladder than it has rungs, the newest of them', () => {
  const history = made('10T11:30:00', '10T12:00:00', '10T15:00:00', '10T14:00:00', '10T16:00:00')
  expect(kept(history, { hours: 3 })).toEqual(['10T15:00:00', '10T14:00:00', '10T16:00:00'])
  expect(kept(history, { hours: 2 })).toEqual(['10T15:00:00', '10T16:00:00'])
  expect(kept(history, { hours: 1 })).toEqual(['10T16:00:00'])
  // They cost the others nothing while there is room.
  expect(kept(history, { hours: 5 })).toHaveLength(5)
})

test('what is the last of an hour is so whenever it is asked', () => {
  const history = made('10T10:20:00', '10T10:40:00', '10T11:05:00')
  for (const time of ['10T11:05:00', '10T11:59:59', '10T12:59:59']) {
    expect(kept(history, { hours: 3 }, Date.parse(`2026-06-${time}Z`))).toEqual(['10T10:40:00', '10T11:05:00'])
  }
})
