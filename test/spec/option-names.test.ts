import { describe, expect, test } from 'vitest'
import { checkOptions } from '../../src/spec/option-names.ts'
import { caught } from './caught.ts'

interface Wishes {
  readonly limit?: number
  readonly idempotencyKey?: string
}
const NAMES = { limit: true, idempotencyKey: true } as const

/** As callers without types call it. */
function check(options: unknown) {
  return caught(() => checkOptions<Wishes>('take', options as Wishes, NAMES))
}

describe('options', () => {
  test('none, an empty object, known names, undefined values and names that are near to none are fine', () => {
    for (const options of [
      undefined,
      {},
      { limit: 1 },
      { limit: undefined },
      { colour: 'red', toString: 1 },
      Object.create(null),
      new (class {
        limit = 1
      })(),
    ]) {
      expect(check(options)).toBeUndefined()
    }
  })

  test('a misspelled name is refused with the call, the name, the nearest one and all of them', () => {
    const error = check({ limit: 1, idempotencykey: 'x' })
    expect(error).toMatchObject({
      code: 'invalid-argument',
      message:
        "take has no option 'idempotencykey', did you mean 'idempotencyKey'? Its options are limit, idempotencyKey",
      details: { call: 'take', option: 'idempotencykey', didYouMean: 'idempotencyKey' },
    })
  })

  test('a misspelled name is one also while its value is undefined', () => {
    expect(check({ limits: undefined })?.message).toContain("did you mean 'limit'?")
  })

  test.each([
    [null, 'null'],
    ['key', "'key' (string)"],
    [5, '5 (number)'],
    [['key'], 'an array of 1'],
    [new Map(), 'an object of class Map'],
    [new AbortController().signal, 'an object of class AbortSignal'],
    [() => undefined, 'a function'],
  ])('%o is no object with options', (value, shown) => {
    const error = check(value)
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toBe(
      `take: found ${shown} as its options, expected an object with any of limit, idempotencyKey`,
    )
  })
})
