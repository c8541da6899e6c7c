import { describe, expect, test } from 'vitest'
import { createTable, DataShardError, day, dropTable, loadTable, schema, t } from '../../src/index.ts'
import { appendHandler } from '../../src/lambda/index.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { memoryStore } from '../../src/store/index.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { dyingStore } from '../support/dying-store.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { context, events, handlerOn, idsIn, LOCATION, newTable } from './fixture.ts'
import { failures, messages } from './messages.ts'

const one = (id: string) => ({ [id]: { id } })
const several = (...ids: string[]) => messages(Object.assign({}, ...ids.map(one)) as Record<string, unknown>)

type Handler = ReturnType<typeof appendHandler>

/** What SQS does: delivers until all are done, in batches that differ each time. */
async function deliverAll(handler: () => Handler, ids: readonly string[], batch: number): Promise<void> {
  let open = [...ids]
  for (let delivery = 1; open.length > 0; delivery++) {
    expect(delivery).toBeLessThan(50)
    const some = open.slice(0, batch)
    const answer = (await handler()(several(...some), context())) as ReturnType<typeof failures>
    const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    // What failed comes last, among others.
    open = [...open.slice(batch), ...some.filter((id) => failed.has(id))]
  }
}

describe('killed functions', () => {
  test.each([true, false])(
    'at any request (which %s has its effect); its messages come again in other batches: each is there once',
    { timeout: 120_000 },
    async (takesEffect) => {
      for (let request = 1; ; request++) {
        const store = await newTable()
        const mortal = dyingStore(store, request, takesEffect)
        await handlerOn(mortal)(several('a', 'b', 'c'), context()).catch(() => undefined)
        const hasDied = mortal.requests() >= request
        await deliverAll(() => handlerOn(store), ['c', 'd', 'a', 'e', 'b'], 2)
        expect(await idsIn(store), `killed at request ${request}`).toEqual(['a', 'b', 'c', 'd', 'e'])
        if (!hasDied) break
      }
    },
  )

  test('eight functions at once that get overlapping batches, while every fifth conditional write has no answer', async () => {
    const store = await newTable()
    let puts = 0
    store.rule = ({ verb, mode }) =>
      verb === 'put' && mode === 'create' && ++puts % 5 === 0 ? 'lost-after' : undefined
    const ids = Array.from({ length: 12 }, (_, i) => `m${String(i).padStart(2, '0')}`)
    await Promise.all(
      Array.from({ length: 8 }, (_, w) => deliverAll(() => handlerOn(store), [...ids.slice(w), ...ids.slice(0, w)], 4)),
    )
    store.rule = () => undefined
    expect(await idsIn(store)).toEqual(ids)
  })
})

describe('time', () => {
  test('none is left: nothing is begun, and everything is reported', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    store.calls.length = 0
    expect(await handler(several('a', 'b'), context(1_000))).toEqual(failures('a', 'b'))
    expect(store.calls.filter(({ verb }) => verb === 'put')).toEqual([])
  })

  test.each([
    ['a store that does not answer', 'put', /\.parquet$/],
    ['a version that nobody hears of', 'put', /v2\.metadata\.json$/],
    ['a table that cannot be found', 'get', /hint/],
  ] as const)(
    '%s: the answer comes before the function is killed, and the redelivery is exact',
    async (_, verb, key) => {
      const store = await newTable()
      store.rule = (call) => (call.verb === verb && key.test(call.key) ? () => new Promise(() => {}) : undefined)
      const startMs = performance.now()
      const answer = await handlerOn(store, { marginMs: 700 })(several('a', 'b'), context(1_000))
      expect(performance.now() - startMs).toBeLessThan(1_000)
      expect(answer).toEqual(failures('a', 'b'))
      store.rule = () => undefined
      expect(await handlerOn(store)(several('b', 'a', 'c'), context())).toEqual(failures())
      expect(await idsIn(store)).toEqual(['a', 'b', 'c'])
    },
  )

  test('a map that never ends is cut', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { marginMs: 100, map: () => new Promise<never>(() => {}) })
    expect(await handler(several('a'), context(300))).toEqual(failures('a'))
  })

  test('so is an onReject that never ends', async () => {
    const store = await newTable()
    const handler = handlerOn(store, { marginMs: 100, onReject: () => new Promise<never>(() => {}) })
    expect(await handler(messages({ a: { id: 'a' }, b: 'x' }), context(300))).toEqual(failures('a', 'b'))
    expect(await idsIn(store)).toEqual([])
  })

  test('nothing runs on when the handler has returned', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    let pending = 0
    store.rule = () => () => {
      pending++
      queueMicrotask(() => pending--)
    }
    await handler(several('a', 'b'), context())
    expect(pending).toBe(0)
    const after = store.calls.length
    await systemRuntime.sleep(100)
    expect(store.calls).toHaveLength(after)
    const hint = await store.get('events/metadata/version-hint.text')
    expect(new TextDecoder().decode(hint)).toBe('2')
  })

  test('a function that was frozen for an hour goes on', async () => {
    const store = await newTable()
    let slept = 0
    const runtime = {
      ...systemRuntime,
      now: () => systemRuntime.now() + slept,
      monotonic: () => systemRuntime.monotonic() + slept,
    }
    const handler = handlerOn(store, { runtime })
    await handler(several('a'), context())
    for (let i = 0; i < 20; i++) await handlerOn(store)(several(`x${String(i).padStart(2, '0')}`), context())
    slept = 3_600_000
    expect(await handler(several('a', 'b'), context())).toEqual(failures())
    expect((await idsIn(store)).filter((id) => !id.startsWith('x'))).toEqual(['a', 'b'])
  })
})

