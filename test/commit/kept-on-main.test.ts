/** Which snapshots of main a commit keeps, one rule at a time, on tables of a few snapshots. */
import { describe, expect, test } from 'vitest'
import { retain } from '../../src/commit/retention.ts'
import { apply, commits, HOUR, idOf, keepingLittle, leftOf, MINUTE, pointing, thin } from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const before = (...minutes: readonly number[]) => minutes.map((one) => NOON - one * MINUTE)

/** Snapshots 1 to 5, of the last five minutes: the oldest is 4 minutes old, the newest of now. */
const five = (asked: Readonly<Record<string, string>> = {}) =>
  commits(sampleMetadata(keepingLittle(asked)), before(4, 3, 2, 1, 0))

describe('the tail of main', () => {
  test('is the newest snapshot at least', () => expect(leftOf(five(), NOON)).toEqual([5]))

  test('is as long as tail-min says, however old they are', () => {
    expect(leftOf(five({ 'datashard.retention.tail-min': '3' }), NOON + 365 * 24 * HOUR)).toEqual([3, 4, 5])
  })

  test('has what is younger than tail-age-ms, and not what is exactly as old', () => {
    expect(leftOf(five({ 'datashard.retention.tail-age-ms': String(2 * MINUTE) }), NOON)).toEqual([4, 5])
    expect(leftOf(five({ 'datashard.retention.tail-age-ms': String(2 * MINUTE + 1) }), NOON)).toEqual([3, 4, 5])
  })

  test('is no longer than tail-max says, however young they are', () => {
    const asked = { 'datashard.retention.tail-age-ms': String(HOUR), 'datashard.retention.tail-max': '2' }
    expect(leftOf(five(asked), NOON)).toEqual([4, 5])
  })

  test('may have them all: then nothing is removed, and nothing is said', () => {
    expect(retain(five({ 'datashard.retention.tail-age-ms': String(HOUR) }), NOON)).toEqual([])
    expect(retain(five({ 'datashard.retention.tail-min': '9' }), NOON)).toEqual([])
  })

  test('begins at what main names: after a return to an older snapshot what came later is no part of it', () => {
    const metadata = five({ 'datashard.retention.tail-min': '2' })
    const back = apply(metadata, [pointing('main', idOf(metadata, 3))], NOON)
    // 4 and 5 are of no branch now: kept as long as the tail.
    expect(leftOf(back, NOON)).toEqual([2, 3, 4, 5])
  })
})

describe('a table is left alone', () => {
  test('while it has fewer snapshots than thin-from', () => {
    expect(retain(five({ 'datashard.retention.thin-from': '6' }), NOON)).toEqual([])
    expect(leftOf(five({ 'datashard.retention.thin-from': '5' }), NOON)).toEqual([5])
  })

  test.for([{ 'datashard.retention': 'none' }, { 'gc.enabled': 'false' }])('with %j, its tags too', (asked) => {
    const metadata = five({ ...asked, 'history.expire.max-ref-age-ms': '1' })
    const tagged = apply(metadata, [pointing('old', idOf(metadata, 1), { type: 'tag' })], NOON)
    expect(retain(tagged, NOON)).toEqual([])
  })

  test('as long as it has no snapshot', () => {
    expect(retain(sampleMetadata(keepingLittle()), NOON)).toEqual([])
  })
})

