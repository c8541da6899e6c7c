/**
 * A function that was idle for a while knows an old version of a table that others are busy with: it must find to them in a few requests,
 * not in one for each version that it missed.
 */
import { expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { mean } from '../../bench/support/figures.ts'
import { calmWorld, finished } from './throughput.ts'
import { warmed } from './warm.ts'
import { LOCATION } from './world.ts'

const BUSY = 32
const IDLE = 8
const PATIENT = { timeoutMs: 3_600_000 }

test.each([
  { idleMs: 3_000, keyed: false },
  { idleMs: 20_000, keyed: false },
  { idleMs: 20_000, keyed: true },
])('idle for $idleMs ms, with a key: $keyed', { timeout: 300_000 }, async ({ idleMs, keyed }) => {
  await warmed()
  const world = calmWorld({ seed: 1, requestMs: 40 })
  const create = { ...world.process('creator').open, schema: schema({ writer: t.int }) }
  await finished(world, createTable(LOCATION, create))
  const run = { isOver: false }
  const busy = async (writer: number): Promise<void> => {
    const table = await loadTable(LOCATION, world.process(`busy ${writer}`).open)
    while (!run.isOver) await table.append([{ writer }], PATIENT)
  }
  const idle = async (writer: number) => {
    const { open } = world.process(`idle ${writer}`)
    const table = await loadTable(LOCATION, open)
    await table.append([{ writer }], PATIENT)
    await table.flush()
    await world.scheduler.sleep(idleMs)
    let requests = 0
    open.store?.observe(() => (requests += 1))
    const beganMs = world.nowMs
    await table.append([{ writer }], { ...PATIENT, ...(keyed && { idempotencyKey: `key ${writer}` }) })
    return { tookMs: world.nowMs - beganMs, requests }
  }
  const late = Promise.all(Array.from({ length: IDLE }, (_, i) => idle(i))).finally(() => (run.isOver = true))
  await finished(world, Promise.all([late, ...Array.from({ length: BUSY }, (_, i) => busy(i))]))
  const found = await late
  // 5.8 s and 226 requests, when each version was looked at on the way.
  expect(Math.max(...found.map(({ tookMs }) => tookMs))).toBeLessThan(1_000)
  expect(mean(found.map(({ requests }) => requests))).toBeLessThan(20)
})
