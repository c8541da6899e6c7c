/** What became of an intent that nobody watched: folded, never, open, or not to be known any more. */
import { beforeEach, describe, expect, test } from 'vitest'
import { WINDOW } from '../../src/commit/ledger.ts'
import { archiveName, encodeArchive } from '../../src/commit/ledger-archive.ts'
import type { Ledger } from '../../src/commit/ledger.ts'
import { EMPTY_LEDGER, formatLedger } from '../../src/commit/ledger.ts'
import { resolveIntent } from '../../src/commit/resolve.ts'
import { type Chain, ledgerWith, newChain } from '../support/chain.ts'

const ID = '0123456789abcdef'
const BASE = 10
const LAST = BASE + WINDOW
const intent = { id: ID, base: BASE }
const folded = ledgerWith({ version: 12, snapshotId: 7n, folded: [ID] })
const cancelled = ledgerWith({ version: 12, cancelled: [ID] })
const isFolded = { kind: 'folded', version: 12, snapshotId: 7n }

let chain: Chain

beforeEach(() => {
  chain = newChain()
})

/** By a process that has read the newest version. */
async function resolved(head: number) {
  const committer = await chain.committerAt(head)
  await chain.hint(head)
  chain.requests()
  return resolveIntent(committer, intent)
}

describe('by the newest version, within the window', () => {
  test.each([
    ['not folded yet: open', LAST - 1, EMPTY_LEDGER, { kind: 'open' }],
    ['that its publisher had seen: open', BASE, EMPTY_LEDGER, { kind: 'open' }],
    ['that is older still, because the search has not come further: open', BASE - 1, EMPTY_LEDGER, { kind: 'open' }],
    ['folded', LAST - 1, folded, isFolded],
    ['cancelled: never', LAST - 1, cancelled, { kind: 'never' }],
    ['not folded at its end: never', LAST, EMPTY_LEDGER, { kind: 'never' }],
    ['folded, at its end', LAST, folded, isFolded],
  ])('%s', async (_what, head, ledger, expected) => {
    await chain.put(head, { ledger })
    expect(await resolved(head)).toEqual(expected)
    // The search for the head; nothing is read.
    expect(chain.requests().filter((request) => request.startsWith('get v'))).toEqual([])
  })

  test('a search that has begun already is waited for, and no other is made', async () => {
    await chain.put(LAST)
    const committer = await chain.committerAt(LAST)
    chain.requests()
    expect(await resolveIntent(committer, intent, undefined, Promise.resolve(committer.head))).toEqual({
      kind: 'never',
    })
    expect(chain.requests()).toEqual([])
  })
})

describe('after the window', () => {
  const archive = (version: number, ledger: Ledger | null) =>
    chain.store.put(
      `t/${archiveName(version - 1, version + 1)}`,
      encodeArchive(new Map([[version, ledger && formatLedger(ledger)]])),
    )

  test.each([
    ['folded', folded, isFolded],
    ['cancelled', cancelled, { kind: 'never' }],
    ['not in it', EMPTY_LEDGER, { kind: 'never' }],
  ])('the version at its end tells, not the newest: %s', async (_what, ledger, expected) => {
    for (const head of [LAST + 1, LAST + WINDOW - 1, LAST + WINDOW, LAST + 100]) {
      await chain.put(LAST, { ledger })
      await chain.put(head)
      expect(await resolved(head)).toEqual(expected)
      expect(chain.requests()).toContain(`get v${LAST}.metadata.json`)
    }
  })

  test('a version that was swept: its archive tells', async () => {
    await chain.put(LAST + 100)
    for (const [ledger, expected] of [
      [folded, isFolded],
      [EMPTY_LEDGER, { kind: 'never' }],
    ] as const) {
      await archive(LAST, ledger)
      expect(await resolved(LAST + 100)).toEqual(expected)
    }
  })

  test('no archive either: nobody knows', async () => {
    await chain.put(LAST + 100)
    expect(await resolved(LAST + 100)).toEqual({ kind: 'unknown' })
    await archive(LAST + 2, folded)
    expect(await resolved(LAST + 100)).toEqual({ kind: 'unknown' })
  })

  test('what a sleeper made anew under a number that was swept is not asked; its archive is right', async () => {
    await chain.put(LAST)
    await archive(LAST, folded)
    await chain.put(LAST + WINDOW)
    expect(await resolved(LAST + WINDOW)).toEqual(isFolded)
  })

  test('a version that no sweep can have deleted is asked itself', async () => {
    await chain.put(LAST, { ledger: folded })
    await archive(LAST, EMPTY_LEDGER)
    await chain.put(LAST + WINDOW - 1)
    expect(await resolved(LAST + WINDOW - 1)).toEqual(isFolded)
  })
})

test('who has cancelled does not wait for a version to be read', async () => {
  await chain.put(LAST)
  await chain.put(LAST + 1)
  const committer = await chain.committerAt(LAST + 1)
  const looked = resolveIntent(committer, intent, AbortSignal.abort(), Promise.resolve(committer.head))
  await expect(looked).rejects.toMatchObject({ code: 'aborted' })
})

describe('where a ledger was lost within the window, versions before it tell', () => {
  /** Version 15 has none, because somebody unset it: from 16 on there is a new one. */
  beforeEach(async () => {
    await chain.putAll(11, 14)
    await chain.put(15, { ledger: null })
    await chain.put(16, { ledger: { ...EMPTY_LEDGER, floor: 15 } })
  })

  test.each([15, 16])('folded before that, seen from version %i', async (head) => {
    await chain.put(14, { ledger: folded })
    if (head === 15) await chain.store.delete([chain.keyOf(16)])
    expect(await resolved(head)).toEqual(isFolded)
  })

  test('cancelled before that: never', async () => {
    await chain.put(14, { ledger: cancelled })
    expect(await resolved(16)).toEqual({ kind: 'never' })
  })

  test('not folded before that: never, though its window is open', async () => {
    expect(await resolved(16)).toEqual({ kind: 'never' })
    expect(chain.requests()).toContain('get v14.metadata.json')
    expect(chain.requests()).not.toContain('get v13.metadata.json')
  })

  test('folded, and lost twice', async () => {
    await chain.put(12, { ledger: folded })
    await chain.put(13, { ledger: null })
    await chain.put(14, { ledger: { ...EMPTY_LEDGER, floor: 13 } })
    expect(await resolved(16)).toEqual(isFolded)
  })

  test('folded before one that cannot be of its version, which counts as lost', async () => {
    await chain.put(14, { ledger: folded })
    await chain.put(15, { ledger: ledgerWith({ version: 99 }) })
    expect(await resolved(16)).toEqual(isFolded)
  })

  test('folded by one that cannot be of its version: what it names was folded all the same', async () => {
    const entry = { version: 12, snapshotId: isFolded.snapshotId, folded: [ID] }
    await chain.put(14, { ledger: ledgerWith(entry, { version: 99 }) })
    expect(await resolved(16)).toEqual(isFolded)
    await chain.put(16, { ledger: { ...ledgerWith(entry), floor: 99 } })
    expect(await resolved(16)).toEqual(isFolded)
  })

  test('lost in all of them: nobody folded without one, so never', async () => {
    await chain.putAll(11, 15, { ledger: null })
    expect(await resolved(16)).toEqual({ kind: 'never' })
  })

  test('a version before that is gone: nobody knows', async () => {
    await chain.store.delete([chain.keyOf(14)])
    expect(await resolved(16)).toEqual({ kind: 'unknown' })
  })
})
