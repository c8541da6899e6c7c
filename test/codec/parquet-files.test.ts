/** Parquet files that others wrote (fixtures/parquet/make.py): every physical form that a column can have. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { appendRows } from '../../src/codec/arrow-rows.ts'
import type { Row } from '../../src/codec/arrow-rows.ts'
import { decodeRowGroup } from '../../src/codec/parquet-reader-decode.ts'
import { decodePlan } from '../../src/codec/parquet-reader-plan.ts'
import { sourcesOf } from '../../src/codec/parquet-reader-fields.ts'
import { fetchChunks, openParquet } from '../../src/codec/parquet-reader.ts'
import { resolveSchema } from '../../src/spec/builder.ts'
import { nameMappingOf } from '../../src/spec/name-mapping.ts'
import type { Schema } from '../../src/spec/types.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/parquet')

type Expected = Record<string, Record<string, readonly [type: unknown, values: readonly unknown[]]>>
const expected = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Expected

describe('Parquet files of pyarrow and DuckDB', () => {
  for (const [name, columns] of Object.entries(expected)) {
    const fields = Object.entries(columns).map(([column, [type]]) => ({ name: column, type, required: false }))
    const schema = resolveSchema({ fields } as never)

    for (const dictionaries of [true, false]) {
      test(`${name}: exactly what was written${dictionaries ? '' : ', without dictionaries'}`, async () => {
        const rows = await readAll(name, schema, dictionaries)
        for (const [column, [, values]] of Object.entries(columns)) {
          expect(rows.map((row) => plain(row[column]))).toEqual(values)
        }
      })
    }
  }
})

async function readAll(name: string, schema: Schema, dictionaries: boolean): Promise<Row[]> {
  const bytes = new Uint8Array(readFileSync(join(FOLDER, `${name}.parquet`)))
  const read = async (start: number, end: number) => bytes.subarray(start, end)
  const handle = await openParquet({ size: bytes.length, read }, name)
  const { footer } = handle
  const sources = sourcesOf(schema.fields, footer.root, { where: name, nameMapping: nameMappingOf(schema) })
  const plan = decodePlan(footer, sources, name, dictionaries)
  const rows: Row[] = []
  for (const group of footer.rowGroups.keys()) {
    const chunks = await fetchChunks(handle, [group], plan.leaves)
    await decodeRowGroup(
      plan,
      group,
      (leaf) => chunks.bytesOf(group, leaf),
      (batch) => appendRows(batch, schema.fields, { timestamps: 'micros' }, undefined, rows),
    )
  }
  return rows
}

/** As expected.json has it: 64-bit integers as text, bytes as base64, maps as entries. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Map) return Array.from(value, ([key, item]) => [plain(key), plain(item)])
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
