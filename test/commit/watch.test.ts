/** What a writer may conclude from the versions that it happens to see: never `never` from a ledger that has forgotten. */
import { describe, expect, test } from 'vitest'
import { sighting } from '../../src/commit/custody.ts'
import type { Tip } from '../../src/commit/follow.ts'
import { EMPTY_LEDGER, type Ledger, WINDOW } from '../../src/commit/ledger.ts'
import { Watch } from '../../src/commit/watch.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const runtime = virtualRuntime()
const ID = '0123456789abcdef'
const BASE = 10
const folded: Ledger = {
  ...EMPTY_LEDGER,
  entries: [{ version: 12, snapshotId: 7n, folded: [ID], cancelled: [] }],
}

const tip = (version: number, ledger: Ledger | undefined = EMPTY_LEDGER): Tip => ({
  version,
  ledger,
  seen: sighting(runtime),
  sinceMs: 0,
})
const watch = () => new Watch({ id: ID, base: BASE })

describe('the fate of an intent', () => {
  test('open while no version of its window has folded it, and never at the end', () => {
    const one = watch()
    for (let version = BASE + 1; version < BASE + WINDOW; version++) one.see(tip(version))
    expect([one.isOpen, one.hasGap]).toEqual([true, false])
    one.see(tip(BASE + WINDOW))
    expect(one.verdict).toEqual({ kind: 'never' })
  })

  test('folded, also when versions in between were not seen: the ledger has all of the window', () => {
    const one = watch()
    one.see(tip(15, folded))
    expect(one.verdict).toEqual({ kind: 'folded', version: 12, snapshotId: 7n })
  })

  test('not to be told by a version from beyond the window: its ledger has forgotten', () => {
    const one = watch()
    one.see(tip(11))
    one.see(tip(BASE + WINDOW + 1))
    expect([one.isOpen, one.hasGap]).toEqual([true, true])
  })

  test('not to be told where the ledger was lost and versions were missed; never where all were seen', () => {
    const missed = watch()
    missed.see(tip(13, { ...EMPTY_LEDGER, floor: 13 }))
    expect(missed.hasGap).toBe(true)
    const all = watch()
    all.see(tip(11))
    all.see(tip(12, { ...EMPTY_LEDGER, floor: 12 }))
    expect(all.verdict).toEqual({ kind: 'never' })
  })
})
