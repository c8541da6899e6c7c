/** Tables that Spark, Java and pyiceberg wrote (fixtures/golden/README.md): exact, or refused by name. */
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeMetadata } from '../../src/codec/metadata-file.ts'
import { DataShardError } from '../../src/errors.ts'
import { createScan } from '../../src/scan/scan.ts'
import type { ScanOptions } from '../../src/scan/scan.ts'
import { and, eq, gt, gte, isNull } from '../../src/spec/expressions.ts'
import type { Predicate } from '../../src/spec/expressions.ts'
import { currentSchema, currentSnapshot, schemaById, snapshotById } from '../../src/spec/metadata.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { Schema } from '../../src/spec/types.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { sortRows } from '../judges/canonical.ts'
import { goldenObjects, goldenTables } from '../support/golden.ts'
import type { GoldenRead, GoldenTable } from '../support/golden.ts'
import { canonicalRow } from './canonical-rows.ts'

const EXACT = ['types', 'parts', 'refs', 'empty', 'over', 'py_cow', 'py_mapped', 'evolve']
const REFUSED = ['mor', 'dv', 'eqdel', 'avrodata', 'orcdata']

let store: ObjectStore
const tables = await goldenTables()

beforeAll(async () => {
  store = memoryStore({ name: 'golden' })
  for await (const [key, bytes] of goldenObjects()) await store.put(`golden/${key}`, bytes)
})

describe('golden tables', () => {
  for (const name of EXACT) {
    const table = tables[name]!
    for (const [read, expected] of Object.entries(table.reads)) {
      test(`${name}, ${read}: the rows that the writer expects`, async () => {
        const { scan, schema } = await open(table, read, expected)
        const rows = await scan({ select: expected.columns, timestamps: 'micros' }).toArray()
        expect(sortRows(rows.map((row) => canonicalRow(row, schema.fields)))).toEqual(sortRows(expected.rows))
      })

      test(`${name}, ${read}: counted, in batches and one by one`, async () => {
        const { scan } = await open(table, read, expected)
        expect(await scan({}).count()).toBe(expected.rows.length)
        const arrow = await scan({ select: expected.columns }).toArrow()
        expect(arrow.numRows).toBe(expected.rows.length)
        let one = 0
        for await (const _ of scan({ select: [expected.columns[0]!] })) one++
        expect(one).toBe(expected.rows.length)
      })
    }
  }

  for (const name of REFUSED) {
    const table = tables[name]!
    for (const [read, expected] of Object.entries(table.reads)) {
      test(`${name}, ${read}: refused by name`, async () => {
        const { scan } = await open(table, read, expected)
        const outcome = await scan({ select: expected.columns, timestamps: 'micros' })
          .toArray()
          .catch((error: unknown) => error)
        expect(outcome).toSatisfy(
          (error) => DataShardError.is(error, 'unsupported') || DataShardError.is(error, 'invalid-argument'),
        )
      })
    }
  }
})

async function open(table: GoldenTable, read: string, expected: GoldenRead) {
  const prefix = table.location.replace('s3://', '')
  const metadata = await newestMetadata(prefix, table)
  const files = tableFiles(store, prefix, metadata.location)
  const { snapshot, schema } = stateOf(metadata, read, expected)
  const where = filterOf(table, read, expected.filter)
  const scan = (options: ScanOptions) =>
    createScan({ files, metadata, snapshot, schema, options: { ...options, ...(where && { where }) } })
  return { scan, schema }
}

async function newestMetadata(prefix: string, table: GoldenTable): Promise<TableMetadata> {
  const keys: string[] = []
  for await (const { key } of store.list(`${prefix}/metadata/`)) if (key.endsWith('.metadata.json')) keys.push(key)
  const version = (key: string) => Number(/(?:\/v|\/)(\d+)[^/]*$/.exec(key)?.[1])
  const named = table.metadataFile?.replace('s3://', '')
  const key = named ?? keys.sort((a, b) => version(a) - version(b)).at(-1)!
  return decodeMetadata((await store.get(key))!, key)
}

function stateOf(metadata: TableMetadata, read: string, expected: GoldenRead) {
  const ref = /^(?:tag|branch)_(.*)$/.exec(read)?.[1]
  const refName =
    ref === undefined
      ? undefined
      : (metadata.refs[ref] ?? metadata.refs[Object.keys(metadata.refs).find((n) => n.includes(ref)) ?? ''])
  const id = expected.snapshotId === undefined ? refName?.snapshotId : BigInt(expected.snapshotId)
  const snapshot = id === undefined ? currentSnapshot(metadata) : snapshotById(metadata, id)
  if (id !== undefined && snapshot === undefined) throw new Error(`no snapshot for ${read}`)
  const own = id === undefined || snapshot?.schemaId === undefined ? undefined : schemaById(metadata, snapshot.schemaId)
  const schema: Schema = own ?? currentSchema(metadata)
  return { snapshot, schema }
}

function filterOf(table: GoldenTable, read: string, filter: string | undefined): Predicate | undefined {
  const key = filter ?? (read === 'filter' ? table.location : undefined)
  if (key === undefined) return undefined
  const known = FILTERS[key]
  if (known === undefined) throw new Error(`no predicate for the filter ${key}`)
  return known
}

const FILTERS: Readonly<Record<string, Predicate>> = {
  'ts >= 2026-05-01T00:00:00Z and flag = true': and(gte('ts', '2026-05-01T00:00:00Z'), eq('flag', true)),
  'id = 41': eq('id', 41),
  's is null': isNull('s'),
  // Not written down with the table; it is what its rows have in common.
  's3://golden/pyiceberg/db/cow': gt('id', 120),
}
