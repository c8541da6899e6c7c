/** An append that expected to be alone and was not: what it leaves for the next step, and what it deletes. */
import { beforeEach, expect, test } from 'vitest'
import { tryAlone, uploadData } from '../../src/commit/alone.ts'
import type { FoldContext } from '../../src/commit/fold.ts'
import { Claiming } from '../../src/commit/landing.ts'
import type { UnitState } from '../../src/commit/landing.ts'
import { Watch } from '../../src/commit/watch.ts'
import { DataShardError } from '../../src/errors.ts'
import { type Chain, ledgerWith } from '../support/chain.ts'
import { collect } from '../support/tables.ts'
import { controlOf, unitOf, writerAt } from '../support/writer.ts'

const BASE = 20
const ID = '0123456789abcdef'

let chain: Chain
let context: FoldContext
let state: UnitState
let watch: Watch

async function begin(ledger = ledgerWith()): Promise<void> {
  ;({ chain, context } = await writerAt(BASE, ledger))
  state = unitOf(context, [100])
  watch = new Watch({ id: ID, base: BASE })
}

beforeEach(() => begin())

async function tried(claim?: () => Promise<void>) {
  const { control, said } = controlOf(chain, { claim })
  const landed = await tryAlone(context, state, watch, control, new Claiming(control, watch.intent)).finally(() =>
    context.committer.flush(),
  )
  return { landed, said }
}

const keys = async (prefix: string) => (await collect(chain.store.list(`t/${prefix}`))).map(({ key }) => key)
const isThere = async (key: string) => (await chain.store.head(key)) !== undefined

/** Somebody else's version is there first. */
function losesTo(ledger = ledgerWith()): void {
  chain.store.rule = ({ verb, key, mode }) =>
    verb === 'put' && mode === 'create' && key === chain.keyOf(BASE + 1)
      ? () => chain.put(BASE + 1, { ledger })
      : undefined
}

test('the version is lost: data and manifest are kept, the list is deleted', async () => {
  losesTo()
  const { landed, said } = await tried()
  expect(landed).toBeUndefined()
  expect(said).toEqual(['check', 'sending', 'not sent'])
  expect(state.uploaded).toBe(true)
  expect(state.manifests).toHaveLength(1)
  expect(state.written.toSorted()).toEqual([state.unit.appended[0]!.key, state.manifests![0]!.key].toSorted())
  expect(await Promise.all(state.written.map(isThere))).toEqual([true, true])
  expect(await keys('metadata/snap-')).toEqual([])
  // Who won is known without another request.
  expect(context.follower.tip.version).toBe(BASE + 1)
  expect(watch.isOpen).toBe(true)
})

test('the version is lost to one that says what became of this append', async () => {
  losesTo(ledgerWith({ version: BASE + 1, cancelled: [ID] }))
  expect((await tried()).landed).toBeUndefined()
  expect(watch.verdict).toEqual({ kind: 'never' })
})

test.each([
  ['was cancelled by somebody who found its claim', ledgerWith({ version: BASE, cancelled: [ID] }), BASE],
  ['is of a version from before the window', ledgerWith(), BASE - 16],
])('a name that %s is not committed', async (_what, ledger, base) => {
  await begin(ledger)
  watch = new Watch({ id: ID, base })
  const { landed, said } = await tried()
  expect(landed).toBeUndefined()
  expect(watch.verdict).toEqual({ kind: 'never' })
  expect(said).toEqual([])
  expect(await isThere(chain.keyOf(BASE + 1))).toBe(false)
  expect(await keys('metadata/snap-')).toEqual([])
})

test('no answer to the version: what it may name is kept', async () => {
  chain.store.rule = ({ key }) => (key === chain.keyOf(BASE + 1) ? 'lost-before' : undefined)
  await expect(tried()).rejects.toMatchObject({ code: 'commit-unknown' })
  expect(await keys('metadata/snap-')).toHaveLength(1)
  expect(await Promise.all([...state.written].map(isThere))).toEqual([true, true, true])
})

test('keys are claimed before the version is sent; where they are another’s, nothing is committed', async () => {
  const events: string[] = []
  chain.store.rule = ({ verb, key, mode }) => {
    if (verb === 'put' && mode === 'create') events.push(key)
    return undefined
  }
  await tried(async () => {
    await Promise.resolve()
    events.push('claimed')
  })
  expect(events).toEqual(['claimed', chain.keyOf(BASE + 1)])
  await begin()
  const taken = new DataShardError('commit-conflict', 'taken')
  await expect(tried(() => Promise.reject(taken))).rejects.toBe(taken)
  expect(await isThere(chain.keyOf(BASE + 1))).toBe(false)
  expect(await keys('metadata/snap-')).toEqual([])
})

test.each(['data/', 'metadata/'])(
  'an upload to %s that fails ends it when all have ended; the list is deleted',
  async (where) => {
    const denied = new DataShardError('denied', 'no right')
    chain.store.rule = ({ verb, key }) =>
      verb === 'put' && key.startsWith(`t/${where}`) && !key.includes('/snap-') ? denied : undefined
    await expect(tried()).rejects.toBe(denied)
    expect(await isThere(chain.keyOf(BASE + 1))).toBe(false)
    expect(await keys('metadata/snap-')).toEqual([])
    // To be deleted by who knows that nothing names them.
    expect(state.written.toSorted()).toEqual([state.unit.appended[0]!.key, state.manifests![0]!.key].toSorted())
  },
)

test('data is uploaded once, and what is in the store already not at all', async () => {
  const files = unitOf(context, [10, 20]).unit.appended
  const appended = [files[0]!, { ...files[1]!, bytes: undefined }]
  const mixed: UnitState = { ...state, unit: { ...state.unit, appended }, written: [] }
  await uploadData(context, mixed, undefined)
  await uploadData(context, mixed, undefined)
  expect(mixed).toMatchObject({ uploaded: true, written: [appended[0]!.key] })
  expect(await keys('data/')).toEqual([appended[0]!.key])
})
