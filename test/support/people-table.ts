/** Small tables in memory: one whose calls are counted, and one whose requests meet with faults. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createTable, loadTable, type Table } from '../../src/index.ts'
import type { Runtime } from '../../src/runtime.ts'
import type { Fault, FaultCall } from '../../src/store/fault-plan.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { faultyStore } from './faulty-store.ts'
import { people, person } from './tables.ts'

export const LOCATION = 'memory://store/t'

/** A table with a row, and a store that has forgotten how it was made. */
export async function countedTable() {
  const store = faultyStore(memoryStore(), () => undefined)
  const table: Table = await createTable(LOCATION, { schema: people, store })
  await table.append([person(1)])
  await table.flush()
  store.calls.length = 0
  return { store, table }
}

interface WriterOptions {
  readonly runtime?: Runtime
  /** The store as the writer sees it. */
  readonly seen?: (store: ObjectStore) => ObjectStore
}

/** A table with a row, a warm handle of it and another one, and what befalls requests from then on. */
export async function faultedTable({ runtime, seen = (store) => store }: WriterOptions = {}) {
  const state: { plan: (call: FaultCall) => Fault | undefined } = { plan: () => undefined }
  const store = memoryStore({ faults: (call) => state.plan(call) })
  await createTable(LOCATION, { schema: people, store })
  const other = await loadTable(LOCATION, { store })
  const writer = await loadTable(LOCATION, { store: seen(store), ...(runtime && { runtime }) })
  await writer.append([person(0)])
  await writer.flush()
  /** Of the rows that are there, once no request meets with a fault any more. */
  const ids = async () => {
    state.plan = () => undefined
    await other.refresh()
    return (await other.scan().toArray()).map(({ id }) => Number(id)).toSorted((a, b) => a - b)
  }
  return { state, store, writer, other, ids }
}

export const hang = { kind: 'hang', when: 'before' } as const

/** What an append ends with, and how long that takes; `still waiting` if it is longer than `mostMs`. */
export async function timed(append: Promise<unknown>, mostMs: number): Promise<{ ended: unknown; ms: number }> {
  const startMs = performance.now()
  const ended = await Promise.race([append.catch((error: unknown) => error), sleep(mostMs, 'still waiting')])
  return { ended, ms: performance.now() - startMs }
}
