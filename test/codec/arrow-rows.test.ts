import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keepColumns } from '../../src/codec/arrow-rows-keep.ts'
import { appendRows } from '../../src/codec/arrow-rows.ts'
import type { Row, RowFormat } from '../../src/codec/arrow-rows.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { Schema } from '../../src/spec/types.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'
import { columnsOf, fileOf, readColumns, readRowsOf } from './parquet-reading.ts'

function read(columns: Schema, rows: readonly unknown[], format: RowFormat = {}): Row[] {
  const out: Row[] = []
  appendRows(columnsOf(columns, rows), columns.fields, format, undefined, out)
  return out
}

/** One value of a type, as rows give it back. */
function value(type: unknown, input: unknown, format: RowFormat = {}): unknown {
  return read(resolveSchema(schema({ v: type as typeof t.string })), [{ v: input }], format)[0]!['v']
}

describe('values of rows', () => {
  test('are those of the documentation', () => {
    expect(value(t.boolean, true)).toBe(true)
    expect(value(t.int, -5)).toBe(-5)
    expect(value(t.long, 2n ** 63n - 1n)).toBe(2n ** 63n - 1n)
    expect(value(t.float, 0.5)).toBe(0.5)
    expect(value(t.double, -0)).toBe(-0)
    expect(value(t.double, Number.NaN)).toBeNaN()
    expect(value(t.date, '-0044-03-15')).toBe('-0044-03-15')
    expect(value(t.time, '12:00:00.000001')).toBe('12:00:00.000001')
    expect(value(t.string, 'naïve \u{1f600}')).toBe('naïve \u{1f600}')
    expect(value(t.uuid, 'F79C3E09-677C-4BBD-A479-3F349CB785E7')).toBe('f79c3e09-677c-4bbd-a479-3f349cb785e7')
    expect(value(t.binary, new Uint8Array([1, 255]))).toEqual(new Uint8Array([1, 255]))
    expect(value(t.fixed(2), new Uint8Array([1, 255]))).toEqual(new Uint8Array([1, 255]))
    expect(value(t.struct({ a: t.int }), { a: 1 })).toEqual({ a: 1 })
    expect(value(t.list(t.optional(t.int)), [1, null])).toEqual([1, null])
    expect(value(t.map(t.string, t.optional(t.int)), { x: 1, y: null })).toEqual(
      new Map([
        ['x', 1],
        ['y', null],
      ]),
    )
    expect(value(t.optional(t.long), undefined)).toBeNull()
  })

  test('decimals keep every digit, and their scale', () => {
    for (const text of ['12.50', '-0.01', '0.00', '9999999999.99', '-1.00']) {
      expect(value(t.decimal(12, 2), text)).toBe(text)
    }
    const long = '-256619187876373715453971649.6550669089'
    expect(value(t.decimal(38, 10), long)).toBe(long)
    expect(value(t.decimal(38, 0), '9'.repeat(38))).toBe('9'.repeat(38))
    fc.assert(
      fc.property(fc.bigInt({ min: 1n - 10n ** 38n, max: 10n ** 38n - 1n }), fc.nat(38), (unscaled, scale) => {
        const text = String(value(t.decimal(38, scale), { unscaled }))
        expect(BigInt(text.replace('.', ''))).toBe(unscaled)
        expect(text.length - text.indexOf('.') - 1).toBe(scale === 0 ? text.length : scale)
      }),
    )
  })

  test('timestamps are Dates of whole milliseconds, rounded down, or exact microseconds', () => {
    expect(value(t.timestamptz, '1969-12-31T23:59:59.999999Z')).toEqual(new Date(-1))
    expect(value(t.timestamp, '2026-01-31T12:00:00.123999')).toEqual(new Date('2026-01-31T12:00:00.123Z'))
    expect(value(t.timestamp, -1n, { timestamps: 'micros' })).toBe(-1n)
    expect(value(t.timestampNs, 5n)).toBe(5n)
    fc.assert(
      fc.property(fc.bigInt({ min: -8_640_000_000_000_000_000n, max: 8_640_000_000_000_000_000n }), (micros) => {
        const down = (micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n
        expect((value(t.timestamp, micros) as Date).getTime()).toBe(Number(down))
      }),
    )
    const beyond = () => value(t.timestamp, 2n ** 63n - 1n)
    expect(beyond).toThrow(/timestamps: 'micros'/)
  })

  test('json: nothing that JSON has not', () => {
    const json = { json: true }
    expect(value(t.long, 5n, json)).toBe(5)
    expect(value(t.long, 2n ** 53n, json)).toBe('9007199254740992')
    expect(value(t.double, Number.NaN, json)).toBe('NaN')
    expect(value(t.float, -Infinity, json)).toBe('-Infinity')
    expect(value(t.binary, new Uint8Array([0, 255]), json)).toBe('AP8=')
    expect(value(t.timestamptz, '2026-01-31T12:00:00.000001Z', json)).toBe('2026-01-31T12:00:00.000001+00:00')
    expect(value(t.timestamp, '2026-01-31T12:00:00', json)).toBe('2026-01-31T12:00:00')
    expect(value(t.timestamp, 7n, { json: true, timestamps: 'micros' })).toBe(7)
    expect(value(t.timestampNs, 7n, json)).toBe('1970-01-01T00:00:00.000000007')
    expect(value(t.map(t.long, t.binary), [[1n, new Uint8Array([1])]], json)).toEqual([[1, 'AQ==']])
    fc.assert(
      fc.property(
        anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns, 10))),
        ([columns, rows]) => {
          const found = read(columns, rows, json)
          expect(JSON.parse(JSON.stringify(found))).toEqual(found.map(withoutNegativeZero))
        },
      ),
    )
  })

  test('columns may have any name', () => {
    const names = ['__proto__', 'constructor', '1', '', 'a.b', 'größe €', 'toString']
    const columns: Schema = {
      schemaId: 0,
      fields: names.map((name, i) => ({ id: i + 1, name, required: true, type: { type: 'int' } })),
    }
    const input = Object.fromEntries(names.map((name, i) => [name, i]))
    const [row] = read(columns, [input])
    expect(Object.entries(row!).toSorted()).toEqual(Object.entries(input).toSorted())
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
    const nested: Schema = {
      schemaId: 0,
      fields: [{ id: 50, name: 's', required: true, type: { type: 'struct', fields: columns.fields } }],
    }
    const [outer] = read(nested, [{ s: input }])
    expect(Object.entries(outer!['s'] as object).toSorted()).toEqual(Object.entries(input).toSorted())
  })

  test('strings of every length and script, over several blocks', () => {
    const columns = resolveSchema(schema({ s: t.optional(t.string) }))
    const texts = fc.array(
      fc.option(fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.string(), fc.constant('x'.repeat(70_000)))),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(texts, fc.nat(100), (some, repeat) => {
        const rows = Array.from({ length: some.length * repeat }, (_, i) => ({ s: some[i % some.length]! }))
        expect(read(columns, rows)).toEqual(rows)
      }),
      { numRuns: 30 },
    )
  })

  test('only the rows that were selected, in order', () => {
    const columns = resolveSchema(schema({ a: t.int, b: t.optional(t.string) }))
    const rows = Array.from({ length: 3000 }, (_, a) => ({ a, b: a % 3 === 0 ? null : `text ${a}` }))
    const selected = Int32Array.from([0, 1, 1023, 1024, 1025, 2999])
    const out: Row[] = []
    appendRows(columnsOf(columns, rows), columns.fields, {}, selected, out)
    expect(out).toEqual(Array.from(selected, (i) => rows[i]))
  })
})

