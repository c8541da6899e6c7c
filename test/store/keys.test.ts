/** Keys, ranges and metadata: what is refused before anything is sent, and how keys sort. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundsOf, checkRange, isEmptyRange } from '../../src/store/byte-range.ts'
import { checkKey, checkPrefix, compareKeys } from '../../src/store/keys.ts'
import { checkMetadata } from '../../src/store/metadata.ts'
import type { ByteRange } from '../../src/store/store.ts'

const segment = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..')

describe('the order of keys', () => {
  test('is that of their UTF-8 bytes', () => {
    const any = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(any, any, (one, other) => {
        const wanted = Buffer.compare(Buffer.from(one), Buffer.from(other))
        expect(Math.sign(compareKeys(one, other))).toBe(wanted)
      }),
      { numRuns: 2_000 },
    )
  })

  test('puts characters beyond U+FFFF after those below, unlike JavaScript', () => {
    expect(['\u{1f600}', '\uff5e', 'a'].toSorted(compareKeys)).toEqual(['a', '\uff5e', '\u{1f600}'])
    expect(['\u{1f600}', '\uff5e'].toSorted()).toEqual(['\u{1f600}', '\uff5e'])
  })
})

describe('keys', () => {
  test('of any characters are taken, as long as they are UTF-8 and have no NUL', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const key = segments.join('/')
        fc.pre(Buffer.byteLength(key) <= 1_024)
        expect(checkKey(key)).toBe(key)
        for (let end = 0; end <= key.length; end++) {
          const prefix = key.slice(0, end)
          expect(checkPrefix(prefix)).toBe(prefix)
        }
      }),
    )
  })

  test.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    './a',
    'a/.',
    'a/./b',
    'a/../b',
    'a/..',
    'a\0b',
    '\ud800',
    '\udc00a',
  ])('%j is none', (key) => {
    expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  })

  test('end at 1,024 bytes, whatever the characters', () => {
    for (const unit of ['a', 'ä', '漢', '\u{1f600}']) {
      const bytes = Buffer.byteLength(unit)
      const full = unit.repeat(Math.floor(1_024 / bytes)) + 'x'.repeat(1_024 % bytes)
      expect(checkKey(full)).toBe(full)
      expect(() => checkKey(`${full}x`)).toThrow(/1025 bytes is longer than the 1024/)
    }
  })

  test('that are no text are refused', () => {
    for (const key of [undefined, null, 5, {}]) {
      expect(() => checkKey(key as string)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    }
  })
})

describe('ranges', () => {
  test('are those of an array, cut at its end', () => {
    const number = fc.nat({ max: 30 })
    const range = fc.oneof(
      fc.record({ start: number }),
      fc.record({ start: number, end: number }),
      fc.record({ suffix: number }),
    ) as fc.Arbitrary<ByteRange>
    fc.assert(
      fc.property(number, range, (size, range) => {
        const all = Array.from({ length: size }, (_, i) => i)
        const wanted =
          'suffix' in range ? all.slice(Math.max(0, size - range.suffix)) : all.slice(range.start, range.end)
        expect(all.slice(...boundsOf(range, size))).toEqual(wanted)
        expect(isEmptyRange(range) ? wanted : []).toEqual([])
        checkRange(range)
      }),
    )
  })

  test.each([{ start: -1 }, { start: 1.5 }, { start: 0, end: Number.NaN }, { suffix: -1 }, { suffix: Infinity }])(
    '%j is none',
    (range) => {
      expect(() => checkRange(range)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    },
  )
})

describe('user metadata', () => {
  test('is lower-case names and printable ASCII', () => {
    expect(() => checkMetadata({ 'datashard-nonce': 'a b=c', n1: '' })).not.toThrow()
  })

  test.each([{ Upper: 'x' }, { 'a b': 'x' }, { a: 'ä' }, { a: 'x\n' }, { a: ' x' }, { a: 'x'.repeat(2_048) }])(
    '%j is refused',
    (metadata) => {
      expect(() => checkMetadata(metadata)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    },
  )
})
