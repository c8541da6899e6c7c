/** Tables that change under their writers: dropped and made again, clocks that are days apart, other versions of the library. */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, inject, test, vi } from 'vitest'
import { parseIntentName } from '../../src/commit/intent.ts'
import { createTable, dropTable, loadTable } from '../../src/index.ts'
import type { Table } from '../../src/index.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { memoryStore, s3Store } from '../../src/store/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { plantIntents, sampleFile } from '../support/intents.ts'
import { collect, newBucket, people, person, s3Options } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const s3 = inject('s3')

async function idsIn(table: Table): Promise<number[]> {
  await table.refresh()
  return (await table.scan().toArray()).map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}

describe('a table that is dropped and created again under its writers', () => {
  test('they get not-found, and nothing of theirs is in the new table', async () => {
    const store = memoryStore()
    const old = await createTable(LOCATION, { schema: people, store })
    await old.append([person(0)])
    const writers = await Promise.all(Array.from({ length: 8 }, () => loadTable(LOCATION, { store })))
    let acknowledged = 0
    const ends = writers.map(async (writer, w) => {
      for (let i = 0; i < 10_000; i++) {
        try {
          await writer.append([person(1_000 * (w + 1) + i)])
          acknowledged += 1
          // A store in memory answers at once: a writer who is alone would keep all timers waiting, and with them the drop.
          await setImmediate()
        } catch (error) {
          return error
        }
      }
      throw new Error('it never noticed')
    })
    await vi.waitFor(() => expect(acknowledged).toBeGreaterThanOrEqual(20), { timeout: 20_000, interval: 5 })
    await dropTable(LOCATION, { store })
    const next = await createTable(LOCATION, { schema: people, store })
    for (const end of ends) expect(await end).toMatchObject({ code: 'not-found' })
    await next.append([person(1)])
    const others = await Promise.all([2, 3, 4].map(() => loadTable(LOCATION, { store })))
    await Promise.all(others.map((other, i) => other.append([person(i + 2)])))
    expect(await idsIn(next)).toEqual([1, 2, 3, 4])
    for (const writer of writers) await expect(writer.append([person(9)])).rejects.toMatchObject({ code: 'not-found' })
    expect(await idsIn(next)).toEqual([1, 2, 3, 4])
  }, 30_000)

  test('an append that was published to the old one is not folded into the new one', async () => {
    const store = memoryStore()
    const old = await createTable(LOCATION, { schema: people, store })
    await old.append([person(0)])
    const sample = await sampleFile(old, store)
    const [key] = await plantIntents(old, store, 't', sample, 1)
    const bytes = (await store.get(key!))!
    await dropTable(LOCATION, { store })
    const next = await createTable(LOCATION, { schema: people, store })
    // Its put arrives only now, as slow ones do; the numbers go on, so that its base is within the window.
    await store.put(key!, bytes, { mode: 'create' })
    expect(parseIntentName(key!.slice(2))!.base).toBeGreaterThan(next.version - 16)
    await next.append([person(1)])
    expect(await idsIn(next)).toEqual([1])
  })
})

describe('clocks that are a day ahead and a day behind', () => {
  const DAY_MS = 86_400_000

  test('timestamps rise and are those of the store; each takes the appends of the others along', async () => {
    const bucket = await newBucket(s3, 'clocks')
    const location = `s3://${bucket}/t`
    const open = (skewMs: number) => {
      const runtime = { ...systemRuntime, now: () => Date.now() + skewMs }
      return loadTable(location, { s3: s3Options(s3), runtime })
    }
    const right = await createTable(location, { schema: people, s3: s3Options(s3) })
    await right.append([person(0)])
    const writers = await Promise.all([open(DAY_MS), open(-DAY_MS), open(0)])
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let i = 0; i < 5; i++) await writer.append([person(10 * (w + 1) + i)])
      }),
    )
    const store = s3Store({ bucket, ...s3Options(s3) })
    const expected = [0, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 30, 31, 32, 33, 34]
    expect(await idsIn(right)).toEqual(expected)
    // An append that waits is folded by either: its age is the store's to tell.
    const sample = await sampleFile(right, store)
    for (const [w, writer] of writers.slice(0, 2).entries()) {
      await right.refresh()
      await plantIntents(right, store, 't', sample, 1)
      await writer.refresh()
      const result = await writer.append([person(90 + w)])
      expect(result.stats!.foldSize).toBe(2)
    }
    await right.refresh()
    const times = right.snapshots().map(({ timestampMs }) => timestampMs)
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
    for (const time of times) expect(Math.abs(time - Date.now())).toBeLessThan(120_000)
    for (const table of [right, ...writers]) await table.close()
    store.close()
  }, 60_000)
})

