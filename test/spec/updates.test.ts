/** What each update does to table metadata, and what all of them do: the clock, and the log of versions. */
import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import type { SortOrder } from '../../src/spec/sort-order.ts'
import type { Schema } from '../../src/spec/types.ts'
import type { TableUpdate } from '../../src/spec/updates.ts'
import { applyUpdates, newTableMetadata } from '../../src/spec/updates.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

const base = sampleMetadata({ a: '1', b: '2', c: '3' })
const BEGIN = base.lastUpdatedMs
const apply = (from: TableMetadata, updates: readonly TableUpdate[], nowMs = BEGIN + 1000) =>
  applyUpdates(from, updates, { nowMs, baseFile: 'memory://test/t/metadata/v1.metadata.json' })

const snapshot = (n: number, timestampMs = BEGIN + n): Snapshot => ({
  snapshotId: BigInt(100 + n),
  sequenceNumber: BigInt(n),
  timestampMs,
  manifestList: `memory://test/t/metadata/${n}.avro`,
  summary: { operation: 'append' },
  schemaId: 0,
})
const adding = (n: number, timestampMs?: number): TableUpdate => ({
  action: 'add-snapshot',
  snapshot: snapshot(n, timestampMs),
})
const naming = (name: string, n: number): TableUpdate => ({
  action: 'set-snapshot-ref',
  name,
  ref: { snapshotId: BigInt(100 + n), type: name === 'main' ? 'branch' : 'tag' },
})

describe('the time of a version', () => {
  test('never goes back, and is not before that of a snapshot that comes with it', () => {
    expect(apply(base, []).lastUpdatedMs).toBe(BEGIN + 1000)
    expect(apply(base, [], BEGIN - 5).lastUpdatedMs).toBe(BEGIN)
    expect(apply(base, [adding(1, BEGIN + 9000)]).lastUpdatedMs).toBe(BEGIN + 9000)
    expect(apply(base, [adding(1, BEGIN + 10)]).lastUpdatedMs).toBe(BEGIN + 1000)
  })

  test('and file of the version before it go to the log, which has a limit', () => {
    const next = apply(base, [])
    expect(next.metadataLog).toEqual([
      { timestampMs: BEGIN, metadataFile: 'memory://test/t/metadata/v1.metadata.json' },
    ])
    const few = sampleMetadata({ 'write.metadata.previous-versions-max': '3' })
    let long: TableMetadata = few
    for (let i = 1; i <= 5; i++) long = apply(long, [], BEGIN + i)
    expect(long.metadataLog.map(({ timestampMs }) => timestampMs - BEGIN)).toEqual([2, 3, 4])
    // What the version itself sets counts already.
    const set = apply(long, [{ action: 'set-properties', updates: { 'write.metadata.previous-versions-max': '1' } }])
    expect(set.metadataLog.map(({ timestampMs }) => timestampMs - BEGIN)).toEqual([5])
  })
})

describe('snapshots and what names them', () => {
  test('main is where it points, with the time of a snapshot that is new, or else of the change', () => {
    const one = apply(base, [adding(1), naming('main', 1)])
    expect(one).toMatchObject({ currentSnapshotId: 101n, lastSequenceNumber: 1n })
    expect(one.snapshotLog).toEqual([{ timestampMs: BEGIN + 1, snapshotId: 101n }])
    const two = apply(one, [adding(2), naming('main', 2)], BEGIN + 2000)
    expect(two.snapshotLog.at(-1)).toEqual({ timestampMs: BEGIN + 2, snapshotId: 102n })
    const back = apply(two, [naming('main', 1)], BEGIN + 3000)
    expect(back.currentSnapshotId).toBe(101n)
    expect(back.snapshotLog.at(-1)).toEqual({ timestampMs: BEGIN + 3000, snapshotId: 101n })
    expect(back.snapshotLog).toHaveLength(3)
    // Nothing happens to who is there already.
    expect(apply(back, [naming('main', 1)], BEGIN + 4000).snapshotLog).toEqual(back.snapshotLog)
  })

  test('a tag changes neither main nor the log', () => {
    const tagged = apply(base, [adding(1), naming('kept', 1)])
    expect(tagged.refs).toEqual({ kept: { snapshotId: 101n, type: 'tag' } })
    expect(tagged.currentSnapshotId).toBeUndefined()
    expect(tagged.snapshotLog).toEqual([])
    expect(apply(tagged, [{ action: 'remove-snapshot-ref', name: 'kept' }]).refs).toEqual({})
  })

  test('one that is gone cannot be named, one that is there not be added again, none be older than the last', () => {
    expect(() => apply(base, [naming('kept', 7)])).toThrow("snapshot 107, which 'kept' shall name, is gone")
    const two = apply(base, [adding(2)])
    expect(() => apply(two, [adding(2)])).toThrow('snapshot 102 exists already')
    expect(() => apply(two, [adding(1)])).toThrow('sequence number 1 is not after 2')
    expect(() => apply(two, [{ action: 'add-snapshot', snapshot: { ...snapshot(3), sequenceNumber: 2n } }])).toThrow(
      'sequence number 2 is not after 2',
    )
    // Those of format v1 have no sequence numbers.
    const old = { ...apply(base, []), formatVersion: 1 } as const
    const zero = { ...snapshot(1), sequenceNumber: 0n }
    expect(apply(old, [{ action: 'add-snapshot', snapshot: zero }]).snapshots).toEqual([zero])
  })
})

