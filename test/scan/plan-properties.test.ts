import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeManifest, encodeManifest } from '../../src/codec/manifest.ts'
import { encodeManifestList } from '../../src/codec/manifest-list.ts'
import { planScan } from '../../src/scan/plan.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import type { ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { PartitionSpec, PartitionTuple } from '../../src/spec/partition.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { bindTransform, parseTransform } from '../../src/spec/transforms.ts'
import type { Schema } from '../../src/spec/types.ts'
import { newTableMetadata } from '../../src/spec/updates.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import {
  keeps,
  leavesOf,
  metricsOf,
  predicates,
  rows,
  schemas,
  TRANSFORMS,
  transformsOf,
} from '../spec/predicate-world.ts'
import type { WorldRow } from '../spec/predicate-world.ts'

const LOCATION = 'memory://random/t'

interface World {
  readonly schema: Schema
  /** Two specs: the table changed its mind. */
  readonly specs: readonly PartitionSpec[]
  /** Rows of each manifest; its files are its partitions. */
  readonly manifests: readonly { readonly specIndex: number; readonly rows: readonly WorldRow[] }[]
}

function specs(schema: Schema): fc.Arbitrary<readonly PartitionSpec[]> {
  const possible = leavesOf(schema).flatMap(({ field }) =>
    transformsOf(field.type, TRANSFORMS).map((name) => ({ sourceId: field.id, transform: parseTransform(name) })),
  )
  const one = (specId: number) =>
    fc.subarray(possible, { maxLength: 2 }).map((fields): PartitionSpec => ({
      specId,
      fields: fields.map((field, i) => ({ ...field, fieldId: 1000 + specId * 10 + i, name: `p${specId}_${i}` })),
    }))
  return fc.tuple(one(0), one(1))
}

const worlds = schemas.chain((schema) =>
  fc.record({
    world: fc.record({
      schema: fc.constant(schema),
      specs: specs(schema),
      manifests: fc.array(fc.record({ specIndex: fc.nat(1), rows: rows(schema, 5) }), { maxLength: 3 }),
    }),
    predicate: predicates(schema),
  }),
)

function tupleOf(spec: PartitionSpec, schema: Schema, row: WorldRow): PartitionTuple {
  return spec.fields.map(({ sourceId, transform }) => {
    const { type } = leavesOf(schema).find(({ field }) => field.id === sourceId)!.field
    return bindTransform(transform, type)(row.get(sourceId) ?? null)
  })
}

/** Rows by partition; -0 and 0 may share one, as with writers that find them equal. */
function byPartition(spec: PartitionSpec, schema: Schema, rows: readonly WorldRow[]) {
  const groups = new Map<string, { readonly tuple: PartitionTuple; readonly rows: WorldRow[] }>()
  for (const row of rows) {
    const tuple = tupleOf(spec, schema, row)
    const key = tuple
      .map((value) => (value instanceof Uint8Array ? `x${value.join()}` : `${typeof value}${value}`))
      .join('/')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { tuple, rows: [row] })
    else group.rows.push(row)
  }
  return [...groups.values()]
}

/** A table with these rows in files that were never written: planning does not read them. */
async function tableOf({ schema, specs, manifests }: World) {
  const store = memoryStore({ name: 'random' })
  const files = tableFiles(store, 't', LOCATION)
  const rowsByPath = new Map<string, readonly WorldRow[]>()
  const listed: ManifestFile[] = []
  for (const [m, { specIndex, rows }] of manifests.entries()) {
    const spec = specs[specIndex]!
    const entries = byPartition(spec, schema, rows).map((group, f): ManifestEntry => {
      const path = `${LOCATION}/data/${m}-${f}.parquet`
      rowsByPath.set(path, group.rows)
      return {
        status: 'added',
        snapshotId: null,
        sequenceNumber: null,
        fileSequenceNumber: null,
        dataFile: {
          ...metricsOf(schema, group.rows, 2),
          columnSizes: new Map(),
          content: 'data',
          path,
          format: 'parquet',
          partition: group.tuple,
          specId: spec.specId,
          fileSizeBytes: 1n,
        },
      }
    })
    const path = `${LOCATION}/metadata/m${m}.avro`
    const bytes = encodeManifest({ entries, schema, spec, content: 'data', formatVersion: 2 })
    await store.put(files.resolve(path), bytes)
    const of = { path, lengthBytes: bytes.length, content: 'data', entries, spec, schema } as const
    listed.push(describeManifest({ ...of, snapshotId: 1n, sequenceNumber: 1n }))
  }
  const manifestList = `${LOCATION}/metadata/snap.avro`
  const list = encodeManifestList({ manifests: listed, snapshotId: 1n, sequenceNumber: 1n, formatVersion: 2 })
  await store.put(files.resolve(manifestList), list)
  const snapshot: Snapshot = {
    snapshotId: 1n,
    sequenceNumber: 1n,
    timestampMs: 1,
    manifestList,
    summary: { operation: 'append' },
  }
  const metadata: TableMetadata = {
    ...newTableMetadata({
      tableUuid: '5c1b5a49-7a4c-4d5b-9d8e-000000000001',
      location: LOCATION,
      schema,
      spec: specs[0]!,
      sortOrder: { orderId: 0, fields: [] },
      properties: {},
      nowMs: 0,
    }),
    partitionSpecs: specs,
    snapshots: [snapshot],
  }
  return { request: { files, metadata, snapshot, schema }, rowsByPath }
}

test('what a plan leaves of each file is exactly its matching rows, whatever the columns, specs and rows', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ world, predicate }) => {
      const { request, rowsByPath } = await tableOf(world)
      const bound = bindPredicate(predicate, world.schema)
      const { tasks, stats } = await planScan({ ...request, predicate: bound })
      const planned = new Map(tasks.map(({ dataFile, residual }) => [dataFile.path, residual]))
      for (const [path, rows] of rowsByPath) {
        const residual = planned.get(path) ?? { op: 'false' as const }
        expect(rows.filter(keeps(residual))).toEqual(rows.filter(keeps(bound)))
      }
      expect(planned.size).toBe(tasks.length)
      expect(stats).toMatchObject({ manifestsTotal: world.manifests.length, filesTotal: rowsByPath.size })
    }),
    { numRuns: 500 },
  )
})
