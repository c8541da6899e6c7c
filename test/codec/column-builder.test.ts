import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBuilder } from '../../src/codec/column-builder.ts'
import { concat, slice, take } from '../../src/codec/column-ops.ts'
import { DataShardError } from '../../src/errors.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { RowOf } from '../../src/spec/builder.ts'
import type { Schema, Type } from '../../src/spec/types.ts'
import { toValue } from '../../src/spec/values.ts'
import { isPrimitive } from '../../src/spec/types.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'

function build(columns: Schema, rows: readonly unknown[], unknownColumns: 'error' | 'ignore' = 'error') {
  const builder = createBuilder(columns, { unknownColumns })
  builder.appendRows(rows, 0, rows.length, 0)
  return readRows(columns, [builder.finish()])
}

function refusal(columns: Schema, rows: readonly unknown[]): DataShardError {
  try {
    build(columns, rows)
  } catch (error) {
    if (DataShardError.is(error, 'invalid-argument')) return error
    throw error
  }
  throw new Error('the rows were accepted')
}

const maps = schema({ v: t.map(t.string, t.int) })

/** A schema of one required column `v`. */
const one = (type: unknown) => resolveSchema(schema({ v: type } as never))

/** A value as it is expected back: canonical, nested ones too. */
function canonical(type: Type, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (isPrimitive(type)) return toValue(type, value)
  if (type.type === 'list') return (value as unknown[]).map((item) => canonical(type.element, item))
  if (type.type === 'map') {
    return (value as [unknown, unknown][]).map(([k, v]) => [canonical(type.key, k), canonical(type.value, v)])
  }
  const object = value as Record<string, unknown>
  return Object.fromEntries(type.fields.map((field) => [field.name, canonical(field.type, object[field.name])]))
}

const schemaAndRows = anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns)))

describe('rows to columns', () => {
  test('every row of every schema comes back with its canonical values', () => {
    fc.assert(
      fc.property(schemaAndRows, ([columns, rows]) => {
        const expected = rows.map((row) =>
          Object.fromEntries(columns.fields.map((field) => [field.name, canonical(field.type, row[field.name])])),
        )
        expect(build(columns, rows)).toEqual(expected)
      }),
    )
  })

  test('truncate, then append: as if the forgotten rows had never been', () => {
    fc.assert(
      fc.property(schemaAndRows, fc.nat(), ([columns, rows], at) => {
        const kept = rows.length === 0 ? 0 : at % rows.length
        const builder = createBuilder(columns)
        for (const row of rows) builder.append(row)
        builder.truncate(kept)
        builder.appendRows(rows, kept, rows.length, kept)
        expect(readRows(columns, [builder.finish()])).toEqual(build(columns, rows))
      }),
    )
  })

  test('take, slice and concat move whole rows', () => {
    fc.assert(
      fc.property(schemaAndRows, fc.array(fc.nat(), { maxLength: 30 }), fc.nat(), ([columns, rows], picks, at) => {
        const builder = createBuilder(columns)
        builder.appendRows(rows, 0, rows.length, 0)
        const batch = builder.finish()
        const all = readRows(columns, [batch])
        const indices = rows.length === 0 ? [] : picks.map((pick) => pick % rows.length)
        expect(readRows(columns, [take(batch, Int32Array.from(indices))])).toEqual(indices.map((i) => all[i]))
        const middle = rows.length === 0 ? 0 : at % rows.length
        const parts = [slice(batch, middle, batch.length), slice(batch, 0, middle), slice(batch, 0, 0)]
        expect(readRows(columns, [concat(parts)])).toEqual([...all.slice(middle), ...all.slice(0, middle)])
      }),
    )
  })

  test('a batch of many blocks keeps the order of its rows', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ id: i, name: i % 3 === 0 ? null : `näme ${i}` }))
    const columns = resolveSchema(schema({ id: t.int, name: t.optional(t.string) }))
    expect(build(columns, rows)).toEqual(rows)
  })

  test('long and non-ASCII strings survive, as do strings longer than any buffer so far', () => {
    const columns = resolveSchema(schema({ s: t.string }))
    const rows = [
      '',
      'a'.repeat(64),
      'a'.repeat(65),
      'é'.repeat(64),
      '\u{1f600}'.repeat(5000),
      'x'.repeat(100_000),
      '\u0000',
    ].map((s) => ({ s }))
    expect(build(columns, rows)).toEqual(rows)
  })
})