describe('what a table is', () => {
  test('properties are set, and removed by name', () => {
    const set = apply(base, [{ action: 'set-properties', updates: { b: '20', d: '4' } }])
    expect(set.properties).toEqual({ a: '1', b: '20', c: '3', d: '4' })
    const removed = apply(set, [{ action: 'remove-properties', removals: ['a', 'c', 'not there'] }])
    expect(removed.properties).toEqual({ b: '20', d: '4' })
  })

  test('a schema becomes the current one, instead of one with its id; ids of columns never go back', () => {
    const wide: Schema = { schemaId: 1, fields: [{ id: 9, name: 'n', required: false, type: { type: 'int' } }] }
    const narrow: Schema = { ...wide, fields: [{ ...wide.fields[0]!, id: 3 }] }
    const next = apply(base, [{ action: 'set-schema', schema: wide }])
    expect(next).toMatchObject({ schemas: [base.schemas[0], wide], currentSchemaId: 1, lastColumnId: 9 })
    const again = apply(next, [{ action: 'set-schema', schema: narrow }])
    expect(again).toMatchObject({ schemas: [base.schemas[0], narrow], currentSchemaId: 1, lastColumnId: 9 })
  })

  test('a partition spec becomes the default, instead of one with its id; ids of its fields never go back', () => {
    const specOf = (specId: number, ...ids: readonly number[]): PartitionSpec => ({
      specId,
      fields: ids.map((fieldId) => ({
        sourceId: 1,
        fieldId,
        name: `f${fieldId}`,
        transform: { transform: 'identity' },
      })),
    })
    const next = apply(base, [{ action: 'set-spec', spec: specOf(1, 1000, 1004) }])
    expect(next).toMatchObject({ defaultSpecId: 1, lastPartitionId: 1004 })
    expect(next.partitionSpecs).toEqual([base.partitionSpecs[0], specOf(1, 1000, 1004)])
    const again = apply(next, [{ action: 'set-spec', spec: specOf(1, 1001) }])
    expect(again).toMatchObject({ defaultSpecId: 1, lastPartitionId: 1004 })
    expect(again.partitionSpecs).toEqual([base.partitionSpecs[0], specOf(1, 1001)])
  })

  test('a sort order becomes the default, instead of one with its id', () => {
    const by = (orderId: number, direction: 'asc' | 'desc'): SortOrder => ({
      orderId,
      fields: [{ sourceId: 1, transform: { transform: 'identity' }, direction, nullOrder: 'nulls-first' }],
    })
    const next = apply(base, [{ action: 'set-sort-order', sortOrder: by(1, 'asc') }])
    expect(next.sortOrders).toEqual([base.sortOrders[0], by(1, 'asc')])
    expect(next.defaultSortOrderId).toBe(1)
    expect(apply(next, [{ action: 'set-sort-order', sortOrder: by(1, 'desc') }]).sortOrders).toEqual([
      base.sortOrders[0],
      by(1, 'desc'),
    ])
  })

  test('a new one has the highest ids of its columns and of its partition fields', () => {
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1003, name: 'id', transform: { transform: 'identity' } }],
    }
    const { tableUuid, location, schemas, sortOrders } = base
    const given = { tableUuid, location, schema: schemas[0]!, sortOrder: sortOrders[0]!, properties: {}, nowMs: 5 }
    expect(newTableMetadata({ ...given, spec })).toMatchObject({ lastColumnId: 2, lastPartitionId: 1003 })
    expect(newTableMetadata({ ...given, spec: { ...spec, fields: [] } }).lastPartitionId).toBe(999)
  })
})
