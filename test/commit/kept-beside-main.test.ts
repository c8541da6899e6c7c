/** Which snapshots of tags and branches, and of none of them, a commit keeps; on tables of a few snapshots. */
import { describe, expect, test } from 'vitest'
import { retain, STRAYS_MAX } from '../../src/commit/retention.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { SnapshotRef } from '../../src/spec/snapshot.ts'
import { apply, commits, HOUR, idOf, keepingLittle, leftOf, MINUTE, pointing, thin } from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const before = (...minutes: readonly number[]) => minutes.map((one) => NOON - one * MINUTE)

/** Snapshots 1 to 5 on main, the newest of now, one each minute. */
const five = (asked: Readonly<Record<string, string>> = {}) =>
  commits(sampleMetadata(keepingLittle(asked)), before(4, 3, 2, 1, 0))

const named = (metadata: TableMetadata, name: string, sequenceNumber: number, ref: Partial<SnapshotRef> = {}) =>
  apply(metadata, [pointing(name, idOf(metadata, sequenceNumber), ref)], NOON)

const refsLeft = (metadata: TableMetadata, nowMs: number) => Object.keys(thin(metadata, nowMs).refs).toSorted()

describe('a tag', () => {
  test('keeps its own snapshot, and none before it, whatever else is asked for', () => {
    const asked = { 'datashard.retention.tail-min': '2' }
    expect(leftOf(named(five(asked), 'release', 2, { type: 'tag' }), NOON)).toEqual([2, 4, 5])
    const byIceberg = { 'history.expire.min-snapshots-to-keep': '2' }
    expect(leftOf(named(five(byIceberg), 'release', 3, { type: 'tag' }), NOON)).toEqual([3, 4, 5])
    expect(leftOf(named(five(byIceberg), 'release', 2, { type: 'tag' }), NOON)).toEqual([2, 4, 5])
  })

  test('that stays is nothing that a commit removes', () => {
    const whole = five({ 'datashard.retention.tail-min': '5', 'history.expire.max-ref-age-ms': String(HOUR) })
    expect(retain(named(whole, 'release', 2, { type: 'tag' }), NOON)).toEqual([])
  })

  test('stays for ever where nothing limits its age', () => {
    const tagged = named(five(), 'release', 2, { type: 'tag' })
    expect(refsLeft(tagged, NOON + 10_000 * 24 * HOUR)).toEqual(['main', 'release'])
  })

  test('goes when its snapshot is older than max-ref-age-ms, and not when it is as old; main never', () => {
    const asked = { 'history.expire.max-ref-age-ms': String(3 * MINUTE) }
    const tagged = named(five(asked), 'release', 2, { type: 'tag' })
    expect([leftOf(tagged, NOON), refsLeft(tagged, NOON)]).toEqual([
      [2, 5],
      ['main', 'release'],
    ])
    expect([leftOf(tagged, NOON + 1), refsLeft(tagged, NOON + 1)]).toEqual([[5], ['main']])
    expect(refsLeft(tagged, NOON + 24 * HOUR)).toEqual(['main'])
  })

  test('has an age of its own, which goes before that of the table, both ways', () => {
    const asked = { 'history.expire.max-ref-age-ms': String(3 * MINUTE) }
    const long = named(five(asked), 'long', 1, { type: 'tag', maxRefAgeMs: BigInt(HOUR) })
    const both = named(long, 'short', 4, { type: 'tag', maxRefAgeMs: BigInt(MINUTE) - 1n })
    expect([leftOf(both, NOON), refsLeft(both, NOON)]).toEqual([
      [1, 5],
      ['long', 'main'],
    ])
  })

  test('goes before the snapshot that it named, and both in the same commit', () => {
    const tagged = named(five(), 'release', 2, { type: 'tag', maxRefAgeMs: 1n })
    expect(retain(tagged, NOON)).toEqual([
      { action: 'remove-snapshot-ref', name: 'release' },
      { action: 'remove-snapshots', snapshotIds: [1, 2, 3, 4].map((one) => idOf(tagged, one)) },
    ])
  })

  test('on a snapshot that another ref holds goes alone', () => {
    const tagged = named(five({ 'datashard.retention.tail-min': '5' }), 'release', 2, { type: 'tag', maxRefAgeMs: 1n })
    expect(retain(tagged, NOON)).toEqual([{ action: 'remove-snapshot-ref', name: 'release' }])
  })
})

