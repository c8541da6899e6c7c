/** A table in memory whose clock, the store's and the writers', is moved by tests: time goes on, and jumps. */
import type { Runtime } from '../../src/runtime.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import type { SweepOptions } from '../../src/maintenance/index.ts'
import { sweep } from '../../src/maintenance/index.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { collect, people } from '../support/tables.ts'

export const LOCATION = 'memory://store/t'
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

const LONG_MS = 4_000

export type World = Awaited<ReturnType<typeof newWorld>>

/** Few snapshots are kept, so that manifests, lists and merged intents come to be unnamed. */
export const THINNED = {
  'datashard.retention.thin-from': '1',
  'datashard.retention.tail-min': '5',
  'datashard.retention.tail-max': '5',
}

export async function newWorld(properties: Record<string, string> = {}) {
  let movedMs = 0
  const runtime: Runtime = {
    ...systemRuntime,
    now: () => systemRuntime.now() + movedMs,
    monotonic: () => systemRuntime.monotonic() + movedMs,
    // Long waits are over at once.
    sleep: async (ms, signal) => {
      if (ms < LONG_MS) return systemRuntime.sleep(ms, signal)
      movedMs += ms
    },
  }
  const store = faultyStore(memoryStore({ runtime }), () => undefined)
  const table = await createTable(LOCATION, { schema: people, store, runtime, properties })
  return {
    store,
    runtime,
    table,
    /** To be called when nothing is under way. */
    pass: (ms: number) => {
      movedMs += ms
    },
    open: () => loadTable(LOCATION, { store, runtime }),
    sweep: (options: SweepOptions = {}) => sweep(LOCATION, { store, runtime, ...options }),
    /** Names under the table. */
    names: async (prefix = '') => (await collect(store.list(`t/${prefix}`))).map(({ key }) => key.slice(2)),
    put: (name: string, text = 'x') => store.put(`t/${name}`, new TextEncoder().encode(text)),
  }
}

export async function idsIn(table: Awaited<ReturnType<typeof loadTable>>): Promise<number[]> {
  return (await table.scan().toArray()).map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}
