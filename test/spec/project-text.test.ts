/**
 * Strings and binary through `truncate`: what is asked of partitions. Each projection is compared with the sharpest
 * that a partition value can answer, and tried on all short texts of few characters.
 */
import { describe, expect, test } from 'vitest'
import { bindPredicate } from '../../src/spec/bind.ts'
import { compilePredicate } from '../../src/spec/evaluate.ts'
import { eq, gt, gte, isIn, lt, lte, notEq, notIn, notStartsWith, startsWith } from '../../src/spec/expressions.ts'
import type { BoundPredicate, Predicate } from '../../src/spec/expressions.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import { predicateText } from '../../src/spec/predicate-text.ts'
import { projectPredicate, projectStrict } from '../../src/spec/project.ts'
import { bindTransform } from '../../src/spec/transforms.ts'
import type { Schema, Value } from '../../src/spec/types.ts'

type Text = 'string' | 'binary'
const width = 2
const transform = { transform: 'truncate', width } as const
const spec: PartitionSpec = { specId: 0, fields: [{ sourceId: 1, fieldId: 1000, name: 'p', transform }] }
const column = (type: Text): Schema => ({
  schemaId: 0,
  fields: [{ id: 1, name: 'c', required: false, type: { type } }],
})

/** All words of up to four letters. */
function words(letters: readonly string[]): readonly string[] {
  const of = (length: number): string[] =>
    length === 0 ? [''] : of(length - 1).flatMap((word) => letters.map((letter) => word + letter))
  return [0, 1, 2, 3, 4].flatMap(of)
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const STRINGS = words(['a', 'b', '\u{1f600}'])
const ROWS = { string: STRINGS, binary: words(['a', 'b']).map(bytes) }

function expectSound(type: Text, bound: BoundPredicate): void {
  const image = bindTransform(transform, { type })
  const matches = compilePredicate<Value>(bound, () => (value) => value)
  const mayMatch = compilePredicate<Value>(projectPredicate(bound, spec), () => (value) => value)
  const allMatch = compilePredicate<Value>(projectStrict(bound, spec), () => (value) => value)
  const rows = ROWS[type].map((value) => ({ value, partition: image(value)! }))
  const lost = rows.filter(({ value, partition }) => matches(value) && !mayMatch(partition))
  const mistaken = rows.filter(({ value, partition }) => !matches(value) && allMatch(partition))
  expect({ lost, mistaken }, predicateText(bound)).toEqual({ lost: [], mistaken: [] })
}

describe('through truncate[2]', () => {
  test.for<[Predicate, inclusive: string, strict: string]>([
    // Shorter than the width: such a text is a partition of its own.
    [lt('c', 'a'), "p < 'a'", "p < 'a'"],
    [lte('c', 'a'), "p <= 'a'", "p <= 'a'"],
    [gt('c', 'a'), "p >= 'a'", "p > 'a'"],
    [gte('c', 'a'), "p >= 'a'", "p >= 'a'"],
    [eq('c', 'a'), "p = 'a'", "p = 'a'"],
    [notEq('c', 'a'), "p != 'a'", "p != 'a'"],
    [startsWith('c', 'a'), "p like 'a%'", "p like 'a%'"],
    [notStartsWith('c', 'a'), "p not like 'a%'", "p not like 'a%'"],
    // As long: it is the first of its partition.
    [lt('c', 'ab'), "p < 'ab'", "p < 'ab'"],
    [lte('c', 'ab'), "p <= 'ab'", "p < 'ab'"],
    [gt('c', 'ab'), "p >= 'ab'", "p > 'ab'"],
    [gte('c', 'ab'), "p >= 'ab'", "p >= 'ab'"],
    [eq('c', 'ab'), "p = 'ab'", 'false'],
    [notEq('c', 'ab'), 'p is not null', "p != 'ab'"],
    [startsWith('c', 'ab'), "p like 'ab%'", "p like 'ab%'"],
    [notStartsWith('c', 'ab'), "p not like 'ab%'", "p not like 'ab%'"],
    // Longer: it is somewhere among others.
    [lt('c', 'aba'), "p <= 'ab'", "p < 'ab'"],
    [lte('c', 'aba'), "p <= 'ab'", "p < 'ab'"],
    [gt('c', 'aba'), "p >= 'ab'", "p > 'ab'"],
    [gte('c', 'aba'), "p >= 'ab'", "p > 'ab'"],
    [eq('c', 'aba'), "p = 'ab'", 'false'],
    [notEq('c', 'aba'), 'p is not null', "p != 'ab'"],
    [startsWith('c', 'aba'), "p = 'ab'", 'false'],
    [notStartsWith('c', 'aba'), 'p is not null', "p != 'ab'"],
    // Sets: of each the short ones count where only those can.
    [isIn('c', ['a', 'ab', 'aba', 'b']), "p in ('a', 'ab', 'b')", "p in ('a', 'b')"],
    [isIn('c', ['aba', 'abb']), "p = 'ab'", 'false'],
    [notIn('c', ['a', 'ab', 'aba', 'b']), "p not in ('a', 'b')", "p not in ('a', 'ab', 'b')"],
    [notIn('c', ['aba', 'abb']), 'p is not null', "p != 'ab'"],
    // Width is in code points, of which these have one in two UTF-16 units and four bytes.
    [lt('c', '\u{1f600}a'), "p < '\u{1f600}a'", "p < '\u{1f600}a'"],
    [lte('c', '\u{1f600}'), "p <= '\u{1f600}'", "p <= '\u{1f600}'"],
    [eq('c', '\u{1f600}'), "p = '\u{1f600}'", "p = '\u{1f600}'"],
    [gte('c', '\u{1f600}\u{1f600}'), "p >= '\u{1f600}\u{1f600}'", "p >= '\u{1f600}\u{1f600}'"],
    [startsWith('c', '\u{1f600}a'), "p like '\u{1f600}a%'", "p like '\u{1f600}a%'"],
    [startsWith('c', '\u{1f600}ab'), "p = '\u{1f600}a'", 'false'],
  ])('%j', ([predicate, inclusive, strict]) => {
    const bound = bindPredicate(predicate, column('string'))
    expect(predicateText(projectPredicate(bound, spec))).toBe(inclusive)
    expect(predicateText(projectStrict(bound, spec))).toBe(strict)
    expectSound('string', bound)
  })

  test.for<[Predicate, inclusive: string, strict: string]>([
    [lt('c', bytes('a')), "p < x'61'", "p < x'61'"],
    [lte('c', bytes('a')), "p <= x'61'", "p <= x'61'"],
    [lte('c', bytes('ab')), "p <= x'6162'", "p < x'6162'"],
    [lt('c', bytes('aba')), "p <= x'6162'", "p < x'6162'"],
    [gte('c', bytes('ab')), "p >= x'6162'", "p >= x'6162'"],
    [gte('c', bytes('aba')), "p >= x'6162'", "p > x'6162'"],
    [eq('c', bytes('a')), "p = x'61'", "p = x'61'"],
    [eq('c', bytes('ab')), "p = x'6162'", 'false'],
    [notEq('c', bytes('a')), "p != x'61'", "p != x'61'"],
    // Width is in bytes: one character may have more.
    [eq('c', bytes('\xe9')), "p = x'c3a9'", 'false'],
  ])('%j of bytes', ([predicate, inclusive, strict]) => {
    const bound = bindPredicate(predicate, column('binary'))
    expect(predicateText(projectPredicate(bound, spec))).toBe(inclusive)
    expect(predicateText(projectStrict(bound, spec))).toBe(strict)
    expectSound('binary', bound)
  })

  test('no row of any comparison with any short text is lost, and none is taken for a match', () => {
    const short = STRINGS.filter((text) => [...text].length <= 3)
    for (const build of [eq, notEq, lt, lte, gt, gte, startsWith, notStartsWith])
      for (const text of short) expectSound('string', bindPredicate(build('c', text), column('string')))
  })
})
