/**
 * A function that was idle for a while knows an old version of a table that others are busy with: it must find to them in a few requests,
 * not in one for each version that it missed.
 */
import { expect, test } from 'vitest'
import { schema, t } from '../../src/spec/builder.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { createTable } from '../../src/table/create.ts'
import { loadTable } from '../../src/table/load.ts'
import { mean } from '../../bench/support/figures.ts'
import { calmWorld, finished } from './throughput.ts'
import { warmed } from './warm.ts'
import { LOCATION } from './world.ts'

const PATIENT = { timeoutMs: 3_600_000 }

interface Late {
  /** What those who come late find in the hint, instead of what it says. */
  readonly hint?: string
  readonly busy: number
  readonly idle: number
  readonly idleMs: number
  readonly keyed: boolean
  readonly timeoutMs: number
}

/** What the append of each idle one took, and how many requests. */
async function latecomers({ busy, idle, idleMs, keyed, timeoutMs, hint }: Late) {
  await warmed()
  const world = calmWorld({ seed: 1, requestMs: 40 })
  const create = { ...world.process('creator').open, schema: schema({ writer: t.int }) }
  await finished(world, createTable(LOCATION, create))
  const run = { isOver: false }
  const work = async (writer: number): Promise<void> => {
    const table = await loadTable(LOCATION, world.process(`busy ${writer}`).open)
    while (!run.isOver) await table.append([{ writer }], PATIENT)
  }
  const comeLate = async (writer: number) => {
    const { open } = world.process(`idle ${writer}`)
    if (hint !== undefined) readHintAs(open.store!, hint)
    const table = await loadTable(LOCATION, open)
    await table.append([{ writer }], PATIENT)
    await table.flush()
    await world.scheduler.sleep(idleMs)
    let requests = 0
    open.store?.observe(() => (requests += 1))
    const beganMs = world.nowMs
    await table.append([{ writer }], { timeoutMs, ...(keyed && { idempotencyKey: `key ${writer}` }) })
    return { tookMs: world.nowMs - beganMs, requests }
  }
  const late = Promise.all(Array.from({ length: idle }, (_, i) => comeLate(i))).finally(() => (run.isOver = true))
  await finished(world, Promise.all([late, ...Array.from({ length: busy }, (_, i) => work(i))]))
  const found = await late
  return { worstMs: Math.max(...found.map(({ tookMs }) => tookMs)), requests: mean(found.map((one) => one.requests)) }
}

function readHintAs(store: ObjectStore, hint: string): void {
  const get = store.get.bind(store)
  store.get = async (key, options) => {
    const found = await get(key, options)
    return found && key.endsWith('version-hint.text') ? new TextEncoder().encode(hint) : found
  }
}

test.each([
  { idleMs: 3_000, keyed: false },
  { idleMs: 20_000, keyed: false },
  { idleMs: 20_000, keyed: true },
])('among many, idle for $idleMs ms, with a key: $keyed', { timeout: 300_000 }, async ({ idleMs, keyed }) => {
  const { worstMs, requests } = await latecomers({ busy: 32, idle: 8, idleMs, keyed, ...PATIENT })
  // 5.8 s and 226 requests, when each version was looked at on the way.
  expect(worstMs).toBeLessThan(1_000)
  expect(requests).toBeLessThan(20)
})

test.each([{ keyed: false }, { keyed: true }])(
  'after one who commits alone, leaves nothing in the inbox, and began when the table was quiet; with a key: $keyed',
  { timeout: 300_000 },
  async ({ keyed }) => {
    const { worstMs, requests } = await latecomers({ busy: 1, idle: 1, idleMs: 25_000, keyed, timeoutMs: 2_000 })
    // 21 s and 556 requests, whatever time the append was given.
    expect(worstMs).toBeLessThan(2_000)
    expect(requests).toBeLessThan(80)
  },
)

test.each(['1', '999999', 'garbage'])('with a hint that says %s', { timeout: 300_000 }, async (hint) => {
  const { worstMs, requests } = await latecomers({
    busy: 4,
    idle: 1,
    idleMs: 25_000,
    keyed: false,
    timeoutMs: 3_000,
    hint,
  })
  // 6.7 s and 164 requests, and then no commit.
  expect(worstMs).toBeLessThan(3_000)
  expect(requests).toBeLessThan(80)
})