describe('columns that are kept', () => {
  test('are the rows that were selected, dictionaries resolved', async () => {
    const columns = resolveSchema(schema({ id: t.int, s: t.optional(t.string), l: t.list(t.optional(t.string)) }))
    const rows = Array.from({ length: 9000 }, (_, id) => ({
      id,
      s: id % 4 === 0 ? null : `value ${id % 10}`,
      l: id % 2 === 0 ? [] : ['x', null],
    }))
    const bytes = await fileOf(columns, rows)
    for (const dictionaries of [true, false]) {
      const [batch] = await readColumns(bytes, columns.fields, { dictionaries })
      const wanted = readRows(columns, [columnsOf(columns, rows)])
      expect(readRows(columns, [batch!])).toEqual(wanted)
      expect(await readRowsOf(bytes, columns.fields, { dictionaries })).toEqual(rows)
    }
    const selected = Int32Array.from([3, 4, 8999])
    const kept = keepColumns(columnsOf(columns, rows), columns.fields.slice(1), selected)
    const part: Schema = { schemaId: 0, fields: columns.fields.slice(1) }
    expect(readRows(part, [kept])).toEqual([3, 4, 8999].map((i) => ({ s: rows[i]!.s, l: rows[i]!.l })))
  })
})

function withoutNegativeZero(input: unknown): unknown {
  if (Object.is(input, -0)) return 0
  if (Array.isArray(input)) return input.map(withoutNegativeZero)
  if (typeof input !== 'object' || input === null) return input
  return Object.fromEntries(Object.entries(input).map(([name, inner]) => [name, withoutNegativeZero(inner)]))
}
