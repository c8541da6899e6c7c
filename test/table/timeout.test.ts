/** An append is answered when its time is over, and truly, whatever request the store is silent to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTable, loadTable } from '../../src/index.ts'
import type { Fault, FaultCall } from '../../src/store/fault-plan.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { people, person } from '../support/tables.ts'

const LOCATION = 'memory://store/t'
const TIMEOUT_MS = 400

const outOfTime = { code: 'commit-contention', committed: 'no' }

/** A table with a row, a warm handle of it and another one, and what befalls requests from then on. */
async function newTable() {
  const state: { plan: (call: FaultCall) => Fault | undefined; sleptMs: number } = { plan: () => undefined, sleptMs: 0 }
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() + state.sleptMs }
  const store = memoryStore({ faults: (call) => state.plan(call) })
  await createTable(LOCATION, { schema: people, store })
  const other = await loadTable(LOCATION, { store })
  const writer = await loadTable(LOCATION, { store, runtime })
  await writer.append([person(0)])
  await writer.flush()
  const ids = async () => {
    state.plan = () => undefined
    await other.refresh()
    return (await other.scan().toArray()).map(({ id }) => Number(id)).toSorted((a, b) => a - b)
  }
  return { state, writer, other, ids }
}

const hang = { kind: 'hang', when: 'before' } as const

/** What an append ends with, and how long that takes. */
async function timed(append: Promise<unknown>): Promise<{ ended: unknown; ms: number }> {
  const startMs = performance.now()
  const ended = await Promise.race([append.catch((error: unknown) => error), sleep(20_000, 'still waiting')])
  return { ended, ms: performance.now() - startMs }
}

describe('the time is over', () => {
  test('while it climbs to the newest of many versions, request by request', async () => {
    const { state, writer, other, ids } = await newTable()
    for (let i = 1; i <= 40; i++) await other.append([person(i)])
    await other.flush()
    // So long ago it saw the table.
    state.sleptMs = 35_000
    state.plan = ({ verb, key }) =>
      verb === 'GET' && key.endsWith('.text') ? hang : { kind: 'delay', when: 'before', ms: 150 }
    const { ended, ms } = await timed(writer.append([person(100)], { timeoutMs: TIMEOUT_MS }))
    expect(ended).toMatchObject(outOfTime)
    expect(ms).toBeLessThan(TIMEOUT_MS + 300)
    expect((await ids()).includes(100)).toBe(false)
  })
})
