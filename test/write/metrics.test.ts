import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBuilder } from '../../src/codec/column-builder.ts'
import type { ColumnBatch } from '../../src/codec/columns.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { indexSchema } from '../../src/spec/schema.ts'
import { isPrimitive, type Schema, type Type, type Value } from '../../src/spec/types.ts'
import { compareValues, decodeValue } from '../../src/spec/values.ts'
import { columnMetrics } from '../../src/write/metrics.ts'
import { metricsModes } from '../../src/write/metrics-modes.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'

function columnsOf(columns: Schema, rows: readonly unknown[]): ColumnBatch {
  const builder = createBuilder(columns)
  builder.appendRows(rows, 0, rows.length, 0)
  return builder.finish()
}

const metricsOf = (columns: Schema, rows: readonly unknown[], properties: Record<string, string> = {}) =>
  columnMetrics(columns, [columnsOf(columns, rows)], metricsModes(columns, properties))

const bound = (columns: Schema, id: number, bounds: DataFile['lowerBounds']) => {
  const bytes = bounds.get(id)
  return bytes === undefined ? undefined : decodeValue(indexSchema(columns).byId.get(id)!.field.type, bytes)
}

/** All values of a field, by walking down the rows; null where a struct around it is. */
function valuesOf(columns: Schema, batches: readonly ColumnBatch[], path: readonly string[]): (Value | null)[] {
  return readRows(columns, batches).map((row) => {
    let value: unknown = row
    for (const name of path) value = value === null ? null : (value as Record<string, unknown>)[name]
    return value as Value | null
  })
}

function bruteForce(type: Type, all: readonly (Value | null)[]) {
  const present = all.filter((value) => value !== null)
  const numbers = present.filter((value) => !Number.isNaN(value)).sort(compareValues(type))
  const isFloat = type.type === 'float' || type.type === 'double'
  const zero = (value: Value | undefined, signed: number) => (isFloat && value === 0 ? signed : value)
  return {
    values: BigInt(all.length),
    nulls: BigInt(all.length - present.length),
    nans: isFloat ? BigInt(present.length - numbers.length) : undefined,
    lower: type.type === 'uuid' ? undefined : zero(numbers[0], -0),
    upper: type.type === 'uuid' ? undefined : zero(numbers.at(-1), 0),
  }
}

describe('column metrics', () => {
  const input = anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns), rowsOf(columns)))

  test('counts and full bounds are what a look at every value finds', () => {
    fc.assert(
      fc.property(input, ([columns, some, more]) => {
        const batches = [columnsOf(columns, some), columnsOf(columns, more)]
        const modes = metricsModes(columns, { 'write.metadata.metrics.default': 'full' })
        const metrics = columnMetrics(columns, batches, modes)
        const expected = new Map<number, unknown>()
        for (const [id, { field, name, parentKinds }] of indexSchema(columns).byId) {
          if (!isPrimitive(field.type) || parentKinds.some((kind) => kind !== 'struct')) continue
          expected.set(id, bruteForce(field.type, valuesOf(columns, batches, name.split('.'))))
        }
        const found = [...metrics.valueCounts].map(([id, values]): [number, unknown] => [
          id,
          {
            values,
            nulls: metrics.nullValueCounts.get(id),
            nans: metrics.nanValueCounts.get(id),
            lower: bound(columns, id, metrics.lowerBounds),
            upper: bound(columns, id, metrics.upperBounds),
          },
        ])
        expect(new Map(found)).toEqual(expected)
      }),
    )
  })

  test('uuids have counts and no bounds, whatever is asked for: engines do not agree on their order', () => {
    const columns = resolveSchema(schema({ u: t.uuid }))
    const rows = [{ u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7' }, { u: '00000000-0000-0000-0000-000000000001' }]
    const metrics = metricsOf(columns, rows, { 'write.metadata.metrics.column.u': 'full' })
    expect([metrics.valueCounts, metrics.nullValueCounts]).toEqual([new Map([[1, 2n]]), new Map([[1, 0n]])])
    expect([metrics.lowerBounds.size, metrics.upperBounds.size]).toEqual([0, 0])
  })

  test('truncated bounds enclose every value and are short', () => {
    const columns = resolveSchema(schema({ s: t.string, b: t.binary }))
    fc.assert(
      fc.property(
        fc.array(fc.record({ s: fc.string({ unit: 'binary', maxLength: 30 }), b: fc.uint8Array({ maxLength: 30 }) }), {
          minLength: 1,
        }),
        fc.integer({ min: 1, max: 20 }),
        (rows, n) => {
          const metrics = metricsOf(columns, rows, { 'write.metadata.metrics.default': `truncate(${n})` })
          for (const [id, name] of [
            [1, 's'],
            [2, 'b'],
          ] as const) {
            const compare = compareValues(columns.fields[id - 1]!.type)
            const lower = bound(columns, id, metrics.lowerBounds)!
            const upper = bound(columns, id, metrics.upperBounds)
            const bounds = upper === undefined ? [lower] : [lower, upper]
            expect(bounds.filter((value) => [...(value as string)].length > n)).toEqual([])
            const outside = rows.filter(
              (row) => compare(lower, row[name]) > 0 || (upper !== undefined && compare(upper, row[name]) < 0),
            )
            expect(outside).toEqual([])
          }
        },
      ),
    )
  })

  test('a string of a megabyte has bounds of 16 characters, the upper one raised (fault 15)', () => {
    const columns = resolveSchema(schema({ s: t.string }))
    const metrics = metricsOf(columns, [{ s: 'x'.repeat(1_000_000) }])
    expect(bound(columns, 1, metrics.lowerBounds)).toBe('x'.repeat(16))
    expect(bound(columns, 1, metrics.upperBounds)).toBe(`${'x'.repeat(15)}y`)
  })

  test('an upper bound that cannot be raised is left out, the lower one stays', () => {
    const columns = resolveSchema(schema({ s: t.string }))
    const metrics = metricsOf(columns, [{ s: '\u{10ffff}'.repeat(17) }])
    expect(metrics.lowerBounds.has(1)).toBe(true)
    expect(metrics.upperBounds.has(1)).toBe(false)
  })

  test('all nulls, or all NaN, have counts and no bounds', () => {
    const columns = resolveSchema(schema({ a: t.optional(t.int), d: t.double }))
    const metrics = metricsOf(columns, [{ a: null, d: NaN }, { d: NaN }])
    expect(metrics.nullValueCounts).toEqual(
      new Map([
        [1, 2n],
        [2, 0n],
      ]),
    )
    expect(metrics.nanValueCounts).toEqual(new Map([[2, 2n]]))
    expect([metrics.lowerBounds.size, metrics.upperBounds.size]).toEqual([0, 0])
  })
})

