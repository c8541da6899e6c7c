/** An append that expects to be alone: two round trips where it is, and what it does with those whom it meets. */
import { beforeEach, describe, expect, test } from 'vitest'
import { FRESH_MS, tryAlone } from '../../src/commit/alone.ts'
import type { FoldContext } from '../../src/commit/fold.ts'
import { HOLDS } from '../../src/commit/intent.ts'
import { Claiming } from '../../src/commit/landing.ts'
import { ledgerOf } from '../../src/commit/peek.ts'
import { publish } from '../../src/commit/publish.ts'
import { Watch } from '../../src/commit/watch.ts'
import { currentSnapshot } from '../../src/spec/metadata.ts'
import { type Chain, ledgerWith, pass } from '../support/chain.ts'
import { collect } from '../support/tables.ts'
import { controlOf, unitOf, writerAt, writerOn } from '../support/writer.ts'

const BASE = 20
const ID = '0123456789abcdef'
const idOf = (n: number) => String(n).padStart(16, '0')

let chain: Chain
let context: FoldContext

async function begin(ledger = ledgerWith()): Promise<void> {
  ;({ chain, context } = await writerAt(BASE, ledger))
}

beforeEach(() => begin())

/** What came of it, and what is left afterwards. */
async function tried({ base = BASE, claim }: { base?: number; claim?: () => Promise<void> } = {}) {
  const state = unitOf(context, [100])
  const watch = new Watch({ id: ID, base })
  const { control, said } = controlOf(chain, { claim })
  const claims = new Claiming(control, watch.intent)
  const landed = await tryAlone(context, state, watch, control, claims)
  await context.committer.flush()
  return { landed, state, watch, said, stats: control.stats }
}

/** Others that have published an append each, by a version that they have seen. */
async function others(count: number, base = BASE): Promise<void> {
  for (let n = 0; n < count; n++) {
    const watch = new Watch({ id: idOf(n), base })
    await publish(writerOn(chain, context.committer), unitOf(context, [50 + n]), watch, controlOf(chain).control)
  }
  chain.requests()
}

const lists = async () => (await collect(chain.store.list('t/metadata/snap-'))).map(({ key }) => key)
const listed = () => currentSnapshot(context.committer.head.metadata)?.manifestList
const foldedBy = () => ledgerOf(context.committer.head.metadata)!.entries[0]!
const isThere = async (key: string) => (await chain.store.head(key)) !== undefined
const versionsAsked = () => chain.requests().filter((request) => request.startsWith(`get v${BASE + 1}`))

describe('nobody else', () => {
  test('is one version, in two round trips: its id in the ledger, its rows in the snapshot', async () => {
    const { landed, state, said, stats } = await tried()
    expect(landed).toEqual({ version: BASE + 1, snapshotId: foldedBy().snapshotId, by: 'alone', foldSize: 1 })
    expect(foldedBy()).toMatchObject({ version: BASE + 1, folded: [ID], cancelled: [] })
    expect(currentSnapshot(context.committer.head.metadata)?.summary).toMatchObject({ 'added-records': '10' })
    expect(await lists()).toEqual([context.files.resolve(listed()!)])
    expect(stats).toMatchObject({ roundTrips: 2, attempts: 1, publications: 0 })
    expect(said).toEqual(['check', 'sending'])
    // Nothing of it may be deleted from here on.
    expect(state).toMatchObject({ written: [], uploaded: true })
    expect(await isThere(state.unit.appended[0]!.key)).toBe(true)
  })

  test.each([
    [FRESH_MS, 0],
    [FRESH_MS + 1, 1],
  ])(
    'of a base that was seen %i ms ago, asks %i times beside its uploads whether there is a newer one',
    async (ms, times) => {
      pass(chain, ms)
      const { landed } = await tried()
      expect(landed?.by).toBe('alone')
      expect(versionsAsked()).toHaveLength(times)
    },
  )

  test('but somebody left meanwhile: nothing is committed', async () => {
    const left = new Error('left')
    const { control } = controlOf(chain, {
      check: () => {
        throw left
      },
    })
    const watch = new Watch({ id: ID, base: BASE })
    const failed = tryAlone(context, unitOf(context, [100]), watch, control, new Claiming(control, watch.intent))
    await expect(failed).rejects.toBe(left)
    expect(await isThere(chain.keyOf(BASE + 1))).toBe(false)
  })
})

