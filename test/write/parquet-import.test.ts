import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metricsFromFooter } from '../../src/codec/parquet-metrics.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { nameMappingOf } from '../../src/spec/name-mapping.ts'
import { resolvePartitionSpec } from '../../src/spec/partition-builder.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import { UNPARTITIONED } from '../../src/spec/partition.ts'
import type { Schema } from '../../src/spec/types.ts'
import { compareValues, decodeValue } from '../../src/spec/values.ts'
import type { ImportOptions } from '../../src/write/parquet-import.ts'
import { inspectParquet } from '../../src/write/parquet-import.ts'
import { columnMetrics } from '../../src/write/metrics.ts'
import { metricsModes } from '../../src/write/metrics-modes.ts'
import { columnsOf, fileOf, open } from '../codec/parquet-reading.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'

const fixture = (name: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/parquet', `${name}.parquet`)))

async function inspect(bytes: Uint8Array, columns: Schema, options: ImportOptions & { spec?: PartitionSpec } = {}) {
  return inspectParquet(await open(bytes), columns, options.spec ?? UNPARTITIONED, options)
}

function partitioned(columns: Schema, ...by: string[]): PartitionSpec {
  return resolvePartitionSpec(by, columns, { specId: 1, lastPartitionId: 999, reuse: [] })
}

const people = resolveSchema(schema({ id: t.long, name: t.optional(t.string), at: t.optional(t.timestamptz) }))
const rows = [
  { id: 1, name: 'Ada with a name that is longer than bounds are', at: '2026-01-31T01:00:00Z' },
  { id: 7, name: null, at: '2026-01-31T23:00:00Z' },
]

describe('a ready Parquet file', () => {
  test('is described by its footer as if we had written it', async () => {
    const cases = anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns), fc.boolean()))
    await fc.assert(
      fc.asyncProperty(cases, async ([columns, some, small]) => {
        const bytes = await fileOf(columns, some, small ? { rowGroupRows: 7 } : {})
        const found = await inspect(bytes, columns)
        const modes = metricsModes(columns, {})
        const ours = columnMetrics(columns, [columnsOf(columns, some)], modes)
        expect(found.recordCount).toBe(BigInt(some.length))
        expect(found.fileSizeBytes).toBe(BigInt(bytes.length))
        if (some.length === 0) return
        for (const [id, count] of found.valueCounts)
          if (ours.valueCounts.has(id)) expect(ours.valueCounts.get(id)).toBe(count)
        for (const [id, count] of ours.nullValueCounts) expect(found.nullValueCounts.get(id)).toBe(count)
        for (const [id, bound] of found.lowerBounds) expect([id, ours.lowerBounds.get(id)]).toEqual([id, bound])
        for (const [id, bound] of found.upperBounds) expect([id, ours.upperBounds.get(id)]).toEqual([id, bound])
        for (const id of found.lowerBounds.keys()) expect(found.nullValueCounts.has(id)).toBe(true)
      }),
      { numRuns: 120 },
    )
  })

  test('has metrics of the modes that the table wants', async () => {
    const bytes = await fileOf(people, rows)
    const found = await inspect(bytes, people, {
      metricsModes: new Map<number, 'none' | 'counts' | 'full' | number>([
        [1, 'full'],
        [2, 3],
        [3, 'counts'],
      ]),
    })
    expect([...found.valueCounts]).toEqual([
      [1, 2n],
      [2, 2n],
      [3, 2n],
    ])
    expect([...found.nullValueCounts]).toEqual([
      [1, 0n],
      [2, 1n],
      [3, 0n],
    ])
    expect(decodeValue({ type: 'string' }, found.lowerBounds.get(2)!)).toBe('Ada')
    expect(decodeValue({ type: 'string' }, found.upperBounds.get(2)!)).toBe('Adb')
    expect(found.lowerBounds.has(3)).toBe(false)
    expect(found.columnSizes.get(1)).toBeGreaterThan(20n)
    expect(found.splitOffsets).toEqual([4n])
    expect((await inspect(bytes, people, { metricsModes: new Map() })).valueCounts.size).toBe(0)
  })

  test('bounds of row groups are joined: all of them, or none', () => {
    const one = {
      field: { id: 1, name: 'd', required: false, type: { type: 'double' } } as const,
      node: {} as never,
      size: 5,
    }
    const metrics = metricsFromFooter([{ ...one, values: 3n, nulls: 0n, lower: 1, upper: 2 }], () => 'full')
    // Footers do not count NaNs.
    expect(metrics.lowerBounds.size).toBe(0)
    expect(metrics.valueCounts.get(1)).toBe(3n)
    const unknown = metricsFromFooter([{ ...one, values: 3n, nulls: undefined, lower: 1, upper: 2 }], () => 'full')
    expect([unknown.nullValueCounts.size, unknown.lowerBounds.size]).toEqual([0, 0])
  })

  test('without field ids is mapped by name, and says which mapping the table needs', async () => {
    const columns = resolveSchema(
      schema({ n: t.long, s: t.string, d: t.decimal(9, 1), l: t.optional(t.list(t.optional(t.long))) }),
    )
    const wider = { ...columns, fields: [...columns.fields, { ...people.fields[1]!, id: 99 }] }
    const bytes = fixture('duckdb')
    await expect(inspect(bytes, wider)).rejects.toMatchObject({ code: 'invalid-argument', details: { column: 'st' } })
    const found = await inspect(bytes, wider, { unknownColumns: 'ignore' })
    expect(found.nameMapping).toEqual(nameMappingOf(wider))
    expect(found.recordCount).toBe(3n)
    const covered = await inspect(bytes, wider, { unknownColumns: 'ignore', nameMapping: nameMappingOf(wider) })
    expect(covered.nameMapping).toBeUndefined()
    const partial = await inspect(bytes, wider, {
      unknownColumns: 'ignore',
      nameMapping: nameMappingOf(columns).slice(1),
    })
    expect(partial.nameMapping?.map(({ fieldId }) => fieldId)).toContain(1)
  })

  test('with the field ids of another table is refused', async () => {
    const other = resolveSchema(schema({ name: t.string, id: t.long }))
    const bytes = await fileOf(other, [{ id: 1n, name: 'x' }])
    await expect(inspect(bytes, people)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(
        "column 'name' of file.parquet has the field id 1, the table's column of that name has 2",
      ),
    })
  })

  test('with columns that the table has not is refused, unless they are to be ignored', async () => {
    const more = resolveSchema({
      ...people,
      fields: [...people.fields, { id: 9, name: 'nam', required: false, type: 'int' }],
    } as never)
    const bytes = await fileOf(more, [{ id: 1, name: 'x', at: null, nam: 3 }])
    await expect(inspect(bytes, people)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/'nam'.*did you mean 'name'.*unknownColumns: 'ignore'/),
    })
    expect((await inspect(bytes, people, { unknownColumns: 'ignore' })).recordCount).toBe(1n)
  })

  test('must have every required column, and no nulls in it', async () => {
    const required = resolveSchema(schema({ id: t.long, name: t.string }))
    const optional = resolveSchema(schema({ id: t.long, name: t.optional(t.string) }))
    const full = await fileOf(optional, [{ id: 1, name: 'x' }])
    expect((await inspect(full, required)).recordCount).toBe(1n)
    const holes = await fileOf(optional, [{ id: 1, name: null }])
    await expect(inspect(holes, required)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining("column 'name' of file.parquet has 1 nulls"),
    })
    const missing = await fileOf(resolveSchema(schema({ id: t.long })), [{ id: 1 }])
    await expect(inspect(missing, required)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining("has no column 'name'"),
    })
  })

  test('must have types that the table can promote, and mean the same by them', async () => {
    const narrow = resolveSchema(schema({ a: t.int, b: t.float, c: t.decimal(5, 2) }))
    const wide = resolveSchema(schema({ a: t.long, b: t.double, c: t.decimal(9, 2) }))
    const bytes = await fileOf(narrow, [{ a: 1, b: 0.5, c: '1.25' }])
    expect(decodeValue({ type: 'long' }, (await inspect(bytes, wide)).lowerBounds.get(1)!)).toBe(1n)
    const back = await fileOf(wide, [{ a: 1, b: 0.5, c: '1.25' }])
    await expect(inspect(back, narrow)).rejects.toMatchObject({ code: 'invalid-argument' })
    const only = (name: string, type: unknown) => resolveSchema({ fields: [{ name, type, required: false }] } as never)
    const ignore = { unknownColumns: 'ignore' } as const
    for (const [file, name, type] of [
      ['timestamp-units', 'ms', 'timestamptz'],
      ['timestamp-units', 'us', 'timestamp'],
      ['timestamp-units', 'ns', 'timestamptz'],
      ['bytes', 'as_string', 'string'],
      ['strings-plain', 'large', 'binary'],
      ['integers', 'u32', 'long'],
      ['nested', 'deep', 'int'],
    ] as const) {
      const found = inspect(fixture(file), only(name, type), ignore)
      await expect(found, `${file} ${name} as ${type}`).rejects.toMatchObject({ code: 'invalid-argument' })
    }
    for (const [file, name, type] of [
      ['timestamp-units', 'ms', 'timestamp'],
      ['timestamp-units', 'us', 'timestamptz'],
      ['int96', 'at', 'timestamptz'],
      ['bytes', 'id', 'uuid'],
      ['integers', 'i8', 'int'],
    ] as const) {
      expect((await inspect(fixture(file), only(name, type), ignore)).recordCount).toBeGreaterThan(0n)
    }
  })

  test('belongs to one partition, which its extremes tell', async () => {
    const bytes = await fileOf(people, rows)
    const partition = async (by: string, some: readonly unknown[] = rows) =>
      (await inspect(some === rows ? bytes : await fileOf(people, some), people, { spec: partitioned(people, by) }))
        .partition
    expect(await partition('day(at)')).toEqual([20_484])
    expect(await partition('month(at)')).toEqual([672])
    expect(await partition('truncate(id, 10)')).toEqual([0n])
    await expect(partition('hour(at)')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/hour\('at'\).*go from '2026-01-31-01' to '2026-01-31-23'/),
    })
    await expect(partition('id')).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(partition('bucket(id, 4)')).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(partition('name')).rejects.toMatchObject({ message: expect.stringContaining('1 of 2 rows are null') })
    const one = [{ id: 5, name: null, at: null }]
    expect(await partition('id', one)).toEqual([5n])
    expect((await partition('bucket(id, 4)', one))[0]).toBeTypeOf('number')
    expect(await partition('name', one)).toEqual([null])
    expect(await partition('day(at)', one)).toEqual([null])
  })

  test('a floating-point column tells no partition: its footer does not rule out NaN', async () => {
    const columns = resolveSchema(schema({ x: t.double }))
    const bytes = await fileOf(columns, [{ x: 1 }])
    const spec: PartitionSpec = {
      specId: 1,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'x', transform: { transform: 'identity' } }],
    }
    await expect(inspect(bytes, columns, { spec })).rejects.toMatchObject({
      message: expect.stringContaining('NaN'),
    })
  })

  test('bounds are never inside the values, for files of other writers too', async () => {
    const columns = resolveSchema({
      fields: [
        { name: 'large', type: 'string', required: false },
        { name: 'category', type: 'string', required: false },
      ],
    } as never)
    const found = await inspect(fixture('strings-plain'), columns)
    const compare = compareValues({ type: 'string' })
    for (const text of ['plain', 'naïve', '\u{1f600}', '']) {
      expect(compare(decodeValue({ type: 'string' }, found.lowerBounds.get(1)!), text)).toBeLessThanOrEqual(0)
      expect(compare(decodeValue({ type: 'string' }, found.upperBounds.get(1)!), text)).toBeGreaterThanOrEqual(0)
    }
    expect(found.nullValueCounts.get(1)).toBe(40n)
  })

  test('without rows has no partition to tell', async () => {
    const columns = resolveSchema(schema({ n: t.optional(t.long) }))
    const found = await inspect(fixture('empty'), columns, { spec: partitioned(columns, 'n') })
    expect([found.recordCount, found.partition]).toEqual([0n, [null]])
  })

  test('without rows lacks no required value, though nothing in it is counted', async () => {
    const found = await inspect(fixture('empty'), resolveSchema(schema({ n: t.long })))
    expect(found.recordCount).toBe(0n)
  })
})
