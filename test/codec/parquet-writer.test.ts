import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { tableFromIPC } from 'apache-arrow'
import * as fc from 'fast-check'
import { parquetMetadata, parquetSchema } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { fromArrow } from '../../src/codec/arrow.ts'
import { createBuilder } from '../../src/codec/column-builder.ts'
import type { ColumnBatch } from '../../src/codec/columns.ts'
import { canEncodeBeside, startEncodeThread } from '../../src/codec/parquet-writer-encode.ts'
import type { ParquetWriter } from '../../src/codec/parquet-writer.ts'
import {
  CREATED_BY,
  createParquetWriter,
  encodeParquet,
  encodeParquetFile,
  parseCodec,
  rowGroupPieces,
} from '../../src/codec/parquet-writer.ts'
import { decodeThrift, encodeThrift } from '../../src/codec/parquet-writer-thrift.ts'
import { loadParquetWasm } from '../../src/codec/wasm.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { Schema } from '../../src/spec/types.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'
import { sideThreadReady } from '../support/side-thread-ready.ts'

function columnsOf(columns: Schema, rows: readonly unknown[]): ColumnBatch {
  const builder = createBuilder(columns)
  builder.appendRows(rows, 0, rows.length, 0)
  return builder.finish()
}

/** Through parquet-rs and apache-arrow, neither of which knows our columns. */
async function readBack(columns: Schema, bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const wasm = await loadParquetWasm()
  const table = tableFromIPC(wasm.readParquet(bytes).intoIPCStream())
  return readRows(columns, fromArrow(table, columns))
}

function footer(bytes: Uint8Array) {
  return parquetMetadata(bytes.slice().buffer)
}

const wide = resolveSchema(
  schema({
    id: t.long,
    u: t.optional(t.uuid),
    tags: t.optional(t.list(t.optional(t.string))),
    m: t.map(t.string, t.list(t.uuid)),
    s: t.optional(t.struct({ x: t.int, y: t.optional(t.struct({ z: t.date })) })),
    d: t.decimal(38, 4),
    small: t.decimal(9, 2),
    at: t.timestamp,
    atz: t.timestamptz,
    time: t.time,
    f: t.fixed(3),
  }),
)

const wideRow = (id: number) => ({
  id,
  u: id % 2 === 0 ? null : 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
  tags: ['a', null],
  m: { k: ['f79c3e09-677c-4bbd-a479-3f349cb785e7'] },
  s: { x: id, y: null },
  d: '1.5',
  small: 2.25,
  at: '2026-01-31T12:00:00.000001',
  atz: new Date(id),
  time: '00:00:01',
  f: new Uint8Array(3),
})

