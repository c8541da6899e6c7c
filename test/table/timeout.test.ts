/** An append is answered when its time is over, and truly, whatever request the store is silent to. */
import { describe, expect, test } from 'vitest'
import type { FaultCall } from '../../src/store/fault-plan.ts'
import { systemRuntime } from '../../src/runtime.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { faultedTable, hang, timed as timedAtMost } from '../support/people-table.ts'
import { person } from '../support/tables.ts'

const TIMEOUT_MS = 400
/** Beyond the deadline: the short look for what became of a commit that was under way, and a busy machine. */
const LATE_MS = 1_500

const outOfTime = { code: 'commit-contention', committed: 'no' }
const unknown = { code: 'commit-unknown', committed: 'unknown' }

/** A table with a writer to whose signals the store may be deaf, and whose clock may jump. */
async function newTable(listens = true) {
  const clock = { sleptMs: 0 }
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() + clock.sleptMs }
  return { clock, ...(await faultedTable({ runtime, ...(!listens && { seen: deaf }) })) }
}

/** A store for which signals are nothing. */
function deaf(store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) =>
        Reflect.apply(
          value,
          target,
          args.map((one) => (one && typeof one === 'object' && 'signal' in one ? { ...one, signal: undefined } : one)),
        ) as unknown
    },
  })
}

const timed = (append: Promise<unknown>) => timedAtMost(append, 20_000)

const isVersion = ({ verb, key }: FaultCall) => verb === 'PUT' && key.endsWith('.metadata.json')
const after = (begins: (call: FaultCall) => boolean, isSilent: (call: FaultCall) => boolean) => {
  let hasBegun = false
  return (call: FaultCall) => (hasBegun ||= begins(call)) && isSilent(call)
}
const places: readonly (readonly [what: string, silent: () => (call: FaultCall) => boolean, ends: object])[] = [
  ['everything', () => () => true, outOfTime],
  ['the data file', () => (call) => call.verb === 'PUT' && call.key.includes('/data/'), outOfTime],
  ['the manifest list', () => (call) => call.verb === 'PUT' && call.key.includes('/snap-'), outOfTime],
  ['the look into the inbox', () => (call) => call.verb === 'LIST', outOfTime],
  ['the claim', () => (call) => call.verb === 'PUT' && call.key.includes('/claims/'), unknown],
  ['the version', () => isVersion, unknown],
  ['the version, and all that follows', () => after(isVersion, () => true), unknown],
]

describe.each([
  ['that gives up what is cancelled', true],
  ['that never gives up', false],
])('a store %s, silent to', (_how, listens) => {
  test.each(places)('%s', async (what, silent, ends) => {
    const { state, writer, ids } = await newTable(listens)
    const isSilent = silent()
    state.plan = (call) => (isSilent(call) ? hang : undefined)
    const keyed = what === 'the claim' ? { idempotencyKey: 'k' } : {}
    const { ended, ms } = await timed(writer.append([person(1)], { timeoutMs: TIMEOUT_MS, ...keyed }))
    expect(ended).toMatchObject(ends)
    expect(ms).toBeLessThan(TIMEOUT_MS + LATE_MS)
    expect(await ids()).toEqual([0])
    if (!listens) return
    // And the handle is free again.
    expect(await writer.append([person(2)])).toMatchObject({ rows: 1 })
    expect(await ids()).toEqual([0, 2])
  })
})

describe('the time is over', () => {
  test('after the version was written, whose answer never comes: a look tells', async () => {
    const { state, writer, ids } = await newTable()
    state.plan = (call) => (isVersion(call) ? { kind: 'hang', when: 'after' } : undefined)
    const { ended, ms } = await timed(writer.append([person(1)], { timeoutMs: TIMEOUT_MS }))
    expect(ended).toMatchObject({ rows: 1, version: 3 })
    expect(ms).toBeLessThan(TIMEOUT_MS + LATE_MS)
    expect(await ids()).toEqual([0, 1])
  })

  test.each(['before', 'after'] as const)('while the intent is on its way (%s its effect)', async (when) => {
    const { state, writer, other, ids } = await newTable()
    // Knows the newest version, and so commits alone.
    await other.refresh()
    let isBeaten = false
    let beaten = () => undefined as void
    const isSent = new Promise<void>((resolve) => (beaten = resolve))
    state.plan = (call) => {
      if (call.verb === 'PUT' && call.key.includes('/data/in/')) return { kind: 'hang', when }
      if (!isVersion(call) || isBeaten) return undefined
      isBeaten = true
      beaten()
      return { kind: 'delay', when: 'before', ms: 100 }
    }
    const append = timed(writer.append([person(1)], { timeoutMs: TIMEOUT_MS }))
    await isSent
    await other.append([person(2)])
    const { ended, ms } = await append
    expect(ended).toMatchObject(unknown)
    expect(ms).toBeLessThan(TIMEOUT_MS + LATE_MS)
    state.plan = () => undefined
    await other.append([person(3)])
    expect(await ids()).toEqual(when === 'after' ? [0, 1, 2, 3] : [0, 2, 3])
  })

  test('while another append of the handle waits for the store, before its own turn', async () => {
    const { state, writer, ids } = await newTable()
    state.plan = ({ verb, key }) => (verb === 'PUT' && key.includes('/data/') ? hang : undefined)
    const first = writer.append([person(1)], { timeoutMs: 3_000 })
    const { ended, ms } = await timed(writer.append([person(2)], { timeoutMs: TIMEOUT_MS }))
    expect(ended).toMatchObject(outOfTime)
    expect(ms).toBeLessThan(TIMEOUT_MS + LATE_MS)
    await expect(first).rejects.toMatchObject(outOfTime)
    expect(await ids()).toEqual([0])
  })

  test('while it climbs to the newest of many versions, request by request', async () => {
    const { clock, state, writer, other, ids } = await newTable()
    for (let i = 1; i <= 40; i++) await other.append([person(i)])
    await other.flush()
    // So long ago it saw the table.
    clock.sleptMs = 35_000
    state.plan = ({ verb, key }) =>
      verb === 'GET' && key.endsWith('.text') ? hang : { kind: 'delay', when: 'before', ms: 150 }
    const { ended, ms } = await timed(writer.append([person(100)], { timeoutMs: TIMEOUT_MS }))
    expect(ended).toMatchObject(outOfTime)
    expect(ms).toBeLessThan(TIMEOUT_MS + 300)
    expect((await ids()).includes(100)).toBe(false)
  })
})
