import * as fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { coalesce } from '../../src/codec/parquet-reader-ranges.ts'
import { openParquet } from '../../src/codec/parquet-reader.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { Field, Schema, Type } from '../../src/spec/types.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'
import { columnsOf, fileOf, open, readColumns, readRowsOf } from './parquet-reading.ts'

describe('parquet reader', () => {
  test('rows of any schema come back as they were written, row group by row group', async () => {
    const cases = anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns), fc.boolean()))
    await fc.assert(
      fc.asyncProperty(cases, async ([columns, rows, dictionaries]) => {
        const bytes = await fileOf(columns, rows, { rowGroupRows: 16 })
        const batches = await readColumns(bytes, columns.fields, { dictionaries })
        expect(readRows(columns, batches)).toEqual(readRows(columns, [columnsOf(columns, rows)]))
      }),
      { numRuns: 150 },
    )
  })

  test('any part of a schema, in any order, is that part of the rows', async () => {
    const cases = anySchema.chain((columns) =>
      fc.tuple(fc.constant(columns), rowsOf(columns, 20), fc.infiniteStream(fc.boolean()), fc.nat()),
    )
    await fc.assert(
      fc.asyncProperty(cases, async ([columns, rows, coins, turn]) => {
        const keep = () => coins.next().value as boolean
        const pruned = columns.fields.filter(keep).map((field) => pruneField(field, keep))
        const fields = [...pruned.slice(turn % 3), ...pruned.slice(0, turn % 3)]
        const bytes = await fileOf(columns, rows)
        const batches = await readColumns(bytes, fields)
        const whole = readRows(columns, [columnsOf(columns, rows)])
        const part: Schema = { schemaId: 0, fields }
        const wanted = whole.map((row) => pick(row, { type: 'struct', fields }))
        if (rows.length > 0) expect(readRows(part, batches)).toEqual(wanted)
      }),
      { numRuns: 100 },
    )
  })

  test('an independent reader sees the same', async () => {
    const columns = resolveSchema(
      schema({
        flag: t.optional(t.boolean),
        int: t.optional(t.int),
        long: t.optional(t.long),
        float: t.optional(t.float),
        double: t.optional(t.double),
        text: t.optional(t.string),
        list: t.optional(t.list(t.optional(t.string))),
        point: t.optional(t.struct({ x: t.int, name: t.optional(t.string) })),
      }),
    )
    await fc.assert(
      fc.asyncProperty(rowsOf(columns, 60), async (rows) => {
        const bytes = await fileOf(columns, rows, { codec: 'snappy', rowGroupRows: 25 })
        const file = bytes.slice().buffer
        const theirs = rows.length === 0 ? [] : await parquetReadObjects({ file, utf8: false })
        // It gives undefined for a list or struct that is null.
        const nulls = theirs.map((row) => mapValues(row, (value) => value ?? null))
        expect(await readRowsOf(bytes, columns.fields)).toEqual(nulls)
      }),
      { numRuns: 60 },
    )
  })

  test('columns are found by field id, whatever they are called now', async () => {
    const before = resolveSchema(schema({ a: t.long, b: t.string, inner: t.struct({ x: t.int, y: t.int }) }))
    const bytes = await fileOf(before, [{ a: 1n, b: 'one', inner: { x: 1, y: 2 } }])
    const [a, b, inner] = before.fields as [Field, Field, Field]
    const [x, y] = (inner.type as Extract<Type, { type: 'struct' }>).fields as [Field, Field]
    const renamed: Field[] = [
      { ...b, name: 'a' },
      {
        ...inner,
        name: 'point',
        type: { type: 'struct', fields: [{ ...y, name: 'x' }, added(77, 'z'), { ...x, name: 'left' }] },
      },
      { ...a, name: 'b' },
    ]
    expect(await readRowsOf(bytes, renamed)).toEqual([{ a: 'one', point: { x: 2, z: null, left: 1 }, b: 1n }])
  })

  test('a column that was added later is null, its initial default, or the partition value', async () => {
    const bytes = await fileOf(resolveSchema(schema({ a: t.long })), [{ a: 1n }, { a: 2n }])
    const fields: Field[] = [
      added(10, 'none'),
      { ...added(11, 'text'), type: { type: 'string' }, initialDefault: 'was not there' },
      { ...added(12, 'price'), type: { type: 'decimal', precision: 5, scale: 2 }, initialDefault: '1.50' },
      { ...added(13, 'bytes'), type: { type: 'binary' }, initialDefault: '00ff' },
      { ...added(14, 'part'), type: { type: 'date' } },
      {
        ...added(15, 'list'),
        type: { type: 'list', elementId: 16, element: { type: 'int' }, elementRequired: true },
      },
      {
        ...added(17, 'map'),
        type: {
          type: 'map',
          keyId: 18,
          key: { type: 'int' },
          valueId: 19,
          value: { type: 'int' },
          valueRequired: false,
        },
      },
      { ...added(20, 'struct'), type: { type: 'struct', fields: [added(21, 'x')] } },
    ]
    const row = {
      none: null,
      text: 'was not there',
      price: '1.50',
      bytes: new Uint8Array([0, 255]),
      part: '2026-01-31',
      list: null,
      map: null,
      struct: null,
    }
    expect(await readRowsOf(bytes, fields, { partitionValues: new Map([[14, 20_484]]) })).toEqual([row, row])
  })

  test('a struct of which only added fields are wanted is null where it was null', async () => {
    const columns = resolveSchema(schema({ inner: t.optional(t.struct({ x: t.optional(t.int) })) }))
    const bytes = await fileOf(columns, [{ inner: { x: 1 } }, { inner: null }, { inner: { x: null } }])
    const inner: Field = { ...columns.fields[0]!, type: { type: 'struct', fields: [added(50, 'y')] } }
    expect(await readRowsOf(bytes, [inner])).toEqual([{ inner: { y: null } }, { inner: null }, { inner: { y: null } }])
  })

  test('a required column that is missing, and one of another type, are damage', async () => {
    const bytes = await fileOf(resolveSchema(schema({ a: t.string })), [{ a: 'x' }])
    const required: Field = { ...added(9, 'must'), required: true }
    await expect(readRowsOf(bytes, [required])).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining("no column 'must'"),
    })
    await expect(readRowsOf(bytes, [{ ...added(1, 'a'), type: { type: 'int' } }])).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('bytes (string), which cannot be read as int'),
    })
    const list: Type = { type: 'list', elementId: 2, element: { type: 'string' }, elementRequired: true }
    await expect(readRowsOf(bytes, [{ ...added(1, 'a'), type: list }])).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('a small file takes one request; of a large one the footer, then what is wanted', async () => {
    const columns = resolveSchema(schema({ a: t.long, b: t.string, c: t.string }))
    const small = await fileOf(columns, [{ a: 1n, b: 'x', c: 'y' }])
    expect((await requestsFor(small)).opening).toEqual([[0, small.length]])
    const noise = (i: number) => String(Math.imul(i, 0x9e3779b1) >>> 0).repeat(40)
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ a: i, b: noise(i), c: noise(i + 1) }))
    const large = await fileOf(columns, rows, { codec: 'uncompressed' })
    expect(large.length).toBeGreaterThan(10_000_000)
    const { opening, handle } = await requestsFor(large)
    expect(opening).toEqual([[large.length - 65_536, large.length]])
    expect(handle.cached.length).toBe(65_536)
  })
})

