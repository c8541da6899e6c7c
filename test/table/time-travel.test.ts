import { describe, expect, test } from 'vitest'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { resolveAsOf } from '../../src/table/as-of.ts'
import { appendsSince } from '../../src/scan/plan-history.ts'
import { createTable } from '../../src/table/create.ts'
import { caught } from '../spec/caught.ts'
import { apply, grow, history, MINUTE, pointing, SECOND } from '../support/histories.ts'
import { collect, people, person } from '../support/tables.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const LOCATION = 'memory://store/t'
const START = Date.UTC(2026, 0, 1)

async function threeDays() {
  const runtime = virtualRuntime(1, START)
  const store = memoryStore({ now: runtime.now })
  const table = await createTable(LOCATION, { schema: people, store, runtime })
  const results = []
  for (let day = 0; day < 3; day++) {
    runtime.advance({ wallMs: 86_400_000, monotonicMs: 0 })
    results.push(await table.append([person(day)]))
  }
  return { table, results }
}

describe('time travel', () => {
  test('by snapshot id: bigint, text, and an exact number', async () => {
    const { table, results } = await threeDays()
    const { snapshotId } = results[1]!
    expect(await table.timeTravel({ snapshotId }).scan().count()).toBe(2)
    expect(
      await table
        .timeTravel({ snapshotId: String(snapshotId) })
        .scan()
        .count(),
    ).toBe(2)
    expect(await table.scan({ asOf: { snapshotId } }).count()).toBe(2)
    expect(() => table.timeTravel({ snapshotId: 2 ** 60 })).toThrow(/not exact/)
    expect(() => table.timeTravel({ snapshotId: 5n })).toThrow(/has no snapshot 5/)
  })

  test('by one of them: two could mean two states', () => {
    const both = { snapshotId: 1n, ref: 'main' } as never
    expect(() => resolveAsOf(sampleMetadata(), both, 't')).toThrow(/asOf names ref and snapshotId/)
  })

  test('by time: what was current then, in every form of a moment', async () => {
    const { table } = await threeDays()
    const noon = START + 2.5 * 86_400_000
    for (const timestamp of [noon, new Date(noon), new Date(noon).toISOString(), BigInt(noon)]) {
      expect(await table.timeTravel({ timestamp }).scan().count()).toBe(2)
    }
    expect(await table.scan({ asOf: { timestamp: '2030-01-01' } }).count()).toBe(3)
    expect(() => table.timeTravel({ timestamp: START })).toThrow(/its history begins at 2026-01-02/)
    expect(() => table.timeTravel({ timestamp: 'yesterday' })).toThrow(/no moment/)
  })

  test('rows appended since a snapshot', async () => {
    const { table, results } = await threeDays()
    const { snapshotId } = results[0]!
    const rows = await table.scan({ since: { snapshotId }, select: ['id'] }).toArray()
    expect(rows.map((row) => row['id']).toSorted()).toEqual([1n, 2n])
  })

  test('names: an unknown one lists those there are', async () => {
    const { table } = await threeDays()
    await table.transaction((tx) => tx.setTag('v1'))
    expect(() => table.timeTravel({ ref: 'v2' })).toThrow(/there are .*v1/)
    expect(await table.timeTravel({ ref: 'main' }).scan().count()).toBe(3)
  })

  test('snapshots, their manifests and entries can be walked', async () => {
    const { table, results } = await threeDays()
    expect(table.snapshots().map((snapshot) => snapshot.snapshotId)).toEqual(results.map((r) => r.snapshotId))
    expect(table.snapshotById(results[0]!.snapshotId)?.operation).toBe('append')
    expect(table.snapshotById(1n)).toBeUndefined()
    const manifests = await table.currentSnapshot()!.manifests()
    const entries = await Promise.all(manifests.map((manifest) => collect(manifest.entries())))
    expect(entries.flat().map((entry) => [entry.status, entry.dataFile.recordCount])).toEqual([
      ['added', 1n],
      ['added', 1n],
      ['added', 1n],
    ])
    expect(entries.flat().map((entry) => entry.snapshotId)).toEqual(results.map((r) => r.snapshotId).toReversed())
    expect((await collect(table.files({ asOf: { snapshotId: results[0]!.snapshotId } }))).length).toBe(1)
  })
})

describe('time travel into history that was thinned out', () => {
  const snapshot = (id: bigint, parent: bigint | undefined, timestampMs: number): Snapshot => ({
    snapshotId: id,
    ...(parent !== undefined && { parentSnapshotId: parent }),
    sequenceNumber: id,
    timestampMs,
    manifestList: `memory://test/t/metadata/${id}.avro`,
  })
  // 1 and 2, then a gap where 3 and 4 were, then 5.
  const metadata: TableMetadata = {
    ...sampleMetadata(),
    snapshots: [snapshot(1n, undefined, 1000), snapshot(2n, 1n, 2000), snapshot(5n, 4n, 5000)],
    snapshotLog: [1n, 2n, 5n].map((snapshotId) => ({ snapshotId, timestampMs: Number(snapshotId) * 1000 })),
    currentSnapshotId: 5n,
  }
  const at = (timestamp: number, nearest?: boolean) =>
    resolveAsOf(metadata, { timestamp, ...(nearest !== undefined && { nearest }) }, 'the table').snapshot?.snapshotId

  test('inside the gap it fails and names both neighbours', () => {
    expect(() => at(3500)).toThrow(/2 of 1970-01-01T00:00:02.000Z before it and 5 of 1970-01-01T00:00:05.000Z after it/)
  })

  test('nearest takes the one before', () => {
    expect(at(3500, true)).toBe(2n)
  })

  test('outside of it nothing changes', () => {
    expect([at(1500), at(5000), at(9000)]).toEqual([1n, 5n, 5n])
  })

  test('a moment without a zone is UTC, however its day and time are parted; what is none is refused', async () => {
    const { table } = await threeDays()
    const at = (timestamp: string) => table.timeTravel({ timestamp }).currentSnapshot()!.timestampMs
    const noon = '2026-01-03T12:00'
    for (const same of [
      '2026-01-03 12:00:00',
      '2026-01-03 12:00Z',
      '2026-01-03T14:00:00.5+02',
      '2026-01-03t12:00:00+0000',
    ]) {
      expect(at(same)).toBe(at(noon))
    }
    for (const none of ['yesterday', '2026', '2026-01-03T25:00', '', '2026-13-01']) {
      expect(() => at(none)).toThrow(/is no moment/)
    }
    for (const asOf of [5n, 'main', null]) expect(() => table.timeTravel(asOf as never)).toThrow(/asOf/)
    expect(() => table.timeTravel({ ref: 'constructor' })).toThrow(/no tag or branch/)
  })
})