describe('what a row may be', () => {
  const columns = resolveSchema(schema({ a: t.int, b: t.optional(t.string) }))

  test('objects without prototype, class instances with getters, frozen objects and proxies are rows', () => {
    class Row {
      get a() {
        return 1
      }
      get b() {
        return 'x'
      }
    }
    const bare = Object.assign(Object.create(null) as object, { a: 1, b: 'x' })
    const rows = [bare, new Row(), Object.freeze({ b: 'x', a: 1 }), new Proxy({ a: 1, b: 'x' }, {})]
    expect(build(columns, rows)).toEqual(rows.map(() => ({ a: 1, b: 'x' })))
  })

  test('null, undefined and a missing key are the same to an optional column', () => {
    expect(build(columns, [{ a: 1, b: null }, { a: 1, b: undefined }, { a: 1 }])).toEqual(
      [1, 1, 1].map((a) => ({ a, b: null })),
    )
  })

  test.each([
    [null],
    [undefined],
    [5],
    ['text'],
    [[1, 2]],
    [new Map()],
    [new Date()],
    [new Uint8Array(2)],
    [Promise.resolve()],
  ])('%s is refused as a row, also where all columns are optional', (row) => {
    const optional = resolveSchema(schema({ a: t.optional(t.int) }))
    expect(refusal(optional, [{ a: 1 }, row]).message).toMatch(/^row 1: found .*, expected an object with a key/)
  })

  test('a getter that throws is named with its row and column, and is the cause', () => {
    const cause = new Error('boom')
    const row = {
      get a() {
        throw cause
      },
    }
    const error = refusal(columns, [{ a: 1 }, row])
    expect(error.message).toBe("row 1, column 'a': reading the value threw: boom")
    expect(error.cause).toBe(cause)
  })

  test('columns called like what every object inherits hold only what the row itself has', () => {
    const odd = resolveSchema({
      fields: ['constructor', 'toString', '__proto__', 'null', '5', 'a.b', ''].map((name, i) => ({
        id: i + 1,
        name: name === '' ? ' ' : name,
        type: 'string',
        required: false,
      })),
    } as never)
    expect(
      build(odd, [{}, JSON.parse('{"__proto__":"p","constructor":"c","null":"n","5":"five","a.b":"dot"}')]),
    ).toEqual([
      Object.fromEntries(odd.fields.map(({ name }) => [name, null])),
      JSON.parse('{"constructor":"c","toString":null,"__proto__":"p","null":"n","5":"five","a.b":"dot"," ":null}'),
    ])
  })
})

describe('unknown columns', () => {
  const columns = resolveSchema(schema({ kind: t.string, place: t.optional(t.struct({ city: t.string })) }))

  test('a misspelled column is refused with what may have been meant (fault 19)', () => {
    expect(refusal(columns, [{ kind: 'x' }, { kindd: 'x' }]).message).toBe(
      "row 1, column 'kindd': the table has no such column; did you mean 'kind'?",
    )
  })

  test('a misspelled field of a struct is refused with its path', () => {
    const error = refusal(columns, [
      { kind: 'x', place: { city: 'a' } },
      { kind: 'x', place: { city: 'a', cty: 'b' } },
    ])
    expect(error.details).toEqual({ row: 1, column: 'place.cty' })
  })

  test('with `ignore` they are dropped, in structs too', () => {
    expect(build(columns, [{ kind: 'x', more: 1, place: { city: 'a', zip: 1 } }], 'ignore')).toEqual([
      { kind: 'x', place: { city: 'a' } },
    ])
  })
})

describe('which row is at fault', () => {
  const columns = resolveSchema(schema({ id: t.long, amount: t.optional(t.decimal(12, 2)) }))

  test('row 99,999 of 100,000 is named with column, what was found and what is expected', () => {
    const rows: { id: number; amount: unknown }[] = Array.from({ length: 100_000 }, (_, id) => ({ id, amount: '1.25' }))
    rows[99_999]!.amount = 'abc'
    const error = refusal(columns, rows)
    expect(error.message).toMatch(/^row 99999, column 'amount': found 'abc' \(string\), expected decimal\(12,2\); /)
    expect(error.details).toEqual({ row: 99_999, column: 'amount' })
  })

  test('the first bad row is named, whatever the order of the columns', () => {
    const rows = [{ id: 1 }, { id: 2, amount: 'x' }, { id: 'y' }, 7]
    expect(refusal(columns, rows).details).toEqual({ row: 1, column: 'amount' })
  })

  test('a refused append leaves the builder as it was', () => {
    const builder = createBuilder(columns)
    builder.append({ id: 1 })
    expect(() => builder.appendRows([{ id: 2 }, { id: null }], 0, 2, 1)).toThrow(/^row 2, column 'id': found null/)
    builder.append({ id: 3 })
    expect(readRows(columns, [builder.finish()]).map((row) => row['id'])).toEqual([1n, 3n])
  })
})

