/** Plans over tables made of manifests alone: no data file is ever read by planning. */
import { describe, expect, test } from 'vitest'
import { describeManifest, encodeManifest } from '../../src/codec/manifest.ts'
import { decodeManifestList, encodeManifestList, UNKNOWN_COUNT } from '../../src/codec/manifest-list.ts'
import { DataShardError } from '../../src/errors.ts'
import { countByManifestList, planScan, streamTasks } from '../../src/scan/plan.ts'
import type { PlanRequest } from '../../src/scan/task.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import type { DataFile, EntryStatus, ManifestContent, ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { Predicate } from '../../src/spec/expressions.ts'
import { and, eq, gt, gte, isNull, lt, notEq, or } from '../../src/spec/expressions.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { PartitionSpec, PartitionTuple } from '../../src/spec/partition.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import type { Field, Schema } from '../../src/spec/types.ts'
import { encodeValue } from '../../src/spec/values.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore, RequestEvent } from '../../src/store/store.ts'
import { tableFiles } from '../../src/store/table-files.ts'

const LOCATION = 'memory://plans/t'
const DAY_MICROS = 86_400_000_000n

const SCHEMA: Schema = {
  schemaId: 0,
  fields: [
    { id: 1, name: 'id', required: true, type: { type: 'long' } },
    { id: 2, name: 'at', required: false, type: { type: 'timestamptz' } },
    { id: 3, name: 'kind', required: false, type: { type: 'string' } },
  ],
}
const PLAIN: PartitionSpec = { specId: 0, fields: [] }
const BY_DAY: PartitionSpec = {
  specId: 1,
  fields: [{ sourceId: 2, fieldId: 1000, name: 'at_day', transform: { transform: 'day' } }],
}
const BY_KIND: PartitionSpec = {
  specId: 2,
  fields: [{ sourceId: 3, fieldId: 1001, name: 'kind', transform: { transform: 'identity' } }],
}

interface FileOptions extends Partial<Omit<DataFile, 'path' | 'partition'>> {
  /** Lowest and highest `id`. */
  readonly ids?: readonly [bigint, bigint]
}

const bounds = (id: bigint) => new Map([[1, encodeValue({ type: 'long' }, id)]])

function dataFile(name: string, partition: PartitionTuple = [], { ids, ...rest }: FileOptions = {}): DataFile {
  const count = (value: bigint) => (ids ? new Map([[1, value]]) : new Map<number, bigint>())
  return {
    content: 'data',
    path: `${LOCATION}/data/${name}`,
    format: 'parquet',
    partition,
    specId: 0,
    recordCount: 10n,
    fileSizeBytes: 1000n,
    columnSizes: new Map(),
    valueCounts: count(10n),
    nullValueCounts: count(0n),
    nanValueCounts: new Map(),
    lowerBounds: ids ? bounds(ids[0]) : new Map(),
    upperBounds: ids ? bounds(ids[1]) : new Map(),
    ...rest,
  }
}

interface ManifestOptions {
  readonly spec?: PartitionSpec
  readonly content?: ManifestContent
  /** Entries that are not `added` by the snapshot of the manifest. */
  readonly old?: readonly { readonly file: DataFile; readonly status: EntryStatus; readonly snapshotId: bigint }[]
}

interface SnapshotOptions {
  readonly operation?: string
  readonly parent?: bigint
  readonly change?: (manifest: ManifestFile) => ManifestFile
}

/** A table that is put together by hand. */
class HandMade {
  readonly store: ObjectStore = memoryStore({ name: 'plans' })
  readonly files = tableFiles(this.store, 't', LOCATION)
  readonly requests: RequestEvent[] = []
  #snapshots: Snapshot[] = []
  #names = 0

  constructor() {
    this.store.observe((event) => this.requests.push(event))
  }

