import { describe, expect, test } from 'vitest'
import { openTask } from '../../src/scan/read-file.ts'
import type { ScanOptions } from '../../src/scan/scan.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { and, eq, gte, isNull, lt, startsWith } from '../../src/spec/expressions.ts'
import { identity } from '../../src/spec/partition-builder.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore, RequestEvent } from '../../src/store/store.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import { createTable } from '../../src/table/create.ts'
import type { Table } from '../../src/table/table.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect } from '../support/tables.ts'

const LOCATION = 'memory://store/t'

const columns = schema({
  id: t.long,
  group: t.optional(t.string),
  place: t.optional(t.struct({ city: t.optional(t.string), at: t.struct({ x: t.int, y: t.int }) })),
  tags: t.optional(t.list(t.struct({ k: t.string, v: t.optional(t.int) }))),
})

const row = (id: number) => ({
  id,
  group: id % 5 === 0 ? null : `g${id % 3}`,
  place: id % 4 === 0 ? null : { city: `city ${id % 7}`, at: { x: id, y: -id } },
  tags: [{ k: 'a', v: id }],
})

async function filled(files = 3, rowsPerFile = 10, store: ObjectStore = memoryStore()) {
  const table = (await createTable(LOCATION, { schema: columns, store })) as Table
  for (let f = 0; f < files; f++) {
    await table.append(Array.from({ length: rowsPerFile }, (_, i) => row(f * rowsPerFile + i)))
  }
  await table.flush()
  return { store, table }
}

/** What a scan asked the store for, data files only. */
async function dataRequests(store: ObjectStore, run: () => Promise<unknown>): Promise<RequestEvent[]> {
  const events: RequestEvent[] = []
  const end = store.observe((event) => void events.push(event))
  await run()
  end()
  return events.filter(({ key }) => key.includes('/data/'))
}

/** Files come in no promised order. */
const ids = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => Number(id)).toSorted((a, b) => a - b)

