import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWhere } from '../../src/cli/where.ts'
import { DataShardError } from '../../src/errors.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
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
  notNull,
  or,
  startsWith,
} from '../../src/spec/expressions.ts'
import type { Predicate } from '../../src/spec/expressions.ts'
import { columnText, predicateText } from '../../src/spec/predicate-text.ts'
import type { Schema } from '../../src/spec/types.ts'
import { predicates, schemas } from '../spec/predicate-world.ts'

describe('conditions', () => {
  test.each<[text: string, Predicate]>([
    ["kind = 'push'", eq('kind', 'push')],
    ["kind == 'push'", eq('kind', 'push')],
    ['n != 5', notEq('n', 5)],
    ['n <> 5', notEq('n', 5)],
    ['n<5', lt('n', 5)],
    ['n <= -5', lte('n', -5)],
    ['n > +5', gt('n', 5)],
    ['n >= 5', gte('n', 5)],
    ['n in (1, 2,3)', isIn('n', [1, 2, 3])],
    ["kind NOT IN ('a')", not(isIn('kind', ['a']))],
    ['s is null', isNull('s')],
    ['s IS NOT NULL', notNull('s')],
    ['x is nan', isNan('x')],
    ['x is not nan', not(isNan('x'))],
    ["kind like 'pu%'", startsWith('kind', 'pu')],
    ["kind not like 'pu%'", not(startsWith('kind', 'pu'))],
    ["kind like 'push'", eq('kind', 'push')],
    ["kind like '100\\%\\_\\\\%'", startsWith('kind', '100%_\\')],
    ['n between 1 and 5', and(gte('n', 1), lte('n', 5))],
    ['n not between 1 and 5', not(and(gte('n', 1), lte('n', 5)))],
    ['flag = true', eq('flag', true)],
    ['flag = FALSE', eq('flag', false)],
    ['true', { op: 'true' }],
    ['not false', not({ op: 'false' })],
    ['x = nan', eq('x', NaN)],
    ['x > -infinity', gt('x', -Infinity)],
    ["b = x'00fF'", eq('b', Uint8Array.of(0, 255))],
    ["b = X''", eq('b', new Uint8Array())],
    ["at >= timestamp '2026-01-01'", gte('at', '2026-01-01')],
  ])('%s', (text, expected) => {
    expect(parseWhere(text)).toEqual(expected)
  })

  test('of a table: kind and time', () => {
    expect(parseWhere("kind = 'push' and at >= '2026-01-01'")).toEqual(and(eq('kind', 'push'), gte('at', '2026-01-01')))
  })

  test('dates and times need no quotes when there is no blank in them', () => {
    expect(parseWhere('ts >= 2026-05-01T00:00:00Z and flag = true')).toEqual(
      and(gte('ts', '2026-05-01T00:00:00Z'), eq('flag', true)),
    )
    expect(parseWhere('d in (2026-05-01, 2026-05-02)')).toEqual(isIn('d', ['2026-05-01', '2026-05-02']))
    expect(parseWhere('ts < 2026-05-01T10:20:30.123456+02:00')).toEqual(lt('ts', '2026-05-01T10:20:30.123456+02:00'))
  })
})

describe('precedence', () => {
  const [a, b, c] = [eq('a', 1), eq('b', 2), eq('c', 3)]
  test.each<[text: string, Predicate]>([
    ['a = 1 or b = 2 and c = 3', or(a, and(b, c))],
    ['(a = 1 or b = 2) and c = 3', and(or(a, b), c)],
    ['not a = 1 and b = 2', and(not(a), b)],
    ['not (a = 1 and b = 2)', not(and(a, b))],
    ['not not a = 1', not(not(a))],
    ['a = 1 AND b = 2 And c = 3', and(a, b, c)],
    ['((a = 1))', a],
    ['a between 1 and 2 and b = 2', and(gte('a', 1), lte('a', 2), b)],
  ])('%s', (text, expected) => {
    expect(parseWhere(text)).toEqual(expected)
  })
})

describe('names', () => {
  test.each([
    ['kind', 'kind'],
    ['address.city', 'address.city'],
    ['"a.b"', 'a.b'],
    ['s."a b".c', 's.a b.c'],
    ['"say ""hi"""', 'say "hi"'],
    ['größe_1', 'größe_1'],
    ['"in"', 'in'],
    ['a.in', 'a.in'],
    ['date', 'date'],
  ])('%s is column %s', (text, column) => {
    expect(parseWhere(`${text} = 1`)).toEqual(eq(column, 1))
  })

  test.each(['kind', 'a.b', 'a b', 'in', 's.Not.x', 'x"y', '5', ''])('%j comes back as it was quoted', (name) => {
    expect(name === '' || parseWhere(`${columnText(name)} is null`)).toEqual(name === '' || isNull(name))
  })
})

describe('values', () => {
  test.each([
    ["'it''s'", "it's"],
    ["''", ''],
    ["'a -- b'", 'a -- b'],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['-1.5E-3', -0.0015],
    ['9007199254740993', 9007199254740993n],
    ['-123456789012345678901234567890', -123456789012345678901234567890n],
    ['0.1234567890123456789', { unscaled: 1234567890123456789n, scale: 19 }],
    ['-1234567890123456.78', { unscaled: -123456789012345678n, scale: 2 }],
    ['000000000000000000005', 5],
    ['1e400', { unscaled: 1n, scale: -400 }],
  ])('%s', (text, value) => {
    expect(parseWhere(`c = ${text}`)).toEqual({ op: 'eq', column: 'c', value })
  })

  test('a number of many digits finds the decimal and the long that it names', () => {
    const schema: Schema = {
      schemaId: 0,
      fields: [
        { id: 1, name: 'd', required: true, type: { type: 'decimal', precision: 38, scale: 10 } },
        { id: 2, name: 'n', required: true, type: { type: 'long' } },
      ],
    }
    const bound = bindPredicate(
      parseWhere('d = -256619187876373715453971649.6550669089 and n = 9007199254740993'),
      schema,
    )
    expect(bound).toMatchObject({
      predicates: [{ value: -2566191878763737154539716496550669089n }, { value: 9007199254740993n }],
    })
  })
})

