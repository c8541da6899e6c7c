/** The version after a base: what is in it beside what its maker wants, and what an answer to it that comes late means. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Committer, NextVersion } from '../../src/commit/commit.ts'
import { CUSTODY_MS } from '../../src/commit/custody.ts'
import { ledgerOf } from '../../src/commit/peek.ts'
import { snapshotUpdates } from '../../src/commit/snapshot.ts'
import { type Chain, ledgerWith, newChain, pass, withSnapshots } from '../support/chain.ts'

const NOW = Date.UTC(2026, 0, 1)
const ID = '0123456789abcdef'
const OLD = 'a'.repeat(16)

let chain: Chain
let committer: Committer

beforeEach(async () => {
  chain = newChain()
  await chain.put(20, { ledger: ledgerWith({ version: 6, folded: [OLD] }, { version: 5, folded: [OLD] }) })
  await chain.hint(20)
  committer = await chain.committerAt(20)
  chain.requests()
})

const next = (more: Partial<NextVersion> = {}) =>
  committer.createNext({
    base: committer.head,
    updates: [],
    deadlineMs: chain.runtime.monotonic() + 30_000,
    signal: undefined,
    ...more,
  })

const [snapshot] = withSnapshots([7n, NOW]).snapshots
const adding = () => snapshotUpdates(committer.head.metadata, snapshot!)

test('has what was folded and cancelled in it, and what the window still holds of before', async () => {
  await next({ ledger: { snapshotId: 7n, folded: [ID], cancelled: ['c'.repeat(16)] } })
  // Of the versions before, 6 is the last one in the window.
  expect(ledgerOf(committer.head.metadata)?.entries).toEqual([
    { version: 21, snapshotId: 7n, folded: [ID], cancelled: ['c'.repeat(16)] },
    { version: 6, snapshotId: 6n, folded: [OLD], cancelled: [] },
  ])
})

test('begins a ledger where there was none, and names the version that it was made of', async () => {
  await chain.put(21, { ledger: null })
  await committer.refresh()
  await next()
  const { metadata } = committer.head
  expect(ledgerOf(metadata)).toMatchObject({ floor: 21, entries: [] })
  expect(metadata.metadataLog.at(-1)?.metadataFile).toBe('memory://test/t/metadata/v21.metadata.json')
})

test('won: it is the head, as whoever reads it finds it', async () => {
  const made = await next()
  const { head } = committer
  expect(made).toEqual({ outcome: 'won', head })
  const { nonce, form, metadata } = (await chain.committerAt(21)).head
  expect(head).toMatchObject({ version: 21, form, nonce, metadata: { properties: metadata.properties } })
})

test('removes snapshots that the table keeps no longer', async () => {
  const many = withSnapshots(...Array.from({ length: 6 }, (_, i) => [BigInt(i + 1), NOW - 3_600_000 + i] as const))
  const properties = {
    'datashard.retention.thin-from': '1',
    'datashard.retention.tail-min': '2',
    'datashard.retention.tail-max': '2',
  }
  await chain.put(21, { metadata: many, properties })
  await committer.refresh()
  await next()
  const { snapshots, properties: kept } = committer.head.metadata
  expect(snapshots.map(({ snapshotId }) => snapshotId)).toEqual([5n, 6n])
  expect(kept).toMatchObject(properties)
})

test.each([true, false])('is given up while it is under way, if it shall be punctual (%s)', async (isPunctual) => {
  const { put } = chain.store
  let canBeCut: boolean | undefined
  chain.store.put = async (key, body, options) => {
    if (options?.mode === 'create' && key === chain.keyOf(21)) canBeCut = options.signal !== undefined
    return put(key, body, options)
  }
  await next({ isPunctual, signal: new AbortController().signal })
  expect(canBeCut).toBe(isPunctual)
})

describe('is not sent', () => {
  const isSent = async () => (await chain.store.head(chain.keyOf(21))) !== undefined

  test('where it is withdrawn at the last moment', async () => {
    const withdrawn = new Error('withdrawn')
    const beforeCreate = () => {
      throw withdrawn
    }
    await expect(next({ beforeCreate })).rejects.toBe(withdrawn)
    expect(await isSent()).toBe(false)
  })

  test('where it is cancelled', async () => {
    await expect(next({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    expect(await isSent()).toBe(false)
  })

  test('where the base was seen a minute ago', async () => {
    pass(chain, CUSTODY_MS)
    expect(await next()).toEqual({ outcome: 'stale' })
    expect(await isSent()).toBe(false)
  })

  test('to a table that folds within another window', async () => {
    await chain.put(21, { ledger: { window: 8, floor: 0, entries: [] } })
    await committer.refresh()
    await expect(next()).rejects.toMatchObject({ code: 'unsupported' })
  })
})

test('lost: who won is told, and the head stays for who asks', async () => {
  await chain.put(21)
  expect(await next()).toMatchObject({ outcome: 'lost', next: { version: 21, nonce: 'nonce-21' } })
  expect(committer.head.version).toBe(20)
})

describe('answered when its base was seen a minute ago', () => {
  /** Somebody's version is on top by then, with these snapshots. */
  const late = (...snapshots: readonly (readonly [bigint, number])[]) => {
    chain.store.rule = ({ verb, mode }) => {
      if (verb !== 'put' || mode !== 'create') return undefined
      chain.store.rule = () => undefined
      return async () => {
        pass(chain, CUSTODY_MS)
        await chain.put(22, { metadata: withSnapshots(...snapshots) })
        await chain.hint(22)
      }
    }
  }

  test('counts if what it added is in the chain', async () => {
    late([7n, NOW], [8n, NOW + 1])
    expect(await next({ updates: adding() })).toMatchObject({ outcome: 'won' })
  })

  test('is not known if only some of it is', async () => {
    late([7n, NOW])
    const second = { action: 'add-snapshot', snapshot: { ...snapshot!, snapshotId: 9n, sequenceNumber: 2n } } as const
    await expect(next({ updates: [...adding(), second] })).rejects.toMatchObject({ code: 'commit-unknown' })
  })

  test('is not known if what it added is not', async () => {
    late([8n, NOW])
    await expect(next({ updates: adding() })).rejects.toMatchObject({ code: 'commit-unknown' })
  })

  test('is not known if it added nothing that could tell', async () => {
    late([8n, NOW])
    await expect(next({ updates: [] })).rejects.toMatchObject({ code: 'commit-unknown' })
  })
})
