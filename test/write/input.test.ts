import { RecordBatch, Table, tableFromArrays } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { type AppendInput, type InputOptions, readArray, readBatches } from '../../src/write/input.ts'
import { readRows } from '../support/read-columns.ts'

const columns = resolveSchema(schema({ id: t.int, name: t.optional(t.string) }))
const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: null }))

async function read(input: unknown, options?: InputOptions): Promise<unknown[]> {
  const batches = []
  for await (const batch of readBatches(input as AppendInput, columns, options)) batches.push(batch)
  return readRows(columns, batches)
}

function* generator() {
  yield* rows
}

async function* asyncGenerator() {
  yield* rows
}

const stream = () =>
  new ReadableStream({
    start(controller) {
      for (const row of rows) controller.enqueue(row)
      controller.close()
    },
  })

function* numbered() {
  for (let id = 0; id < 100_000; id++) yield { id: id === 99_999 ? 'x' : id }
}

async function* stuck() {
  yield { id: 1 }
  await new Promise(() => {})
}

/** What a stream of another realm has, and no more. */
const bareStream = () => {
  const reader = stream().getReader()
  return { getReader: () => ({ read: () => reader.read(), cancel: () => reader.cancel() }) }
}

describe('inputs', () => {
  const inputs: [string, () => unknown][] = [
    ['an array', () => rows],
    ['a generator', generator],
    ['an async generator', asyncGenerator],
    ['a Set', () => new Set(rows)],
    ['the values of a Map', () => new Map(rows.map((row) => [row.id, row])).values()],
    ['an iterable that is no generator', () => ({ [Symbol.iterator]: () => rows[Symbol.iterator]() })],
    ['a ReadableStream', stream],
    ['a stream that cannot be iterated', bareStream],
  ]
  test.each(inputs)('%s gives every row, counted (fault 18)', async (_, input) => {
    expect(await read(input())).toEqual(rows)
    expect(await read(input(), { signal: new AbortController().signal })).toEqual(rows)
  })

  test.each([
    ['an array', []],
    ['an iterable', new Set()],
    ['a table', tableFromArrays({ id: new Int32Array(0) })],
  ])('nothing in %s gives no batches', async (_, input) => {
    expect(await read(input)).toEqual([])
    const batches = readBatches(input as AppendInput, columns)
    expect((await batches.next()).value?.length ?? 0).toBe(0)
  })

  const odd: [string, unknown, RegExp][] = [
    ['a single row', { id: 1 }, /for one row, append \[row\]/],
    ['null', null, /^found null, expected rows/],
    ['a string', 'text', /^found 'text' \(string\), expected rows/],
    ['a number', 5, /^found 5 \(number\), expected rows/],
    ['a promise', Promise.resolve(rows), /await it first/],
    ['a Map', new Map([[1, { id: 1 }]]), /^row 0: found an array of 2, expected an object/],
  ]
  test.each(odd)('%s is refused', async (_, input, message) => {
    await expect(read(input)).rejects.toThrow(message)
  })

  test('Arrow tables, record batches and streams of them', async () => {
    const table = tableFromArrays({ id: Int32Array.from({ length: 10 }, (_, i) => i) })
    const expected = Array.from({ length: 10 }, (_, id) => ({ id, name: null }))
    const batch = table.batches[0]!
    expect(await read(table)).toEqual(expected)
    expect(await read(batch)).toEqual(expected)
    expect(await read([batch, batch])).toEqual([...expected, ...expected])
    expect(await read(new Set([table, new RecordBatch(batch.schema, batch.data)]))).toEqual([...expected, ...expected])
    expect(await read(new Table([batch, batch]))).toEqual([...expected, ...expected])
  })

  test('rows and record batches together are refused', async () => {
    const batch = tableFromArrays({ id: Int32Array.of(1) }).batches[0]!
    await expect(read(new Set([batch, { id: 1 }]))).rejects.toThrow(/mixes rows with Arrow/)
    await expect(read(new Set([{ id: 1 }, batch]))).rejects.toThrow(/mixes rows with Arrow/)
  })
})

describe('batches', () => {
  test('are as large as asked for, in rows and about in bytes', async () => {
    const sizes = (options: InputOptions) => readArray(rows, columns, options).map((batch) => batch.length)
    expect(sizes({ maxBatchRows: 300 })).toEqual([300, 300, 300, 100])
    expect(sizes({})).toEqual([1000])
    const large = Array.from({ length: 64 }, (_, id) => ({ id, name: 'x'.repeat(100_000) }))
    const batches = readArray(large, columns, { maxBatchBytes: 1_000_000 })
    expect(batches.length).toBeGreaterThan(2)
    expect(readRows(columns, batches)).toEqual(large)
  })

  test('few large rows are taken from an iterator at a time', async () => {
    let taken = 0
    async function* large() {
      for (let id = 0; id < 1000; id++) {
        taken++
        yield { id, name: 'x'.repeat(1_000_000) }
      }
    }
    const batches = readBatches(large(), columns)
    await batches.next()
    await batches.next()
    expect(taken).toBeLessThan(1000)
    await batches.return()
  })

  test('row 99,999 of a generator of 100,000 is named', async () => {
    const error = await read(numbered()).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'invalid-argument', details: { row: 99_999, column: 'id' } })
  })
})

describe('iterators', () => {
  test.each([['sync'], ['async']])('what a %s iterator throws half-way is passed on as it is', async (kind) => {
    const failure = new TypeError('the source broke')
    function* broken() {
      yield { id: 1 }
      throw failure
    }
    async function* brokenAsync() {
      yield* broken()
    }
    for (const signal of [undefined, new AbortController().signal]) {
      await expect(read(kind === 'sync' ? broken() : brokenAsync(), { signal })).rejects.toBe(failure)
    }
  })

  test.each([['sync'], ['async']])('a %s iterator is closed when a row is refused', async (kind) => {
    let closed = 0
    function* source() {
      try {
        for (;;) yield { id: 'bad' }
      } finally {
        closed++
      }
    }
    async function* asyncSource() {
      yield* source()
    }
    await expect(read(kind === 'sync' ? source() : asyncSource())).rejects.toThrow(/^row 0, column 'id'/)
    const { signal } = new AbortController()
    await expect(read(kind === 'sync' ? source() : asyncSource(), { signal })).rejects.toThrow(/^row 0/)
    expect(closed).toBe(2)
  })

  test('a signal ends the wait for a row that never comes', async () => {
    const controller = new AbortController()
    const reading = read(stuck(), { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 5)
    const error = await reading.catch((e: unknown) => e)
    expect(DataShardError.is(error, 'aborted')).toBe(true)
  })

  test('a signal that has fired before takes no row at all', async () => {
    let taken = 0
    function* source() {
      taken++
      yield { id: 1 }
    }
    await expect(read(source(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(taken).toBe(0)
  })
})
