import { describe, expect, test } from 'vitest'
import { Crowd } from '../../src/commit/crowd.ts'
import type { Tip } from '../../src/commit/follow.ts'
import type { InboxView } from '../../src/commit/inbox.ts'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { advance, EMPTY_LEDGER } from '../../src/commit/ledger.ts'
import { sighting } from '../../src/commit/custody.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const runtime = virtualRuntime(5)
const ids = (count: number) => Array.from({ length: count }, () => newIntentId(runtime))

/** The tip after commits that folded so many appends each, beginning with version 11. */
function tipAfter(...folds: readonly (readonly string[])[]): Tip {
  const ledger = folds.reduce(
    (before, folded, i) => advance(before, 11 + i, { snapshotId: 1n, folded, cancelled: [] }),
    EMPTY_LEDGER,
  )
  return { version: 10 + folds.length, ledger, seen: sighting(runtime), sinceMs: 0 }
}

function viewOf(base: number, open: readonly string[]): InboxView {
  const intents = open.map((id) => ({
    id,
    base,
    kind: 'file' as const,
    uuid8: '00000000',
    descriptor: new Uint8Array(),
    key: id,
    size: 1,
  }))
  return { intents, heldUntilMs: undefined, newestBase: base, seen: sighting(runtime) }
}

describe('how many writers wait', () => {
  test('one, where nothing is known', () => {
    expect(new Crowd().size(tipAfter())).toBe(1)
    expect(new Crowd().size({ ...tipAfter(), ledger: undefined })).toBe(1)
  })

  test('as many as the last commit folded; a small one after it halves that', () => {
    const many = ids(64)
    expect(new Crowd().size(tipAfter(many))).toBe(64)
    expect(new Crowd().size(tipAfter(many, ids(1)))).toBe(32)
    expect(new Crowd().size(tipAfter(many, ids(1), ids(1)))).toBe(16)
    expect(new Crowd().size(tipAfter(many, ids(40)))).toBe(40)
    expect(new Crowd().size(tipAfter(many, ids(1), ids(1), ids(1), ids(1)))).toBe(1)
  })

  test('as many as are open in the inbox, without oneself and those that are folded already; less with each version', () => {
    const crowd = new Crowd()
    const [own, done, ...others] = ids(20)
    const tip = tipAfter([done!])
    crowd.look(viewOf(10, [own!, done!, ...others]), tip, own)
    expect(crowd.size(tip)).toBe(19)
    expect(crowd.size(tipAfter([done!], ids(1)))).toBe(9.5)
    crowd.look(viewOf(10, []), tip, own)
    expect(crowd.size(tip)).toBe(1)
  })

  test('those who published before nobody came do not count any more; who comes after that does', () => {
    const crowd = new Crowd()
    const tip = tipAfter(ids(40))
    crowd.look(viewOf(11, ids(30)), tip, undefined)
    crowd.nobodyCame(11)
    expect(crowd.size(tip)).toBe(1)
    const next = tipAfter(ids(40), ids(1))
    crowd.nobodyCame(12)
    crowd.look(viewOf(10, ids(30)), next, undefined)
    expect(crowd.size(next)).toBe(1)
    crowd.look(viewOf(12, ids(30)), next, undefined)
    expect(crowd.size(next)).toBe(31)
  })

  test('no more than a commit takes, however many names somebody plants', () => {
    const crowd = new Crowd()
    const tip = tipAfter(ids(1))
    crowd.look(viewOf(10, ids(5_000)), tip, undefined)
    expect(crowd.size(tip)).toBe(1_000)
  })
})
