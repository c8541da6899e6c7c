import { tableFromIPC } from 'apache-arrow'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromArrow } from '../../src/codec/arrow.ts'
import { loadParquetWasm } from '../../src/codec/wasm.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { parseTransform, bindTransform } from '../../src/spec/transforms.ts'
import type { Schema, Type, Value } from '../../src/spec/types.ts'
import { compareValues } from '../../src/spec/values.ts'
import { encodeDataFiles, type EncodedFile } from '../../src/write/encode.ts'
import { createPartitioner } from '../../src/write/partitioner.ts'
import { createSorter } from '../../src/write/sort.ts'
import { readRows, type Row } from '../support/read-columns.ts'
import { columnsOf, writeContext } from './write-table.ts'

async function rowsIn(file: EncodedFile, columns: Schema): Promise<Row[]> {
  const wasm = await loadParquetWasm()
  return readRows(columns, fromArrow(tableFromIPC(wasm.readParquet(file.bytes).intoIPCStream()), columns))
}

const events = resolveSchema(
  schema({
    id: t.int,
    at: t.optional(t.date),
    kind: t.optional(t.string),
    n: t.optional(t.double),
    s: t.struct({ x: t.optional(t.long) }),
  }),
)

const event = fc.record({
  id: fc.integer(),
  at: fc.option(fc.integer({ min: -40_000, max: 40_000 }).map((days) => new Date(days * 86_400_000))),
  kind: fc.option(fc.constantFrom('a', 'b', 'é', '', '\u{1f600}', '\ufffd')),
  n: fc.option(fc.oneof(fc.double(), fc.constantFrom(NaN, 0, -0, Infinity))),
  s: fc.record({ x: fc.option(fc.bigInt({ min: -5n, max: 5n })) }),
})

const typeOf = (column: string): Type => events.fields.find((field) => field.name === column)?.type ?? { type: 'long' }

/** Of a column, or of `s.x`. */
const valueIn = (row: Row, column: string) => (column === 's.x' ? (row['s'] as Row)['x'] : row[column]) as Value | null

const keyOf = (tuple: readonly unknown[]) =>
  tuple.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join('|')

describe('partitions', () => {
  const specs = [['kind'], ['month(at)', 'bucket(id,4)'], ['truncate(kind,1)', 'n'], ['s.x', 'year(at)'], ['day(at)']]

  test('every row is in the file whose tuple the transforms give, null and NaN too, in its order (fault 22)', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.constantFrom(...specs), (rows, partitionBy) => {
        const { spec } = writeContext(events, { partitionBy })
        const partition = createPartitioner(spec, events)
        const parts = [rows.slice(0, 20), rows.slice(20)].flatMap((some) => partition(columnsOf(events, some)))
        const transforms = partitionBy.map((text) => {
          const [, name, column, parameter] = /^(?:(\w+)\()?([\w.]+?)(?:,(\d+))?\)?$/.exec(text)!
          const transform = parseTransform(
            name === undefined ? 'identity' : `${name}${parameter === undefined ? '' : `[${parameter}]`}`,
          )
          const bound = bindTransform(transform, typeOf(column!))
          return (row: Row) => bound(valueIn(row, column!))
        })
        const expected = new Map<string, Row[]>()
        for (const row of readRows(events, [columnsOf(events, rows)])) {
          const key = keyOf(transforms.map((transform) => transform(row)))
          expected.set(key, [...(expected.get(key) ?? []), row])
        }
        const found = new Map<string, Row[]>()
        for (const { tuple, batch } of parts) {
          const key = keyOf(tuple)
          found.set(key, [...(found.get(key) ?? []), ...readRows(events, [batch])])
        }
        expect(found).toEqual(expected)
        const keys = new Map(parts.map(({ key, tuple }) => [key, keyOf(tuple)]))
        expect(new Set(keys.values()).size).toBe(keys.size)
      }),
    )
  })

  test('an unpartitioned table, or one partition, takes the batch as it is', () => {
    const batch = columnsOf(events, [
      { id: 1, kind: 'a', s: {} },
      { id: 2, kind: 'a', s: {} },
    ])
    for (const partitionBy of [[], ['kind']]) {
      const { spec } = writeContext(events, { partitionBy })
      expect(createPartitioner(spec, events)(batch)[0]!.batch).toBe(batch)
    }
  })

  test('a field whose column was dropped is null in all new files', () => {
    const spec = {
      specId: 1,
      fields: [{ sourceId: 99, fieldId: 1000, name: 'gone', transform: { transform: 'void' } }],
    } as const
    expect(createPartitioner(spec, events)(columnsOf(events, [{ id: 1, s: {} }]))[0]!.tuple).toEqual([null])
  })
})

