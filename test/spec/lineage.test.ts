import { describe, expect, test } from 'vitest'
import { ancestorsOf, isOlder } from '../../src/spec/lineage.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'

/** `2<1`: snapshot 2, whose parent is 1. In the order of the list, a second and a sequence number apart. */
const snapshots = (text: string): readonly Snapshot[] =>
  text.split(' ').map((entry, i) => {
    const [id, parent] = entry.split('<')
    return {
      snapshotId: BigInt(id!),
      ...(parent !== undefined && { parentSnapshotId: BigInt(parent) }),
      sequenceNumber: BigInt(i + 1),
      timestampMs: (i + 1) * 1000,
    }
  })

const chain = (text: string, id: bigint | undefined): string =>
  ancestorsOf(snapshots(text), id)
    .map(({ snapshotId }) => snapshotId)
    .join(' ')

describe('ancestors', () => {
  test.for([
    ['1', 1n, '1', 'one without a parent'],
    ['1 2<1 3<2', 3n, '3 2 1', 'the newest first, down to the first of all'],
    ['1 2<1 3<2', 2n, '2 1', 'not those that came later'],
    ['1 2<1 3<2', 1n, '1', 'the first has none'],
    ['1 2<1 3<2 4<2 5<3', 5n, '5 3 2 1', 'not those of another branch'],
    ['1 2<1 3<2 4<2 5<3', 4n, '4 2 1', 'of a branch that was left'],
    ['1 2 3<2', 3n, '3 2', 'not what was there before a branch without history'],
    ['5<4 6<5 7<6', 7n, '7 6 5', 'down to the one whose parent is gone'],
    ['1 2<1 4<3 5<4', 5n, '5 4', 'not beyond a gap'],
    ['3<2 2<1 1', 3n, '3 2 1', 'listed in the wrong order'],
    ['2<1 1 3<2', 3n, '3 2 1', 'a parent that is listed after its child'],
    ['1 2<1 3<4 4<2', 4n, '4 2 1', 'a child that is listed before its parent does not matter'],
    ['1 2<1 3<2', 9n, '', 'nothing of one that is not there'],
    ['1 2<1 3<2', undefined, '', 'nothing of none'],
  ] as const)('of %s: %s has %j: %s', ([text, id, expected]) => {
    expect(chain(text, id)).toBe(expected)
  })

  test('of an empty table are none', () => {
    expect(ancestorsOf([], 1n)).toEqual([])
    expect(ancestorsOf([], undefined)).toEqual([])
  })

  test('of snapshots that name each other come to an end, none of them twice', () => {
    expect(chain('1<1', 1n)).toBe('1')
    expect(chain('1<2 2<1', 2n)).toBe('2 1')
    expect(chain('1<3 2<1 3<2', 2n)).toBe('2 1 3')
  })
})

describe('age', () => {
  const made = (sequenceNumber: bigint, timestampMs: number): Snapshot => ({
    snapshotId: 1n,
    sequenceNumber,
    timestampMs,
  })

  test.for([
    [1n, 1000, 2n, 2000, 'sequence numbers and clocks agree'],
    [1n, 2000, 2n, 1000, 'the sequence number counts, not a clock that was behind'],
    [1n, 1000, 2n, 1000, 'two in one millisecond'],
    [0n, 1000, 0n, 2000, 'format v1 has only the time'],
    [0n, 2000, 1n, 1000, 'all of v1 are older than those after the upgrade'],
    [2n ** 53n, 1000, 2n ** 53n + 1n, 1000, 'sequence numbers beyond a double'],
  ] as const)('%d at %d is older than %d at %d: %s', ([seqA, timeA, seqB, timeB]) => {
    expect(isOlder(made(seqA, timeA), made(seqB, timeB))).toBe(true)
    expect(isOlder(made(seqB, timeB), made(seqA, timeA))).toBe(false)
  })

  test('no snapshot is older than itself', () => {
    expect(isOlder(made(1n, 1000), made(1n, 1000))).toBe(false)
  })
})
