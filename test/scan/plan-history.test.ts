import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { appendsSince } from '../../src/scan/plan-history.ts'
import { planScan } from '../../src/scan/plan.ts'
import { describeManifest, encodeManifest } from '../../src/codec/manifest.ts'
import { encodeManifestList } from '../../src/codec/manifest-list.ts'
import type { DataFile, ManifestContent, ManifestEntry } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { UNPARTITIONED } from '../../src/spec/partition.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'

function snapshot(id: bigint, operation: string | undefined, parent: bigint | undefined = id - 1n): Snapshot {
  return {
    snapshotId: id,
    ...(parent > 0n && { parentSnapshotId: parent }),
    sequenceNumber: id,
    timestampMs: Number(id),
    manifestList: `memory://test/t/metadata/snap-${id}.avro`,
    ...(operation !== undefined && { summary: { operation } }),
  }
}

const metadata = (...snapshots: readonly Snapshot[]): TableMetadata => ({ ...sampleMetadata(), snapshots })

/** Ids of the runs after the first snapshot, up to the last. */
function runs(...operations: readonly (string | undefined)[]): bigint[][] {
  const snapshots = [snapshot(1n, 'append'), ...operations.map((one, i) => snapshot(BigInt(i + 2), one))]
  const found = appendsSince(metadata(...snapshots), snapshots.at(-1)!, snapshots[0]!, 't')
  for (const { last, snapshotIds } of found) expect(last.snapshotId).toBe([...snapshotIds].at(-1))
  return found.map(({ snapshotIds }) => [...snapshotIds])
}

function caught(run: () => unknown): DataShardError {
  try {
    run()
  } catch (error) {
    if (DataShardError.is(error)) return error
    throw error
  }
  return expect.unreachable('it did not fail')
}

describe('appends after a snapshot', () => {
  test('that follow each other are one run, whose last manifest list has all of their files', () => {
    expect(runs('append', 'append', 'append')).toEqual([[2n, 3n, 4n]])
  })

  test('are kept apart by what may have moved their files', () => {
    expect(runs('append', 'replace', 'append', 'append', 'delete')).toEqual([[2n], [4n, 5n]])
    expect(runs('overwrite', 'replace')).toEqual([])
    expect(runs()).toEqual([])
  })

  test('cannot be told from snapshots that do not say what they did', () => {
    expect(caught(() => runs('append', undefined))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('snapshot 3 of t does not say what it did'),
    })
    expect(caught(() => runs('vanish')).message).toContain("did a 'vanish'")
  })

  test('cannot be told from a history that goes in circles', () => {
    const circle = [snapshot(1n, 'append', 2n), snapshot(2n, 'append', 1n)]
    const error = caught(() => appendsSince(metadata(...circle), circle[1]!, snapshot(9n, 'append'), 't'))
    expect(error).toMatchObject({ code: 'corrupt', message: expect.stringContaining('its own ancestors') })
  })
})

/** A table of one snapshot whose manifests have these entries. */
async function oneAppend(...manifests: readonly { content: ManifestContent; entries: readonly ManifestEntry[] }[]) {
  const store = memoryStore({ name: 'test' })
  const { schemas } = sampleMetadata()
  const files = tableFiles(store, 't', 'memory://test/t')
  const listed = await Promise.all(
    manifests.map(async ({ content, entries }, i) => {
      const path = `memory://test/t/metadata/m${i}.avro`
      const of = { content, entries, schema: schemas[0]!, spec: UNPARTITIONED } as const
      const bytes = encodeManifest({ ...of, formatVersion: 2 })
      await store.put(files.resolve(path), bytes)
      return describeManifest({ ...of, path, lengthBytes: bytes.length, snapshotId: 2n, sequenceNumber: 2n })
    }),
  )
  const last = snapshot(2n, 'append')
  const list = encodeManifestList({ manifests: listed, snapshotId: 2n, sequenceNumber: 2n, formatVersion: 2 })
  await store.put(files.resolve(last.manifestList!), list)
  const since = snapshot(1n, 'append')
  return { files, metadata: metadata(since, last), snapshot: last, since, schema: schemas[0]! }
}

function entry(name: string, content: DataFile['content'], by: bigint | null): ManifestEntry {
  const none = new Map<number, never>()
  const metrics = {
    valueCounts: none,
    nullValueCounts: none,
    nanValueCounts: none,
    lowerBounds: none,
    upperBounds: none,
  }
  return {
    status: by === null ? 'added' : 'existing',
    snapshotId: by,
    sequenceNumber: by,
    fileSequenceNumber: by,
    dataFile: {
      ...metrics,
      content,
      path: `memory://test/t/data/${name}`,
      format: 'parquet',
      partition: [],
      specId: 0,
      recordCount: 1n,
      fileSizeBytes: 1n,
      columnSizes: none,
    },
  }
}

describe('the files of an append', () => {
  test('are told from those that its manifest took over from older ones', async () => {
    const entries = [entry('new', 'data', null), entry('old', 'data', 1n)]
    const { tasks, stats } = await planScan(await oneAppend({ content: 'data', entries }))
    expect(tasks.map(({ dataFile }) => dataFile.path)).toEqual(['memory://test/t/data/new'])
    expect(stats.filesTotal).toBe(1)
  })

  test('are refused if it added deletes at the same time', async () => {
    const request = await oneAppend(
      { content: 'data', entries: [entry('new', 'data', null)] },
      { content: 'deletes', entries: [entry('gone', 'position-deletes', null)] },
    )
    await expect(planScan(request)).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('a snapshot', () => {
  test('without a manifest list is damaged, not empty', async () => {
    const request = await oneAppend()
    const { manifestList: _, ...bare } = request.snapshot
    const planned = planScan({ ...request, since: undefined, snapshot: bare })
    await expect(planned).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining('snapshot 2') })
  })

  test('with an encrypted manifest list is refused', async () => {
    const request = await oneAppend()
    const encrypted = { ...request.snapshot, unknown: { 'key-id': 'k1' } }
    const planned = planScan({ ...request, since: undefined, snapshot: encrypted })
    await expect(planned).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('encrypted') })
  })
})