describe('somebody else in the inbox', () => {
  test('is folded in by the same version', async () => {
    await others(1)
    const { landed, said } = await tried()
    expect(landed).toMatchObject({ version: BASE + 1, by: 'own-fold', foldSize: 2 })
    expect(foldedBy().folded).toEqual([ID, idOf(0)])
    expect(await lists()).toEqual([context.files.resolve(listed()!)])
    expect(said).toEqual(['check', 'sending'])
  })

  test('was folded long since, or cannot be any more: that is nobody', async () => {
    await others(1)
    await begin(ledgerWith({ version: BASE, folded: [idOf(0)] }))
    await others(1)
    await others(1, 3)
    expect((await tried()).landed).toMatchObject({ by: 'alone' })
  })

  test('one of many shall fold; the others leave it, and nothing that depends on the base', async () => {
    await others(3)
    chain.runtime.random = () => 0.9
    const { landed, watch, state, said } = await tried()
    expect(landed).toBeUndefined()
    expect(watch.isOpen).toBe(true)
    expect(said).toEqual([])
    expect(await lists()).toEqual([])
    expect(await Promise.all(state.written.map(isThere))).toEqual([true, true])
    chain.runtime.random = () => 0.1
    expect((await tried()).landed).toMatchObject({ by: 'own-fold', foldSize: 4 })
  })

  test('asks for room: it has two seconds', async () => {
    await chain.store.put(`t/${HOLDS}${idOf(1)}`, new Uint8Array())
    const startMs = chain.runtime.monotonic()
    expect((await tried()).landed).toMatchObject({ by: 'own-fold', foldSize: 1 })
    expect(chain.runtime.monotonic() - startMs).toBe(2_000)
  })

  test('has published by a newer version: this one is folded on that', async () => {
    await chain.put(BASE + 1)
    await others(1, BASE + 1)
    expect((await tried()).landed).toMatchObject({ version: BASE + 2, by: 'own-fold', foldSize: 2 })
  })

  test('has published by a version 4 above, which is not far: folded with it', async () => {
    await chain.putAll(BASE + 1, BASE + 4)
    await others(1, BASE + 4)
    expect((await tried()).landed).toMatchObject({ version: BASE + 5, by: 'own-fold', foldSize: 2 })
  })

  test('and a third one is first: nothing of this append is in that version', async () => {
    await others(1)
    chain.store.rule = ({ verb, key, mode }) =>
      verb === 'put' && mode === 'create' && key === chain.keyOf(BASE + 1) ? () => chain.put(BASE + 1) : undefined
    const { landed, said, watch, state } = await tried()
    expect(landed).toBeUndefined()
    expect(said).toEqual(['check', 'sending', 'not sent'])
    expect(watch.isOpen).toBe(true)
    expect(await lists()).toEqual([])
    expect(await Promise.all(state.written.map(isThere))).toEqual([true, true])
  })

  test.each([
    [5, 'open'],
    [16, 'never'],
  ])('has published by a version %i above: the head is looked for, and the append begins anew', async (above, kind) => {
    await chain.putAll(BASE + 1, BASE + above)
    await chain.hint(BASE + above)
    await others(1, BASE + above)
    const { landed, watch } = await tried()
    expect(landed).toBeUndefined()
    expect(context.follower.tip.version).toBe(BASE + above)
    // Who has claimed keys for this name must not publish under it when nobody can fold it any more.
    expect(watch.verdict.kind).toBe(kind)
    expect(chain.requests().length).toBeLessThan(20)
  })
})

test('a newer version that is found beside the uploads: the append is folded on that', async () => {
  await chain.put(BASE + 1)
  pass(chain, FRESH_MS + 1)
  expect((await tried()).landed).toMatchObject({ version: BASE + 2, by: 'own-fold', foldSize: 1 })
})

test('one that is known by its beginning only: likewise', async () => {
  await chain.put(BASE + 1, { properties: { padding: 'x'.repeat(100_000) } })
  await context.follower.step()
  expect((await tried()).landed).toMatchObject({ version: BASE + 2, by: 'own-fold', foldSize: 1 })
})
