import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { Table } from '../../src/table/table.ts'
import { DataShardError } from '../../src/errors.ts'
import { schema, t } from '../../src/spec/builder.ts'
import { eq } from '../../src/spec/expressions.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type FaultRule, faultyStore } from '../support/faulty-store.ts'
import { collect, people, person } from '../support/tables.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const LOCATION = 'memory://store/t'

async function newTable(rule: FaultRule = () => undefined) {
  const store = faultyStore(memoryStore(), () => undefined)
  const table = await createTable(LOCATION, { schema: people, store })
  await table.append([person(0)])
  await table.flush()
  store.calls.length = 0
  store.rule = rule
  return { store, table: table as Table }
}

async function rowsOf(table: Table): Promise<unknown[]> {
  return (await table.scan().toArray()).map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}

describe('append', () => {
  test('a warm append alone takes two round trips and four requests, and the hint', async () => {
    const { store, table } = await newTable()
    // A round trip begins when nothing is under way: what is sent together is one wave.
    const waves: string[][] = []
    let underWay = 0
    store.rule = ({ verb, key }) => {
      if (underWay === 0) waves.push([])
      waves.at(-1)!.push(`${verb} ${key.replace(/^t\//, '').replace(/[^/]*(-m0\.avro|snap-|\.parquet).*/, '$1')}`)
      return async () => {
        underWay += 1
        await setTimeout(20)
        underWay -= 1
      }
    }
    await table.append([person(1)])
    await table.flush()
    expect(store.calls.filter((call) => !call.key.endsWith('hint.text')).length).toBe(4)
    expect(waves.map((wave) => wave.toSorted())).toEqual([
      ['put data/.parquet', 'put metadata/-m0.avro', 'put metadata/snap-'],
      ['put metadata/v3.metadata.json'],
      ['put metadata/version-hint.text'],
    ])
  })

  test('a thousand appends at once become a few commits, each with its own answer', async () => {
    const { table } = await newTable()
    const before = table.version
    const results = await Promise.all(Array.from({ length: 1000 }, (_, i) => table.append([person(i + 1)])))
    expect(table.version - before).toBeLessThanOrEqual(5)
    expect(results.every((result) => result.rows === 1 && result.version <= table.version)).toBe(true)
    expect(await rowsOf(table)).toEqual(Array.from({ length: 1001 }, (_, i) => i))
  })

  test('of appends that share a commit, a bad row fails its own only', async () => {
    const { table } = await newTable()
    const results = await Promise.allSettled([
      table.append([person(1)]),
      table.append([person(2)]),
      table.append([{ id: 'three' }]),
      table.append([person(4)]),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await rowsOf(table)).toEqual([0, 1, 2, 4])
  })

  test('two writers, one base: both rows survive, versions are consecutive', async () => {
    const { store, table } = await newTable()
    const other = await loadTable(LOCATION, { store })
    const [one, two] = await Promise.all([table.append([person(1)]), other.append([person(2)])])
    expect([one.version, two.version].toSorted()).toEqual([3, 4])
    await table.refresh()
    expect(await rowsOf(table)).toEqual([0, 1, 2])
    expect(Math.max(one.attempts, two.attempts)).toBe(2)
  })

  test('sixteen writers in step: every row once, no gap in the versions', async () => {
    const { store } = await newTable()
    const writers = await Promise.all(Array.from({ length: 16 }, () => loadTable(LOCATION, { store })))
    const results = await Promise.all(
      writers.map(async (writer, w) => {
        const versions: number[] = []
        for (let i = 0; i < 5; i++) versions.push((await writer.append([person(1 + w * 5 + i)])).version)
        return versions
      }),
    )
    const versions = [...new Set(results.flat())].toSorted((a, b) => a - b)
    expect(versions).toEqual(Array.from(versions, (_, i) => i + 3))
    expect(await rowsOf(await loadTable(LOCATION, { store }))).toEqual(Array.from({ length: 81 }, (_, i) => i))
  })

  test('the answer of the commit is lost: one row, and no file that the version names is deleted', async () => {
    const { store, table } = await newTable(({ verb, key }) =>
      verb === 'put' && key.endsWith('/v3.metadata.json') ? 'lost-after' : undefined,
    )
    const result = await table.append([person(1)])
    expect(result).toMatchObject({ version: 3, attempts: 1 })
    expect(store.calls.filter((call) => call.verb === 'delete')).toEqual([])
    expect(await rowsOf(await loadTable(LOCATION, { store }))).toEqual([0, 1])
  })

  test('the commit is repeated on its way and meets itself: one row, the manifest list stays', async () => {
    const { store, table } = await newTable(({ verb, key }) =>
      verb === 'put' && key.endsWith('.metadata.json') ? 'twice' : undefined,
    )
    await table.append([person(1)])
    await table.append([person(2)])
    expect(await rowsOf(await loadTable(LOCATION, { store }))).toEqual([0, 1, 2])
  })

  test('nobody can say what became of the commit: commit-unknown, and nothing is deleted', async () => {
    const { store, table } = await newTable(({ verb, key }) =>
      key.endsWith('/v3.metadata.json') && verb !== 'delete' ? 'lost-after' : undefined,
    )
    const error = await table.append([person(1)], { timeoutMs: 300 }).catch((caught: unknown) => caught)
    expect(DataShardError.is(error, 'commit-unknown')).toBe(true)
    expect(error).toMatchObject({ committed: 'unknown', retryable: true })
    await table.flush()
    expect(store.calls.filter((call) => call.verb === 'delete')).toEqual([])
    // It had happened, as the next look shows.
    store.rule = () => undefined
    expect(await rowsOf(await loadTable(LOCATION, { store }))).toEqual([0, 1])
  })

  test('what a lost attempt wrote for its base only is cleaned up', async () => {
    const { store, table } = await newTable()
    const other = await loadTable(LOCATION, { store })
    await other.append([person(1)])
    await table.append([person(2)])
    await table.flush()
    await other.flush()
    const lists = (await collect(store.list('t/metadata/snap-'))).length
    expect(lists).toBe(table.snapshots().length)
  })

  test('refused by the store before the commit: nothing is committed, staged files are deleted', async () => {
    const { store, table } = await newTable(({ verb, key }) =>
      verb === 'put' && key.endsWith('.metadata.json') ? new DataShardError('denied', 'no right to commit') : undefined,
    )
    await expect(table.append([person(1)])).rejects.toMatchObject({ code: 'denied', committed: 'no' })
    store.rule = () => undefined
    expect((await collect(store.list('t/data/'))).length).toBe(1)
    expect(await rowsOf(table)).toEqual([0])
    await table.append([person(2)])
    expect(await rowsOf(table)).toEqual([0, 2])
  })

  test('an append of nothing commits nothing', async () => {
    const { store, table } = await newTable()
    expect(await table.append([])).toMatchObject({ version: 2, attempts: 0, rows: 0 })
    expect(store.calls).toEqual([])
  })

  test('a signal that fires while the files go up leaves no commit', async () => {
    const { store, table } = await newTable()
    const abort = new AbortController()
    store.rule = ({ verb, key }) => (verb === 'put' && key.includes('/data/') ? () => abort.abort() : undefined)
    const call = table.append([person(1)], { signal: abort.signal })
    await expect(call).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    store.rule = () => undefined
    expect(await rowsOf(await loadTable(LOCATION, { store }))).toEqual([0])
    await table.append([person(2)])
    expect(await rowsOf(table)).toEqual([0, 2])
  })

  test('a signal that fires after the commit was sent gets the truth: it happened', async () => {
    const { store, table } = await newTable()
    const abort = new AbortController()
    store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('v3.metadata.json') ? () => abort.abort() : undefined
    expect(await table.append([person(1)], { signal: abort.signal })).toMatchObject({ version: 3 })
  })

  test('always beaten by others: they fold it in, once', async () => {
    const { store, table } = await newTable()
    const inner = await loadTable(LOCATION, { store })
    let next = 100
    store.rule = ({ verb, key, mode }) =>
      verb === 'put' && mode === 'create' && key.endsWith('.metadata.json') && !racing
        ? async () => {
            racing = true
            await inner.append([person(next++)])
            racing = false
          }
        : undefined
    let racing = false
    const result = await table.append([person(1)])
    expect(result.stats).toMatchObject({ by: 'other-fold', publications: 1 })
    store.rule = () => undefined
    const rows = await rowsOf(await loadTable(LOCATION, { store }))
    expect(rows.filter((id) => id === 1)).toEqual([1])
  })

  test('a clock ten minutes behind: the snapshot is not older than its parent', async () => {
    const store = memoryStore({ now: () => 0 })
    const runtime = virtualRuntime()
    const right = await createTable(LOCATION, { schema: people, store, runtime })
    await right.append([person(0)])
    const slow = virtualRuntime(2)
    slow.advance({ wallMs: -600_000 })
    const behind = await loadTable(LOCATION, { store, runtime: slow })
    await behind.append([person(1)])
    const [first, second] = behind.snapshots()
    expect(second!.timestampMs).toBeGreaterThan(first!.timestampMs)
    expect(behind.metadata.lastUpdatedMs).toBeGreaterThanOrEqual(second!.timestampMs)
    const log = behind.metadata.snapshotLog.map((entry) => entry.timestampMs)
    expect(log).toEqual(log.toSorted((a, b) => a - b))
  })

  test('a table handle that slept for an hour looks again before it builds on anything', async () => {
    const runtime = virtualRuntime()
    const store = faultyStore(memoryStore(), () => undefined)
    const sleeper = await createTable(LOCATION, { schema: people, store, runtime })
    await sleeper.append([person(0)])
    const other = await loadTable(LOCATION, { store })
    for (let i = 1; i <= 3; i++) await other.append([person(i)])
    await other.flush()
    await sleeper.flush()
    await store.put('t/metadata/version-hint.text', new TextEncoder().encode('5'))
    // Old versions are cleaned up meanwhile: their numbers are free again.
    await store.delete([1, 2, 3, 4].map((n) => `t/metadata/v${n}.metadata.json`))
    runtime.advance({ wallMs: 3_600_000, monotonicMs: 0 })
    expect(await sleeper.append([person(9)])).toMatchObject({ version: 6, attempts: 1 })
    expect(await rowsOf(sleeper)).toEqual([0, 1, 2, 3, 9])
  })

  test('a megabyte of text does not swell the manifest', async () => {
    const { store, table } = await newTable()
    await table.append([{ id: 1, name: 'x'.repeat(1_000_000) }])
    const [manifest] = await table.currentSnapshot()!.manifests()
    expect(manifest!.length).toBeLessThan(10_000n)
    expect((await store.head(store.keyOf(manifest!.path)!))!.size).toBe(Number(manifest!.length))
  })

  test('rows changed by the caller after the call are appended as they were', async () => {
    const { table } = await newTable()
    const rows = [person(1)]
    const pending = table.append(rows)
    await Promise.resolve()
    rows[0]!.id = 77
    await pending
    expect(await rowsOf(table)).toEqual([0, 1])
  })

  test('a refresh that began before a commit and ends after it does not take the handle back', async () => {
    const { store, table } = await newTable()
    let letGo = () => {}
    const held = new Promise<void>((resolve) => (letGo = resolve))
    let first = true
    const before = table.version
    store.rule = ({ verb, key }) => {
      // The look at the head itself comes after the next version was found missing.
      if (verb !== 'head' || !key.endsWith(`v${before}.metadata.json`) || !first) return undefined
      first = false
      return () => held
    }
    const refreshed = table.refresh()
    await setTimeout(5)
    const { version } = await table.append([person(1)])
    letGo()
    await refreshed
    expect(table.version).toBe(version)
    expect(await rowsOf(table)).toEqual([0, 1])
  })

  test('an object whose write has no certain answer is not taken for written', async () => {
    for (const pattern of [/\.parquet$/, /-m0\.avro$/, /snap-.*\.avro$/]) {
      const { store, table } = await newTable(({ verb, key }) =>
        verb === 'put' && pattern.test(key) ? 'lost-before' : undefined,
      )
      const left = (await collect(store.list('t/'))).map(({ key }) => key)
      await expect(table.append([person(1)])).rejects.toMatchObject({ code: 'unavailable', committed: 'no' })
      await table.flush()
      expect((await collect(store.list('t/'))).map(({ key }) => key)).toEqual(left)
    }
  })

  test('an upload that ends after another one failed is cleaned up as well', async () => {
    const { store, table } = await newTable(({ verb, key }) => {
      if (verb !== 'put') return undefined
      if (key.endsWith('.parquet')) return () => setTimeout(30)
      return key.endsWith('-m0.avro') ? new DataShardError('denied', 'no') : undefined
    })
    const left = (await collect(store.list('t/'))).map(({ key }) => key)
    await expect(table.append([person(1)])).rejects.toMatchObject({ code: 'denied' })
    await setTimeout(50)
    expect((await collect(store.list('t/'))).map(({ key }) => key)).toEqual(left)
  })

  test('cancelled after a lost attempt, it leaves nothing behind', async () => {
    const { store, table } = await newTable()
    const other = await loadTable(LOCATION, { store })
    const abort = new AbortController()
    let raced = false
    store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('v3.metadata.json') && !raced
        ? async () => {
            raced = true
            await other.append([person(2)])
            await other.flush()
            abort.abort()
          }
        : undefined
    await expect(table.append([person(1)], { signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' })
    await table.flush()
    const keys = (await collect(store.list('t/'))).map(({ key }) => key)
    expect(keys.filter((key) => key.endsWith('.parquet')).length).toBe(2)
    expect(keys.filter((key) => key.includes('/snap-')).length).toBe(2)
    expect(keys.filter((key) => key.endsWith('-m0.avro')).length).toBe(2)
  })

  test('closing waits for what is in flight', async () => {
    const { store, table } = await newTable(() => () => setTimeout(5))
    const tx = table.newTransaction()
    await tx.append([person(1)])
    let ended = false
    const commit = tx.commit().then(() => void (ended = true))
    await table.close()
    expect(ended).toBe(true)
    await commit
    store.rule = () => undefined
    expect(await rowsOf((await loadTable(LOCATION, { store })) as Table)).toEqual([0, 1])
  })

  test('one signal for many appends: no warning about listeners', async () => {
    const { table } = await newTable(() => () => setTimeout(1))
    const warnings: string[] = []
    const onWarning = (warning: Error) => warnings.push(warning.name)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 50 }, (_, i) => table.append([person(i)], { signal })))
    await setTimeout(5)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  test('rows that were staged before a column was widened keep fitting their partition', async () => {
    const store = memoryStore()
    const design = { schema: schema({ id: t.int, g: t.int }), partitionBy: ['g'], store }
    const table = (await createTable(LOCATION, design)) as Table
    const other = await loadTable(LOCATION, { store })
    await table.append([{ id: 0, g: 1 }])
    const tx = table.newTransaction()
    await tx.append([{ id: 1, g: 1 }])
    await other.transaction((theirs) => theirs.updateSchema((s) => s.widenColumn('g', t.long)))
    await table.refresh()
    await tx.append([{ id: 2, g: 1n }])
    await tx.commit()
    const read = await loadTable(LOCATION, { store })
    expect((await collect(read.scan({ where: eq('g', 1n) }))).length).toBe(3)
  })

  test('a hint above all versions is repaired by the next commit, one of a newer version is left alone', async () => {
    const { store, table } = await newTable()
    const key = 't/metadata/version-hint.text'
    const hint = async () => new TextDecoder().decode(await store.get(key))
    await store.put(key, new TextEncoder().encode('99999'))
    await table.append([person(1)])
    await table.flush()
    expect(await hint()).toBe('3')
    const other = await loadTable(LOCATION, { store })
    store.rule = ({ verb, key: put, before }) =>
      verb === 'put' && put === key && before === 0
        ? async () => {
            await other.append([person(3)])
            await other.flush()
          }
        : undefined
    store.calls.length = 0
    await table.append([person(2)])
    await table.flush()
    expect(await hint()).toBe('5')
  })
})