  /** Writes a manifest of files that the snapshot adds. */
  async manifest(
    snapshotId: bigint,
    added: readonly DataFile[],
    { spec = PLAIN, content = 'data', old = [] }: ManifestOptions = {},
  ): Promise<ManifestFile> {
    const path = `${LOCATION}/metadata/m${++this.#names}.avro`
    const entry = (file: DataFile, status: EntryStatus, by: bigint | null): ManifestEntry => ({
      status,
      snapshotId: by,
      sequenceNumber: by,
      fileSequenceNumber: by,
      dataFile: { ...file, specId: spec.specId },
    })
    const entries = [
      ...added.map((file) => entry(file, 'added', null)),
      ...old.map(({ file, status, snapshotId: by }) => entry(file, status, by)),
    ]
    const bytes = encodeManifest({ entries, schema: SCHEMA, spec, content, formatVersion: 2 })
    await this.store.put(this.files.resolve(path), bytes)
    return describeManifest({
      path,
      lengthBytes: bytes.length,
      content,
      entries,
      spec,
      schema: SCHEMA,
      snapshotId,
      sequenceNumber: snapshotId,
    })
  }

  async snapshot(
    snapshotId: bigint,
    manifests: readonly ManifestFile[],
    { operation = 'append', parent }: SnapshotOptions = {},
  ): Promise<Snapshot> {
    const path = `${LOCATION}/metadata/snap-${snapshotId}.avro`
    const list = encodeManifestList({ manifests, snapshotId, sequenceNumber: snapshotId, formatVersion: 2 })
    await this.store.put(this.files.resolve(path), list)
    return this.add({
      snapshotId,
      ...(parent !== undefined && { parentSnapshotId: parent }),
      sequenceNumber: snapshotId,
      timestampMs: Number(snapshotId),
      manifestList: path,
      summary: { operation },
    })
  }

  add(snapshot: Snapshot): Snapshot {
    this.#snapshots.push(snapshot)
    return snapshot
  }

  get metadata(): TableMetadata {
    return {
      formatVersion: 2,
      tableUuid: '5c1b5a49-7a4c-4d5b-9d8e-000000000000',
      location: LOCATION,
      lastSequenceNumber: 9n,
      lastUpdatedMs: 9,
      lastColumnId: 3,
      schemas: [SCHEMA],
      currentSchemaId: 0,
      partitionSpecs: [PLAIN, BY_DAY, BY_KIND],
      defaultSpecId: 0,
      lastPartitionId: 1001,
      sortOrders: [{ orderId: 0, fields: [] }],
      defaultSortOrderId: 0,
      properties: {},
      snapshots: this.#snapshots,
      snapshotLog: [],
      metadataLog: [],
      refs: {},
    }
  }

  request(snapshot: Snapshot | undefined, predicate?: Predicate, more: Partial<PlanRequest> = {}): PlanRequest {
    this.requests.length = 0
    return {
      files: this.files,
      metadata: this.metadata,
      snapshot,
      schema: SCHEMA,
      ...(predicate && { predicate: bindPredicate(predicate, SCHEMA) }),
      ...more,
    }
  }

  async plan(snapshot: Snapshot | undefined, predicate?: Predicate, more: Partial<PlanRequest> = {}) {
    const { tasks, stats } = await planScan(this.request(snapshot, predicate, more))
    return { names: tasks.map(({ dataFile }) => dataFile.path.slice(LOCATION.length + 6)), tasks, stats }
  }
}

async function failure(promise: Promise<unknown>): Promise<DataShardError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!DataShardError.is(error)) throw error ?? new Error('it did not fail')
  return error
}

/** Two days in one manifest, one day in another, nothing else. */
async function byDay() {
  const table = new HandMade()
  const first = await table.manifest(1n, [dataFile('d-1', [-1]), dataFile('d0', [0])], { spec: BY_DAY })
  const second = await table.manifest(1n, [dataFile('d9', [9])], { spec: BY_DAY })
  const snapshot = await table.snapshot(1n, [first, second])
  return { table, snapshot }
}

