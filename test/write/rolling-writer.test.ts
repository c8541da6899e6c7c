import { tableFromIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { fromArrow } from '../../src/codec/arrow.ts'
import type { ColumnBatch } from '../../src/codec/columns.ts'
import { loadParquetWasm } from '../../src/codec/wasm.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import type { FaultPlan } from '../../src/store/fault-plan.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { readBatches } from '../../src/write/input.ts'
import { writeDataFiles, type WriteProgress } from '../../src/write/rolling-writer.ts'
import { readRows, type Row } from '../support/read-columns.ts'
import { columnsOf, writeContext } from './write-table.ts'

const columns = resolveSchema(schema({ n: t.long, group: t.int }))

async function* batches(count: number, rowsEach = 1000, groups = 1): AsyncGenerator<ColumnBatch> {
  for (let b = 0; b < count; b++) {
    const rows = Array.from({ length: rowsEach }, (_, i) => ({ n: b * rowsEach + i, group: i % groups }))
    yield columnsOf(columns, rows)
  }
}

async function* parts(...lists: number[][]): AsyncGenerator<ColumnBatch> {
  for (const list of lists)
    yield columnsOf(
      columns,
      list.map((n) => ({ n, group: 0 })),
    )
}

function* rowsWithOneBad() {
  for (let n = 0; n < 20_000; n++) yield { n: n === 19_000 ? 'bad' : n, group: 0 }
}

async function sortOrderIds(...lists: number[][]) {
  const files = await writeDataFiles(parts(...lists), writeContext(columns, { sortBy: ['n'] }), memoryStore())
  return files.map((file) => file.sortOrderId)
}

async function rowsIn(store: ObjectStore, files: readonly DataFile[]): Promise<Row[]> {
  const wasm = await loadParquetWasm()
  const all: Row[] = []
  for (const file of files) {
    const bytes = (await store.get(file.path.replace('/table/', '')))!
    expect(file.fileSizeBytes).toBe(BigInt(bytes.length))
    all.push(...readRows(columns, fromArrow(tableFromIPC(wasm.readParquet(bytes).intoIPCStream()), columns)))
  }
  return all
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

const faulty = (faults: FaultPlan) => memoryStore({ faults })

describe('rolling writer', () => {
  test('endless input becomes files of about the target size, uploaded while rows still come', async () => {
    const store = memoryStore()
    const progress: WriteProgress[] = []
    const context = writeContext(columns, {
      properties: { 'write.target-file-size-bytes': '8000', 'write.parquet.row-group-size-bytes': '12000' },
    })
    const files = await writeDataFiles(batches(20), context, store, { onProgress: (p) => progress.push(p) })
    expect(files.length).toBeGreaterThan(3)
    expect(progress[10]!.files).toBeGreaterThan(0)
    expect(progress.at(-1)).toEqual({
      rows: 20_000,
      files: files.length,
      bytes: Number(files.reduce((sum, file) => sum + file.fileSizeBytes, 0n)),
    })
    const values = (await rowsIn(store, files)).map((row) => Number(row['n'])).sort((a, b) => a - b)
    expect(values).toEqual(Array.from({ length: 20_000 }, (_, i) => i))
  })

  test('rows go to the files of their partitions, however many are open at a time', async () => {
    const store = memoryStore()
    const context = writeContext(columns, { partitionBy: ['group'] })
    const files = await writeDataFiles(batches(3, 1000, 100), context, store)
    expect(new Set(files.map((file) => file.partition[0])).size).toBe(100)
    for (const file of [...files.slice(0, 5), ...files.slice(-5)]) {
      const groups = new Set((await rowsIn(store, [file])).map((row) => row['group']))
      expect([...groups]).toEqual(file.partition)
    }
    expect(files.reduce((sum, file) => sum + file.recordCount, 0n)).toBe(3000n)
  })

  test('a file has a sort order only if all of it is in order', async () => {
    expect(await sortOrderIds([2, 1], [4, 3])).toEqual([1])
    expect(await sortOrderIds([3, 1], [4, 2])).toEqual([undefined])
  })

  test('no rows, no files, no requests', async () => {
    const store = memoryStore()
    expect(await writeDataFiles(batches(0), writeContext(columns), store)).toEqual([])
    expect(await keysOf(store)).toEqual([])
  })
})

describe('when it fails', () => {
  const small = { 'write.target-file-size-bytes': '8000', 'write.parquet.row-group-size-bytes': '12000' }

  test('a bad row in the middle leaves no file behind', async () => {
    const store = memoryStore()
    const input = readBatches(rowsWithOneBad(), columns, { maxBatchRows: 1000 })
    await expect(writeDataFiles(input, writeContext(columns, { properties: small }), store)).rejects.toMatchObject({
      details: { row: 19_000, column: 'n' },
    })
    expect(await keysOf(store)).toEqual([])
  })

  test('a store that refuses ends the write with its error, soon, and takes no more rows', async () => {
    let taken = 0
    async function* counted() {
      for await (const batch of batches(1000)) {
        taken++
        yield batch
      }
    }
    const store = faulty(({ verb }) => (verb === 'PUT' ? { kind: 'unavailable', when: 'before' } : undefined))
    const context = writeContext(columns, { properties: small })
    await expect(writeDataFiles(counted(), context, store)).rejects.toMatchObject({ code: 'unavailable' })
    expect(taken).toBeLessThan(900)
  })

  test('a put whose outcome is unknown is an error, and the file is deleted', async () => {
    const store = faulty(({ verb }) => (verb === 'PUT' ? { kind: 'unknown', when: 'after' } : undefined))
    await expect(writeDataFiles(batches(1), writeContext(columns), store)).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(await keysOf(store)).toEqual([])
  })

  test('a signal ends it with `aborted` and leaves no file behind', async () => {
    const store = memoryStore()
    const controller = new AbortController()
    const writing = writeDataFiles(batches(1000), writeContext(columns, { properties: small }), store, {
      signal: controller.signal,
      onProgress: ({ files }) => {
        if (files > 2) controller.abort()
      },
    })
    await expect(writing).rejects.toMatchObject({ code: 'aborted' })
    expect(await keysOf(store)).toEqual([])
  })

  test('what the progress callback throws ends it too', async () => {
    const store = memoryStore()
    const failure = new Error('stop')
    const onProgress = () => {
      throw failure
    }
    await expect(writeDataFiles(batches(3), writeContext(columns), store, { onProgress })).rejects.toBe(failure)
    expect(await keysOf(store)).toEqual([])
  })
})
