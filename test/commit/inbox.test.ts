/** What a look into the inbox shows: what may be folded, who asks for room, and nothing of what lies there besides. */
import { beforeEach, describe, expect, test } from 'vitest'
import { HOLD_MS, listInbox } from '../../src/commit/inbox.ts'
import { HOLDS, INBOX, type Intent, intentName } from '../../src/commit/intent.ts'
import { type Chain, newChain, pass } from '../support/chain.ts'

const HOUR_MS = 3_600_000
const UUID8 = '6e1b27a1'
const NOBODY: ReadonlySet<string> = new Set()

let chain: Chain

beforeEach(() => {
  chain = newChain()
})

const idOf = (n: number) => String(n).padStart(16, '0')
const intent = (base: number, n: number, more: Partial<Intent> = {}): Intent => ({
  kind: 'file',
  base,
  id: idOf(n),
  uuid8: UUID8,
  descriptor: Uint8Array.of(1, 2, 3),
  ...more,
})

const put = (name: string, bytes = 0) => chain.store.put(`t/${name}`, new Uint8Array(bytes))
const publish = (one: Intent, bytes?: number) => put(intentName(one)!, bytes)
const look = (fromBase = 0, decided = NOBODY, signal?: AbortSignal) =>
  listInbox(chain.place, UUID8, fromBase, decided, signal)
const idsFrom = async (...options: Parameters<typeof look>) => (await look(...options)).intents.map(({ id }) => id)

describe('intents', () => {
  test('are what their names say, with the size of what is there', async () => {
    const published = [intent(3, 1), intent(40, 2, { kind: 'manifest' })]
    await publish(published[0]!, 11)
    await publish(published[1]!, 22)
    const { intents, newestBase, heldUntilMs } = await look()
    expect(intents).toEqual([
      { ...published[0], key: `t/${intentName(published[0]!)!}`, size: 11 },
      { ...published[1], key: `t/${intentName(published[1]!)!}`, size: 22 },
    ])
    expect(newestBase).toBe(40)
    expect(heldUntilMs).toBeUndefined()
  })

  test('none: no base is known, so that nobody takes its head for an old one', async () => {
    expect(await look()).toMatchObject({ intents: [], newestBase: 0 })
  })

  test('are found from a base on, also across folders', async () => {
    for (const base of [14, 15, 16, 17, 40]) await publish(intent(base, base))
    expect(await idsFrom(16)).toEqual([16, 17, 40].map(idOf))
    expect(await idsFrom(15)).toEqual([15, 16, 17, 40].map(idOf))
    expect(await idsFrom(41)).toEqual([])
    // Of a young table the window begins before its first version.
    expect(await idsFrom(-14)).toEqual([14, 15, 16, 17, 40].map(idOf))
  })

  test('whose fate is decided are left out, whether or not the store does that already', async () => {
    await publish(intent(1, 1))
    await publish(intent(9, 2))
    expect(await look(0, new Set([idOf(2)]))).toMatchObject({ intents: [{ id: idOf(1) }], newestBase: 1 })
  })

  test('of another table are passed over, with their bases', async () => {
    await publish(intent(99, 1, { uuid8: 'ffffffff' }))
    expect(await look()).toMatchObject({ intents: [], newestBase: 0 })
  })

  test('of an hour ago, by the clock of the store, were left by dead writers', async () => {
    await publish(intent(1, 1))
    pass(chain, HOUR_MS)
    expect(await idsFrom()).toEqual([idOf(1)])
    pass(chain, 1)
    expect(await look()).toMatchObject({ intents: [], newestBase: 0 })
    const store = { ...chain.store, clockOffsetMs: () => -1 }
    const view = await listInbox({ ...chain.place, store }, UUID8, 0, NOBODY)
    expect(view.intents).toHaveLength(1)
  })

  test('are found beside whatever else lies there', async () => {
    await put(`${INBOX}000000000/readme.txt`)
    await put(`${INBOX}zzz`)
    await put('data/other.parquet')
    await publish(intent(1, 1))
    expect(await idsFrom()).toEqual([idOf(1)])
  })

  test('of a table that is all of its store', async () => {
    const name = intentName(intent(1, 1))!
    await chain.store.put(name, new Uint8Array())
    await publish(intent(1, 2))
    const { intents } = await listInbox({ ...chain.place, prefix: '' }, UUID8, 0, NOBODY)
    expect(intents.map(({ key }) => key)).toEqual([name])
  })
})

describe('a writer that asks for room', () => {
  test('has it for two seconds, from when it asked on', async () => {
    await put(`${HOLDS}${idOf(1)}`)
    const askedMs = chain.runtime.now()
    expect(await look()).toMatchObject({ heldUntilMs: askedMs + HOLD_MS, intents: [] })
    pass(chain, HOLD_MS - 1)
    expect(await look()).toMatchObject({ heldUntilMs: askedMs + HOLD_MS })
    pass(chain, 1)
    expect(await look()).toMatchObject({ heldUntilMs: undefined })
  })

  test('is seen from any base, and beside intents; of several the last', async () => {
    await put(`${HOLDS}${idOf(2)}`)
    pass(chain, 500)
    await put(`${HOLDS}${idOf(1)}`)
    await publish(intent(7, 7))
    const lastMs = chain.runtime.now()
    pass(chain, 500)
    await put(`${HOLDS}${idOf(3)}`)
    pass(chain, 100)
    expect(await look()).toMatchObject({ heldUntilMs: lastMs + 500 + HOLD_MS, newestBase: 7 })
    await chain.store.delete([`t/${HOLDS}${idOf(3)}`])
    expect(await look(1_000, new Set([idOf(1), idOf(2)]))).toMatchObject({ heldUntilMs: lastMs + HOLD_MS })
  })
})

test('a look is as old as its question, not as its answer', async () => {
  await publish(intent(1, 1))
  const asked = chain.runtime.monotonic()
  const { list } = chain.store
  chain.store.list = async function* (prefix, options) {
    pass(chain, 5_000)
    yield* list(prefix, options)
  }
  const { seen, intents } = await look()
  expect(intents).toHaveLength(1)
  expect(seen.monotonicMs).toBe(asked)
})

test('a look is given up when it is cancelled', async () => {
  await expect(look(0, NOBODY, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
})
