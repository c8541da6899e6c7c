/** Folds that meet other writers on the way, or stores that fail: what they leave, and what they know afterwards. */
import { describe, expect, test } from 'vitest'
import { fold } from '../../src/commit/fold.ts'
import { DataShardError } from '../../src/errors.ts'
import type { FaultRule } from '../support/faulty-store.ts'
import { foldingTable, foldRequest, ownOf } from '../support/folding-table.ts'

async function racing() {
  const table = await foldingTable()
  const context = await table.writer()
  const request = foldRequest(await ownOf(table))
  const avroKeys = (verb: 'put' | 'delete') =>
    table
      .calls(verb)
      .filter((key) => key.endsWith('.avro'))
      .toSorted()
  /** Once, when the version is about to be sent. */
  const atCreate = (of: number, fault: ReturnType<FaultRule>): FaultRule => {
    return ({ verb, key, before }) =>
      verb === 'put' && key.endsWith(`/v${of}.metadata.json`) && before === 0 ? fault : undefined
  }
  return { ...table, table, context, request, own: request.own!.intent, avroKeys, atCreate }
}

describe('a fold that loses its version', () => {
  test('deletes what it wrote for it, and knows the version that won', async () => {
    const { table, context, request, store, avroKeys, atCreate } = await racing()
    store.rule = atCreate(2, async () => void (await table.commit()))
    expect(await fold(context, request)).toEqual({ kind: 'lost' })
    await context.committer.flush()
    expect(avroKeys('put')).toHaveLength(2)
    expect(avroKeys('delete')).toEqual(avroKeys('put'))
    expect(context.follower.tip.version).toBe(2)
    expect(request.watch!.isOpen).toBe(true)
    expect(request.stats).toMatchObject({ attempts: 1, roundTrips: 3 })
  })

  test('to somebody who folded its append: it is told so at once', async () => {
    const { table, context, request, own, store, atCreate } = await racing()
    store.rule = atCreate(2, async () => void (await table.folds(own.id)))
    await fold(context, request)
    expect(request.watch!.verdict).toMatchObject({ kind: 'folded', version: 2 })
  })
})

test('who folds or cancels for others only, and loses, has learnt of the version, and deletes no more than it wrote', async () => {
  const { table, context, own, store, avroKeys, atCreate } = await racing()
  store.rule = atCreate(2, async () => void (await table.commit()))
  expect(await fold(context, foldRequest(undefined, { cancel: own }))).toEqual({ kind: 'lost' })
  await context.committer.flush()
  expect(table.calls('delete')).toEqual([])
  expect(context.follower.tip.version).toBe(2)
  await table.publish()
  store.rule = atCreate(3, async () => void (await table.commit()))
  expect(await fold(context, foldRequest(undefined))).toEqual({ kind: 'lost' })
  await context.committer.flush()
  expect(avroKeys('delete')).toEqual(avroKeys('put'))
})

test('a base that grew old while manifests were written is not built upon', async () => {
  const { table, context, request, store, runtime, avroKeys } = await racing()
  store.rule = ({ verb, key }) =>
    verb === 'put' && key.endsWith('-m0.avro') ? () => runtime.advance({ wallMs: 60_000 }) : undefined
  expect(await fold(context, request)).toEqual({ kind: 'lost' })
  await context.committer.flush()
  expect(avroKeys('delete')).toEqual(avroKeys('put'))
  expect((await table.head()).version).toBe(1)
})