describe('values that are refused rather than bent (faults 17, 20, 21)', () => {
  const cases: [string, unknown, unknown][] = [
    ['long', t.long, 1.5],
    ['long', t.long, 2 ** 53],
    ['long', t.long, 2n ** 63n],
    ['long', t.long, '5'],
    ['int', t.int, 2 ** 31],
    ['int', t.int, NaN],
    ['int', t.int, 5n],
    ['double', t.double, true],
    ['double', t.double, '1'],
    ['float', t.float, 1e300],
    ['boolean', t.boolean, 1],
    ['binary', t.binary, 'text'],
    ['binary', t.binary, [1, 2]],
    ['fixed', t.fixed(4), new Uint8Array(3)],
    ['uuid', t.uuid, 'not-a-uuid'],
    ['string', t.string, 5],
    ['string', t.string, 'a\ud800b'],
    ['string', t.string, '\udc00'.repeat(100)],
    ['decimal', t.decimal(12, 2), 1.005],
    ['decimal', t.decimal(12, 2), '12345678901.00'],
    ['decimal', t.decimal(12, 2), NaN],
    ['decimal', t.decimal(12, 2), 5n],
    ['date', t.date, '2026-02-30'],
    ['date', t.date, new Date('2026-01-01T01:00:00Z')],
    ['time', t.time, '25:00:00'],
    ['timestamp', t.timestamp, 1_700_000_000_000],
    ['timestamp', t.timestamp, '2026-01-01T00:00:00Z'],
    ['timestamptz', t.timestamptz, '2026-01-01T00:00:00'],
    ['timestamptz', t.timestamptz, new Date(NaN)],
    ['timestamptz', t.timestamptz, '2026-01-01T00:00:00.0000001Z'],
    ['timestamptz', t.timestamptz, 2n ** 63n],
    ['list', t.list(t.int), 'abc'],
    ['list', t.list(t.int), 5],
    ['map', t.map(t.string, t.int), 'abc'],
    ['map', t.map(t.int, t.int), { 1: 2 }],
    ['struct', t.struct({ x: t.int }), [1]],
  ]
  test.each(cases)('%s <- %o %o', (_, type, value) => {
    const error = refusal(one(type as never), [{ v: value }])
    expect(error.message).toMatch(/^row 0, column 'v': found .*expected /)
  })

  test('decimals and timestamps keep every digit', () => {
    const columns = resolveSchema(schema({ d: t.decimal(38, 10), at: t.timestamp }))
    expect(
      build(columns, [{ d: '-256619187876373715453971649.6550669089', at: '2026-01-31T12:00:00.000001' }]),
    ).toEqual([{ d: -2566191878763737154539716496550669089n, at: 1_769_860_800_000_001n }])
  })

  test('Dates far from now keep their microseconds exact', () => {
    const columns = resolveSchema(schema({ at: t.timestamptz }))
    const times = [8.64e15, -8.64e15, 9e12, -9e12, 9e12 + 1, 0, -1, 1.7e12]
    expect(
      build(
        columns,
        times.map((ms) => ({ at: new Date(ms) })),
      ),
    ).toEqual(times.map((ms) => ({ at: BigInt(ms) * 1000n })))
  })
})

describe('nested values (fault 23)', () => {
  test('lists take arrays, typed arrays and sets', () => {
    const columns = one(t.list(t.int) as never)
    expect(
      build(
        columns,
        [[1, 2], new Int16Array([1, 2]), new Set([1, 2])].map((v) => ({ v })),
      ),
    ).toEqual([1, 2, 3].map(() => ({ v: [1, 2] })))
  })

  test('maps take Maps, entries and plain objects', () => {
    const columns = one(t.map(t.string, t.optional(t.int)) as never)
    const values = [new Map([['a', 1]]), [['a', 1]], { a: 1 }]
    expect(
      build(
        columns,
        values.map((v) => ({ v })),
      ),
    ).toEqual(values.map(() => ({ v: [['a', 1]] })))
  })

  test('entries that can be read only once are refused: who reads a row twice would find nothing', () => {
    const columns = resolveSchema(maps)
    const once = () => new Map([['a', 1]]).entries()
    expect(refusal(columns, [{ v: once() }]).message).toContain('expected map<string, int>; a Map, an array of entries')
    // @ts-expect-error nor do the types take them
    const row: RowOf<typeof maps> = { v: once() }
    expect(row).toBeDefined()
  })

  test('a key that comes twice is refused, however it is written', () => {
    const columns = one(t.map(t.long, t.int) as never)
    expect(
      refusal(columns, [
        {
          v: [
            [1, 1],
            [1n, 2],
          ],
        },
      ]).message,
    ).toBe("row 0, column 'v[1]': found 1n (bigint) twice; the keys of a map are unique")
  })

  test('the path leads to the value', () => {
    const columns = resolveSchema(schema({ a: t.list(t.struct({ m: t.map(t.string, t.list(t.int)) })) }))
    const error = refusal(columns, [{ a: [{ m: { x: [1] } }, { m: { x: [1], y: [2, 'z'] } }] }])
    expect(error.details).toEqual({ row: 0, column: 'a[1].m[1].value[1]' })
  })

  test('nulls where a value is required are refused at every depth', () => {
    expect(refusal(one(t.list(t.int) as never), [{ v: [1, null] }]).details['column']).toBe('v[1]')
    expect(refusal(one(t.struct({ x: t.int }) as never), [{ v: {} }]).details['column']).toBe('v.x')
    expect(refusal(one(t.map(t.string, t.int) as never), [{ v: { k: null } }]).details['column']).toBe('v[0].value')
  })

  test('a struct without fields is refused before any row', () => {
    const empty: Schema = {
      schemaId: 0,
      fields: [{ id: 1, name: 's', required: false, type: { type: 'struct', fields: [] } }],
    }
    expect(() => createBuilder(empty)).toThrow(/struct without fields/)
  })
})
