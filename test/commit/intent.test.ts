import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inboxStart, intentName, type Intent, parseIntentName, uuid8 } from '../../src/commit/intent.ts'

const intents: fc.Arbitrary<Intent> = fc.record({
  kind: fc.constantFrom('file' as const, 'manifest' as const),
  base: fc.nat(2 ** 31),
  id: fc.stringMatching(/^[0-9a-v]{16}$/),
  uuid8: fc.stringMatching(/^[0-9a-f]{8}$/),
  descriptor: fc.uint8Array({ minLength: 1, maxLength: 450 }),
})

describe('names of intents', () => {
  test('a name says all that its intent says, in segments that file systems take', () => {
    fc.assert(
      fc.property(intents, (intent) => {
        const name = intentName(intent)!
        expect(parseIntentName(name)).toEqual(intent)
        expect(name.split('/').every((segment) => segment.length > 0 && segment.length <= 255)).toBe(true)
        expect(name).toMatch(/^data\/in\/[0-9A-Za-z/._-]+$/)
      }),
    )
  })

  test('what would be too long for a key has no name', () => {
    const intent: Intent = {
      kind: 'file',
      base: 1,
      id: '0'.repeat(16),
      uuid8: '0'.repeat(8),
      descriptor: new Uint8Array(600),
    }
    expect(intentName(intent)).toBeUndefined()
  })

  test('names are in the order of their bases, and a listing can begin at one', () => {
    fc.assert(
      fc.property(intents, intents, (a, b) => {
        if (a.base === b.base) return
        const [first, second] = a.base < b.base ? [a, b] : [b, a]
        expect(intentName(first)! < intentName(second)!).toBe(true)
        expect(inboxStart(second.base) < intentName(second)!).toBe(true)
        expect(inboxStart(second.base) > intentName(first)!).toBe(true)
      }),
    )
  })

  test.each([
    'data/x.parquet',
    'data/in/x',
    'data/in/000000000/0000000001-0123456789abcdef-01234567-AA.txt',
    'data/in/000000000/0000000001-0123456789abcdez-01234567-AA.parquet',
    'data/in/000000001/0000000001-0123456789abcdef-01234567-AA.parquet',
    'data/in/000000000/0000000001-0123456789abcdef-01234567/AA.parquet',
    'data/in/hold/0123456789abcdef',
    'data/in/000000000/../0000000001-0123456789abcdef-01234567-AA.parquet',
  ])('what is no intent is passed over: %s', (name) => expect(parseIntentName(name)).toBeUndefined())

  test('the table that an intent belongs to is told by its uuid', () => {
    expect(uuid8('FB072C92-A02B-11E9-AE9C-1BB7BC9ECA94')).toBe('fb072c92')
  })
})
