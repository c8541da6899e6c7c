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
    for (let version = BASE + 1; version < BASE + WINDOW; version++) expect(one.see(tip(version))).toBe(false)
    expect(one.isOpen).toBe(true)
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
    expect(one.see(tip(BASE + WINDOW + 1))).toBe(true)
    expect(one.isOpen).toBe(true)
  })

  test('not to be told where the ledger was lost and versions were missed; never where all were seen', () => {
    const missed = watch()
    expect(missed.see(tip(13, { ...EMPTY_LEDGER, floor: 13 }))).toBe(true)
    expect(missed.isOpen).toBe(true)
    const all = watch()
    all.see(tip(11))
    all.see(tip(12, { ...EMPTY_LEDGER, floor: 12 }))
    expect(all.verdict).toEqual({ kind: 'never' })
  })

  test('what is decided stays decided, and a gap stays a gap', () => {
    const decided = watch()
    decided.decide({ kind: 'never' })
    expect(decided.see(tip(15, folded))).toBe(true)
    expect(decided.verdict).toEqual({ kind: 'never' })
    const one = watch()
    expect(one.see(tip(11))).toBe(false)
    expect(one.see(tip(BASE + WINDOW + 1))).toBe(true)
    expect(one.see(tip(12, folded))).toBe(true)
    expect(one.verdict).toEqual({ kind: 'open' })
  })

  test('a version that was seen before says nothing new', () => {
    const one = watch()
    one.see(tip(13))
    expect(one.see(tip(13, folded))).toBe(false)
    expect(one.see(tip(12, { ...EMPTY_LEDGER, floor: 12 }))).toBe(false)
    expect(one.see(tip(14, folded))).toBe(true)
    expect(one.verdict.kind).toBe('folded')
  })
})
