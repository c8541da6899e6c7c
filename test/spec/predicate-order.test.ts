import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isFloating,
  isOrderShared,
  predicateOrder,
  sortDistinct,
  widenUuidBounds,
} from '../../src/spec/predicate-order.ts'
import { PRIMITIVE_NAMES, parseType } from '../../src/spec/type-json.ts'
import type { Type, Value } from '../../src/spec/types.ts'

const typeOf = (name: string): Type => parseType(name, { path: '', fail: (message) => expect.unreachable(message) })

test.for(['float', 'double'] as const)('%s: from -infinity to NaN, which is above all and equals itself', (type) => {
  const ascending = [[-Infinity], [-1.5], [-0, 0], [2], [Infinity], [NaN]]
  const order = predicateOrder({ type })
  for (const [i, left] of ascending.entries())
    for (const [j, right] of ascending.entries())
      for (const a of left) for (const b of right) expect(order(a, b), `${a} and ${b}`).toBe(Math.sign(i - j))
})

describe('distinct values in order', () => {
  test.for<[type: string, values: readonly Value[], distinct: readonly Value[]]>([
    ['int', [], []],
    ['int', [5], [5]],
    ['int', [10, 9, 10, -1, 9], [-1, 9, 10]],
    ['int', [3, 3], [3]],
    ['long', [10n, 9n, 2n ** 63n - 1n, -1n, 9n], [-1n, 9n, 10n, 2n ** 63n - 1n]],
    ['double', [NaN, 1, NaN, -Infinity, Infinity], [-Infinity, 1, Infinity, NaN]],
    ['string', ['b', '\u{1f600}', '\u{ffff}', 'a', 'b', ''], ['', 'a', 'b', '\u{ffff}', '\u{1f600}']],
    ['boolean', [true, false, true], [false, true]],
  ])('%s: %o', ([type, values, distinct]) => {
    const before = [...values]
    expect(sortDistinct(values, typeOf(type))).toEqual(distinct)
    expect(values, 'the list itself is left alone').toEqual(before)
  })

  test('-0 and 0 are one value', () => {
    expect(sortDistinct([0, -0, 1, -0], { type: 'double' })).toHaveLength(2)
  })
})

test('all types but UUID have one order in all engines; float and double are the floating ones', () => {
  const named = [...PRIMITIVE_NAMES, 'decimal(9, 2)', 'fixed[4]']
  expect(named.filter((name) => !isOrderShared(typeOf(name)))).toEqual(['uuid'])
  expect(named.filter((name) => isFloating(typeOf(name))).sort()).toEqual(['double', 'float'])
})

describe('bounds of UUIDs', () => {
  test.for([
    [
      '12345678-1234-4abc-9def-0123456789ab',
      '12345678-1235-4abc-1def-0123456789ab',
      '12345678-1234-4abc-0000-000000000000',
      '12345678-1235-4abc-ffff-ffffffffffff',
    ],
    [
      '80000000-0000-0000-8000-000000000000',
      'ffffffff-ffff-ffff-0000-000000000000',
      '80000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
    [
      '00000000-0000-0000-ffff-000000000000',
      '7fffffff-ffff-ffff-0000-000000000000',
      '00000000-0000-0000-0000-000000000000',
      '7fffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  ] as const)('%s to %s', ([lower, upper, wideLower, wideUpper]) => {
    expect(widenUuidBounds(lower, upper)).toEqual([wideLower, wideUpper])
  })

  test.for([
    ['7fffffff-0000-0000-0000-000000000000', '80000000-0000-0000-0000-000000000000'],
    ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['f0000000-0000-0000-0000-000000000000', '10000000-0000-0000-0000-000000000000'],
  ] as const)('of both signs say nothing: %s to %s', ([lower, upper]) => {
    expect(widenUuidBounds(lower, upper)).toBeUndefined()
  })

  const half = fc.oneof(
    fc.constantFrom(0n, 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n),
    fc.bigInt(0n, 2n ** 64n - 1n),
  )
  const uuids = fc.tuple(half, half).map(([high, low]) => ({ high, low, text: uuidText(high, low) }))
  const orders = [
    ['the order of the spec', (half: bigint) => half],
    ['the order of two signed longs', (half: bigint) => BigInt.asIntN(64, half)],
  ] as const

  test.for(orders)('hold all that lies between them in %s', ([, key]) => {
    const sign = (n: bigint) => (n < 0n ? -1 : n > 0n ? 1 : 0)
    type Uuid = { readonly high: bigint; readonly low: bigint; readonly text: string }
    const compare = (a: Uuid, b: Uuid) => sign(key(a.high) - key(b.high)) || sign(key(a.low) - key(b.low))
    fc.assert(
      fc.property(fc.array(uuids, { minLength: 1, maxLength: 4 }), (some) => {
        const sorted = [...some].sort(compare)
        const wide = widenUuidBounds(sorted[0]!.text, sorted.at(-1)!.text)
        if (wide === undefined) return
        for (const { text } of some) expect(wide[0] <= text && text <= wide[1], text).toBe(true)
      }),
    )
  })
})

function uuidText(high: bigint, low: bigint): string {
  const digits = high.toString(16).padStart(16, '0') + low.toString(16).padStart(16, '0')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