describe('planScan', () => {
  test('a table without a snapshot has no tasks and costs no request', async () => {
    const table = new HandMade()
    expect((await table.plan(undefined)).names).toEqual([])
    expect(table.requests).toEqual([])
  })

  test('without a predicate every live file is a task with nothing left to check', async () => {
    const { table, snapshot } = await byDay()
    const { names, tasks, stats } = await table.plan(snapshot)
    expect(names).toEqual(['d-1', 'd0', 'd9'])
    expect(tasks[0]).toMatchObject({ spec: BY_DAY, residual: { op: 'true' }, snapshotId: 1n, sequenceNumber: 1n })
    expect(stats).toEqual({
      manifestsTotal: 2,
      manifestsRead: 2,
      filesTotal: 3,
      filesMatched: 3,
      rowsMatched: 30n,
      bytesMatched: 3000n,
    })
    expect(table.requests.map(({ verb }) => verb)).toEqual(['GET', 'GET', 'GET'])
  })

  test('a manifest whose summary rules it out is not read', async () => {
    const { table, snapshot } = await byDay()
    const { names, stats } = await table.plan(snapshot, lt('at', DAY_MICROS))
    expect(names).toEqual(['d-1', 'd0'])
    expect(stats).toMatchObject({ manifestsTotal: 2, manifestsRead: 1, filesTotal: 3, filesMatched: 2 })
    expect(table.requests).toHaveLength(2)
  })

  test('a moment just before 1970 is in the day before', async () => {
    const { table, snapshot } = await byDay()
    expect((await table.plan(snapshot, eq('at', 0n))).names).toEqual(['d0'])
    expect((await table.plan(snapshot, eq('at', -1n))).names).toContain('d-1')
    expect((await table.plan(snapshot, gte('at', 9n * DAY_MICROS))).names).toEqual(['d9'])
  })

  test('metrics rule files out, and prove that all rows match', async () => {
    const table = new HandMade()
    const low = dataFile('low', [], { ids: [0n, 9n] })
    const high = dataFile('high', [], { ids: [10n, 19n] })
    const snapshot = await table.snapshot(1n, [await table.manifest(1n, [low, high, dataFile('unknown')])])
    const { names, tasks } = await table.plan(snapshot, gte('id', 10n))
    expect(names).toEqual(['high', 'unknown'])
    expect(tasks.map(({ residual }) => residual.op)).toEqual(['true', 'gte'])
  })

  test('each manifest is judged by its own partition spec', async () => {
    const table = new HandMade()
    const snapshot = await table.snapshot(1n, [
      await table.manifest(1n, [dataFile('plain')]),
      await table.manifest(1n, [dataFile('day0', [0]), dataFile('day5', [5])], { spec: BY_DAY }),
      await table.manifest(1n, [dataFile('push', ['push']), dataFile('null', [null])], { spec: BY_KIND }),
    ])
    const { names, tasks } = await table.plan(snapshot, and(eq('kind', 'push'), lt('at', DAY_MICROS)))
    expect(names).toEqual(['plain', 'day0', 'push'])
    expect(tasks.map(({ spec }) => spec.specId)).toEqual([0, 1, 2])
    // The day proves its part of the predicate, the kind the other.
    expect(tasks.map(({ residual }) => residual.op)).toEqual(['and', 'eq', 'lt'])
    expect((await table.plan(snapshot, isNull('kind'))).names).toEqual(['plain', 'day0', 'day5', 'null'])
    expect((await table.plan(snapshot, notEq('kind', 'push'))).names).toEqual(['plain', 'day0', 'day5'])
  })

  test('deleted entries are no tasks, and manifests without live files are not read', async () => {
    const table = new HandMade()
    const gone = { file: dataFile('gone'), status: 'deleted', snapshotId: 2n } as const
    const kept = { file: dataFile('kept'), status: 'existing', snapshotId: 1n } as const
    const snapshot = await table.snapshot(2n, [
      await table.manifest(2n, [], { old: [gone, kept] }),
      await table.manifest(2n, [], { old: [gone] }),
    ])
    const { names, tasks, stats } = await table.plan(snapshot)
    expect(names).toEqual(['kept'])
    expect(tasks[0]).toMatchObject({ snapshotId: 1n, sequenceNumber: 1n })
    expect(stats).toMatchObject({ manifestsTotal: 2, manifestsRead: 1, filesTotal: 1 })
  })

  test('a predicate that is true of no row reads no manifest', async () => {
    const { table, snapshot } = await byDay()
    expect((await table.plan(snapshot, or())).names).toEqual([])
    expect(table.requests.length).toBeLessThanOrEqual(1)
  })

  test('tasks come as they are asked for: no more manifests than the concurrency are read ahead', async () => {
    const table = new HandMade()
    const manifests = await Promise.all(Array.from({ length: 20 }, (_, i) => table.manifest(1n, [dataFile(`f${i}`)])))
    const snapshot = await table.snapshot(1n, manifests)
    const stream = streamTasks(table.request(snapshot, undefined, { concurrency: 3 }))
    for await (const _ of stream) break
    expect(table.requests.length).toBeLessThanOrEqual(1 + 4)
    const whole = await table.plan(snapshot, undefined, { concurrency: 3 })
    expect(whole.names).toEqual(Array.from({ length: 20 }, (_, i) => `f${i}`))
  })

  test('manifest lists come from the cache, if there is one', async () => {
    const { table, snapshot } = await byDay()
    const list = await table.store.get(table.files.resolve(snapshot.manifestList!))
    const cache = { get: () => Promise.resolve(decodeManifestList(list!, 'list')) }
    expect((await table.plan(snapshot, lt('at', 0n), { cache })).names).toContain('d-1')
    expect(table.requests).toHaveLength(1)
  })

  test('an abort ends it', async () => {
    const { table, snapshot } = await byDay()
    const error = await failure(table.plan(snapshot, undefined, { signal: AbortSignal.abort() }))
    expect(error.code).toBe('aborted')
  })

  test('a missing manifest is named, as is a missing list', async () => {
    const { table, snapshot } = await byDay()
    await table.store.delete(['t/metadata/m2.avro'])
    const error = await failure(table.plan(snapshot))
    expect(error).toMatchObject({ code: 'corrupt', message: expect.stringContaining('m2.avro') })
    await table.store.delete([table.files.resolve(snapshot.manifestList!)])
    expect(await failure(table.plan(snapshot))).toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('snap-1.avro'),
    })
  })

  test('a manifest of a spec that the table does not have is refused', async () => {
    const table = new HandMade()
    const manifest = await table.manifest(1n, [dataFile('a')], { spec: { ...PLAIN, specId: 7 } })
    const snapshot = await table.snapshot(1n, [manifest])
    expect(await failure(table.plan(snapshot))).toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/spec 7/),
    })
  })

  test('v1 snapshots that list manifests themselves are read', async () => {
    const table = new HandMade()
    const bytes = encodeManifest({
      entries: [
        { status: 'added', snapshotId: 5n, sequenceNumber: null, fileSequenceNumber: null, dataFile: dataFile('old') },
      ],
      schema: SCHEMA,
      spec: PLAIN,
      content: 'data',
      formatVersion: 1,
    })
    await table.store.put('t/metadata/v1.avro', bytes)
    const snapshot = table.add({
      snapshotId: 5n,
      sequenceNumber: 0n,
      timestampMs: 5,
      manifests: [`${LOCATION}/metadata/v1.avro`],
    })
    const { names, tasks } = await table.plan(snapshot)
    expect(names).toEqual(['old'])
    expect(tasks[0]).toMatchObject({ snapshotId: 5n, sequenceNumber: 0n })
    expect(await countByManifestList(table.request(snapshot))).toBeUndefined()
  })
})

