import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { metadataFromJson, metadataToJson } from '../../src/spec/metadata-json.ts'
import { removeSnapshots } from '../../src/spec/remove-snapshots.ts'
import { parseJson, stringifyJson } from '../../src/codec/lossless-json.ts'
import { apply, grow, history, idsOf, pointing, SECOND } from '../support/histories.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const { metadata, nowMs } = history(sampleMetadata(), 6, SECOND, false)
const [one, two, three, four, , six] = idsOf(metadata) as [bigint, bigint, bigint, bigint, bigint, bigint]
const remove = (from: TableMetadata, ...snapshotIds: readonly bigint[]) =>
  apply(from, [{ action: 'remove-snapshots', snapshotIds }], nowMs)
const logOf = (of: TableMetadata) => of.snapshotLog.map(({ snapshotId }) => snapshotId)

describe('removing snapshots', () => {
  test('takes them out, leaves parents as they are, and cuts the log at the newest that is gone', () => {
    const next = remove(metadata, two, four)
    expect(idsOf(next)).toEqual(idsOf(metadata).filter((id) => id !== two && id !== four))
    expect(next.snapshots.map((snapshot) => snapshot.parentSnapshotId)).toEqual([undefined, two, four, four + 1n])
    expect(logOf(next)).toEqual([four + 1n, six])
    expect(next.currentSnapshotId).toBe(six)
  })

  test('of the beginning leaves the rest of the log', () => {
    expect(logOf(remove(metadata, one))).toEqual(idsOf(metadata).slice(1))
  })

  test('that main left again cuts the log at that place, too', () => {
    const back = apply(metadata, [pointing('main', five())], nowMs)
    const next = remove(grow(back, nowMs + SECOND), six)
    expect(logOf(next)).toEqual([five(), six + 1n])
  })

  test('that are not there changes nothing', () => {
    expect(remove(metadata, 5n, 6n)).toMatchObject({ snapshots: metadata.snapshots, snapshotLog: metadata.snapshotLog })
    // Not even a log that another engine left with a gap.
    const gap = { ...metadata, snapshotLog: [{ timestampMs: 1, snapshotId: 5n }, ...metadata.snapshotLog] }
    expect(removeSnapshots(gap, [5n])).toEqual(gap)
    expect(removeSnapshots(gap, [])).toEqual(gap)
  })

  test('that a tag, a branch or main names is refused', () => {
    const tagged = apply(metadata, [pointing('kept', three, { type: 'tag' })], nowMs)
    expect(() => remove(tagged, two, three)).toThrow(/'kept' names it/)
    expect(() => remove(metadata, six)).toThrow(/'main' names it/)
    const without = apply(tagged, [{ action: 'remove-snapshot-ref', name: 'kept' }], nowMs)
    expect(idsOf(remove(without, three))).not.toContain(three)
  })

  test('takes the statistics of theirs with them, whatever else the table says', () => {
    const json = metadataToJson(metadata)
    const about = (id: bigint) => ({ 'snapshot-id': id, 'statistics-path': `memory://test/t/metadata/${id}.puffin` })
    const text = stringifyJson({
      ...json,
      statistics: [about(two), about(three)],
      'partition-statistics': [about(two)],
      'encryption-keys': [{ 'key-id': 'k' }],
      'of-others': 5,
    })
    const next = remove(metadataFromJson(parseJson(text)), two)
    expect(metadataToJson(next)).toMatchObject({
      statistics: [about(three)],
      'partition-statistics': [],
      'encryption-keys': [{ 'key-id': 'k' }],
      'of-others': 5,
    })
    expect(metadataToJson(remove(metadata, two))).not.toHaveProperty('statistics')
  })

  test.for([
    ['a list that is none', { 'snapshot-id': two }],
    ['null for a list', null],
    ['entries that are no objects', [null, 5, 'x', [two]]],
    [
      'entries that name no snapshot',
      [{}, { 'snapshot-id': null }, { 'snapshot-id': `${two}` }, { 'snapshot-id': 1.5 }],
    ],
  ] as const)('leaves alone what it does not understand: %s', ([, statistics]) => {
    const unknown = { statistics, 'partition-statistics': statistics }
    expect(removeSnapshots({ ...metadata, unknown }, [two]).unknown).toEqual(unknown)
  })

  test('knows theirs by small ids, too, which JSON has as plain numbers', () => {
    const small = { ...metadata.snapshots[0]!, snapshotId: 7n }
    const unknown = { statistics: [{ 'snapshot-id': 7 }, { 'snapshot-id': 8 }, { 'snapshot-id': 7n }] }
    const next = removeSnapshots({ ...metadata, snapshots: [small, ...metadata.snapshots], unknown }, [7n])
    expect(next.unknown).toEqual({ statistics: [{ 'snapshot-id': 8 }] })
  })

  function five(): bigint {
    return six - 1n
  }
})