describe('time travel in a table that is thinned out by every commit', () => {
  // One commit a second for an hour and a half: 300 without a gap, before them one a minute.
  const { metadata, nowMs } = history(sampleMetadata(), 5_400, SECOND)
  const at = (timestamp: number, nearest?: boolean, of: TableMetadata = metadata) =>
    resolveAsOf(of, { timestamp, ...(nearest !== undefined && { nearest }) }, 'the table').snapshot!

  test('where nothing is missing every moment is exact', () => {
    for (const ago of [0, 1, 2.5, 100, 298]) {
      const moment = nowMs - ago * SECOND
      expect(at(moment).timestampMs).toBe(Math.floor(moment / SECOND) * SECOND)
    }
  })

  test('that also holds where the log was cut, as long as parents lead there', () => {
    const cut = { ...metadata, snapshotLog: metadata.snapshotLog.slice(-3) }
    expect(at(nowMs - 100.5 * SECOND, undefined, cut).timestampMs).toBe(nowMs - 101 * SECOND)
    expect(at(nowMs - 100.5 * SECOND, undefined, { ...cut, snapshotLog: [] }).timestampMs).toBe(nowMs - 101 * SECOND)
    // Main came back to the snapshot with which the log begins: what was current before is not told by its parents.
    const [returned, ...rest] = cut.snapshotLog
    const after = { ...cut, snapshotLog: [{ ...returned!, timestampMs: returned!.timestampMs + 500 }, ...rest] }
    expect(() => at(nowMs - 100.5 * SECOND, undefined, after)).toThrow(/thinned out/)
  })

  test('before, only the time of a snapshot itself is', () => {
    const rungs = metadata.snapshots.slice(0, 40)
    for (const { timestampMs, snapshotId } of rungs) expect(at(timestampMs).snapshotId).toBe(snapshotId)
  })

  test('between two of them it fails and names both, or takes the one before', () => {
    const [before, after] = metadata.snapshots.slice(20, 22) as [Snapshot, Snapshot]
    expect(after.timestampMs - before.timestampMs).toBe(MINUTE)
    const moment = before.timestampMs + 30 * SECOND
    const error = caught(() => at(moment))
    expect(error).toMatchObject({
      code: 'not-found',
      details: { before: String(before.snapshotId), after: String(after.snapshotId) },
    })
    expect(error!.message).toContain(`${before.snapshotId} of ${new Date(before.timestampMs).toISOString()} before it`)
    expect(error!.message).toContain(`${after.snapshotId} of ${new Date(after.timestampMs).toISOString()} after it`)
    expect(at(moment, true).snapshotId).toBe(before.snapshotId)
    expect(() => at(metadata.snapshots[0]!.timestampMs - 1, true)).toThrow(/its history begins at/)
  })

  test('snapshots of other branches are not taken for those of main', () => {
    const rung = metadata.snapshots[30]!
    const branched = grow(apply(metadata, [pointing('audit', rung.snapshotId)], nowMs), nowMs, 'audit')
    expect(at(nowMs, undefined, branched).snapshotId).toBe(metadata.currentSnapshotId)
    expect(at(rung.timestampMs + SECOND, true, branched).snapshotId).toBe(metadata.snapshots[29]!.snapshotId)
  })

  test('of the last answer of two: a log that names what is gone', () => {
    const last = metadata.snapshotLog.at(-1)!
    const log = [...metadata.snapshotLog.slice(0, -1), { timestampMs: last.timestampMs - 500, snapshotId: 77n }, last]
    const odd = { ...metadata, snapshotLog: log }
    expect(() => at(nowMs - 250, undefined, odd)).toThrow(/thinned out/)
    expect(at(nowMs - 250, true, odd).timestampMs).toBe(nowMs - SECOND)
  })

  test('rows since a snapshot before a gap are not known: it fails and names both sides of it', () => {
    const since = metadata.snapshots[5]!
    const head = metadata.snapshots.at(-1)!
    const oldest = metadata.snapshots.find(({ snapshotId }) => snapshotId === metadata.snapshotLog[0]!.snapshotId)!
    const before = metadata.snapshots[metadata.snapshots.indexOf(oldest) - 1]!
    const error = caught(() => appendsSince(metadata, head, since, 'the table'))
    expect(error).toMatchObject({
      code: 'not-found',
      details: {
        since: String(since.snapshotId),
        before: String(before.snapshotId),
        oldest: String(oldest.snapshotId),
      },
    })
    expect(error!.message).toContain(`The newest one before the gap is ${before.snapshotId} of`)
    expect(appendsSince(metadata, head, oldest, 'the table')).toHaveLength(1)
  })
})