describe('what planning refuses', () => {
  test.each([
    ['position-deletes', 'parquet', /position deletes/],
    ['equality-deletes', 'parquet', /equality deletes/],
    ['position-deletes', 'puffin', /deletion vectors/],
  ] as const)('%s in %s files, by name', async (content, format, message) => {
    const table = new HandMade()
    const data = await table.manifest(1n, [dataFile('a')])
    const file = dataFile('del', [], { content, format, ...(content === 'equality-deletes' && { equalityIds: [1] }) })
    const deletes = await table.manifest(2n, [file], { content: 'deletes' })
    const snapshot = await table.snapshot(2n, [data, deletes])
    const error = await failure(table.plan(snapshot))
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringMatching(message) })
    expect(error.message).toContain('data/del')
  })

  test('manifests of deletes that are all gone are no obstacle', async () => {
    const table = new HandMade()
    const data = await table.manifest(1n, [dataFile('a')])
    const file = dataFile('del', [], { content: 'position-deletes' })
    const deletes = await table.manifest(2n, [], {
      content: 'deletes',
      old: [{ file, status: 'deleted', snapshotId: 2n }],
    })
    expect((await table.plan(await table.snapshot(2n, [data, deletes]))).names).toEqual(['a'])
  })

  test('deletes of files that are gone are no obstacle, though they are listed; those of one that is there are', async () => {
    const table = new HandMade()
    const data = [await table.manifest(1n, [dataFile('a'), dataFile('b')])]
    const deletes = async (name: string) => {
      const referencedDataFile = `${LOCATION}/data/${name}`
      const file = dataFile(`del-${name}`, [], { content: 'position-deletes', referencedDataFile })
      return table.manifest(2n, [file], { content: 'deletes' })
    }
    const left = await table.snapshot(2n, [...data, await deletes('compacted')])
    expect((await table.plan(left)).names).toEqual(['a', 'b'])
    expect(await countByManifestList(table.request(left))).toBe(20n)
    const live = await table.snapshot(3n, [...data, await deletes('compacted'), await deletes('b')])
    const error = await failure(table.plan(live))
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/position deletes.*del-b/) })
    expect(await failure(countByManifestList(table.request(live)))).toMatchObject({ code: 'unsupported' })
  })

  test.each(['orc', 'avro'] as const)('%s data files, unless the predicate rules them out', async (format) => {
    const table = new HandMade()
    const other = dataFile('strange', [], { format, ids: [0n, 9n] })
    const snapshot = await table.snapshot(1n, [
      await table.manifest(1n, [other, dataFile('a', [], { ids: [20n, 29n] })]),
    ])
    const error = await failure(table.plan(snapshot))
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringMatching(new RegExp(format, 'i')) })
    expect(error.message).toContain('data/strange')
    expect((await table.plan(snapshot, gt('id', 10n))).names).toEqual(['a'])
  })

  test('encrypted files and manifests', async () => {
    const table = new HandMade()
    const key = new Uint8Array([1])
    const manifest = await table.manifest(1n, [dataFile('a', [], { keyMetadata: key })])
    const files = await failure(table.plan(await table.snapshot(1n, [manifest])))
    expect(files).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/data\/a.*encrypted/) })
    const listed = await table.snapshot(2n, [{ ...manifest, keyMetadata: key }])
    expect(await failure(table.plan(listed))).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/manifest.*encrypted/),
    })
  })

  test('columns of types that are not read, unless others are selected', async () => {
    const { table, snapshot } = await byDay()
    const strange: Field = { id: 9, name: 'v', required: false, type: { type: 'unsupported', name: 'variant' } }
    const schema = { ...SCHEMA, fields: [...SCHEMA.fields, strange] }
    const error = await failure(table.plan(snapshot, undefined, { schema }))
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/'v'.*variant/) })
    const { names } = await table.plan(snapshot, undefined, { schema, columns: SCHEMA.fields })
    expect(names).toHaveLength(3)
  })
})

