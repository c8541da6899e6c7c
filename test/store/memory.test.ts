/** Faults on purpose, at a store in memory: what simulations stand on. */
import { describe, expect, test } from 'vitest'
import type { FaultCall, FaultPlan } from '../../src/store/fault-plan.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { PutMode } from '../../src/store/store.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'
import { caught, keysOf, read, text } from './s3-fixture.ts'

const on =
  (verb: FaultCall['verb'], fault: ReturnType<FaultPlan>): FaultPlan =>
  (call) =>
    call.verb === verb ? fault : undefined

describe('a fault before the effect', () => {
  test('unknown: a conditional put says so, and nothing is there', async () => {
    const store = memoryStore({ faults: on('PUT', { kind: 'unknown', when: 'before' }) })
    const result = await store.put('k', text('x'), { mode: 'create' })
    expect(result).toMatchObject({ outcome: 'unknown', cause: { code: 'unavailable' } })
    expect(await store.get('k')).toBeUndefined()
  })

  test('unavailable: every verb throws it', async () => {
    const store = memoryStore({ faults: () => ({ kind: 'unavailable', when: 'before' }) })
    const unavailable = { code: 'unavailable', retryable: true }
    expect(await caught(store.get('k'))).toMatchObject(unavailable)
    expect(await caught(store.head('k'))).toMatchObject(unavailable)
    expect(await caught(store.put('k', text('x')))).toMatchObject(unavailable)
    expect(await caught(store.delete(['k']))).toMatchObject(unavailable)
    expect(await caught(keysOf(store, ''))).toMatchObject(unavailable)
  })
})

describe('a fault after the effect', () => {
  test('unknown: a create may have won', async () => {
    const store = memoryStore({ faults: on('PUT', { kind: 'unknown', when: 'after' }) })
    expect((await store.put('k', text('x'), { mode: 'create' })).outcome).toBe('unknown')
    expect(read(await store.get('k'))).toBe('x')
  })

  test('unknown: an overwrite throws, as other stores do in the end', async () => {
    const store = memoryStore({ faults: on('PUT', { kind: 'unknown', when: 'after' }) })
    expect(await caught(store.put('k', text('x')))).toMatchObject({ code: 'unavailable' })
    expect(read(await store.get('k'))).toBe('x')
  })

  test('unavailable: a delete has happened', async () => {
    const store = memoryStore({ faults: on('DELETE', { kind: 'unavailable', when: 'after' }) })
    await store.put('k', text('x'))
    await caught(store.delete(['k']))
    expect(await store.get('k')).toBeUndefined()
  })
})

test('a conditional put that hangs until its signal fires is unknown, an overwriting one aborted', async () => {
  for (const when of ['before', 'after'] as const) {
    const store = memoryStore({ faults: on('PUT', { kind: 'hang', when }) })
    const cancelled = (mode: PutMode) => {
      const controller = new AbortController()
      const put = store.put('k', Uint8Array.of(1), { mode, signal: controller.signal })
      setImmediate(() => controller.abort())
      return put
    }
    expect(await cancelled('create')).toMatchObject({ outcome: 'unknown', cause: { code: 'aborted' } })
    expect(await caught(cancelled('overwrite'))).toMatchObject({ code: 'aborted', committed: 'no' })
  }
})

test('a request that hangs ends with the signal', async () => {
  const store = memoryStore({ faults: on('GET', { kind: 'hang', when: 'before' }) })
  const controller = new AbortController()
  const get = store.get('k', { signal: controller.signal })
  controller.abort()
  expect(await caught(get)).toMatchObject({ code: 'aborted' })
})

test('a delay passes on the runtime’s clock, and the effect waits for it', async () => {
  const runtime = virtualRuntime()
  const startMs = runtime.now()
  const faults = on('PUT', [
    { kind: 'delay', when: 'before', ms: 40 },
    { kind: 'delay', when: 'after', ms: 2 },
  ])
  const store = memoryStore({ runtime, faults })
  await store.put('k', text('x'))
  expect((await store.head('k'))?.lastModifiedMs).toBe(startMs + 40)
  expect(runtime.now()).toBe(startMs + 42)
})

test('a plan sees verb, key, mode, and how often', async () => {
  const calls: FaultCall[] = []
  const store = memoryStore({ faults: (call) => void calls.push(call) })
  await store.put('k', text('x'), { mode: 'create' })
  await store.put('k', text('x'))
  await store.get('k')
  await store.delete(['k', 'l'])
  await keysOf(store, 'p')
  expect(calls).toEqual([
    { verb: 'PUT', key: 'k', mode: 'create', count: 1, total: 1 },
    { verb: 'PUT', key: 'k', mode: 'overwrite', count: 2, total: 2 },
    { verb: 'GET', key: 'k', count: 1, total: 3 },
    { verb: 'DELETE', key: 'k', count: 1, total: 4 },
    { verb: 'LIST', key: 'p', count: 1, total: 5 },
  ])
})

test('listings are observed page by page, as on S3', async () => {
  const store = memoryStore()
  for (let i = 0; i < 2_000; i++) await store.put(`k${i}`, text(''))
  let pages = 0
  store.observe(({ verb }) => (pages += verb === 'LIST' ? 1 : 0))
  expect(await keysOf(store, '')).toHaveLength(2_000)
  expect(pages).toBe(2)
})

test('takes paths and URLs of any scheme, its own by name', () => {
  const store = memoryStore({ name: 'm' })
  expect(store.keyOf('memory://m/a/b')).toBe('a/b')
  expect(store.keyOf('memory://other/a')).toBeUndefined()
  expect(store.keyOf('s3://bucket/key')).toBe('bucket/key')
  expect(store.keyOf('/abs/path')).toBe('abs/path')
  expect(store.keyOf('relative')).toBeUndefined()
})

test('the clock is the one given', async () => {
  const store = memoryStore({ now: () => 1_234 })
  await store.put('k', text('x'))
  expect((await store.head('k'))?.lastModifiedMs).toBe(1_234)
})