/** Writes versions as a later release might: with more in them than this one knows. */
function laterRelease(inner: ObjectStore, change: (json: string) => string): ObjectStore {
  return {
    ...faultyStore(inner, () => undefined),
    put: (key, body, options) => {
      if (!key.endsWith('.metadata.json') || !(body instanceof Uint8Array)) return inner.put(key, body, options)
      return inner.put(key, new TextEncoder().encode(change(new TextDecoder().decode(body))), options)
    },
  }
}

describe('two releases of the library on one table', () => {
  const withMore = (json: string) =>
    json
      .replace('{"datashard-commit":{', '{"datashard-commit":{"hint":"x1",')
      .replace(/\}$/, ',"later-field":{"big":9007199254740993}}')
      .replace('"properties":{', '"properties":{"datashard.later":"yes",')

  test('fields and properties of the later one are kept, and each folds the appends of the other', async () => {
    const store = memoryStore()
    const later = laterRelease(store, withMore)
    const first = await createTable(LOCATION, { schema: people, store: later })
    await first.append([person(0)])
    const early = await loadTable(LOCATION, { store })
    const tables = [first, early, await loadTable(LOCATION, { store: later }), await loadTable(LOCATION, { store })]
    const results = await Promise.all(
      tables.map(async (table, w) => {
        const mine = []
        for (let i = 0; i < 5; i++) mine.push(await table.append([person(10 * (w + 1) + i)]))
        return mine
      }),
    )
    const expected = [0, ...[1, 2, 3, 4].flatMap((w) => [0, 1, 2, 3, 4].map((i) => 10 * w + i))]
    for (const table of tables) expect(await idsIn(table)).toEqual(expected)
    expect(results.flat().every(({ rows }) => rows === 1)).toBe(true)

    const sample = await sampleFile(early, store)
    for (const [w, table] of [first, early].entries()) {
      await early.refresh()
      await plantIntents(early, store, 't', sample, 1)
      await table.refresh()
      expect((await table.append([person(90 + w)])).stats!.foldSize).toBe(2)
    }
    await early.append([person(99)])
    const newest = (await store.get(`t/metadata/v${early.version}.metadata.json`))!
    const text = new TextDecoder().decode(newest)
    expect(text).toContain('"later-field":{"big":9007199254740993}')
    expect(early.metadata.properties['datashard.later']).toBe('yes')
  })

  test('a ledger of a newer format: unsupported, nothing is written, and it says to upgrade', async () => {
    const store = memoryStore()
    const ours = await createTable(LOCATION, { schema: people, store })
    await ours.append([person(0)])
    await ours.flush()
    const newer = laterRelease(store, (json) => json.replace('"datashard.ledger":"1 16', '"datashard.ledger":"2 16'))
    await (await loadTable(LOCATION, { store: newer })).append([person(1)])
    const versions = async () => (await collect(store.list('t/'))).filter(({ key }) => key.endsWith('.metadata.json'))
    const before = (await versions()).length
    const late = await loadTable(LOCATION, { store })
    expect(await idsIn(late), 'reading works').toEqual([0, 1])
    await ours.refresh()
    for (const table of [late, ours]) {
      await expect(table.append([person(2)])).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining('upgrade') as string,
      })
    }
    expect((await versions()).length).toBe(before)
  })
})
