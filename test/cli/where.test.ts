import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWhere } from '../../src/cli/where.ts'
import { bindPredicate } from '../../src/spec/bind.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'
import { formatDecimal } from '../../src/spec/decimal.ts'
import type { Predicate } from '../../src/spec/expressions.ts'
import {
  alwaysFalse,
  alwaysTrue,
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
import { caught } from '../spec/caught.ts'

const READINGS: readonly (readonly [text: string, predicate: Predicate])[] = [
  ["kind = 'push'", eq('kind', 'push')],
  ["kind == 'push'", eq('kind', 'push')],
  ["kind != 'push'", notEq('kind', 'push')],
  ["kind <> 'push'", notEq('kind', 'push')],
  ['n<5', lt('n', 5)],
  ['n<=-5', lte('n', -5)],
  ['n>+5', gt('n', 5)],
  ['n >= 5', gte('n', 5)],
  ['n in (1, 2,3)', isIn('n', [1, 2, 3])],
  ["s NOT IN ('a')", not(isIn('s', ['a']))],
  ['n between 1 and 3 and m = 2', and(gte('n', 1), lte('n', 3), eq('m', 2))],
  ['n not between 1 and 3', not(and(gte('n', 1), lte('n', 3)))],
  ['n is null', isNull('n')],
  ['n IS NOT NULL', notNull('n')],
  ['x is nan', isNan('x')],
  ['x is not nan', not(isNan('x'))],
  ['x > nan', gt('x', NaN)],
  ['x < -infinity', lt('x', -Infinity)],
  ['flag = false', eq('flag', false)],
  ['true', alwaysTrue()],
  ['n = 1 or FALSE', or(eq('n', 1), alwaysFalse())],
  ["s like 'ab%'", startsWith('s', 'ab')],
  ["s not like 'ab%'", not(startsWith('s', 'ab'))],
  ["s like 'ab'", eq('s', 'ab')],
  [String.raw`s like '50\%\_off%'`, startsWith('s', '50%_off')],
  ['a = 1 or b = 2 and c = 3', or(eq('a', 1), and(eq('b', 2), eq('c', 3)))],
  ['(a = 1 or b = 2) and not c = 3', and(or(eq('a', 1), eq('b', 2)), not(eq('c', 3)))],
  ['not not (a = 1)', not(not(eq('a', 1)))],
  ['address.city = 1', eq('address.city', 1)],
  ['"odd name".x = 1', eq('odd name.x', 1)],
  ['"say ""hi""" = 1', eq('say "hi"', 1)],
  ['"and" is null', isNull('and')],
  ['größe > 1', gt('größe', 1)],
  ["s = 'it''s'", eq('s', "it's")],
  ["s = ''", eq('s', '')],
  ["s = 'and'", eq('s', 'and')],
  ['d = 2026-01-31', eq('d', '2026-01-31')],
  ['at >= 2026-01-31T12:00:00.000001Z', gte('at', '2026-01-31T12:00:00.000001Z')],
  ['at between 2026-01-01 and 2026-02-01', and(gte('at', '2026-01-01'), lte('at', '2026-02-01'))],
  ["at > timestamp '2026-01-01 00:00:00'", gt('at', '2026-01-01 00:00:00')],
  ["d > DATE'2026-01-01'", gt('d', '2026-01-01')],
  ['date = 2026-01-31', eq('date', '2026-01-31')],
  ["b = x'00fF'", eq('b', new Uint8Array([0, 255]))],
  ['n = 9007199254740993', eq('n', 9007199254740993n)],
  ['n = -170141183460469231731687303715884105728', eq('n', -170141183460469231731687303715884105728n)],
  ['x = 0.1', eq('x', 0.1)],
  ['x = .5e3', eq('x', 500)],
  ['x = 1e3', eq('x', 1000)],
  ['x = 12345678901234567890.123456789', eq('x', { unscaled: 12345678901234567890123456789n, scale: 9 })],
]

const MISTAKES: readonly (readonly [text: string, message: RegExp, position: number])[] = [
  ['', /empty/, 0],
  ['kind =', /expected a value after '=', found the end/, 6],
  ['kind = push', /text is written in single quotes: 'push'/, 7],
  ['kind = "push"', /text is written in single quotes: 'push'/, 7],
  ["kind = 'push", /no closing quote/, 7],
  ['"kind = 1', /no closing quote/, 0],
  ['kind ~ 1', /'~' means nothing here/, 5],
  ['n = 1 m = 2', /expected 'and', 'or' or the end, found 'm'/, 6],
  ['(n = 1', /expected 'and', 'or' or '\)', found the end/, 6],
  ['n = 1)', /found '\)'/, 5],
  ['n = null', /write 'is null'/, 4],
  ['n in ()', /expected a value after '\(', found '\)'/, 6],
  ['n in (1, null)', /write 'is null'/, 9],
  ['n in 1', /expected '\('/, 5],
  ['n is 5', /expected 'null', 'not null', 'nan' or 'not nan'/, 5],
  ['n not 5', /expected 'in', 'between' or 'like'/, 6],
  ['n between 1 or 2', /expected 'and'.*upper end/, 12],
  ["s like '%x'", /only looks for a beginning, as in 'push%'/, 7],
  ["s like 'a_b%'", /only looks for a beginning, as in 'push%'/, 7],
  ['s like 5', /takes a text such as 'push%'/, 7],
  ['in = 5', /is written "in"/, 0],
  ['n = 1.2.3', /found '.3'/, 7],
  ['n = 5x', /'5x' is no number/, 4],
  [`${'('.repeat(300)}n = 1`, /nested more than 200/, 200],
]

describe('filters as text', () => {
  test.each(READINGS)('%s', (text, predicate) => {
    expect(parseWhere(text)).toEqual(predicate)
  })

  test.each(MISTAKES)('%j is refused with the place', (text, message, position) => {
    const error = caught(() => parseWhere(text))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { position } })
    expect(error!.message).toMatch(message)
  })

  test('a caret points at the place, in the line where it is', () => {
    const error = caught(() => parseWhere("name = 'push' and\n  kind = push\nand n = 1"))
    expect(error!.message.split('\n').slice(1)).toEqual(['    kind = push', '           ^'])
  })

  test('a long line is cut around the place', () => {
    const error = caught(() => parseWhere(`${'n = 1 and '.repeat(50)}m = ! and ${'n = 1 and '.repeat(50)}`))
    const [, line, caret] = error!.message.split('\n')
    expect(line!.length).toBeLessThan(130)
    expect(line![caret!.indexOf('^')]).toBe('!')
  })

  test('any text survives quoting', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', minLength: 1 }), (value, name) => {
        const text = `"${name.replaceAll('"', '""')}" = '${value.replaceAll("'", "''")}'`
        expect(parseWhere(text)).toEqual(eq(name, value))
      }),
    )
  })

  test('numbers are exact', () => {
    const table = resolveSchema(schema({ x: t.decimal(38, 10) }))
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), (unscaled) => {
        const bound = bindPredicate(parseWhere(`x = ${formatDecimal(unscaled, 10)}`), table)
        expect(bound).toMatchObject({ op: 'eq', value: unscaled })
      }),
    )
  })

  test('no text brings it down', () => {
    const words = fc.constantFrom(
      'n',
      '=',
      '(',
      ')',
      'and',
      'or',
      'not',
      'in',
      ',',
      '1',
      "'a'",
      'is',
      'null',
      'like',
      '"',
      '<',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((list) => list.join(' ')),
        ),
        (text) => {
          const error = caught(() => parseWhere(text))
          expect(error?.code ?? 'invalid-argument').toBe('invalid-argument')
        },
      ),
    )
  })
})
