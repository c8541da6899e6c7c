/** Appends that do not come into the table: what is said of them, and what they leave. */
import { describe, expect, test } from 'vitest'
import { ClaimsLost } from '../../src/commit/claims-lost.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import type { LandControl } from '../../src/commit/landing.ts'
import { Claiming, land } from '../../src/commit/landing.ts'
import { DataShardError } from '../../src/errors.ts'
import { landControl, unitOf } from '../support/appending.ts'
import type { FoldingTable } from '../support/folding-table.ts'
import { foldingTable } from '../support/folding-table.ts'
import { collect } from '../support/tables.ts'

type Change = Partial<LandControl> & { readonly withinMs?: number }

/** In company, with chances that make it wait. */
async function published(change: Change = {}) {
  const table = await foldingTable()
  await table.folds(...Array.from({ length: 20 }, () => newIntentId(table.runtime)))
  table.chance.random = () => 0.99
  return alone(change, table)
}

async function alone({ withinMs = Infinity, ...change }: Change = {}, table?: FoldingTable) {
  const made = table ?? (await foldingTable())
  const context = await made.writer()
  const control = landControl({ ...change, deadlineMs: made.runtime.monotonic() + withinMs })
  const unit = await unitOf(made)
  const start = () => land(context, unit, control)
  made.store.calls.length = 0
  const dataThere = async () => (await collect(made.store.list('t/data/'))).map(({ key }) => key)
  return { ...made, table: made, context, control, unit, start, dataThere }
}

describe('before anything is published', () => {
  test('cancelled: nothing was sent', async () => {
    const { start, calls } = await alone({ signal: AbortSignal.abort() })
    await expect(start()).rejects.toMatchObject({ code: 'aborted', committed: 'no' })
    expect(calls('put')).toEqual([])
  })

  test.each([
    ['schema', { schemaId: 7, specId: 0 }],
    ['spec', { schemaId: 0, specId: 7 }],
  ])('rows of a %s that the table does not have', async (_, { schemaId, specId }) => {
    const { context, unit, control, calls } = await alone()
    const other = { ...unit, schema: { ...unit.schema, schemaId }, spec: { ...unit.spec, specId } }
    await expect(land(context, other, control)).rejects.toMatchObject({
      code: 'commit-conflict',
      details: { table: 'memory://test/t' },
    })
    expect(calls('put')).toEqual([])
  })

  test('its time is over: it may be called again', async () => {
    const { start, dataThere } = await published({ withinMs: 0 })
    await expect(start()).rejects.toMatchObject({
      code: 'commit-contention',
      committed: 'no',
      details: { table: 'memory://test/t' },
    })
    expect(await dataThere()).toEqual([])
  })

  test('refused by the store: what was written is deleted', async () => {
    const { start, store, context, dataThere } = await alone()
    store.rule = ({ verb, key }) =>
      verb === 'put' && key.endsWith('/v2.metadata.json') ? new DataShardError('denied', 'no right') : undefined
    await expect(start()).rejects.toMatchObject({ code: 'denied' })
    await context.committer.flush()
    expect(await dataThere()).toEqual([])
  })

  test('its keys are of another append: what was written is deleted', async () => {
    const lost = new ClaimsLost({ id: '0'.repeat(16), base: 1 })
    const { start, context, dataThere, head } = await alone({ claim: () => Promise.reject(lost) })
    await expect(start()).rejects.toBe(lost)
    await context.committer.flush()
    expect(await dataThere()).toEqual([])
    expect((await head()).version).toBe(1)
  })

  test('everybody has left', async () => {
    const gone = new Error('nobody waits')
    const check = () => {
      throw gone
    }
    const { start, dataThere } = await published({ check })
    await expect(start()).rejects.toBe(gone)
    expect(await dataThere()).toEqual([])
  })
})

describe('once it is published', () => {
  const left = { code: 'commit-unknown', committed: 'unknown', details: { table: 'memory://test/t', base: 2 } }

  test('its time is over: it may be committed by anybody yet, and stays there', async () => {
    const { start, dataThere, control, runtime, chance, context } = await published({ withinMs: 100 })
    chance.onSleep = async () => runtime.advance({ monotonicMs: 100 })
    await expect(start()).rejects.toMatchObject(left)
    await context.committer.flush()
    expect(await dataThere()).toHaveLength(1)
    expect(control.said).toEqual(['published'])
  })

  test('cancelled: the same, and why', async () => {
    const controller = new AbortController()
    const { start, chance } = await published({ signal: controller.signal })
    chance.onSleep = async () => controller.abort()
    await expect(start()).rejects.toMatchObject({ ...left, message: expect.stringContaining('cancelled') as string })
  })

  test('the store refuses: the same', async () => {
    const { start, store, control } = await published()
    const denied = new DataShardError('denied', 'no right')
    store.rule = ({ verb }) => (verb === 'get' && control.said.includes('published') ? denied : undefined)
    await expect(start()).rejects.toMatchObject({ ...left, cause: denied })
  })

  test('a fault of the program: it is said so, and left open', async () => {
    const { start, store, control } = await published()
    const fault = new DataShardError('internal', 'this must not be')
    store.rule = ({ verb }) => (verb === 'get' && control.said.includes('published') ? fault : undefined)
    await expect(start()).rejects.toMatchObject({ code: 'internal', committed: 'unknown' })
  })

  test('the table is dropped: of that nothing is folded any more', async () => {
    const { start, store, control } = await published()
    const dropped = new DataShardError('not-found', 'the table was dropped')
    store.rule = ({ verb }) => (verb === 'get' && control.said.includes('published') ? dropped : undefined)
    await expect(start()).rejects.toBe(dropped)
  })

  test('fifty times, and cancelled each time: nothing of it is in the table', async () => {
    const { start, table, store, control, context } = await published()
    const seen = new Set<string>()
    store.rule = ({ verb, key }) => {
      const id = verb === 'put' ? /-([0-9a-v]{16})-/.exec(key)?.[1] : undefined
      if (id === undefined) return undefined
      seen.add(id)
      return async () => void (await table.cancels(id))
    }
    await expect(start()).rejects.toMatchObject({ code: 'commit-contention', committed: 'no' })
    await context.committer.flush()
    expect(control.stats.publications).toBe(50)
    expect(seen.size).toBe(50)
  })
})

test('keys are claimed once for one intent, however often that is asked', async () => {
  const claimed: string[] = []
  const claim = async ({ id }: { readonly id: string }) => void claimed.push(id)
  const claiming = new Claiming(landControl({ claim }), { id: 'one', base: 1 })
  await Promise.all([claiming.acquire(), claiming.acquire()])
  await claiming.acquire()
  expect(claimed).toEqual(['one'])
  await new Claiming(landControl(), { id: 'two', base: 1 }).acquire()
})
