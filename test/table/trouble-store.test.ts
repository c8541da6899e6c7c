/** Stores that go away, take rights away, or do not answer for minutes: nothing lost, nothing double, no wrong answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTable, DataShardError, loadTable } from '../../src/index.ts'
import type { Table } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { type FaultRule, faultyStore } from '../support/faulty-store.ts'
import { people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const denied = () => new DataShardError('denied', 'AccessDenied')

async function newStore(): Promise<ObjectStore> {
  const store = memoryStore()
  const table = await createTable(LOCATION, { schema: people, store })
  await table.append([person(0)])
  await table.close()
  return store
}

async function idsIn(store: ObjectStore): Promise<number[]> {
  const table = await loadTable(LOCATION, { store })
  return (await table.scan().toArray()).map((row) => Number(row.id)).toSorted((a, b) => a - b)
}

/** While `down` says so nothing is answered; every second conditional write has its effect all the same. */
function unsteady(inner: ObjectStore, state: { down: boolean; refused: number }): ObjectStore {
  const gone = () => new DataShardError('unavailable', 'the store is down')
  const check = () => {
    if (!state.down) return
    state.refused += 1
    throw gone()
  }
  return {
    ...faultyStore(inner, () => {
      check()
      return undefined
    }),
    put: async (key, body, options) => {
      if (!state.down) return inner.put(key, body, options)
      state.refused += 1
      const isConditional = options?.mode !== undefined && options.mode !== 'overwrite'
      if (isConditional && state.refused % 2 === 0) await inner.put(key, body, options)
      if (!isConditional) throw gone()
      return { outcome: 'unknown', cause: gone() }
    },
    list: async function* (prefix, options) {
      check()
      yield* inner.list(prefix, options)
    },
  }
}

describe('a store that is down for a while', () => {
  test('appends of several writers get through exactly once, with keys, called again as the errors say', async () => {
    const inner = await newStore()
    const state = { down: false, refused: 0 }
    const store = unsteady(inner, state)
    const writers = await Promise.all([1, 2, 3, 4].map(() => loadTable(LOCATION, { store })))
    const errors: unknown[] = []
    const appendUntilDone = async (writer: Table, id: number) => {
      for (let tries = 0; tries < 60; tries++) {
        try {
          return await writer.append([person(id)], { idempotencyKey: `k${id}` })
        } catch (error) {
          errors.push(error)
          await sleep(50)
        }
      }
      throw new Error(`row ${id} never got through`)
    }
    const outage = (async () => {
      await sleep(20)
      state.down = true
      await sleep(1_200)
      state.down = false
    })()
    const expected = [0]
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let i = 1; i <= 6; i++) {
          expected.push(w * 100 + i)
          await appendUntilDone(writer, w * 100 + i)
          await sleep(15)
        }
      }),
    )
    await outage
    expect(state.refused).toBeGreaterThan(10)
    for (const error of errors) expect(error).toMatchObject({ name: 'DataShardError', retryable: true })
    expect(await idsIn(inner)).toEqual(expected.toSorted((a, b) => a - b))
  })
})

/** A writer whose first attempt to commit alone is beaten, so that it publishes; `then` rules what happens afterwards. */
async function beaten(inner: ObjectStore, then: FaultRule) {
  const other = await loadTable(LOCATION, { store: inner })
  let isBeaten = false
  const store = faultyStore(inner, (call) => {
    if (isBeaten) return then(call)
    if (call.verb !== 'put' || !call.key.endsWith('.metadata.json')) return undefined
    return async () => {
      isBeaten = true
      await other.append([person(50)])
    }
  })
  return { store, other, writer: await loadTable(LOCATION, { store }) }
}

const isPublication = ({ verb, key }: { verb: string; key: string }) => verb === 'put' && key.startsWith('t/data/in/')

