import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeManifestList, encodeManifestList } from '../../src/codec/manifest-list.ts'
import { writeAvro } from '../../src/codec/avro.ts'
import { manifestLayout } from '../../src/codec/manifest-schema.ts'
import { decodeManifest, describeManifest, encodeManifest } from '../../src/codec/manifest.ts'
import { applyMerge, prepareMerge } from '../../src/commit/merge-manifests.ts'
import type { DataFile, EntryStatus, ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import type { Schema, Value } from '../../src/spec/types.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { sampleMetadata } from '../support/sample-metadata.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const column = (type: 'int' | 'long', schemaId: number): Schema => ({
  schemaId,
  fields: [{ id: 1, name: 'n', required: false, type: { type } }],
})
const BY_N: PartitionSpec = {
  specId: 0,
  fields: [{ sourceId: 1, fieldId: 1000, name: 'n', transform: { transform: 'identity' } }],
}
const WITHOUT_N: Schema = { schemaId: 2, fields: [{ id: 2, name: 'm', required: false, type: { type: 'int' } }] }

function metadataWith(...schemas: readonly Schema[]): TableMetadata {
  const current = schemas.at(-1)!
  return {
    ...sampleMetadata(),
    schemas,
    currentSchemaId: current.schemaId,
    partitionSpecs: [BY_N],
    defaultSpecId: 0,
  }
}

interface EntryPlan {
  readonly status: EntryStatus
  readonly inherits: boolean
  readonly n: number | null
}

let named = 0

function entry({ status, inherits, n }: EntryPlan, sequence: bigint, as: (n: number) => Value): ManifestEntry {
  const counts = new Map([[1, 5n]])
  const dataFile: DataFile = {
    content: 'data',
    path: `memory://test/t/data/f${named++}.parquet`,
    format: 'parquet',
    partition: [n === null ? null : as(n)],
    specId: 0,
    recordCount: 5n,
    fileSizeBytes: 100n + sequence,
    columnSizes: counts,
    valueCounts: counts,
    nullValueCounts: new Map([[1, n === null ? 5n : 0n]]),
    nanValueCounts: new Map(),
    lowerBounds: new Map([[1, Uint8Array.of(1, 0, 0, 0)]]),
    upperBounds: new Map([[1, Uint8Array.of(2, 0, 0, 0)]]),
    splitOffsets: [4n],
    sortOrderId: 0,
  }
  const isNull = status === 'added' && inherits
  return {
    status,
    snapshotId: isNull ? null : 70n + sequence,
    sequenceNumber: isNull ? null : sequence,
    fileSequenceNumber: isNull ? null : sequence,
    dataFile,
  }
}

async function table(plans: readonly (readonly EntryPlan[])[], schema: Schema = column('int', 0)) {
  const store = faultyStore(memoryStore({ name: 'test' }), () => undefined)
  const files = tableFiles(store, 't', 'memory://test/t')
  const isLong = schema.fields[0]!.type.type === 'long'
  const manifests: ManifestFile[] = []
  for (const [index, plan] of plans.entries()) {
    const sequence = BigInt(index + 1)
    const entries = plan.map((one) => entry(one, sequence, isLong ? BigInt : Number))
    const of = { content: 'data', entries, schema, spec: BY_N } as const
    const bytes = encodeManifest({ ...of, formatVersion: 2 })
    const path = `memory://test/t/metadata/m${index}.avro`
    await store.put(files.resolve(path), bytes)
    const ids = { snapshotId: 70n + sequence, sequenceNumber: sequence }
    manifests.unshift(describeManifest({ ...of, path, lengthBytes: bytes.length, ...ids }))
  }
  store.calls.length = 0
  const entriesOf = async (manifest: ManifestFile, readAs: Schema) => {
    const bytes = await store.get(files.resolve(manifest.path))
    return decodeManifest(bytes!, { manifest, spec: BY_N, schema: readAs, where: manifest.path })
  }
  return { store, files, manifests, entriesOf, plan: { partitionSpecId: 0, manifests } }
}

const runtime = virtualRuntime()
const BY = { snapshotId: 99n, sequenceNumber: 50n }
const added: EntryPlan = { status: 'added', inherits: true, n: 7 }

describe('a merged manifest', () => {
  const plans = fc.array(
    fc.array(
      fc.record({
        status: fc.constantFrom<EntryStatus>('added', 'added', 'existing', 'deleted'),
        inherits: fc.boolean(),
        n: fc.option(fc.integer({ min: -5, max: 5 })),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    { minLength: 2, maxLength: 20 },
  )

  test('has the files of those that it replaces, with the ids that they had, and nothing to inherit', async () => {
    const schema = column('int', 0)
    await fc.assert(
      fc.asyncProperty(plans, async (given) => {
        const { files, manifests, entriesOf, plan } = await table(given)
        const before = (await Promise.all(manifests.map((one) => entriesOf(one, schema)))).flat()
        const live = before.filter(({ status }) => status !== 'deleted')
        const merge = (await prepareMerge(files, plan, metadataWith(schema), runtime))!
        const listed = applyMerge(manifests, merge, BY)!
        // Through a manifest list, as any reader gets it.
        const list = encodeManifestList({ ...BY, manifests: listed, formatVersion: 2 })
        const [manifest, ...more] = decodeManifestList(list, 'the list')
        expect(more).toEqual([])
        expect(manifest === undefined).toBe(live.length === 0)
        if (live.length === 0) return
        expect(await entriesOf(manifest!, schema)).toEqual(live.map((one) => ({ ...one, status: 'existing' })))
        const values = live.flatMap(({ dataFile }) => (dataFile.partition[0] as number | null) ?? [])
        expect(manifest).toMatchObject({
          sequenceNumber: 50n,
          addedSnapshotId: 99n,
          minSequenceNumber: live.map((one) => one.sequenceNumber!).reduce((a, b) => (b < a ? b : a)),
          addedFilesCount: 0,
          existingFilesCount: live.length,
          deletedFilesCount: 0,
          existingRowsCount: 5n * BigInt(live.length),
          partitions: [{ containsNull: live.some(({ dataFile }) => dataFile.partition[0] === null) }],
        })
        expect(manifest!.partitions![0]!.lowerBound?.[0]).toBe(
          values.length === 0 ? undefined : Math.min(...values) & 255,
        )
      }),
      { numRuns: 60, examples: [[[[{ ...added, status: 'deleted' }], [{ ...added, status: 'deleted' }]]]] },
    )
  })

  test('costs one GET per manifest, 16 at once, and one PUT', async () => {
    const { store, files, plan } = await table(Array.from({ length: 40 }, () => [added]))
    let [open, most] = [0, 0]
    const counting = {
      ...files,
      store: Object.assign(Object.create(store), {
        get: async (key: string) => {
          most = Math.max(most, ++open)
          const bytes = await store.get(key)
          open--
          return bytes
        },
      }) as typeof store,
    }
    const merge = await prepareMerge(counting, plan, metadataWith(column('int', 0)), runtime)
    expect(store.calls.map(({ verb }) => verb)).toEqual([...Array<string>(40).fill('get'), 'put'])
    expect(most).toBe(16)
    expect(merge!.replaces).toHaveLength(40)
    expect(files.pathOf(merge!.key!)).toBe(merge!.manifest!.path)
  })

  test('costs no GET of what its writer still has', async () => {
    const { store, files, manifests, plan } = await table([[added], [added], [added]])
    const cached = new Map<string, Uint8Array>()
    for (const { path } of manifests.slice(1)) cached.set(path, (await store.get(files.resolve(path)))!)
    store.calls.length = 0
    const merge = await prepareMerge(files, plan, metadataWith(column('int', 0)), runtime, { cached })
    expect(store.calls.map(({ verb }) => verb)).toEqual(['get', 'put'])
    expect(merge!.manifest!.existingFilesCount).toBe(3)
  })

  test('has the types that partitions have now', async () => {
    const { files, manifests, entriesOf, plan } = await table([[added], [added]])
    const merge = await prepareMerge(files, plan, metadataWith(column('int', 0), column('long', 1)), runtime)
    const [manifest] = applyMerge(manifests, merge!, BY)!
    const entries = await entriesOf(manifest!, column('long', 1))
    expect(entries.map(({ dataFile }) => dataFile.partition)).toEqual([[7n], [7n]])
    expect(manifest!.partitions![0]!.upperBound).toHaveLength(8)
  })

  test('of a spec by a dropped column has the newest types that it had', async () => {
    const { files, manifests, entriesOf, plan } = await table([[added], [added]], column('long', 1))
    const metadata = metadataWith(column('int', 0), column('long', 1), WITHOUT_N)
    const merge = await prepareMerge(files, plan, metadata, runtime)
    const [manifest] = applyMerge(manifests, merge!, BY)!
    expect((await entriesOf(manifest!, WITHOUT_N)).map(({ dataFile }) => dataFile.partition)).toEqual([[7n], [7n]])
    expect(await prepareMerge(files, plan, metadataWith(WITHOUT_N), runtime)).toBeUndefined()
  })

  test('of v3 keeps the row ids of its files', async () => {
    const { files, manifests } = await table([[added], [added, added]])
    const withIds = manifests.map((one, i) => ({ ...one, firstRowId: [100n, 40n][i]! }))
    const v3 = { ...metadataWith(column('int', 0)), formatVersion: 3 as const }
    const merge = await prepareMerge(files, { partitionSpecId: 0, manifests: withIds }, v3, runtime)
    const [manifest] = applyMerge(withIds, merge!, BY)!
    expect(manifest!.firstRowId).toBe(40n)
    const bytes = await files.store.get(files.resolve(manifest!.path))
    const where = { manifest: manifest!, spec: BY_N, schema: column('int', 0), where: 'it' }
    expect(decodeManifest(bytes!, where).map(({ dataFile }) => dataFile.firstRowId)).toEqual([100n, 105n, 40n])
  })

  test('of v1 manifests says that their files have the sequence number 0', async () => {
    const schema = column('int', 0)
    const { files, manifests, entriesOf, plan } = await table([[added]])
    const entries = [entry({ ...added, inherits: false }, 1n, Number)]
    const bytes = encodeManifest({ entries, schema, spec: BY_N, content: 'data', formatVersion: 1 })
    await files.store.put(files.resolve('memory://test/t/metadata/v1.avro'), bytes)
    const v1 = {
      ...manifests[0]!,
      path: 'memory://test/t/metadata/v1.avro',
      length: BigInt(bytes.length),
      sequenceNumber: 0n,
    }
    const both = [...manifests, v1]
    const merge = await prepareMerge(files, { ...plan, manifests: both }, metadataWith(schema), runtime)
    const [manifest] = applyMerge(both, merge!, BY)!
    expect(manifest!.minSequenceNumber).toBe(0n)
    expect((await entriesOf(manifest!, schema)).map((one) => one.sequenceNumber)).toEqual([1n, 0n])
  })

  test('is not made of a file that has no sequence number, against the rules', async () => {
    const schema = column('int', 0)
    const { files, manifests, plan } = await table([[added]])
    const { avro, record } = manifestLayout(schema, BY_N, 2)
    const broken: ManifestEntry = { ...entry(added, 1n, Number), status: 'existing' }
    const header = { 'format-version': '2', content: 'data', 'partition-spec-id': '0' }
    const bytes = writeAvro(avro, header, [record(broken)])
    await files.store.put(files.resolve(manifests[0]!.path), bytes)
    const line = { ...manifests[0]!, addedFilesCount: 0, existingFilesCount: 1, length: BigInt(bytes.length) }
    const prepared = prepareMerge(files, { ...plan, manifests: [line] }, metadataWith(schema), runtime)
    expect(await prepared).toBeUndefined()
  })

  test('is not made of a manifest that is gone', async () => {
    const { store, files, manifests, plan } = await table([[added], [added]])
    await store.delete([files.resolve(manifests[0]!.path)])
    const prepared = prepareMerge(files, plan, metadataWith(column('int', 0)), runtime)
    await expect(prepared).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(manifests[0]!.path),
    })
    expect(store.calls.filter(({ verb }) => verb === 'put')).toEqual([])
    const aborted = prepareMerge(files, plan, metadataWith(column('int', 0)), runtime, {
      signal: AbortSignal.abort(),
    })
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('taking a merge in', () => {
  const of = (path: string) => ({ path }) as ManifestFile
  const merge = { replaces: ['b', 'd'], manifest: of('new'), key: 'new' }
  const paths = (listed: readonly ManifestFile[] | undefined) => listed?.map(({ path }) => path)

  test('is possible while all that it replaces are listed, whatever was added meanwhile', () => {
    expect(paths(applyMerge(['z', 'a', 'b', 'c', 'd'].map(of), merge, BY))).toEqual(['z', 'a', 'new', 'c'])
    expect(paths(applyMerge(['d', 'b'].map(of), { ...merge, manifest: undefined }, BY))).toEqual([])
  })

  test('is refused as soon as one is not', () => {
    expect(applyMerge(['a', 'b', 'c'].map(of), merge, BY)).toBeUndefined()
    expect(applyMerge([], merge, BY)).toBeUndefined()
  })
})