describe('scan', () => {
  test('all forms give the same rows', async () => {
    const { table } = await filled()
    const rows = await table.scan().toArray()
    expect(rows).toHaveLength(30)
    expect(await collect(table.scan())).toEqual(rows)
    expect(await table.scan().count()).toBe(30)
    const arrow = await table.scan().toArrow()
    expect(arrow.numRows).toBe(30)
    expect(arrow.schema.fields.map(({ name }) => name)).toEqual(['id', 'group', 'place', 'tags'])
    const batches = await collect(table.scan().batches())
    expect(batches.map(({ numRows }) => numRows)).toEqual([10, 10, 10])
  })

  test('select: the columns that were asked for, in that order, nested ones in their struct', async () => {
    const { table } = await filled(1)
    const select = (names: string[]) => table.scan({ select: names, where: eq('id', 6) }).toArray()
    expect(await select(['group', 'id'])).toEqual([{ group: 'g0', id: 6n }])
    expect(Object.keys((await select(['group', 'id']))[0]!)).toEqual(['group', 'id'])
    expect(await select(['place.at.y'])).toEqual([{ place: { at: { y: -6 } } }])
    expect(await select(['place.at.y', 'id', 'place.city'])).toEqual([
      { place: { at: { y: -6 }, city: 'city 6' }, id: 6n },
    ])
    expect(await select(['place.at.y', 'place'])).toEqual([{ place: { city: 'city 6', at: { x: 6, y: -6 } } }])
    expect(await select(['tags.element.v'])).toEqual([{ tags: [{ v: 6 }] }])
    expect(await select(['id', 'id'])).toEqual([{ id: 6n }])
    expect(await select([])).toEqual([{}])
  })

  test('a struct that is null stays null when a part of it is selected', async () => {
    const { table } = await filled(1, 5)
    const rows = await table.scan({ select: ['place.city'] }).toArray()
    expect(rows.map((one) => one['place'])).toEqual([
      null,
      { city: 'city 1' },
      { city: 'city 2' },
      { city: 'city 3' },
      null,
    ])
  })

  test('select: a column that is not there is named, with what may have been meant', async () => {
    const { table } = await filled(1)
    await expect(table.scan({ select: ['grup'] }).toArray()).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/'grup'.*'group'/),
    })
    await expect(collect(table.scan({ where: eq('nope', 1) }))).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(table.scan({ select: 'id' as never }).toArray()).rejects.toMatchObject({ code: 'invalid-argument' })
  })

  test('where: exactly the rows that match, also by columns that are not selected', async () => {
    const { table } = await filled()
    expect(ids(await table.scan({ where: and(gte('id', 8), lt('id', 13)) }).toArray())).toEqual([8, 9, 10, 11, 12])
    const byPlace = await table.scan({ select: ['id'], where: eq('place.city', 'city 3') }).toArray()
    expect(ids(byPlace)).toEqual([3, 10, 17])
    expect(Object.keys(byPlace[0]!)).toEqual(['id'])
    const partly = await table.scan({ select: ['place.at.x'], where: eq('place.city', 'city 3') }).toArray()
    expect(partly).toHaveLength(3)
    expect(partly).toContainEqual({ place: { at: { x: 10 } } })
    expect(await table.scan({ where: isNull('place') }).count()).toBe(8)
    expect(await table.scan({ where: isNull('place.at.x') }).count()).toBe(8)
    expect(await table.scan({ where: isNull('group') }).count()).toBe(6)
    expect(await table.scan({ where: startsWith('group', 'g1') }).count()).toBe(8)
    const arrow = await table.scan({ select: ['group', 'place.city'], where: isNull('group') }).toArrow()
    expect(arrow.numRows).toBe(6)
    expect(arrow.getChild('group')!.get(0)).toBeNull()
  })

  test('limit: no more rows, no more files, and none at all for 0', async () => {
    const { store, table } = await filled(5)
    const read = (options: ScanOptions) => dataRequests(store, () => table.scan(options as never).toArray())
    expect(await read({ limit: 0 })).toHaveLength(0)
    expect(await read({ limit: 10 })).toHaveLength(1)
    expect(await read({ limit: 11 })).toHaveLength(2)
    expect(ids(await table.scan({ limit: 12 }).toArray())).toHaveLength(12)
    expect(await table.scan({ limit: 3, where: gte('id', 25) }).count()).toBe(3)
    expect(await table.scan({ limit: 1000 }).count()).toBe(50)
    expect((await table.scan({ limit: 7 }).toArrow()).numRows).toBe(7)
    for (const limit of [-1, 1.5, Number.NaN, '3' as never]) {
      await expect(table.scan({ limit }).toArray()).rejects.toMatchObject({ code: 'invalid-argument' })
    }
  })

  test('a loop that is left reads no further', async () => {
    const { store, table } = await filled(40)
    const requests = await dataRequests(store, async () => {
      for await (const one of table.scan({ concurrency: 2 })) if (Number(one['id']) >= 0) break
    })
    expect(requests.length).toBeLessThanOrEqual(6)
  })

  test('nothing is read before the first row is asked for', async () => {
    const { store, table } = await filled(1)
    const requests = await dataRequests(store, async () => void table.scan()[Symbol.asyncIterator]())
    expect(requests).toEqual([])
  })

  test('a small file is one request; what bounds rule out is not read at all', async () => {
    const { store, table } = await filled(5)
    expect(await dataRequests(store, () => table.scan().toArray())).toHaveLength(5)
    expect(await dataRequests(store, () => table.scan({ where: eq('id', 21) }).toArray())).toHaveLength(1)
    expect(await dataRequests(store, () => table.scan({ where: eq('id', 999) }).toArray())).toHaveLength(0)
  })

  test('count reads no data where metadata decide, and only the columns of the filter elsewhere', async () => {
    const { store, table } = await filled(5)
    expect(await dataRequests(store, () => table.scan().count())).toHaveLength(0)
    expect(await dataRequests(store, () => table.scan({ where: gte('id', 20) }).count())).toHaveLength(0)
    expect(await dataRequests(store, () => table.scan({ where: gte('id', 15) }).count())).toHaveLength(1)
    expect(await table.scan({ where: gte('id', 15) }).count()).toBe(35)
  })

  test('row groups are skipped by their statistics, and read by range', async () => {
    const { store, table } = await large()
    const whole = await dataRequests(store, () => table.scan().toArray())
    expect(whole).toHaveLength(1)
    const one = await dataRequests(store, async () => {
      expect(ids(await table.scan({ where: eq('id', 150_000) }).toArray())).toEqual([150_000])
    })
    expect(one).toHaveLength(2)
    const bytes = one.reduce((sum, event) => sum + event.bytes, 0)
    expect(bytes).toBeLessThan(whole[0]!.bytes * 0.75)
    const narrow = await dataRequests(store, () => table.scan({ select: ['id'] }).toArray())
    expect(narrow.reduce((sum, event) => sum + event.bytes, 0)).toBeLessThan(whole[0]!.bytes / 2)
  })

  test('an empty table has no rows, in every form', async () => {
    const table = await createTable(LOCATION, { schema: columns, store: memoryStore() })
    expect(await table.scan().toArray()).toEqual([])
    expect(await table.scan().count()).toBe(0)
    expect(await collect(table.scan())).toEqual([])
    expect(await collect(table.scan().batches())).toEqual([])
    const arrow = await table.scan().toArrow()
    expect([arrow.numRows, arrow.schema.fields.length]).toEqual([0, 4])
  })

  test('a partition column that all files agree on is filtered without reading', async () => {
    const store = memoryStore()
    const table = (await createTable(LOCATION, { schema: columns, store, partitionBy: [identity('group')] })) as Table
    await table.append(Array.from({ length: 30 }, (_, i) => row(i)))
    const requests = await dataRequests(store, async () => {
      expect(await table.scan({ where: eq('group', 'g1') }).count()).toBe(8)
    })
    expect(requests).toEqual([])
    expect(ids(await table.scan({ where: eq('group', 'g2'), limit: 3 }).toArray())).toHaveLength(3)
  })

  test('since: rows that were appended after a snapshot', async () => {
    const { table } = await filled(3)
    const [, second] = table.snapshots()
    const rows = await table.scan({ since: { snapshotId: second!.snapshotId } }).toArray()
    expect(ids(rows)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29])
  })

  test('several scans of one table at the same time do not disturb each other', async () => {
    const { table } = await filled(6, 200)
    const expected = JSON.stringify(await table.scan({ json: true }).toArray())
    const all = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        if (i % 2 === 0) return JSON.stringify(await table.scan({ json: true }).toArray())
        return JSON.stringify(await collect(table.scan({ json: true })))
      }),
    )
    expect(new Set(all)).toEqual(new Set([expected]))
    const mixed = await Promise.all([
      table.scan({ json: true }).toArray(),
      table.append(Array.from({ length: 5000 }, (_, i) => row(100_000 + i))),
      table.scan({ json: true }).toArray(),
    ])
    expect(JSON.stringify(mixed[0])).toBe(expected)
  })

  test('next() called many times at once answers in order', async () => {
    const { table } = await filled(2, 3)
    const iterator = table.scan({ select: ['id'] })[Symbol.asyncIterator]()
    const results = await Promise.all(Array.from({ length: 8 }, () => iterator.next()))
    const found = results.map(({ done, value }) => (done === true ? 'done' : Number((value as { id: bigint }).id)))
    expect(found).toEqual([...(await table.scan().toArray()).map(({ id }) => Number(id)), 'done', 'done'])
  })
})