describe('the table', () => {
  const create = { schema: schema({ id: t.string, at: t.optional(t.timestamptz) }), partitionBy: [day('at')] }

  test('is created by 64 functions at once, once, and each gets its rows in', { timeout: 120_000 }, async () => {
    const store = faultyStore(memoryStore(), () => undefined)
    const ids = Array.from({ length: 64 }, (_, i) => `f${String(i).padStart(2, '0')}`)
    const answers = await Promise.all(ids.map((id) => handlerOn(store, { create })(several(id), context())))
    expect(answers).toEqual(ids.map(() => failures()))
    expect(await idsIn(store)).toEqual(ids)
    const first = store.calls.filter(({ verb, key }) => verb === 'put' && key.endsWith('/v1.metadata.json'))
    const table = await loadTable(LOCATION, { store })
    expect(first.length).toBeGreaterThan(1)
    expect(table.partitionSpec.fields.map(({ name }) => name)).toEqual(['at_day'])
  })

  test('was dropped and made anew: a warm function goes on with the new one', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    await handler(several('a'), context())
    await dropTable(LOCATION, { store })
    await (await createTable(LOCATION, { schema: events, store })).close()
    expect(await handler(several('b'), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['b'])
  })

  test('was dropped: the records come again, until it is there or the queue gives up', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    await handler(several('a'), context())
    await dropTable(LOCATION, { store })
    expect(await handler(several('b'), context())).toEqual(failures('b'))
    expect(await handlerOn(store, { create })(several('b'), context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['b'])
  })

  test('gets a column while a warm function works: rows are looked at anew', async () => {
    const store = await newTable()
    const handler = handlerOn(store)
    await handler(several('a'), context())
    const other = await loadTable(LOCATION, { store })
    await other.transaction((tx) => void tx.updateSchema((s) => s.addColumn('kind', 'string')))
    const event = messages({ b: { id: 'b', kind: 'x' } })
    expect(await handler(event, context())).toEqual(failures())
    expect(await idsIn(store)).toEqual(['a', 'b'])
  })

  test.each([
    ['denied', 'may not'],
    ['unavailable', 'no answer'],
  ] as const)(
    '%s while it is opened: everything is reported, and the next invocation tries again',
    async (code, message) => {
      const store = await newTable()
      const handler = handlerOn(store)
      store.rule = () => new DataShardError(code, message)
      expect(await handler(several('a'), context())).toEqual(failures('a'))
      store.rule = () => undefined
      expect(await handler(several('a'), context())).toEqual(failures())
      expect(await idsIn(store)).toEqual(['a'])
    },
  )

  test('has a required column that no row has: each record is rejected, none is lost', async () => {
    const store = await newTable(schema({ id: t.string, must: t.int }))
    expect(await handlerOn(store)(several('a', 'b'), context())).toEqual(failures('a', 'b'))
  })
})

test('a conditional create is answered by nobody, for good: the records are reported, and are there once afterwards', async () => {
  const store: ObjectStore & { rule: unknown } = await newTable()
  store.rule = ({ verb, key }: { verb: string; key: string }) =>
    key.endsWith('v2.metadata.json') ? (verb === 'put' ? 'lost-after' : 'lost-before') : undefined
  expect(await handlerOn(store, { marginMs: 200 })(several('a'), context(1_500))).toEqual(failures('a'))
  store.rule = () => undefined
  expect(await handlerOn(store)(several('a'), context())).toEqual(failures())
  expect(await idsIn(store)).toEqual(['a'])
})