describe('ranges', () => {
  test('cover what was asked for, in order, without needless requests', () => {
    const span = fc.tuple(fc.nat(50_000_000), fc.nat(3_000_000)).map(([start, size]) => ({ start, end: start + size }))
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), (wanted) => {
        const spans = coalesce(wanted)
        for (const { start, end } of wanted) expect(spans.some((s) => s.start <= start && end <= s.end)).toBe(true)
        for (const [i, next] of spans.slice(1).entries()) expect(next.start).toBeGreaterThanOrEqual(spans[i]!.end)
        expect(spans.length).toBeLessThanOrEqual(wanted.length)
      }),
    )
    expect(coalesce([])).toEqual([])
    expect(
      coalesce([
        { start: 600, end: 700 },
        { start: 4, end: 500 },
      ]),
    ).toEqual([{ start: 4, end: 700 }])
  })
})

async function requestsFor(bytes: Uint8Array) {
  const opening: [number, number][] = []
  const read = async (start: number, end: number) => {
    opening.push([start, end])
    return bytes.subarray(start, end)
  }
  const handle = await openParquet({ size: bytes.length, read }, 'file.parquet')
  return { opening, handle: handle as Awaited<ReturnType<typeof open>> }
}

function mapValues(row: Record<string, unknown>, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change(value)]))
}

const added = (id: number, name: string): Field => ({ id, name, required: false, type: { type: 'int' } })

/** The field with only some of the fields below it; at least one of each struct. */
function pruneField(field: Field, keep: () => boolean): Field {
  return { ...field, type: pruneType(field.type, keep) }
}

function pruneType(type: Type, keep: () => boolean): Type {
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.filter(keep).map((field) => pruneField(field, keep))
      return fields.length > 0 ? { ...type, fields } : type
    }
    case 'list':
      return { ...type, element: pruneType(type.element, keep) }
    case 'map':
      return { ...type, value: pruneType(type.value, keep) }
    default:
      return type
  }
}

/** The same part of a row, as {@link readRows} has it. */
function pick(value: unknown, type: Type): unknown {
  if (value === null) return null
  switch (type.type) {
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field) => [field.name, pick((value as Record<string, unknown>)[field.name], field.type)]),
      )
    case 'list':
      return (value as unknown[]).map((item) => pick(item, type.element))
    case 'map':
      return (value as [unknown, unknown][]).map(([key, item]) => [key, pick(item, type.value)])
    default:
      return value
  }
}