describe('scan of a damaged table', () => {
  async function dataKey(store: ObjectStore): Promise<string> {
    for await (const { key } of store.list('t/data/')) return key
    throw new Error('no data file')
  }

  test('a data file that is missing is named', async () => {
    const { store, table } = await filled(1)
    const key = await dataKey(store)
    await store.delete([key])
    for (const read of [() => table.scan().toArray(), () => table.scan().toArrow(), () => collect(table.scan())]) {
      await expect(read()).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(key) })
    }
  })

  test('a data file that is cut off, replaced or flipped is named', async () => {
    const { store, table } = await filled(2)
    const key = await dataKey(store)
    const bytes = (await store.get(key))!
    for (const damaged of [bytes.subarray(0, bytes.length - 5), bytes.subarray(0, 0), joined(bytes, bytes)]) {
      await store.put(key, damaged)
      const reading = table.scan().toArray()
      await expect(reading).rejects.toMatchObject({ code: 'corrupt', message: expect.stringContaining(key) })
    }
    for await (const other of store.list('t/data/')) {
      if (other.key === key) continue
      const another = (await store.get(other.key))!
      await store.put(key, another.length === bytes.length ? another.subarray(1) : another)
    }
    await expect(table.scan().toArray()).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('a file with another number of rows than its manifest says is refused', async () => {
    const { store, table } = await filled(1)
    const { tasks } = await table.scan().plan()
    const [task] = tasks
    const { fields } = table.schema
    const request = {
      files: tableFiles(store, 't', LOCATION),
      schema: table.schema,
      fields,
      nameMapping: undefined,
      dictionaries: true,
      signal: new AbortController().signal,
    }
    expect(await openTask(task!, request)).toHaveLength(1)
    const other = { ...task!, dataFile: { ...task!.dataFile, recordCount: 11n } }
    await expect(openTask(other, request)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining("has 10 rows, the table's metadata says 11"),
    })
  })
})

describe('a scan that is cancelled', () => {
  test('before and while it reads', async () => {
    const { table } = await filled(3)
    await expect(table.scan({ signal: AbortSignal.abort() }).toArray()).rejects.toMatchObject({ code: 'aborted' })
    const controller = new AbortController()
    const reading = (async () => {
      for await (const one of table.scan({ signal: controller.signal })) if (Number(one['id']) === 3) controller.abort()
    })()
    await expect(reading).rejects.toMatchObject({ code: 'aborted' })
  })

  test('while a request hangs', async () => {
    const inner = memoryStore()
    const store = faultyStore(inner, () => undefined)
    const { table } = await filled(1, 10, store)
    const controller = new AbortController()
    store.rule = ({ verb, key }) =>
      verb === 'get' && key.includes('/data/')
        ? () => new Promise((_, reject) => controller.signal.addEventListener('abort', () => reject(new Error('late'))))
        : undefined
    const reading = table.scan({ signal: controller.signal }).toArray()
    setTimeout(() => controller.abort(), 20)
    await expect(reading).rejects.toThrow()
  })
})

/** One file of several row groups. */
async function large() {
  const store = memoryStore()
  const table = (await createTable(LOCATION, {
    schema: schema({ id: t.long, text: t.string }),
    store,
  })) as Table
  const text = (i: number) => String(Math.imul(i, 0x9e3779b1) >>> 0)
  await table.append(Array.from({ length: 300_000 }, (_, id) => ({ id, text: text(id) })))
  return { store, table }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}