describe('Parquet files', () => {
  test('every row of every schema survives, whatever the row groups', async () => {
    const input = anySchema.chain((columns) =>
      fc.tuple(fc.constant(columns), rowsOf(columns), rowsOf(columns), fc.integer({ min: 1, max: 20 })),
    )
    await fc.assert(
      fc.asyncProperty(input, async ([columns, some, more, rowGroupRows]) => {
        const batches = [columnsOf(columns, some), columnsOf(columns, more)]
        const file = await encodeParquetFile(columns, batches, { rowGroupRows })
        expect(await readBack(columns, file.bytes)).toEqual(readRows(columns, batches))
        expect(file.rowCount).toBe(BigInt(some.length + more.length))
        expect(footer(file.bytes).num_rows).toBe(file.rowCount)
      }),
      { numRuns: 60 },
    )
  })

  test('every field, nested ones too, has its id, its name and its nullability', async () => {
    const bytes = await encodeParquet(wide, [columnsOf(wide, [wideRow(1)])])
    const shape = (node: ReturnType<typeof parquetSchema>): unknown => [
      node.element.name,
      node.element.field_id,
      node.element.repetition_type,
      ...node.children.map(shape),
    ]
    const { id, u, tags, m, s } = Object.fromEntries(
      parquetSchema(footer(bytes)).children.map((child) => [child.element.name, shape(child)]),
    )
    const ids = new Map(wide.fields.map((field) => [field.name, field]))
    const list = ids.get('tags')!.type as { elementId: number }
    const map = ids.get('m')!.type as { keyId: number; valueId: number; value: { elementId: number } }
    const struct = ids.get('s')!.type as unknown as { fields: { id: number; type: { fields: { id: number }[] } }[] }
    expect(id).toEqual(['id', 1, 'REQUIRED'])
    expect(u).toEqual(['u', 2, 'OPTIONAL'])
    expect(tags).toEqual([
      'tags',
      3,
      'OPTIONAL',
      ['list', undefined, 'REPEATED', ['element', list.elementId, 'OPTIONAL']],
    ])
    expect(m).toEqual([
      'm',
      4,
      'REQUIRED',
      [
        'key_value',
        undefined,
        'REPEATED',
        ['key', map.keyId, 'REQUIRED'],
        [
          'value',
          map.valueId,
          'REQUIRED',
          ['list', undefined, 'REPEATED', ['element', map.value.elementId, 'REQUIRED']],
        ],
      ],
    ])
    expect(s).toEqual([
      's',
      5,
      'OPTIONAL',
      ['x', struct.fields[0]!.id, 'REQUIRED'],
      ['y', struct.fields[1]!.id, 'OPTIONAL', ['z', struct.fields[1]!.type.fields[0]!.id, 'REQUIRED']],
    ])
  })

  test('logical types are those of the Iceberg spec, UUIDs among them', async () => {
    const { schema: elements } = footer(await encodeParquet(wide, [columnsOf(wide, [wideRow(1)])]))
    const types = Object.fromEntries(elements.map((e) => [e.name, [e.type, e.type_length, e.logical_type?.type]]))
    expect(types).toMatchObject({
      u: ['FIXED_LEN_BYTE_ARRAY', 16, 'UUID'],
      d: ['FIXED_LEN_BYTE_ARRAY', 16, 'DECIMAL'],
      small: ['INT32', undefined, 'DECIMAL'],
      f: ['FIXED_LEN_BYTE_ARRAY', 3, undefined],
      time: ['INT64', undefined, 'TIME'],
      z: ['INT32', undefined, 'DATE'],
    })
    const zone = (name: string) => elements.find((e) => e.name === name)?.logical_type
    expect(zone('at')).toMatchObject({ type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' })
    expect(zone('atz')).toMatchObject({ type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' })
  })

  test('the footer names the writer in the form that parquet-java parses, and carries no Arrow schema', async () => {
    const metadata = footer(await encodeParquet(wide, [columnsOf(wide, [wideRow(1)])]))
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(metadata.created_by).toBe(`datashard version ${version}`)
    expect(CREATED_BY).toBe(metadata.created_by)
    const keys = metadata.key_value_metadata?.map(({ key }) => key)
    expect(keys).toEqual(['datashard.chunk-crc32', 'datashard.footer-crc32'])
  })

  test('columns have bounds, but UUIDs have none, whose order engines do not agree about', async () => {
    const columns = resolveSchema(schema({ u: t.optional(t.uuid), s: t.string }))
    const rows = [{ u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7', s: 'a' }, { s: 'b' }]
    const [group] = footer(await encodeParquet(columns, [columnsOf(columns, rows)])).row_groups
    const [u, s] = group!.columns.map((column) => column.meta_data!.statistics)
    expect(u).toMatchObject({ null_count: 1n })
    expect([u?.min, u?.max, u?.min_value, u?.max_value]).toEqual([undefined, undefined, undefined, undefined])
    expect(s).toMatchObject({ null_count: 0n, min_value: 'a', max_value: 'b' })
  })

  test('split offsets and column sizes are those of the footer', async () => {
    const rows = Array.from({ length: 100 }, (_, i) => wideRow(i))
    const file = await encodeParquetFile(wide, [columnsOf(wide, rows)], { rowGroupRows: 30 })
    const { row_groups: groups } = footer(file.bytes)
    expect(groups.map((group) => group.num_rows)).toEqual([25n, 25n, 25n, 25n])
    const starts = groups.map(
      ({ columns: [first] }) => first!.meta_data!.dictionary_page_offset ?? first!.meta_data!.data_page_offset,
    )
    expect(file.splitOffsets).toEqual(starts)
    const total = groups
      .flatMap((group) => group.columns)
      .reduce((sum, chunk) => sum + chunk.meta_data!.total_compressed_size, 0n)
    expect([...file.columnSizes.values()].reduce((a, b) => a + b)).toBe(total)
    expect(file.columnSizes.has(1)).toBe(true)
  })

  test('no rows make a valid file without row groups', async () => {
    const file = await encodeParquetFile(wide, [])
    expect(footer(file.bytes)).toMatchObject({ num_rows: 0n, row_groups: [] })
    expect(await readBack(wide, file.bytes)).toEqual([])
  })

  test.each(['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'uncompressed', 'None', 'lz4_raw'])(
    'codec %s',
    async (name) => {
      const columns = resolveSchema(schema({ s: t.string }))
      const rows = Array.from({ length: 500 }, (_, i) => ({ s: `value ${i % 7}` }))
      const bytes = await encodeParquet(columns, [columnsOf(columns, rows)], { codec: parseCodec(name) })
      const expected = { lz4: 'LZ4_RAW', None: 'UNCOMPRESSED' }[name] ?? name.toUpperCase()
      expect(footer(bytes).row_groups[0]!.columns[0]!.meta_data!.codec).toBe(expected)
      expect(await readBack(columns, bytes)).toEqual(rows)
    },
  )

  test('an unknown codec is refused with those that there are', () => {
    expect(() => parseCodec('lzo')).toThrow(/'lzo' is not known here; use one of zstd/)
  })

  test('a dictionary is made of what repeats itself, and of nothing else', async () => {
    const columns = resolveSchema(schema({ id: t.string, at: t.timestamptz, kind: t.string, u: t.uuid }))
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      id: `id-${i}`,
      at: new Date(i * 1000),
      kind: `k${i % 5}`,
      u: `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`,
    }))
    const bytes = await encodeParquet(columns, [columnsOf(columns, rows)])
    const uses = footer(bytes).row_groups[0]!.columns.map((chunk) =>
      chunk.meta_data!.encodings.includes('RLE_DICTIONARY'),
    )
    expect(uses).toEqual([false, false, true, false])
  })

  test('a large batch is cut into row groups, by rows and by bytes', () => {
    const columns = resolveSchema(schema({ s: t.string }))
    const batch = columnsOf(
      columns,
      Array.from({ length: 1000 }, () => ({ s: 'x'.repeat(100) })),
    )
    expect(rowGroupPieces(batch, { rowGroupRows: 300 }).map((piece) => piece.length)).toEqual([250, 250, 250, 250])
    expect(rowGroupPieces(batch, { rowGroupBytes: 52_002 }).map((piece) => piece.length)).toEqual([500, 500])
    expect(rowGroupPieces(batch)).toEqual([batch])
  })

  test('a writer gives its bytes away row group by row group', async () => {
    const columns = resolveSchema(schema({ n: t.long }))
    const batch = columnsOf(
      columns,
      Array.from({ length: 10 }, (_, n) => ({ n })),
    )
    const writer = await createParquetWriter(columns, { rowGroupRows: 20 })
    expect(writer.write(batch)).toEqual([])
    expect(writer.pendingBytes).toBe(80)
    const parts = [...writer.write(batch)]
    expect(parts.length).toBeGreaterThan(0)
    expect(writer.pendingBytes).toBe(0)
    parts.push(...writer.write(batch), ...(await writer.flush()), ...writer.finish().parts)
    expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(writer.size)
    expect(footer(new Uint8Array(parts.flatMap((part) => [...part]))).row_groups.length).toBe(2)
  })
})

describe('a row group that is encoded ahead', () => {
  const columns = resolveSchema(schema({ id: t.long, text: t.optional(t.string), point: t.struct({ x: t.double }) }))
  const batchOf = (from: number) =>
    columnsOf(
      columns,
      Array.from({ length: 20_000 }, (_, i) => ({
        id: from + i,
        text: i % 3 === 0 ? null : `${from + i}`.repeat(40),
        point: { x: i / 7 },
      })),
    )
  const batches = Array.from({ length: 6 }, (_, i) => batchOf(i * 20_000))
  const options = { rowGroupRows: 20_000, codec: 'zstd' } as const

  async function written(write: (writer: ParquetWriter, batch: ColumnBatch) => Promise<readonly Uint8Array[]>) {
    const writer = await createParquetWriter(columns, options)
    const parts: Uint8Array[] = []
    for (const batch of batches) parts.push(...(await write(writer, batch)))
    parts.push(...(await writer.flush()), ...writer.finish().parts)
    const bytes = Buffer.concat(parts)
    expect(bytes.length).toBe(writer.size)
    return bytes
  }

  test('makes the same file, whoever encodes, also for several writers at once', async () => {
    const expected = await written((writer, batch) => Promise.resolve(writer.write(batch)))
    startEncodeThread()
    if (availableParallelism() > 1) await sideThreadReady(canEncodeBeside)
    const ahead = await Promise.all([
      ...Array.from({ length: 4 }, () => written((writer, batch) => writer.writeAhead(batch, false))),
      written((writer, batch) => writer.writeAhead(batch, true)),
      written((writer, batch) => writer.writeAhead(batch, batch === batches[3])),
    ])
    for (const bytes of ahead) expect(Buffer.compare(bytes, expected)).toBe(0)
  })

  test.runIf(availableParallelism() > 1)('comes later, in its place', async () => {
    startEncodeThread()
    await sideThreadReady(canEncodeBeside)
    const writer = await createParquetWriter(columns, options)
    expect(await writer.writeAhead(batches[0]!, false)).toEqual([])
    const first = await writer.writeAhead(batches[1]!, false)
    expect(first.length).toBeGreaterThan(0)
    const size = first.reduce((sum, part) => sum + part.length, 0)
    expect(writer.size).toBe(size)
    // Whoever has to know the size gets all that is owed.
    const exact = await writer.writeAhead(batches[2]!, true)
    expect(writer.size).toBe(size + exact.reduce((sum, part) => sum + part.length, 0))
    expect(await writer.flush()).toEqual([])
    expect(writer.finish().facts.splitOffsets).toHaveLength(3)
  })
})

describe('Thrift', () => {
  test('a footer decodes and encodes to the same bytes', async () => {
    const wasm = await loadParquetWasm()
    const source = await encodeParquet(wide, [columnsOf(wide, [wideRow(1), wideRow(2)])])
    const file = wasm.writeParquet(wasm.readParquet(source))
    const length = new DataView(file.buffer, file.byteOffset).getUint32(file.length - 8, true)
    const bytes = file.subarray(file.length - 8 - length, file.length - 8)
    expect(encodeThrift(decodeThrift(bytes))).toEqual(bytes)
  })
})