describe('sort orders', () => {
  const orders: { by: string[]; keys: { column: string; transform: string }[] }[] = [
    { by: ['id'], keys: [{ column: 'id', transform: 'identity' }] },
    {
      by: ['kind desc nulls first', 'id'],
      keys: [
        { column: 'kind', transform: 'identity' },
        { column: 'id', transform: 'identity' },
      ],
    },
    { by: ['n asc nulls last'], keys: [{ column: 'n', transform: 'identity' }] },
    { by: ['s.x desc'], keys: [{ column: 's.x', transform: 'identity' }] },
    { by: ['year(at)'], keys: [{ column: 'at', transform: 'year' }] },
  ]

  test('rows come out in order, equal ones in theirs', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.constantFrom(...orders), (rows, { by, keys }) => {
        const { sortOrder } = writeContext(events, { sortBy: by })
        const sorter = createSorter(sortOrder, events)!
        const batch = columnsOf(events, rows)
        const compare = (a: Row, b: Row) => {
          for (const [i, { column, transform }] of keys.entries()) {
            const { direction, nullOrder } = sortOrder.fields[i]!
            const type = typeOf(column)
            const bound = bindTransform(parseTransform(transform), type)
            const [x, y] = [bound(valueIn(a, column)), bound(valueIn(b, column))]
            if (x === null && y === null) continue
            if (x === null || y === null) return (x === null) === (nullOrder === 'nulls-first') ? -1 : 1
            const difference = compareValues(transform === 'year' ? { type: 'int' } : type)(x, y)
            if (difference !== 0) return direction === 'asc' ? difference : -difference
          }
          return 0
        }
        const sorted = sorter.sort(batch)
        expect(readRows(events, [sorted])).toEqual(readRows(events, [batch]).sort(compare))
        expect(sorter.sort(sorted)).toBe(sorted)
      }),
    )
  })

  test('an order of nothing sorts nothing', () => {
    expect(createSorter({ orderId: 0, fields: [] }, events)).toBeUndefined()
  })
})

describe('data files', () => {
  test('one per partition, with its tuple, counts, bounds, sizes and split offsets', async () => {
    const context = writeContext(events, { partitionBy: ['kind'], sortBy: ['id'] })
    const rows = [3, 1, 2, 5, 4].map((id) => ({ id, kind: id % 2 === 0 ? 'even' : null, s: {} }))
    const files = await encodeDataFiles(
      [columnsOf(events, rows.slice(0, 2)), columnsOf(events, rows.slice(2))],
      context,
    )
    expect(files.map(({ key, dataFile }) => [key, dataFile.path, dataFile.partition])).toEqual([
      ['data/kind=null/0.parquet', '/table/data/kind=null/0.parquet', [null]],
      ['data/kind=even/1.parquet', '/table/data/kind=even/1.parquet', ['even']],
    ])
    const [odd] = files
    expect(odd!.dataFile).toMatchObject({
      content: 'data',
      format: 'parquet',
      specId: 0,
      sortOrderId: 1,
      recordCount: 3n,
    })
    expect(odd!.dataFile.fileSizeBytes).toBe(BigInt(odd!.bytes.length))
    expect(odd!.dataFile.splitOffsets).toEqual([4n])
    expect(odd!.dataFile.columnSizes.size).toBe(5)
    expect(odd!.dataFile.lowerBounds.get(1)).toEqual(new Uint8Array([1, 0, 0, 0]))
    expect((await rowsIn(odd!, events)).map((row) => row['id'])).toEqual([1, 3, 5])
  })

  test('no sort order, no sort order id', async () => {
    const [file] = await encodeDataFiles([columnsOf(events, [{ id: 1, s: {} }])], writeContext(events))
    expect(file!.dataFile.sortOrderId).toBeUndefined()
  })

  test('a partition that outgrows the target size becomes several files, sorted over all of them', async () => {
    const numbers = resolveSchema(schema({ n: t.long }))
    const rows = Array.from({ length: 5000 }, (_, i) => ({ n: (i * 7919) % 5000 }))
    const context = writeContext(numbers, {
      sortBy: ['n'],
      properties: { 'write.target-file-size-bytes': '3000', 'write.parquet.row-group-size-bytes': '4000' },
    })
    const files = await encodeDataFiles([columnsOf(numbers, rows)], context)
    expect(files.length).toBeGreaterThan(3)
    const all = (await Promise.all(files.map((file) => rowsIn(file, numbers)))).flat()
    expect(all.map((row) => row['n'])).toEqual(Array.from({ length: 5000 }, (_, i) => BigInt(i)))
    expect(files.every(({ dataFile }) => dataFile.sortOrderId === 1)).toBe(true)
  })

  test('no rows, no files', async () => {
    expect(await encodeDataFiles([], writeContext(events))).toEqual([])
    expect(await encodeDataFiles([columnsOf(events, [])], writeContext(events, { partitionBy: ['kind'] }))).toEqual([])
  })
})