/** Append 1, append 2, a rewrite of both, append 3 whose manifest was merged with older ones, an overwrite. */
async function history() {
  const table = new HandMade()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => dataFile(name)) as [DataFile, DataFile, DataFile, DataFile]
  const m1 = await table.manifest(1n, [a])
  const s1 = await table.snapshot(1n, [m1])
  const m2 = await table.manifest(2n, [b])
  const s2 = await table.snapshot(2n, [m2, m1], { parent: 1n })
  const compacted = await table.manifest(3n, [dataFile('ab')])
  const s3 = await table.snapshot(3n, [compacted], { parent: 2n, operation: 'replace' })
  const merged = await table.manifest(4n, [c], {
    old: [{ file: dataFile('ab'), status: 'existing', snapshotId: 3n }],
  })
  const s4 = await table.snapshot(4n, [merged], { parent: 3n })
  const overwriting = await table.manifest(5n, [d])
  const s5 = await table.snapshot(5n, [overwriting, merged], { parent: 4n, operation: 'overwrite' })
  return { table, s1, s2, s3, s4, s5 }
}

describe('rows appended since a snapshot', () => {
  test('are in the files that appends added: not those of rewrites and overwrites', async () => {
    const { table, s1, s2, s4, s5 } = await history()
    expect((await table.plan(s5, undefined, { since: s1 })).names).toEqual(['b', 'c'])
    expect((await table.plan(s5, undefined, { since: s2 })).names).toEqual(['c'])
    expect((await table.plan(s5, undefined, { since: s4 })).names).toEqual([])
    expect((await table.plan(s2, undefined, { since: s1 })).names).toEqual(['b'])
  })

  test('since the snapshot itself: none, and no request', async () => {
    const { table, s5 } = await history()
    expect((await table.plan(s5, undefined, { since: s5 })).names).toEqual([])
    expect(table.requests).toEqual([])
  })

  test('a run of appends costs one manifest list', async () => {
    const table = new HandMade()
    const manifests: ManifestFile[] = []
    const snapshots: Snapshot[] = []
    for (let id = 1n; id <= 9n; id++) {
      manifests.unshift(await table.manifest(id, [dataFile(`f${id}`)]))
      snapshots.push(await table.snapshot(id, manifests, id > 1n ? { parent: id - 1n } : {}))
    }
    const { names } = await table.plan(snapshots[8], undefined, { since: snapshots[4]! })
    expect(names.sort()).toEqual(['f6', 'f7', 'f8', 'f9'])
    expect(table.requests).toHaveLength(1 + 4)
  })

  test('a snapshot that is no ancestor is named', async () => {
    const { table, s1, s5 } = await history()
    const side = await table.snapshot(8n, [], { parent: 1n })
    const error = await failure(table.plan(s5, undefined, { since: side }))
    expect(error).toMatchObject({ code: 'not-found', message: expect.stringContaining('snapshot 8 ') })
    expect(await failure(table.plan(s1, undefined, { since: s5 }))).toMatchObject({ code: 'not-found' })
  })

  test('a history with a gap is refused, naming what is left', async () => {
    const { table, s1, s5 } = await history()
    const { metadata } = table
    const expired = { ...metadata, snapshots: metadata.snapshots.filter(({ snapshotId }) => snapshotId !== 3n) }
    const error = await failure(table.plan(s5, undefined, { since: s1, metadata: expired }))
    expect(error).toMatchObject({ code: 'not-found', message: expect.stringMatching(/snapshot 3 is gone.* 4 /) })
  })
})

describe('countByManifestList', () => {
  test('counts live rows with one request', async () => {
    const { table, snapshot } = await byDay()
    expect(await countByManifestList(table.request(snapshot))).toBe(30n)
    expect(table.requests).toHaveLength(1)
  })

  test('does not take a count that v1 left out for a number of rows', async () => {
    const { table, snapshot } = await byDay()
    const list = await table.store.get(table.files.resolve(snapshot.manifestList!))
    const manifests = decodeManifestList(list!, 'list').map((manifest) => ({
      ...manifest,
      addedRowsCount: BigInt(UNKNOWN_COUNT),
      addedFilesCount: UNKNOWN_COUNT,
    }))
    const cache = { get: () => Promise.resolve(manifests) }
    expect(await countByManifestList(table.request(snapshot, undefined, { cache }))).toBeUndefined()
    const { stats } = await table.plan(snapshot, gt('at', 20n * DAY_MICROS), { cache })
    expect(stats.filesTotal).toBe(0)
  })

  test('answers only for all rows', async () => {
    const { table, snapshot } = await byDay()
    expect(await countByManifestList(table.request(snapshot, gt('id', 0n)))).toBeUndefined()
    expect(await countByManifestList(table.request(undefined))).toBe(0n)
  })
})
