/** Random files, cut into tiny row groups, and random predicates: what is read is what a brute-force evaluation keeps. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Row } from '../../src/codec/arrow-rows.ts'
import { appendRows } from '../../src/codec/arrow-rows.ts'
import { encodeParquet } from '../../src/codec/parquet-writer.ts'
import { fieldsToRead } from '../../src/scan/projection.ts'
import type { ReadWishes } from '../../src/scan/read.ts'
import { readBatches } from '../../src/scan/read.ts'
import type { FileScanTask } from '../../src/scan/task.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import { UNPARTITIONED } from '../../src/spec/partition.ts'
import type { Field, Schema } from '../../src/spec/types.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { columnsOf } from '../codec/parquet-reading.ts'
import type { World } from '../support/arbitrary-predicates.ts'
import { evaluate, input, world } from '../support/arbitrary-predicates.ts'

const LOCATION = 'memory://store/t'
const INDEX: Field = { id: 100, name: 'index', required: true, type: { type: 'int' } }

describe('reading with a filter', () => {
  test('gives exactly the rows for which it is true, however the file is cut', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.constantFrom(1, 2, 3, 7, 1000), async (given, rowGroupRows) => {
        const kept = given.rows.flatMap((row, i) => (evaluate(given.predicate, row, given.kinds) === true ? [i] : []))
        const rows = await read(given, rowGroupRows, Infinity)
        expect(rows.map((row) => row['index'])).toEqual(kept)
      }),
      { numRuns: 400 },
    )
  })

  test('and a limit gives the first of them', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.constantFrom(1, 3, 1000), fc.nat(6), async (given, rowGroupRows, limit) => {
        const kept = given.rows.flatMap((row, i) => (evaluate(given.predicate, row, given.kinds) === true ? [i] : []))
        const rows = await read(given, rowGroupRows, limit)
        expect(rows.map((row) => row['index'])).toEqual(kept.slice(0, limit))
      }),
      { numRuns: 100 },
    )
  })
})

async function read({ schema: given, rows, predicate }: World, rowGroupRows: number, limit: number): Promise<Row[]> {
  const schema: Schema = { ...given, fields: [...given.fields, INDEX] }
  const store = memoryStore()
  const objects = rows.map((row, i) => ({
    ...Object.fromEntries(given.fields.map((field, c) => [field.name, input(field.type, row[c]!)])),
    index: i,
  }))
  const bytes = await encodeParquet(schema, [columnsOf(schema, objects)], { rowGroupRows })
  await store.put('t/data/a.parquet', bytes)
  const bound = bindPredicate(predicate, schema)
  const none = new Map()
  const task: FileScanTask = {
    dataFile: {
      content: 'data',
      format: 'parquet',
      path: `${LOCATION}/data/a.parquet`,
      partition: [],
      specId: 0,
      recordCount: BigInt(rows.length),
      fileSizeBytes: BigInt(bytes.length),
      columnSizes: none,
      valueCounts: none,
      nullValueCounts: none,
      nanValueCounts: none,
      lowerBounds: none,
      upperBounds: none,
    },
    spec: UNPARTITIONED,
    residual: bound,
    snapshotId: 1n,
    sequenceNumber: 1n,
  }
  const fields = [INDEX]
  const wishes: ReadWishes = {
    request: {
      files: tableFiles(store, 't', LOCATION),
      metadata: undefined as never,
      snapshot: undefined,
      schema,
      columns: fieldsToRead(schema, fields, bound),
    },
    fields,
    nameMapping: undefined,
    limit,
    concurrency: 2,
  }
  const found: Row[] = []
  const batches = readBatches(
    wishes,
    (batch, selected) => appendRows(batch, fields, {}, selected, found),
    async function* () {
      yield task
    },
  )
  for await (const _ of batches) continue
  return found
}