describe('rights taken away', () => {
  test('after the publication: commit-unknown, never a no; the next writer folds it, once', async () => {
    const inner = await newStore()
    let isPublished = false
    const { writer, other } = await beaten(inner, (call) => {
      if (isPublished) return denied()
      if (isPublication(call)) isPublished = true
      return undefined
    })
    await expect(writer.append([person(1)])).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
    expect(isPublished).toBe(true)
    await other.append([person(2)])
    expect(await idsIn(inner)).toEqual([0, 1, 2, 50])
  })

  test('before the publication: denied, and it never appears', async () => {
    const inner = await newStore()
    const { writer, other } = await beaten(inner, (call) => (isPublication(call) ? denied() : undefined))
    await expect(writer.append([person(1)])).rejects.toMatchObject({ code: 'denied', committed: 'no' })
    await other.append([person(2)])
    expect(await idsIn(inner)).toEqual([0, 2, 50])
  })

  test('cancelled after a publication without an answer: commit-unknown, not aborted', async () => {
    const inner = await newStore()
    const controller = new AbortController()
    const { writer, other } = await beaten(inner, (call) => {
      if (!isPublication(call)) return undefined
      setTimeout(() => controller.abort(), 20)
      return 'lost-after'
    })
    const append = writer.append([person(1)], { signal: controller.signal })
    await expect(append).rejects.toMatchObject({ code: 'commit-unknown', committed: 'unknown' })
    await other.append([person(2)])
    expect(await idsIn(inner)).toEqual([0, 1, 2, 50])
  })

  test('to delete only: appends work', async () => {
    const inner = await newStore()
    const store = faultyStore(inner, ({ verb }) => (verb === 'delete' ? denied() : undefined))
    const writers = await Promise.all([1, 2, 3].map(() => loadTable(LOCATION, { store })))
    await Promise.all(writers.map((writer, i) => writer.append([person(i + 1)])))
    await Promise.all(writers.map((writer) => writer.close()))
    expect(store.calls.some(({ verb }) => verb === 'delete')).toBe(true)
    expect(await idsIn(inner)).toEqual([0, 1, 2, 3])
  })
})

describe('a folder that stops in the middle of its create', () => {
  test.each([
    ['before its effect', false],
    ['after its effect', true],
  ])('%s: others go on, and awake after two minutes it neither doubles nor loses', async (_when, hasEffect) => {
    const inner = await newStore()
    let wake = () => {}
    const asleep = new Promise<void>((resolve) => (wake = resolve))
    let fellAsleep = () => {}
    const isAsleep = new Promise<void>((resolve) => (fellAsleep = resolve))
    let sleptMs = 0
    const other = await loadTable(LOCATION, { store: inner })
    let creates = 0
    const stopping: ObjectStore = {
      ...inner,
      ...faultyStore(inner, () => undefined),
      put: async (key, body, options) => {
        const isVersion = key.endsWith('.metadata.json')
        if (isVersion) creates += 1
        if (isVersion && creates === 1) await other.append([person(50)])
        if (!isVersion || creates !== 2) return inner.put(key, body, options)
        const before = hasEffect ? await inner.put(key, body, options) : undefined
        fellAsleep()
        await asleep
        return before ?? inner.put(key, body, options)
      },
    }
    const now = { now: () => Date.now() + sleptMs, monotonic: () => performance.now() + sleptMs }
    const folder = await loadTable(LOCATION, { store: stopping, runtime: { ...systemRuntime, ...now } })
    const append = folder.append([person(1)], { timeoutMs: 600_000 })
    await isAsleep
    // Nobody waits for it, and its append, which is published, is taken along.
    for (let id = 2; id <= 5; id++) await other.append([person(id)])
    expect(await idsIn(inner)).toEqual([0, 1, 2, 3, 4, 5, 50])
    sleptMs = 120_000
    wake()
    const result = await append
    expect(result.rows).toBe(1)
    const after = await loadTable(LOCATION, { store: inner })
    const snapshot = after.snapshots().find(({ snapshotId }) => snapshotId === result.snapshotId)
    expect(snapshot, 'the snapshot that the answer names').toBeDefined()
    expect(await idsIn(inner)).toEqual([0, 1, 2, 3, 4, 5, 50])
  })
})
