import {
  Binary,
  Bool,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float16,
  Float64,
  Int32,
  Int64,
  Int8,
  LargeUtf8,
  List,
  makeData,
  makeVector,
  Null,
  RecordBatch,
  Struct,
  Table,
  tableFromArrays,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  TimeMillisecond,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
  type DataType,
  type Vector,
} from 'apache-arrow'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arrowSchema, fromArrow, isArrow, toArrowTable, type ArrowInput } from '../../src/codec/arrow.ts'
import { createBuilder } from '../../src/codec/column-builder.ts'
import { DataShardError } from '../../src/errors.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { Schema } from '../../src/spec/types.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'

/** A schema of one column `v`, optional unless said otherwise. */
const one = (type: unknown): Schema => resolveSchema(schema({ v: type } as never))
const optional = (type: unknown): Schema => one(t.optional(type as never))

function read(input: unknown, columns: Schema): unknown[] {
  return readRows(columns, fromArrow(input as ArrowInput, columns)).map((row) => row['v'])
}

const table = (vector: Vector): Table => new Table({ v: vector })

const column = <T extends DataType>(values: unknown[], type: T): Table => table(vectorFromArray(values, type))

function refusal(input: Table, columns: Schema): DataShardError {
  try {
    fromArrow(input, columns)
  } catch (error) {
    if (DataShardError.is(error, 'invalid-argument')) return error
    throw error
  }
  throw new Error('the table was accepted')
}

