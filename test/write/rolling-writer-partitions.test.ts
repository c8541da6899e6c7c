/** Rows of many partitions in no order: files, and files under way, stay few. */
import { describe, expect, test } from 'vitest'
import type { ColumnBatch } from '../../src/codec/columns.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { writeDataFiles } from '../../src/write/rolling-writer.ts'
import { WaitingParts } from '../../src/write/waiting-parts.ts'
import { columnsOf, writeContext } from './write-table.ts'

const columns = resolveSchema(schema({ n: t.long, group: t.int, text: t.string }))
const partitioned = () => writeContext(columns, { partitionBy: ['group'] })

async function* batches(count: number, groups: number, text = ''): AsyncGenerator<ColumnBatch> {
  for (let b = 0; b < count; b++) {
    yield columnsOf(
      columns,
      Array.from({ length: groups }, (_, i) => ({ n: b * groups + i, group: i, text })),
    )
  }
}

const rowsOf = (files: readonly DataFile[]) => files.reduce((sum, file) => sum + file.recordCount, 0n)

describe('many partitions in each batch', () => {
  test('rows wait for others of their partition: one file for each, not one for each batch', async () => {
    const files = await writeDataFiles(batches(20, 150), partitioned(), memoryStore())
    expect(rowsOf(files)).toBe(3000n)
    expect(files.length).toBe(150)
  })

  test('what waits is bounded: large rows become several files', async () => {
    const files = await writeDataFiles(batches(6, 150, 'x'.repeat(100_000)), partitioned(), memoryStore())
    expect(rowsOf(files)).toBe(900n)
    expect(files.length).toBeGreaterThan(150)
    expect(files.length).toBeLessThan(600)
  })

  test('files whose end the store has not taken yet are few, however slow it is', async () => {
    let underWay = 0
    let most = 0
    const base = memoryStore()
    const put: ObjectStore['put'] = async (key, bytes, options) => {
      most = Math.max(most, ++underWay)
      const result = await base.put(key, bytes, options)
      for (let turn = 0; turn < 200; turn++) await Promise.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
      return result
    }
    const store: ObjectStore = Object.assign(Object.create(base), { put })
    const files = await writeDataFiles(batches(2, 600), partitioned(), store)
    expect(rowsOf(files)).toBe(1200n)
    expect(most).toBeLessThanOrEqual(130)
  })
})

describe('what waits', () => {
  const part = (key: string) => ({ key, tuple: [], batch: columnsOf(columns, []) })
  const rows = (n: number, count: number) =>
    columnsOf(
      columns,
      Array.from({ length: count }, (_, i) => ({ n: n + i, group: 0, text: 'x'.repeat(1000) })),
    )

  test('nothing is taken until it is too large, then the largest, in the order in which their rows came', () => {
    const waiting = new WaitingParts(100_000)
    waiting.add(part('small'), rows(0, 10))
    waiting.add(part('large'), rows(10, 40))
    expect([...waiting.takeExcess()]).toEqual([])
    waiting.add(part('large'), rows(50, 60))
    const taken = [...waiting.takeExcess()]
    expect(taken.map((one) => [one.part.key, one.batches.map((batch) => batch.length)])).toEqual([['large', [40, 60]]])
    expect([...waiting.takeExcess()]).toEqual([])
    expect([...waiting.takeAll()].map((one) => one.part.key)).toEqual(['small'])
    expect([...waiting.takeAll()]).toEqual([])
  })

  test('rows of a partition that gets a file come before its next ones, once', () => {
    const waiting = new WaitingParts(100_000)
    waiting.add(part('a'), rows(0, 1))
    waiting.add(part('a'), rows(1, 2))
    expect(waiting.takeBefore(part('a')).map((batch) => batch.length)).toEqual([1, 2])
    expect(waiting.takeBefore(part('a'))).toEqual([])
    expect([...waiting.takeAll()]).toEqual([])
  })
})