describe('what Iceberg properties and the ref of main ask for is kept', () => {
  const asking = (properties: Readonly<Record<string, string>>, ref: object = {}) => {
    const metadata = five({ 'datashard.retention.tail-max': '1', ...properties })
    return apply(metadata, [pointing('main', idOf(metadata, 5), ref)], NOON)
  }

  test('up to max-snapshot-age-ms, the end included, beyond any tail-max', () => {
    const property = 'history.expire.max-snapshot-age-ms'
    expect(leftOf(asking({ [property]: String(2 * MINUTE) }), NOON)).toEqual([3, 4, 5])
    expect(leftOf(asking({ [property]: String(2 * MINUTE - 1) }), NOON)).toEqual([4, 5])
    expect(leftOf(asking({ [property]: String(HOUR) }), NOON)).toEqual([1, 2, 3, 4, 5])
  })

  test('as many as min-snapshots-to-keep says; the larger of the two counts', () => {
    const properties = { 'history.expire.min-snapshots-to-keep': '3' }
    expect(leftOf(asking(properties), NOON)).toEqual([3, 4, 5])
    expect(leftOf(asking({ ...properties, 'history.expire.max-snapshot-age-ms': '60000' }), NOON)).toEqual([3, 4, 5])
    expect(leftOf(asking({ ...properties, 'history.expire.max-snapshot-age-ms': '180000' }), NOON)).toEqual([
      2, 3, 4, 5,
    ])
  })

  test('and less than the tail is never kept', () => {
    const little = { 'history.expire.min-snapshots-to-keep': '1', 'history.expire.max-snapshot-age-ms': '1' }
    const tail = { 'datashard.retention.tail-min': '4', 'datashard.retention.tail-max': '4' }
    expect(leftOf(asking({ ...little, ...tail }), NOON)).toEqual([2, 3, 4, 5])
  })

  test('the ref of main goes before the properties, both ways', () => {
    const properties = {
      'history.expire.min-snapshots-to-keep': '3',
      'history.expire.max-snapshot-age-ms': String(2 * MINUTE),
    }
    const more = { minSnapshotsToKeep: 4, maxSnapshotAgeMs: BigInt(MINUTE) }
    expect(leftOf(asking(properties, more), NOON)).toEqual([2, 3, 4, 5])
    expect(leftOf(asking(properties, { ...more, minSnapshotsToKeep: 1 }), NOON)).toEqual([4, 5])
    expect(leftOf(asking({}, { maxSnapshotAgeMs: BigInt(3 * MINUTE) }), NOON)).toEqual([2, 3, 4, 5])
  })
})

describe('the ladder', () => {
  const HOURLY = { 'datashard.retention.hours': '3' }

  test('has one of each hour, besides the tail', () => {
    const metadata = commits(sampleMetadata(keepingLittle(HOURLY)), before(190, 125, 121, 65, 61, 10, 5, 0))
    // 12:00, 11:xx and 10:xx; 09:xx was too long ago. 11:55 is the last of its hour, 10:59 that of its own.
    expect(leftOf(metadata, NOON)).toEqual([5, 7, 8])
  })

  test('goes on beyond the gap that it made itself', () => {
    const first = commits(sampleMetadata(keepingLittle(HOURLY)), before(65, 61, 10, 5, 0))
    const thinned = thin(first, NOON)
    const more = commits(thinned, before(-1, -2, -3))
    expect(leftOf(more, NOON + 3 * MINUTE)).toEqual([2, 4, 8])
    expect(leftOf(more, NOON + HOUR)).toEqual([4, 8])
  })

  test('has nothing of what was rolled back, as long as main is whole', () => {
    const metadata = commits(sampleMetadata(keepingLittle(HOURLY)), before(130, 100, 90))
    const back = apply(metadata, [pointing('main', idOf(metadata, 1))], NOON - 80 * MINUTE)
    // Nothing else is of the hour of 2 and 3.
    expect(leftOf(commits(back, before(50, 0)), NOON)).toEqual([4, 5])
  })

  test('on a table whose main is empty: of all that there is', () => {
    const staged = before(130, 70, 65, 0).reduce(
      (metadata, timestampMs) => {
        const grown = commits(metadata, [timestampMs], 'staged')
        return apply(grown, [{ action: 'remove-snapshot-ref', name: 'staged' }], timestampMs)
      },
      sampleMetadata(keepingLittle(HOURLY)),
    )
    expect(staged.currentSnapshotId).toBeUndefined()
    expect(leftOf(staged, NOON)).toEqual([3, 4])
  })
})