/** Message and place of an error. */
function complaint(text: string): { message: string; lines: readonly string[]; position: unknown } {
  try {
    parseWhere(text)
  } catch (error) {
    if (!DataShardError.is(error, 'invalid-argument')) throw error
    const [message, ...lines] = error.message.split('\n')
    return { message: message!, lines, position: error.details['position'] }
  }
  return expect.unreachable(`'${text}' was taken`)
}

describe('mistakes', () => {
  test('are shown where they are', () => {
    const { message, lines, position } = complaint("kind = 'push' and at >=")
    expect(message).toBe("in the filter, at character 24: expected a value after '>=', found the end")
    expect(lines).toEqual(["  kind = 'push' and at >=", '                         ^'])
    expect(position).toBe(23)
  })

  test.each([
    ['', 'it is empty'],
    ['  ', 'it is empty'],
    ['kind', 'expected a comparison: =, !=, <, <=, >, >=, in, between, like or is, found the end'],
    ['kind = push', "text is written in single quotes, as in 'push'"],
    ['kind = "push"', "text is written in single quotes, as in 'push'"],
    ["kind = 'push", 'no closing quote'],
    ['"kind = 1', 'the name that begins here has no closing quote'],
    ['kind = null', "write 'is null' or 'is not null'"],
    ['kind in (1, null)', "write 'is null' or 'is not null'"],
    ['kind in ()', "expected a value after '(', found ')'"],
    ['kind in 1', "expected '(' and a list of values, found '1'"],
    ['kind in (1 2)', "expected ',' or ')', found '2'"],
    ['kind is 5', "expected 'null', 'not null', 'nan' or 'not nan'"],
    ['kind is not 5', "expected 'null' or 'nan'"],
    ['kind not 5', "expected 'in', 'between' or 'like'"],
    ['kind between 1 or 2', "expected 'and' with the upper end"],
    ["kind like '%push'", "'like' only looks for a beginning"],
    ["kind like 'a_b%'", 'a literal % or _ is \\% or \\_'],
    ['kind like 5', "'like' takes a text"],
    ['(a = 1', "expected 'and', 'or' or ')', found the end"],
    ['a = 1)', "expected 'and', 'or' or the end, found ')'"],
    ['a = 1 b = 2', "expected 'and', 'or' or the end, found 'b'"],
    ['and a = 1', 'expected the name of a column (one that is called and is written "and"), found \'and\''],
    ['a. = 1', "expected a name after the '.', found '='"],
    ['5 = a', "expected the name of a column, found '5'"],
    ['"" = 5', 'expected the name of a column'],
    ['a = 12abc', "'12abc' is no number"],
    ['a = 1e999', 'no column can hold a number of that size'],
    ['a ; b', "';' means nothing here"],
    ['a = 1 # b', "'#' means nothing here"],
    [`${'('.repeat(300)}a = 1`, 'nested more than 200 levels deep'],
    [`${'not '.repeat(300)}a = 1`, 'nested more than 200 levels deep'],
  ])('%s', (text, message) => {
    expect(complaint(text).message).toContain(message)
  })

  test('in a filter of many lines the right one is shown', () => {
    const { lines } = complaint("kind = 'push'\n\tand at >= yesterday\n  and n > 5")
    expect(lines).toEqual(['  \tand at >= yesterday', '  \t          ^'])
  })

  test('in a long line its neighbourhood is shown', () => {
    const { lines } = complaint(`${"kind = 'x' or ".repeat(100)}kind = x${" or kind = 'x'".repeat(100)}`)
    expect(lines[0]!.length).toBeLessThan(130)
    expect(lines[0]![lines[1]!.indexOf('^')]).toBe('x')
  })

  test('a filter that no person wrote is refused before it is read', () => {
    expect(complaint(`a = '${'x'.repeat(1_000_001)}'`).message).toContain('at most 1000000 are read')
  })
})

test('a bound predicate printed and read again is the same predicate', () => {
  const cases = schemas.chain((schema) => fc.record({ schema: fc.constant(schema), predicate: predicates(schema) }))
  fc.assert(
    fc.property(cases, ({ schema, predicate }) => {
      const bound = bindPredicate(predicate, schema)
      expect(bindPredicate(parseWhere(predicateText(bound)), schema)).toEqual(bound)
    }),
    { numRuns: 2000 },
  )
})

test('no text makes the parser fail in any other way than by a complaint', () => {
  const words = fc.constantFrom(
    'a',
    '"b"',
    "'c'",
    '=',
    '<',
    '(',
    ')',
    ',',
    'and',
    'or',
    'not',
    'in',
    'is',
    'null',
    '5',
    '.',
    '2026-01-01',
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words).map((list) => list.join(' ')),
  )
  const outcome = (text: string): string => {
    try {
      return parseWhere(text).op
    } catch (error) {
      return DataShardError.is(error, 'invalid-argument') ? 'complaint' : String(error)
    }
  }
  fc.assert(
    fc.property(texts, (text) => {
      expect(outcome(text)).toMatch(/^(complaint|[a-zA-Z]{2,12})$/)
    }),
    { numRuns: 3000 },
  )
})
