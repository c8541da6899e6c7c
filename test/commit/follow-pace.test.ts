/** How far the chain may have moved since it was seen: who is far behind goes by the hint instead of step by step. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Follower } from '../../src/commit/follow.ts'
import { Tempo } from '../../src/commit/tempo.ts'
import { type Chain, ledgerWith, newChain, pass, withSnapshots } from '../support/chain.ts'

const NOW = Date.UTC(2026, 0, 1)

let chain: Chain

beforeEach(() => {
  chain = newChain()
})

describe('how many versions came since', () => {
  const ledger = ledgerWith({ version: 2 }, { version: 4 }, { version: 6 })
  const metadata = withSnapshots([2n, NOW - 400], [4n, NOW - 100], [6n, NOW])

  test('is told by the pace of those in the ledger', async () => {
    await chain.put(6, { ledger, metadata })
    const follows = new Follower(await chain.committerAt(6), new Tempo(chain.runtime))
    expect(follows.expectedSince).toBe(0)
    pass(chain, 250)
    // Four versions in 400 ms.
    expect(follows.expectedSince).toBe(2.5)
  })

  test('is not infinite where all have one time', async () => {
    await chain.put(6, { ledger, metadata: withSnapshots([2n, NOW], [6n, NOW]) })
    const follows = new Follower(await chain.committerAt(6), new Tempo(chain.runtime))
    pass(chain, 3)
    expect(follows.expectedSince).toBe(12)
  })

  test.each([
    ['no ledger', { ledger: null, metadata }],
    ['an empty ledger', { metadata }],
    ['one entry', { ledger: ledgerWith({ version: 6 }), metadata }],
    ['an oldest snapshot that is gone', { ledger, metadata: withSnapshots([4n, NOW - 100], [6n, NOW]) }],
    ['a newest snapshot that is gone', { ledger, metadata: withSnapshots([2n, NOW - 100], [4n, NOW]) }],
  ])('is not known with %s', async (_what, made) => {
    await chain.put(6, made)
    const follows = new Follower(await chain.committerAt(6), new Tempo(chain.runtime))
    pass(chain, 10_000)
    expect(follows.expectedSince).toBe(0)
  })
})