describe('a version under way when the time is over', () => {
  /** The store takes ten seconds for it, unless it is given up. */
  async function late(withinMs: number) {
    const made = await racing()
    const { store, runtime, request } = made
    const { put } = store
    const cause = new DataShardError('unavailable', 'given up')
    store.put = async (key, body, options) => {
      if (!key.endsWith('.metadata.json')) return put(key, body, options)
      runtime.advance({ wallMs: 10_000, monotonicMs: 10_000 })
      return options?.signal?.aborted ? { outcome: 'unknown', cause } : put(key, body, options)
    }
    const timed = { ...request, deadlineMs: runtime.monotonic() + withinMs }
    return { ...made, timed }
  }

  test('is given up: nobody waits for it', async () => {
    const { context, timed } = await late(1_000)
    await expect(fold(context, timed)).rejects.toMatchObject({ code: 'commit-unknown' })
  })

  test('is not before', async () => {
    const { context, timed } = await late(20_000)
    expect(await fold(context, timed)).toMatchObject({ kind: 'won' })
  })

  test('is given up where it would only cancel an append that does not fit any more', async () => {
    const { context, timed } = await late(1_000)
    const own = { ...timed.own!, schemaId: 7 }
    await expect(fold(context, { ...timed, own })).rejects.toMatchObject({ code: 'commit-unknown' })
  })
})

describe('a version that the store refuses', () => {
  test('for certain: nothing of it stays, and the reason comes out', async () => {
    const { context, request, store, avroKeys, atCreate } = await racing()
    store.rule = atCreate(2, new DataShardError('denied', 'no right'))
    await expect(fold(context, request)).rejects.toMatchObject({ code: 'denied' })
    await context.committer.flush()
    expect(avroKeys('put')).toHaveLength(2)
    expect(avroKeys('delete')).toEqual(avroKeys('put'))
  })

  test('without an answer: it may be named by a version that comes, so that all of it stays', async () => {
    const { context, request, store, avroKeys, runtime } = await racing()
    let isSent = false
    store.rule = ({ key, verb }) => {
      isSent ||= verb === 'put' && key.endsWith('/v2.metadata.json')
      return isSent && verb !== 'delete' ? 'lost-after' : undefined
    }
    const deadlineMs = runtime.monotonic() + 1_000
    await expect(fold(context, { ...request, deadlineMs })).rejects.toMatchObject({ code: 'commit-unknown' })
    await context.committer.flush()
    expect(avroKeys('put')).toHaveLength(2)
    expect(avroKeys('delete')).toEqual([])
  })

  test('withdrawn at the last moment: the version is not sent', async () => {
    const { context, request, avroKeys, table } = await racing()
    const gone = new DataShardError('aborted', 'nobody waits for it')
    const beforeCreate = () => {
      throw gone
    }
    await expect(fold(context, { ...request, beforeCreate })).rejects.toBe(gone)
    await context.committer.flush()
    expect(avroKeys('delete')).toEqual(avroKeys('put'))
    expect((await table.head()).version).toBe(1)
  })
})

test('a manifest that cannot be written ends the fold before the version, and leaves nothing', async () => {
  const { context, request, store, avroKeys, table } = await racing()
  store.rule = ({ verb, key }) => (verb === 'put' && key.endsWith('-m0.avro') ? 'lost-after' : undefined)
  await expect(fold(context, request)).rejects.toMatchObject({ code: 'unavailable', committed: 'no' })
  await context.committer.flush()
  expect(avroKeys('delete')).toEqual(avroKeys('put'))
  expect((await table.head()).version).toBe(1)
})

describe('a fold follows the chain to its end', () => {
  test.each([1, 3, 12])('%i versions behind', async (behind) => {
    const { table, context, request, calls, store } = await racing()
    for (let i = 0; i < behind; i++) await table.commit()
    store.calls.length = 0
    expect(await fold(context, request)).toMatchObject({ kind: 'won', version: 2 + behind })
    // From four in a row on it goes by the hint.
    const asked = calls('get').filter((key) => key.endsWith('.metadata.json'))
    expect(new Set(asked).size).toBeLessThanOrEqual(Math.min(behind + 1, 8))
  })

  test('that goes on meanwhile, until it stands still', async () => {
    const { table, context, request, store } = await racing()
    let more = 3
    const grows: FaultRule = ({ verb, key }) => {
      if (verb !== 'get' || !key.endsWith('.metadata.json') || more === 0) return undefined
      more -= 1
      return async () => {
        store.rule = () => undefined
        await table.commit()
        store.rule = grows
      }
    }
    store.rule = grows
    expect(await fold(context, request)).toMatchObject({ kind: 'won', version: 5 })
  })
})