describe('a branch', () => {
  /** Left main at 2; of its own it has 6 to 8, of 10, 20 and 30 minutes after noon. Main went on with 9 to 12. */
  const branched = (asked: Readonly<Record<string, string>> = {}, ref: Partial<SnapshotRef> = {}) => {
    const grown = commits(named(five(asked), 'audit', 2), before(-10, -20, -30), 'audit')
    return commits(named(grown, 'audit', 8, ref), before(-31, -31, -31, -31))
  }
  const LATER = NOON + 31 * MINUTE

  test('keeps a tail of its own, by the same numbers as main', () => {
    expect(leftOf(branched(), LATER)).toEqual([8, 12])
    expect(leftOf(branched({ 'datashard.retention.tail-min': '2' }), LATER)).toEqual([7, 8, 11, 12])
    expect(leftOf(branched({ 'datashard.retention.tail-age-ms': String(12 * MINUTE) }), LATER)).toEqual([
      7, 8, 9, 10, 11, 12,
    ])
    const capped = { 'datashard.retention.tail-age-ms': String(HOUR), 'datashard.retention.tail-max': '1' }
    expect(leftOf(branched(capped), LATER)).toEqual([8, 12])
  })

  test('keeps where it left main, and by itself nothing of main before that', () => {
    expect(leftOf(branched({ 'datashard.retention.tail-min': '4' }), LATER)).toEqual([2, 6, 7, 8, 9, 10, 11, 12])
    const main = commits(branched({ 'datashard.retention.tail-min': '5' }), before(-31))
    expect(leftOf(main, LATER)).toEqual([2, 6, 7, 8, 9, 10, 11, 12, 13])
  })

  test('keeps as much as it asks for, of main too, and beyond any tail-max', () => {
    const capped = { 'datashard.retention.tail-max': '1' }
    expect(leftOf(branched(capped, { minSnapshotsToKeep: 5 }), LATER)).toEqual([1, 2, 6, 7, 8, 12])
    expect(leftOf(branched(capped, { maxSnapshotAgeMs: BigInt(34 * MINUTE) }), LATER)).toEqual([2, 6, 7, 8, 12])
  })

  test('keeps what the table asks for, unless it says something else itself', () => {
    const asked = { 'history.expire.min-snapshots-to-keep': '3' }
    expect(leftOf(branched(asked), LATER)).toEqual([6, 7, 8, 10, 11, 12])
    expect(leftOf(branched(asked, { minSnapshotsToKeep: 1 }), LATER)).toEqual([8, 10, 11, 12])
  })

  test('has the rest of its snapshots for as long as those of no branch', () => {
    const quiet = commits(named(five(), 'audit', 2), before(-10, -20), 'audit')
    expect(leftOf(quiet, LATER)).toEqual([5, 6, 7])
  })

  test('that never left main keeps the snapshot that it names', () => {
    expect(leftOf(named(five({ 'datashard.retention.tail-min': '2' }), 'still', 2), NOON)).toEqual([2, 4, 5])
  })

  test('that has nothing in common with main keeps a tail', () => {
    const asked = { 'datashard.retention.tail-min': '3' }
    const own = apply(five(asked), [{ action: 'remove-snapshot-ref', name: 'main' }], NOON)
    const apart = commits(named(own, 'audit', 5), before(-1))
    expect(apart.snapshots.at(-1)!.parentSnapshotId).toBeUndefined()
    expect(leftOf(apart, NOON + MINUTE)).toEqual([3, 4, 5, 6])
  })

  test('takes no place on the ladder of main: what it no longer keeps goes', () => {
    const HOURLY = { 'datashard.retention.hours': '24' }
    const main = commits(sampleMetadata(keepingLittle(HOURLY)), before(200, 190))
    const grown = commits(named(main, 'audit', 1), before(130, 125, 70), 'audit')
    const metadata = commits(grown, before(128, 0))
    // 4 is the last of the hour from 9 to 10, but the audit's; 6 is main's.
    expect(leftOf(metadata, NOON)).toEqual([2, 5, 6, 7])
  })

  test('takes no place on the ladder of a main that has a gap either, as long as it keeps it', () => {
    const HOURLY = { 'datashard.retention.hours': '24' }
    const main = commits(sampleMetadata(keepingLittle(HOURLY)), before(200, 190))
    const past = commits(named(main, 'audit', 1), before(130))
    const gap = thin(commits(commits(past, before(125), 'audit'), before(0)), NOON)
    // 4, the audit's, is newer than 3, of the same hour.
    expect(leftOf(commits(gap, before(-1)), NOON + MINUTE)).toEqual([2, 3, 4, 6])
  })
})

describe('a snapshot of no branch', () => {
  /** One staged on main, and forgotten. */
  const staged = (metadata: TableMetadata, timestampMs: number) =>
    apply(commits(metadata, [timestampMs], 'wap'), [{ action: 'remove-snapshot-ref', name: 'wap' }], timestampMs)

  test('lives as long as the tail of main reaches back beyond it', () => {
    const metadata = staged(five({ 'datashard.retention.tail-min': '3' }), NOON + MINUTE)
    const two = commits(metadata, before(-2, -3))
    expect(leftOf(two, NOON + 3 * MINUTE)).toEqual([5, 6, 7, 8])
    const three = commits(two, before(-4))
    expect(leftOf(three, NOON + 4 * MINUTE)).toEqual([7, 8, 9])
  })

  test(`is one of the newest ${STRAYS_MAX}, or it goes`, () => {
    const asked = { 'datashard.retention.tail-age-ms': String(HOUR) }
    let metadata = five(asked)
    for (let i = 0; i < STRAYS_MAX + 3; i++) metadata = staged(metadata, NOON)
    const left = leftOf(metadata, NOON)
    expect(left).toEqual([1, 2, 3, 4, 5, ...Array.from({ length: STRAYS_MAX }, (_, i) => 9 + i)])
  })
})
