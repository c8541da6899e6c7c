import { describe, expect, test } from 'vitest'
import { newIntentId } from '../../src/commit/intent-id.ts'
import { advance, EMPTY_LEDGER, WINDOW } from '../../src/commit/ledger.ts'
import { chooseCandidates, mayFold, verdictAt } from '../../src/commit/window.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const runtime = virtualRuntime(3)
const intent = (base: number) => ({ id: newIntentId(runtime), base })
const none = { snapshotId: 0n, folded: [], cancelled: [] }

describe('window', () => {
  test('an intent may be folded from the version after its base to the end of its window', () => {
    const one = intent(100)
    const may = (next: number) => mayFold(one, EMPTY_LEDGER, next)
    expect([may(100), may(101), may(100 + WINDOW), may(101 + WINDOW)]).toEqual([false, true, true, false])
  })

  test('not twice, not after a cancellation, not below the floor', () => {
    const one = intent(100)
    const folded = advance(EMPTY_LEDGER, 101, { ...none, snapshotId: 1n, folded: [one.id] })
    const cancelled = advance(EMPTY_LEDGER, 101, { ...none, cancelled: [one.id] })
    expect(mayFold(one, folded, 102)).toBe(false)
    expect(mayFold(one, cancelled, 102)).toBe(false)
    expect(mayFold(one, { ...EMPTY_LEDGER, floor: 101 }, 102)).toBe(false)
    expect(mayFold(one, { ...EMPTY_LEDGER, floor: 100 }, 102)).toBe(true)
  })

  test('the verdict: folded where the ledger has it, open within the window, never at its end', () => {
    const one = intent(100)
    const ledger = advance(EMPTY_LEDGER, 105, { ...none, snapshotId: 9n, folded: [one.id] })
    expect(verdictAt(one, ledger, 110)).toEqual({ kind: 'folded', version: 105, snapshotId: 9n })
    expect(verdictAt(one, EMPTY_LEDGER, 100 + WINDOW - 1)).toEqual({ kind: 'open' })
    expect(verdictAt(one, EMPTY_LEDGER, 100 + WINDOW)).toEqual({ kind: 'never' })
    const cancelled = advance(EMPTY_LEDGER, 101, { ...none, cancelled: [one.id] })
    expect(verdictAt(one, cancelled, 101)).toEqual({ kind: 'never' })
    expect(verdictAt(one, { ...EMPTY_LEDGER, floor: 103 }, 103)).toEqual({ kind: 'before-floor', floor: 103 })
  })

  test('candidates are those that may be folded, oldest first, each once, no more than there is room', () => {
    const [a, b, c, late] = [intent(8), intent(9), intent(10), intent(11)]
    expect(chooseCandidates([c, b, a, b, late], undefined, EMPTY_LEDGER, 11, 10)).toEqual([a, b, c])
    expect(chooseCandidates([c, b, a], undefined, EMPTY_LEDGER, 11, 2)).toEqual([a, b])
  })

  test('the own append is among them, however little room there is', () => {
    const [a, b, own] = [intent(8), intent(9), intent(10)]
    expect(chooseCandidates([a, b], own, EMPTY_LEDGER, 11, 2)).toEqual([a, own])
    expect(chooseCandidates([a, b], own, EMPTY_LEDGER, 11, 1)).toEqual([own])
  })

  test('an own append whose window passed is not', () => {
    const own = intent(1)
    expect(chooseCandidates([], own, EMPTY_LEDGER, 2 + WINDOW, 10)).toEqual([])
  })

  test('of one base, by id: every folder would choose the same', () => {
    const [a, b] = [
      { id: '0'.repeat(16), base: 9 },
      { id: '1'.repeat(16), base: 9 },
    ]
    expect(chooseCandidates([b, a], undefined, EMPTY_LEDGER, 10, 10)).toEqual([a, b])
    expect(chooseCandidates([a, b], undefined, EMPTY_LEDGER, 10, 10)).toEqual([a, b])
  })

  test('the own append takes no other place when it is among the oldest', () => {
    const [own, b, c] = [intent(8), intent(9), intent(10)]
    expect(chooseCandidates([b, c], own, EMPTY_LEDGER, 11, 2)).toEqual([own, b])
  })
})
