import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeManifest } from '../../src/codec/manifest.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import type { ManifestEntry } from '../../src/spec/data-file.ts'
import type { PartitionSpec, PartitionTuple } from '../../src/spec/partition.ts'
import { projectPredicate, projectStrict } from '../../src/spec/project.ts'
import {
  manifestMayMatch,
  metricsAllMatch,
  metricsMayMatch,
  partitionMayMatch,
  reduceByMetrics,
} from '../../src/spec/prune.ts'
import { residual } from '../../src/spec/residual.ts'
import { indexSchema } from '../../src/spec/schema.ts'
import { bindTransform, parseTransform } from '../../src/spec/transforms.ts'
import type { Schema, Value } from '../../src/spec/types.ts'
import {
  keeps,
  leavesOf,
  meaning,
  metricsOf,
  predicates,
  rows,
  schemas,
  TRANSFORMS,
  transformsOf,
  UUID_ORDERS,
  withGaps,
} from './predicate-world.ts'
import type { WorldRow } from './predicate-world.ts'

const RUNS = { numRuns: 3000 }

const worlds = schemas.chain((schema) =>
  fc.record({ schema: fc.constant(schema), rows: rows(schema), predicate: predicates(schema) }),
)

test('a bound predicate keeps the rows of which the predicate is true in three-valued logic, and no others', () => {
  fc.assert(
    fc.property(worlds, ({ schema, rows, predicate }) => {
      const kept = rows.filter(keeps(bindPredicate(predicate, schema)))
      expect(kept).toEqual(rows.filter((row) => meaning(predicate, schema, row) === true))
    }),
    RUNS,
  )
})

test('metrics never rule out a matching row, and never claim one that does not match', () => {
  const measured = worlds.chain((world) =>
    fc
      .record({ length: fc.integer({ min: 1, max: 3 }), uuid: fc.constantFrom(...UUID_ORDERS) })
      .map(({ length, uuid }) => metricsOf(world.schema, world.rows, length, { uuid }))
      .chain((metrics) => fc.oneof(fc.constant(metrics), withGaps(metrics)))
      .map((metrics) => ({ ...world, metrics })),
  )
  fc.assert(
    fc.property(measured, ({ schema, rows, predicate, metrics }) => {
      const bound = bindPredicate(predicate, schema)
      const matching = rows.filter(keeps(bound)).length
      expect(metricsMayMatch(bound, metrics) || matching === 0).toBe(true)
      expect(!metricsAllMatch(bound, metrics) || matching === rows.length).toBe(true)
      expect(rows.filter(keeps(reduceByMetrics(bound, metrics))).length).toBe(matching)
    }),
    RUNS,
  )
})

test('complete metrics of one value decide every test of it', () => {
  // Those of UUIDs do not: in whose order the bounds are is not known.
  const single = worlds.filter(
    ({ schema, rows }) => rows.length > 0 && leavesOf(schema).every(({ field }) => field.type.type !== 'uuid'),
  )
  fc.assert(
    fc.property(single, ({ schema, rows: [row], predicate }) => {
      const bound = bindPredicate(predicate, schema)
      const reduced = reduceByMetrics(bound, metricsOf(schema, [row!], 100))
      expect(reduced.op).toBe(keeps(bound)(row!) ? 'true' : 'false')
    }),
    RUNS,
  )
})

/** Up to three fields, of transforms that their columns can have, or that nobody knows. */
function specs(schema: Schema): fc.Arbitrary<PartitionSpec> {
  const possible = leavesOf(schema).flatMap(({ field }) =>
    [...transformsOf(field.type, TRANSFORMS), 'zorder'].map((name) => ({
      sourceId: field.id,
      transform: parseTransform(name),
    })),
  )
  return fc.subarray(possible, { maxLength: 3 }).map((fields) => ({
    specId: 0,
    fields: fields.map((field, i) => ({ ...field, fieldId: 1000 + i, name: `p${i}` })),
  }))
}

const TEMPORAL = new Set(['year', 'month', 'day', 'hour'])

/** `oldJava`: rounds moments before 1970 towards 1970, as its writers once did. */
function tupleOf(spec: PartitionSpec, schema: Schema, row: WorldRow, oldJava: boolean): PartitionTuple {
  return spec.fields.map(({ sourceId, transform }) => {
    const value = row.get(sourceId) ?? null
    if (transform.transform === 'unknown') return value === null ? 'none' : 'some'
    const { type } = indexSchema(schema).byId.get(sourceId)!.field
    const result = bindTransform(transform, type)(value)
    const isWrong =
      oldJava && TEMPORAL.has(transform.transform) && !(transform.transform === 'day' && type.type === 'date')
    if (!isWrong || result === null || (result as number) >= 0) return result
    const isExact = bindTransform(transform, type)(before(value!)) !== result
    return isExact ? result : (result as number) + 1
  })
}

const before = (value: Value): Value => (typeof value === 'bigint' ? value - 1n : (value as number) - 1)

const partitioned = worlds.chain(({ schema, rows, predicate }) =>
  fc.record({
    schema: fc.constant(schema),
    rows: fc.constant(rows),
    predicate: fc.constant(predicate),
    spec: specs(schema),
    oldJava: fc.boolean(),
  }),
)

test('partitions are ruled out and claimed rightly, and partition plus residual is the predicate', () => {
  fc.assert(
    fc.property(partitioned, ({ schema, rows, predicate, spec, oldJava }) => {
      const bound = bindPredicate(predicate, schema)
      const keep = keeps(bound)
      const projected = projectPredicate(bound, spec)
      const strict = projectStrict(bound, spec)
      for (const row of rows) {
        const tuple = tupleOf(spec, schema, row, oldJava)
        const left = residual(bound, spec, tuple)
        expect(partitionMayMatch(projected, spec, tuple) || !keep(row)).toBe(true)
        expect(!partitionMayMatch(strict, spec, tuple) || keep(row)).toBe(true)
        expect(keeps(left)(row)).toBe(keep(row))
      }
    }),
    RUNS,
  )
})

test('a manifest is not ruled out if one of its files has a matching row', () => {
  fc.assert(
    fc.property(partitioned, ({ schema, rows, predicate, spec, oldJava }) => {
      fc.pre(rows.length > 0)
      const bound = bindPredicate(predicate, schema)
      const entries = rows.map((row) => entryOf(tupleOf(spec, schema, row, oldJava)))
      const manifest = describeManifest({
        path: 'm',
        lengthBytes: 1,
        content: 'data',
        entries,
        spec,
        schema,
        snapshotId: 1n,
        sequenceNumber: 1n,
      })
      const mayMatch = manifestMayMatch(projectPredicate(bound, spec), spec, manifest)
      expect(mayMatch || rows.filter(keeps(bound)).length === 0).toBe(true)
    }),
    RUNS,
  )
})

function entryOf(partition: PartitionTuple): ManifestEntry {
  const none = new Map<number, never>()
  return {
    status: 'added',
    snapshotId: 1n,
    sequenceNumber: 1n,
    fileSequenceNumber: 1n,
    dataFile: {
      content: 'data',
      path: 'f',
      format: 'parquet',
      partition,
      specId: 0,
      recordCount: 1n,
      fileSizeBytes: 1n,
      columnSizes: none,
      valueCounts: none,
      nullValueCounts: none,
      nanValueCounts: none,
      lowerBounds: none,
      upperBounds: none,
    },
  }
}
