/** The summary of an append, field by field, as the spec has it and other engines add to it. */
import { describe, expect, test } from 'vitest'
import { appendSummary, partitionKey } from '../../src/commit/summary.ts'
import type { PartitionTuple } from '../../src/spec/partition.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { dataFileOf } from '../support/data-files.ts'

const parentWith = (summary: Snapshot['summary']): Snapshot => ({
  snapshotId: 1n,
  sequenceNumber: 1n,
  timestampMs: 1,
  manifestList: 'memory://t/l.avro',
  ...(summary && { summary }),
})

const TOTALS = {
  'total-records': '100',
  'total-files-size': '5000',
  'total-data-files': '7',
  'total-delete-files': '3',
  'total-position-deletes': '40',
  'total-equality-deletes': '5',
}

const FILES = [
  dataFileOf({ recordCount: 10n, fileSizeBytes: 1000n, partition: [1] }),
  dataFileOf({ recordCount: 5n, fileSizeBytes: 200n, partition: [2] }),
  dataFileOf({ recordCount: 1n, fileSizeBytes: 30n, partition: [1] }),
]

const ADDED = {
  operation: 'append',
  'added-data-files': '3',
  'added-records': '16',
  'added-files-size': '1230',
  'changed-partition-count': '2',
}

describe('the summary of an append', () => {
  test('adds to the totals of its parent; deletes, which it has none of, are carried on', () => {
    expect(appendSummary(FILES, parentWith({ operation: 'overwrite', 'deleted-records': '9', ...TOTALS }), {})).toEqual(
      {
        ...ADDED,
        ...TOTALS,
        'total-records': '116',
        'total-files-size': '6230',
        'total-data-files': '10',
      },
    )
  })

  test('begins at zero in a table without a snapshot', () => {
    expect(appendSummary(FILES, undefined, {})).toEqual({
      ...ADDED,
      'total-records': '16',
      'total-files-size': '1230',
      'total-data-files': '3',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
  })

  test('leaves out every total that the parent does not say, as it cannot be known', () => {
    expect(appendSummary(FILES, parentWith(undefined), {})).toEqual(ADDED)
    const some = parentWith({ operation: 'append', 'total-records': '0', 'total-files-size': 'many' })
    expect(appendSummary(FILES, some, {})).toEqual({ ...ADDED, 'total-records': '16' })
    for (const broken of ['', '-1', '1.5', 'x1', '1x', ' 1']) {
      const made = appendSummary(FILES, parentWith({ operation: 'append', 'total-records': broken }), {})
      expect(made, broken).toEqual(ADDED)
    }
  })

  test('is exact beyond what a double holds', () => {
    const parent = parentWith({ operation: 'append', 'total-records': '9007199254740993' })
    expect(appendSummary(FILES, parent, {})['total-records']).toBe('9007199254741009')
  })

  test('says besides what the caller gives', () => {
    expect(appendSummary(FILES, undefined, { 'datashard.folded': '3' })).toMatchObject({
      ...ADDED,
      'datashard.folded': '3',
    })
  })
})

describe('partitions are told apart', () => {
  const keyOf = (partition: Parameters<typeof dataFileOf>[0] = {}) => partitionKey(dataFileOf(partition))

  test('by their values and types', () => {
    const pairs: readonly (readonly [PartitionTuple, PartitionTuple])[] = [
      [[1], [2]],
      [[1], [1n]],
      [[1], ['1']],
      [[null], ['null']],
      [[true], ['true']],
      [[Uint8Array.of(1, 2)], [Uint8Array.of(1, 3)]],
      [[Uint8Array.of(1, 2)], [Uint8Array.of(12)]],
      [[Uint8Array.of(1, 2)], ['0x0102']],
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      [['a","b'], ['a', 'b']],
      [[], [null]],
    ]
    for (const [one, other] of pairs) expect(keyOf({ partition: one })).not.toBe(keyOf({ partition: other }))
  })

  test('by their spec, too, and not by anything else', () => {
    expect(keyOf({ specId: 0 })).not.toBe(keyOf({ specId: 1 }))
    const bytes = (path: string) => keyOf({ partition: [Uint8Array.of(0, 255), 7n, null], path })
    expect(bytes('memory://t/a')).toBe(bytes('memory://t/b'))
  })
})