describe('metrics modes', () => {
  const columns = resolveSchema(schema({ a: t.string, b: t.double, s: t.struct({ c: t.string, l: t.list(t.int) }) }))
  const prefix = 'write.metadata.metrics.'

  test('none says nothing, counts no bounds, full everything', () => {
    const rows = [{ a: 'x'.repeat(30), b: NaN, s: { c: 'y', l: [] } }]
    const metrics = metricsOf(columns, rows, {
      [`${prefix}default`]: 'counts',
      [`${prefix}column.a`]: 'full',
      [`${prefix}column.s.c`]: 'none',
    })
    expect([...metrics.valueCounts.keys()]).toEqual([1, 2])
    expect(metrics.nanValueCounts.get(2)).toBe(1n)
    expect(bound(columns, 1, metrics.upperBounds)).toBe('x'.repeat(30))
    expect([...metrics.lowerBounds.keys()]).toEqual([1])
  })

  test('of more than a hundred columns the first hundred are described, unless a property says otherwise', () => {
    const many = resolveSchema(schema(Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`c${i}`, t.int]))))
    const described = (properties: Record<string, string>) =>
      [...metricsModes(many, properties).values()].filter((mode) => mode !== 'none').length
    expect(described({})).toBe(100)
    expect(described({ [`${prefix}max-inferred-column-defaults`]: '7' })).toBe(7)
    expect(described({ [`${prefix}default`]: 'truncate(16)' })).toBe(120)
    expect(metricsModes(many, { [`${prefix}column.c119`]: 'counts' }).get(120)).toBe('counts')
  })

  test('a column that files are sorted by has bounds', () => {
    const order = {
      orderId: 1,
      fields: [{ sourceId: 2, transform: { transform: 'identity' }, direction: 'asc', nullOrder: 'nulls-first' }],
    } as const
    expect(metricsModes(columns, { [`${prefix}default`]: 'counts' }, order).get(2)).toBe(16)
  })

  test.each([['truncate(0)'], ['truncate'], ['all']])('mode %s is refused', (mode) => {
    expect(() => metricsModes(columns, { [`${prefix}default`]: mode })).toThrow(
      /expected none, counts, truncate\(N\) or full/,
    )
  })

  test('a mode for a column that is not there is refused', () => {
    expect(() => metricsModes(columns, { [`${prefix}column.z`]: 'full' })).toThrow(/no column 'z'/)
  })
})