describe('Arrow to columns', () => {
  test('what was columns before comes back the same, whole and in slices', async () => {
    const input = anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns), fc.nat(), fc.nat()))
    await fc.assert(
      fc.asyncProperty(input, async ([columns, rows, a, b]) => {
        const builder = createBuilder(columns)
        builder.appendRows(rows, 0, rows.length, 0)
        const batch = builder.finish()
        const expected = readRows(columns, [batch])
        const arrow = await toArrowTable(columns, [batch])
        expect(readRows(columns, fromArrow(arrow, columns))).toEqual(expected)
        const [from, to] = [a % (rows.length + 1), b % (rows.length + 1)].sort((x, y) => x - y)
        expect(readRows(columns, fromArrow(arrow.slice(from, to), columns))).toEqual(expected.slice(from, to))
      }),
    )
  })

  test('a table of another copy of the package is known by its shape', () => {
    const { schema: fields, batches } = tableFromArrays({ v: Int32Array.of(1, 2) })
    const stranger = {
      schema: { fields: [...fields.fields] },
      batches: batches.map(({ schema: s, data, numRows }) => ({ schema: s, data, numRows })),
    }
    expect(isArrow(stranger)).toBe(true)
    expect(read(stranger, one(t.int))).toEqual([1, 2])
    for (const other of [null, 5, [], {}, { schema: {} }, { schema: { fields: [] } }])
      expect(isArrow(other)).toBe(false)
  })

  test('columns are matched by name, in any order; optional ones may be missing', () => {
    const columns = resolveSchema(schema({ a: t.int, b: t.optional(t.string), c: t.long }))
    const input = new Table({ c: vectorFromArray([5n], new Int64()), a: vectorFromArray([1], new Int32()) })
    expect(readRows(columns, fromArrow(input, columns))).toEqual([{ a: 1, b: null, c: 5n }])
  })

  const fits: [string, Table, unknown, unknown[]][] = [
    ['int8', column([1, null, -128], new Int8()), t.int, [1, null, -128]],
    ['uint32 in range', column([1, 2 ** 31 - 1], new Uint32()), t.int, [1, 2 ** 31 - 1]],
    ['uint32 to long', column([2 ** 32 - 1], new Uint32()), t.long, [4_294_967_295n]],
    ['int64 to int in range', column([5n, -5n], new Int64()), t.int, [5, -5]],
    ['uint64 in range', column([2n ** 63n - 1n], new Uint64()), t.long, [2n ** 63n - 1n]],
    ['int32 to double', column([7], new Int32()), t.double, [7]],
    ['int64 to decimal', column([12n], new Int64()), t.decimal(5, 2), [1200n]],
    [
      'float16',
      table(makeVector(makeData({ type: new Float16(), data: Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00) }))),
      t.float,
      [1, -2, 2 ** -24, Infinity],
    ],
    ['date in milliseconds', column([new Date(86_400_000)], new DateMillisecond()), t.date, [1]],
    ['timestamp in seconds', column([1000], new TimestampSecond()), t.timestamp, [1_000_000n]],
    ['timestamp in milliseconds', column([1], new TimestampMillisecond('UTC')), t.timestamptz, [1000n]],
    [
      'timestamp in nanoseconds',
      table(makeVector(makeData({ type: new TimestampNanosecond(), data: BigInt64Array.of(5000n, -1000n) }))),
      t.timestamp,
      [5n, -1n],
    ],
    [
      'microseconds to nanoseconds',
      table(makeVector(makeData({ type: new TimestampMicrosecond(), data: BigInt64Array.of(5n) }))),
      t.timestampNs,
      [5000n],
    ],
    ['time in milliseconds', column([1500], new TimeMillisecond()), t.time, [1_500_000n]],
    ['large utf8', column(['a', 'é', null], new LargeUtf8()), t.string, ['a', 'é', null]],
    [
      'dictionary',
      column(['a', 'b', 'a', null], new Dictionary(new Utf8(), new Int32())),
      t.string,
      ['a', 'b', 'a', null],
    ],
    [
      'utf8 to uuid',
      column(['F79C3E09-677c-4bbd-a479-3f349cb785e7'], new Utf8()),
      t.uuid,
      ['f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ],
    [
      'binary of the right length',
      column([new Uint8Array([1, 2])], new Binary()),
      t.fixed(2),
      [new Uint8Array([1, 2])],
    ],
    [
      'decimal of another scale',
      table(makeVector(makeData({ type: new Decimal(2, 10), data: Uint32Array.of(150, 0, 0, 0) }))),
      t.decimal(12, 4),
      [15_000n],
    ],
    ['null column', column([null, null], new Null()), t.string, [null, null]],
  ]
  test.each(fits)('%s fits', (_, input, type, expected) => {
    expect(read(input, optional(type))).toEqual(expected)
  })

  test('booleans, dictionaries and lists of fixed size keep their place in a slice', () => {
    const bools = column([true, false, true, null, false, true], new Bool()).slice(1, 5)
    expect(read(bools, optional(t.boolean))).toEqual([false, true, null, false])
    const words = column(['a', 'b', null, 'b'], new Dictionary(new Utf8(), new Int32())).slice(1)
    expect(read(words, optional(t.string))).toEqual(['b', null, 'b'])
    const pairs = column(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      new FixedSizeList(2, new Field('item', new Int32())),
    ).slice(1)
    expect(read(pairs, one(t.list(t.int)))).toEqual([
      [3, 4],
      [5, 6],
    ])
  })

  const unfit: [string, Table, unknown][] = [
    ['string for a long', column(['1'], new Utf8()), t.long],
    ['double for a float', column([1.5], new Float64()), t.float],
    ['int64 for a double', column([1n], new Int64()), t.double],
    [
      'decimal256',
      table(makeVector(makeData({ type: new Decimal(0, 40, 256), data: new Uint32Array(8) }))),
      t.decimal(38, 0),
    ],
    ['timestamp with a zone for one without', column([1], new TimestampMillisecond('UTC')), t.timestamp],
    ['timestamp without a zone for one with', column([1], new TimestampMillisecond()), t.timestamptz],
    ['list for a struct', column([[1]], new List(new Field('item', new Int32()))), t.struct({ x: t.int })],
  ]
  test.each(unfit)('%s is refused as a type', (_, input, type) => {
    expect(refusal(input, one(type)).message).toMatch(
      /^column 'v': found Arrow .*, expected .*; it cannot be converted without loss/,
    )
  })

  const outOfRange: [string, Table, unknown][] = [
    ['uint32 beyond int', column([1, 2 ** 31], new Uint32()), t.int],
    ['uint64 beyond long', column([1n, 2n ** 63n], new Uint64()), t.long],
    ['int64 beyond int', column([1n, 2n ** 40n], new Int64()), t.int],
    [
      'a date that is no midnight',
      table(makeVector(makeData({ type: new DateMillisecond(), data: BigInt64Array.of(0n, 1n) }))),
      t.date,
    ],
    [
      'nanoseconds that are no microseconds',
      table(makeVector(makeData({ type: new TimestampNanosecond(), data: BigInt64Array.of(0n, 1n) }))),
      t.timestamp,
    ],
    [
      'seconds beyond 64 bits of microseconds',
      table(makeVector(makeData({ type: new TimestampSecond(), data: BigInt64Array.of(0n, 2n ** 62n) }))),
      t.timestamp,
    ],
    [
      'a decimal that does not fit the scale',
      table(makeVector(makeData({ type: new Decimal(2, 10), data: Uint32Array.of(100, 0, 0, 0, 150, 0, 0, 0) }))),
      t.decimal(12, 0),
    ],
    ['binary of another length', column([new Uint8Array(2), new Uint8Array(3)], new Binary()), t.fixed(2)],
    [
      'bytes that are no UTF-8',
      table(
        makeVector(
          makeData({ type: new Utf8(), valueOffsets: Int32Array.of(0, 1, 2), data: Uint8Array.of(0x61, 0xff) }),
        ),
      ),
      t.string,
    ],
    ['null where a value is required', column([1, null], new Int32()), t.int],
  ]
  test.each(outOfRange)('%s is refused with its row', (_, input, type) => {
    expect(refusal(input, one(type)).details).toEqual({ row: 1, column: 'v' })
  })

  test('a character cut by an offset is refused', () => {
    const data = makeData({
      type: new Utf8(),
      valueOffsets: Int32Array.of(0, 1, 3),
      data: Uint8Array.of(0xc3, 0xa9, 0x61),
    })
    expect(refusal(table(makeVector(data)), one(t.string)).details).toEqual({ row: 0, column: 'v' })
  })

  test('a null inside a list is refused with the row that holds it', () => {
    const input = column([[1], [2, 3], [4, null]], new List(new Field('item', new Int32())))
    expect(refusal(input, one(t.list(t.int))).details).toEqual({ row: 2, column: 'v.element' })
  })

  test('a null under a null struct is no missing value', () => {
    const type = new Struct([new Field('x', new Int32())])
    const input = column([{ x: 1 }, null], type)
    expect(read(input, optional(t.struct({ x: t.int })))).toEqual([{ x: 1 }, null])
    expect(refusal(column([{ x: 1 }, { x: null }], type), optional(t.struct({ x: t.int }))).details).toEqual({
      row: 1,
      column: 'v.x',
    })
  })

  test('a column that the table has not is refused, or left out on request', () => {
    const columns = optional(t.int)
    const input = new Table({ v: vectorFromArray([1], new Int32()), w: vectorFromArray([2], new Int32()) })
    expect(refusal(input, columns).details).toEqual({ column: 'w' })
    expect(readRows(columns, fromArrow(input, columns, { unknownColumns: 'ignore' }))).toEqual([{ v: 1 }])
  })

  test('rows are numbered over all record batches', () => {
    const batches = [
      [1, 2],
      [3, null],
    ].map((values) => column(values, new Int32()).batches[0]!)
    const all = new Table(batches.map((batch) => new RecordBatch(batches[0]!.schema, batch.data)))
    expect(refusal(all, one(t.int)).details).toEqual({ row: 3, column: 'v' })
  })

  test('the Arrow schema carries field ids', async () => {
    const { fields } = await arrowSchema(one(t.list(t.uuid)))
    expect(fields[0]!.metadata.get('PARQUET:field_id')).toBe('1')
    const type = fields[0]!.type as List
    expect(type.children[0]!.name).toBe('element')
    expect(type.children[0]!.metadata.get('PARQUET:field_id')).toBe('2')
  })
})
