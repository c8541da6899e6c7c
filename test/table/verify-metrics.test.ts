import { describe, expect, test } from 'vitest'
import { parseSchemaText } from '../../src/cli/schema-text.ts'
import { inParallel } from '../../src/table/in-parallel.ts'
import { metricsProblems } from '../../src/table/verify-metrics.ts'
import { plainColumn } from '../../src/table/verify-plain-column.ts'
import type { ColumnMetrics, DataFile } from '../../src/spec/data-file.ts'
import type { Value } from '../../src/spec/types.ts'
import { encodeValue } from '../../src/spec/values.ts'

const SCHEMA = parseSchemaText('id long, x double, s string')

function metrics(
  id: number,
  type: 'long' | 'double' | 'string',
  nulls: bigint,
  low: Value,
  high: Value,
): ColumnMetrics {
  return {
    columnSizes: new Map(),
    valueCounts: new Map([[id, 10n]]),
    nullValueCounts: new Map([[id, nulls]]),
    nanValueCounts: new Map(type === 'double' ? [[id, 0n]] : []),
    lowerBounds: new Map([[id, encodeValue({ type }, low)]]),
    upperBounds: new Map([[id, encodeValue({ type }, high)]]),
  }
}

const compare = (said: ColumnMetrics, found: ColumnMetrics) => [
  ...metricsProblems(SCHEMA, said as unknown as DataFile, found, new Set([1, 2, 3])),
]

describe('metrics of a manifest against the file', () => {
  test('bounds may be wider than the values, never narrower', () => {
    const found = metrics(1, 'long', 1n, 5n, 9n)
    expect(compare(metrics(1, 'long', 1n, 5n, 9n), found)).toEqual([])
    expect(compare(metrics(1, 'long', 1n, 0n, 100n), found)).toEqual([])
    expect(compare(metrics(1, 'long', 1n, 6n, 8n), found)).toEqual([
      "column 'id' has values below the lower bound in its manifest",
      "column 'id' has values above the upper bound in its manifest",
    ])
  })

  test('bounds of strings may be truncated', () => {
    expect(compare(metrics(3, 'string', 0n, 'ab', 'b'), metrics(3, 'string', 0n, 'abc', 'azz'))).toEqual([])
    expect(compare(metrics(3, 'string', 0n, 'abd', 'az'), metrics(3, 'string', 0n, 'abc', 'azz'))).toHaveLength(2)
  })

  test('NaN bounds are passed over', () => {
    expect(compare(metrics(2, 'double', 0n, Number.NaN, Number.NaN), metrics(2, 'double', 0n, 1, 2))).toEqual([])
  })

  test('counts must be right where they are given', () => {
    const found = metrics(1, 'long', 1n, 5n, 9n)
    expect(compare(metrics(1, 'long', 2n, 5n, 9n), found)).toEqual(["column 'id' has 1 nulls, its manifest says 2"])
    expect(compare({ ...found, nullValueCounts: new Map(), lowerBounds: new Map() }, found)).toEqual([])
  })
})

test('strings of a dictionary as plain ones, nulls included', () => {
  const column = plainColumn({
    kind: 'dictionary',
    fieldId: 3,
    type: { type: 'string' },
    length: 4,
    nullCount: 1,
    validity: new Uint8Array([0b1011]),
    indices: new Int32Array([1, 0, 99, 1]),
    valueCount: 2,
    offsets: new Int32Array([0, 2, 3]),
    data: new TextEncoder().encode('abc'),
  })
  expect(column).toMatchObject({ kind: 'bytes', length: 4, nullCount: 1, offsets: new Int32Array([0, 1, 3, 3, 4]) })
  expect(new TextDecoder().decode((column as { data: Uint8Array }).data)).toBe('cabc')
})

describe('in parallel', () => {
  test('never more than the limit at once, and everything is done', async () => {
    let running = 0
    let most = 0
    const done: number[] = []
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      done.push(item)
      running--
    })
    expect({ most, done: done.sort() }).toEqual({ most: 3, done: [1, 2, 3, 4, 5, 6, 7] })
  })

  test('the first failure is thrown, and nothing new is begun', async () => {
    const begun: number[] = []
    const work = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item)
      await Promise.resolve()
      throw new Error(`item ${item}`)
    })
    await expect(work).rejects.toThrow('item 1')
    expect(begun.length).toBeLessThanOrEqual(3)
  })
})
