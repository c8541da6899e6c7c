import { describe, expect, test } from 'vitest'
import { parseWhere } from '../../src/cli/where.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import { schema, t } from '../../src/spec/builder.ts'
import {
  and,
  eq,
  gt,
  gte,
  isIn,
  isNan,
  isNull,
  lt,
  lte,
  not,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from '../../src/spec/expressions.ts'
import type { Predicate } from '../../src/spec/expressions.ts'
import { columnText, predicateText, RESERVED_WORDS } from '../../src/spec/predicate-text.ts'

const table = schema({
  flag: t.optional(t.boolean),
  n: t.optional(t.int),
  l: t.optional(t.long),
  x: t.optional(t.double),
  price: t.optional(t.decimal(9, 2)),
  on: t.optional(t.date),
  at: t.optional(t.time),
  local: t.optional(t.timestamp),
  made: t.optional(t.timestamptz),
  kind: t.optional(t.string),
  id: t.optional(t.uuid),
  hash: t.optional(t.fixed(3)),
  body: t.optional(t.binary),
  localNs: t.optional(t.timestampNs),
  madeNs: t.optional(t.timestamptzNs),
  'a b': t.optional(t.int),
}).schema

const UUID = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
const bound = (predicate: Predicate) => bindPredicate(predicate, table)

describe('a bound predicate as text', () => {
  test.for<[Predicate, string]>([
    [{ op: 'true' }, 'true'],
    [{ op: 'false' }, 'false'],
    [eq('n', 5), 'n = 5'],
    [notEq('n', -5), 'n != -5'],
    [lt('n', 5), 'n < 5'],
    [lte('n', 5), 'n <= 5'],
    [gt('n', 5), 'n > 5'],
    [gte('n', 5), 'n >= 5'],
    [isNull('n'), 'n is null'],
    [notNull('n'), 'n is not null'],
    [isNan('x'), 'x is nan'],
    [not(isNan('x')), 'x is not nan'],
    [isIn('n', [3, 1, 2, 1]), 'n in (1, 2, 3)'],
    [notIn('kind', ['b', 'a']), "kind not in ('a', 'b')"],
    [startsWith('kind', 'pu'), "kind like 'pu%'"],
    [notStartsWith('kind', 'pu'), "kind not like 'pu%'"],
    [startsWith('kind', "100%_\\'"), "kind like '100\\%\\_\\\\''%'"],
    [eq('a b', 1), '"a b" = 1'],
  ])('%j is %s', ([predicate, text]) => {
    expect(predicateText(bound(predicate))).toBe(text)
    expect(bound(parseWhere(text)), 'which means the same').toEqual(bound(predicate))
  })

  const [a, b, c] = [eq('n', 1), eq('n', 2), eq('n', 3)]
  test.for<[Predicate, string]>([
    [and(a, b, c), 'n = 1 and n = 2 and n = 3'],
    [or(a, b, c), 'n = 1 or n = 2 or n = 3'],
    [or(and(a, b), c), '(n = 1 and n = 2) or n = 3'],
    [and(or(a, b), c), '(n = 1 or n = 2) and n = 3'],
    [and(a, or(b, and(a, c))), 'n = 1 and (n = 2 or (n = 1 and n = 3))'],
  ])('%j has parentheses wherever it changes between and and or: %s', ([predicate, text]) => {
    expect(predicateText(bound(predicate))).toBe(text)
    expect(bound(parseWhere(text)), 'which means the same').toEqual(bound(predicate))
  })
})

describe('values as text', () => {
  test.for<[Predicate, string]>([
    [eq('flag', false), 'flag = false'],
    [eq('flag', true), 'flag = true'],
    [eq('l', 2n ** 63n - 1n), 'l = 9223372036854775807'],
    [eq('x', 0.1), 'x = 0.1'],
    [eq('x', 1e300), 'x = 1e+300'],
    [lt('x', Infinity), 'x < infinity'],
    [gt('x', -Infinity), 'x > -infinity'],
    [eq('price', '14.20'), 'price = 14.20'],
    [eq('price', '-0.05'), 'price = -0.05'],
    [isIn('price', ['1', '2.5']), 'price in (1.00, 2.50)'],
    [eq('on', '2017-11-16'), "on = '2017-11-16'"],
    [eq('on', '1969-12-31'), "on = '1969-12-31'"],
    [eq('at', '22:31:08.5'), "at = '22:31:08.500000'"],
    [eq('local', '2017-11-16T22:31:08.000001'), "local = '2017-11-16T22:31:08.000001'"],
    [eq('made', '2017-11-16T14:31:08-08:00'), "made = '2017-11-16T22:31:08+00:00'"],
    [eq('localNs', '2017-11-16T22:31:08.000000001'), "localNs = '2017-11-16T22:31:08.000000001'"],
    [eq('madeNs', '2017-11-16T14:31:08.000000001-08:00'), "madeNs = '2017-11-16T22:31:08.000000001+00:00'"],
    [eq('kind', "it's"), "kind = 'it''s'"],
    [eq('kind', ''), "kind = ''"],
    [eq('kind', 'NULL'), "kind = 'NULL'"],
    [eq('id', UUID.toUpperCase()), `id = '${UUID}'`],
    [eq('hash', Uint8Array.of(0, 10, 255)), "hash = x'000aff'"],
    [eq('body', Uint8Array.of(1, 2, 0xab)), "body = x'0102ab'"],
    [eq('body', new Uint8Array()), "body = x''"],
  ])('%o is %s', ([predicate, text]) => {
    expect(predicateText(bound(predicate))).toBe(text)
    expect(bound(parseWhere(text)), 'which means the same').toEqual(bound(predicate))
  })
})

describe('column names', () => {
  test.for(['kind', '_', '_1', 'a1', 'größe_1', 'place.city', 'info', 'iso', 'nullable', '北京'])(
    '%s stands as it is',
    (name) => {
      expect(columnText(name)).toBe(name)
    },
  )

  test.for([
    ['a b', '"a b"'],
    [' a', '" a"'],
    ['a ', '"a "'],
    ['a-b', '"a-b"'],
    ['5', '"5"'],
    ['5a', '"5a"'],
    ['a.5', '"a.5"'],
    ['a b.c', '"a b.c"'],
    ['a.b c', '"a.b c"'],
    ['a..b', '"a..b"'],
    ['', '""'],
    ['say "hi"', '"say ""hi"""'],
    ['place.In', '"place.In"'],
    ['not.place', '"not.place"'],
  ])('%s is quoted', ([name, text]) => {
    expect(columnText(name!)).toBe(text)
  })

  test('those that are words of the language are quoted, whatever their case', () => {
    expect([...RESERVED_WORDS]).toEqual(
      expect.arrayContaining(['and', 'or', 'not', 'in', 'is', 'null', 'like', 'true']),
    )
    for (const word of RESERVED_WORDS)
      for (const name of [word, word.toUpperCase(), word[0]!.toUpperCase() + word.slice(1)])
        expect(columnText(name)).toBe(`"${name}"`)
  })
})
