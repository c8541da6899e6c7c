/** Random rows, partitions and predicates: an overwrite removes exactly the rows of which a brute-force evaluation says true. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Schema } from '../../src/spec/types.ts'
import type { PartitionInput } from '../../src/spec/partition-builder.ts'
import { bucket, day, identity, truncate } from '../../src/spec/partition-builder.ts'
import { schemaToJson } from '../../src/spec/schema.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { DataShardError } from '../../src/errors.ts'
import type { World } from '../support/arbitrary-predicates.ts'
import { evaluate, input, world } from '../support/arbitrary-predicates.ts'

const LOCATION = 'memory://store/t'
const INDEX = { id: 100, name: 'index', required: true, type: { type: 'int' } } as const

/** What may be asked of the first column; whether its type allows it is found out. */
const PARTITIONS: Readonly<Record<string, readonly PartitionInput[]>> = {
  none: [],
  identity: [identity('c0')],
  bucket: [bucket('c0', 2)],
  truncate: [truncate('c0', 1)],
  day: [day('c0')],
}

async function openTable(given: World, partition: string) {
  const schema: Schema = { ...given.schema, fields: [...given.schema.fields, INDEX] }
  const store = memoryStore()
  const make = (partitionBy: readonly PartitionInput[]) =>
    createTable(LOCATION, { schema: schemaToJson(schema) as never, store, partitionBy })
  await make(PARTITIONS[partition]!).catch((error: unknown) => {
    if (!DataShardError.is(error, 'invalid-argument')) throw error
    return make([])
  })
  return loadTable(LOCATION, { store })
}

const rowOf = (given: World, i: number) => ({
  ...Object.fromEntries(given.schema.fields.map(({ name, type }, c) => [name, input(type, given.rows[i]![c]!)])),
  index: i,
})

describe('overwrite, at random', () => {
  test('keeps the other rows as they were, however they are partitioned and in how many files they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.constantFrom(...Object.keys(PARTITIONS)),
        fc.integer({ min: 1, max: 12 }),
        async (given, partition, perFile) => {
          const table = await openTable(given, partition)
          const rows = given.rows.map((_, i) => rowOf(given, i))
          for (let from = 0; from < rows.length; from += perFile) await table.append(rows.slice(from, from + perFile))
          const ordered = async () => {
            const all = await table.scan({ timestamps: 'micros' }).toArray()
            return all.toSorted((a, b) => Number(a['index']) - Number(b['index']))
          }
          const before = await ordered()
          const result = await table.delete(given.predicate)
          const left = before.filter((_, i) => evaluate(given.predicate, given.rows[i]!, given.kinds) !== true)
          expect(await ordered()).toEqual(left)
          expect(result.deletedRows).toBe(before.length - left.length)
          expect(table.currentSnapshot()!.summary!['total-records']).toBe(String(left.length))
          expect(await table.delete(given.predicate)).toMatchObject({ deletedRows: 0, attempts: 0 })
        },
      ),
      { numRuns: 150 },
    )
  }, 120_000)
})
