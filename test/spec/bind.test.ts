import { describe, expect, test } from 'vitest'
import { bindPredicate } from '../../src/spec/bind.ts'
import type { Literal, Predicate } from '../../src/spec/expressions.ts'
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
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from '../../src/spec/expressions.ts'
import type { Schema } from '../../src/spec/types.ts'
import { caught } from './caught.ts'

const SCHEMA: Schema = {
  schemaId: 0,
  fields: [
    { id: 1, name: 'id', required: true, type: { type: 'long' } },
    { id: 2, name: 'n', required: false, type: { type: 'int' } },
    { id: 3, name: 'price', required: false, type: { type: 'decimal', precision: 9, scale: 2 } },
    { id: 4, name: 'x', required: false, type: { type: 'double' } },
    { id: 5, name: 'f', required: false, type: { type: 'float' } },
    { id: 6, name: 'at', required: false, type: { type: 'timestamptz' } },
    { id: 7, name: 'local', required: false, type: { type: 'timestamp' } },
    { id: 8, name: 'day', required: false, type: { type: 'date' } },
    { id: 9, name: 'kind', required: false, type: { type: 'string' } },
    { id: 10, name: 'who', required: false, type: { type: 'uuid' } },
    {
      id: 11,
      name: 'address',
      required: false,
      type: { type: 'struct', fields: [{ id: 12, name: 'city', required: true, type: { type: 'string' } }] },
    },
    {
      id: 13,
      name: 'tags',
      required: false,
      type: { type: 'list', elementId: 14, element: { type: 'string' }, elementRequired: true },
    },
    { id: 15, name: 'v', required: false, type: { type: 'unsupported', name: 'variant' } },
    { id: 16, name: 'a.b', required: false, type: { type: 'int' } },
    { id: 17, name: 'raw', required: false, type: { type: 'binary' } },
  ],
}

/** `column op value` of a bound leaf, `(a and b)`, `true`. */
function shown(predicate: Predicate): string {
  const show = (bound: ReturnType<typeof bindPredicate>): string => {
    if (bound.op === 'and' || bound.op === 'or') return `(${bound.predicates.map(show).join(` ${bound.op} `)})`
    if (!('term' in bound)) return bound.op
    const operand =
      'values' in bound ? ` [${bound.values.map(String)}]` : 'value' in bound ? ` ${String(bound.value)}` : ''
    return `${bound.term.name} ${bound.op}${operand}`
  }
  return show(bindPredicate(predicate, SCHEMA))
}

describe('bindPredicate', () => {
  test('names become field ids with their paths, literals canonical values', () => {
    expect(bindPredicate(eq('address.city', 'Ulm'), SCHEMA)).toEqual({
      op: 'eq',
      term: { fieldId: 12, path: [11, 12], name: 'address.city', type: { type: 'string' }, required: false },
      value: 'Ulm',
    })
    expect(bindPredicate(eq('id', 7), SCHEMA)).toMatchObject({ term: { fieldId: 1, required: true }, value: 7n })
    expect(bindPredicate(eq('a.b', 7), SCHEMA)).toMatchObject({ term: { fieldId: 16, path: [16] } })
  })

  test.each<readonly [Predicate, string]>([
    [not(eq('n', 1)), 'n notEq 1'],
    [not(lt('n', 1)), 'n gte 1'],
    [not(gte('n', 1)), 'n lt 1'],
    [not(lte('n', 1)), 'n gt 1'],
    [not(gt('n', 1)), 'n lte 1'],
    [not(isIn('n', [2, 1])), 'n notIn [1,2]'],
    [not(notIn('n', [2, 1])), 'n isIn [1,2]'],
    [not(isNull('n')), 'n notNull'],
    [not(notNull('n')), 'n isNull'],
    [not(isNan('x')), 'x notNan'],
    [not(notNan('x')), 'x isNan'],
    [not(startsWith('kind', 'a')), 'kind notStartsWith a'],
    [not(notStartsWith('kind', 'a')), 'kind startsWith a'],
    [not(and(eq('n', 1), eq('n', 2))), '(n notEq 1 or n notEq 2)'],
    [not(or(eq('n', 1), not(eq('n', 2)))), '(n notEq 1 and n eq 2)'],
    [not(not(eq('n', 1))), 'n eq 1'],
    [not(alwaysTrue()), 'false'],
  ])('not is pushed down: %j', (predicate, expected) => {
    expect(shown(predicate)).toBe(expected)
  })

  test.each<readonly [Predicate, string]>([
    [and(), 'true'],
    [or(), 'false'],
    [and(eq('n', 1), alwaysTrue()), 'n eq 1'],
    [and(eq('n', 1), alwaysFalse()), 'false'],
    [or(eq('n', 1), alwaysTrue()), 'true'],
    [isNull('id'), 'false'],
    [notNull('id'), 'true'],
    [isIn('n', []), 'false'],
    [isIn('n', [3, 1, 3]), 'n isIn [1,3]'],
    [isIn('n', [3, 3]), 'n eq 3'],
    [notIn('n', [3]), 'n notEq 3'],
    [startsWith('kind', ''), 'kind notNull'],
    [notStartsWith('kind', ''), 'false'],
    [isNull('tags'), 'tags isNull'],
    [notNull('address'), 'address notNull'],
  ])('what needs no looking is not looked at: %j', (predicate, expected) => {
    expect(shown(predicate)).toBe(expected)
  })

  test.each<readonly [Predicate, string]>([
    [lt('n', 5_000_000_000n), 'n notNull'],
    [gt('n', 5_000_000_000n), 'false'],
    [gte('n', -5_000_000_000), 'n notNull'],
    [eq('n', 5_000_000_000), 'false'],
    [notEq('n', 5_000_000_000), 'n notNull'],
    [lt('id', 2n ** 63n), 'true'],
    [gt('id', 1e300), 'false'],
    [isIn('n', [1, 5_000_000_000, 1.5, 2]), 'n isIn [1,2]'],
    [notIn('n', [5_000_000_000]), 'n notNull'],
    [lt('n', 1.5), 'n lte 1'],
    [gt('n', -1.5), 'n gte -1'],
    [eq('n', 1.5), 'false'],
    [eq('price', '1.999'), 'false'],
    [gt('price', '1.999'), 'price gte 200'],
    [lte('price', 1.999), 'price lte 199'],
    [eq('price', 12.5), 'price eq 1250'],
    [eq('price', { unscaled: 1250n }), 'price eq 1250'],
    [eq('price', { unscaled: 125n, scale: 1 }), 'price eq 1250'],
    [gt('price', 10n ** 20n), 'false'],
    [lt('price', '12345678901234567890'), 'price notNull'],
    [eq('x', -0), 'x eq 0'],
    [eq('x', { unscaled: 1n, scale: 1 }), 'x eq 0.1'],
    [gt('f', 1e300), 'f gte Infinity'],
    [lt('f', 1e300), 'f lte 3.4028234663852886e+38'],
    [eq('f', 0.1), `f eq ${Math.fround(0.1)}`],
    [eq('x', NaN), 'x isNan'],
    [lt('x', NaN), '(x notNull and x notNan)'],
    [lte('x', NaN), 'x notNull'],
    [gt('x', NaN), 'false'],
    [isIn('x', [1, NaN]), '(x isNan or x eq 1)'],
    [gt('local', '1970-01-01T00:00:00.0000015'), 'local gte 2'],
    [eq('local', '1970-01-01T00:00:00.0000015'), 'false'],
    [lt('local', '1969-12-31T23:59:59.9999995'), 'local lte -1'],
    [eq('local', '1970-01-02'), 'local eq 86400000000'],
    [gte('at', '1970-01-02'), 'at gte 86400000000'],
    [gte('at', '1970-01-01T01:00:00+01:00'), 'at gte 0'],
    [eq('at', new Date(1)), 'at eq 1000'],
    [lt('day', new Date(-1)), 'day lte -1'],
    [gt('day', new Date(-1)), 'day gte 0'],
    [eq('day', '1969-12-31'), 'day eq -1'],
    [eq('who', 'F79C3E09-677C-4BBD-A479-3F349CB785E7'), 'who eq f79c3e09-677c-4bbd-a479-3f349cb785e7'],
  ])('a literal that is no value of its column is compared as what it is: %o', (predicate, expected) => {
    expect(shown(predicate)).toBe(expected)
  })

  test.each<readonly [Predicate, RegExp]>([
    [eq('kinds', 'a'), /no column 'kinds'; did you mean 'kind'\?/],
    [eq('city', 'a'), /did you mean 'address.city'\?/],
    [eq('tags.element', 'a'), /inside a list/],
    [eq('tags', 'a'), /'tags' is a list; a comparison needs a single value/],
    [eq('address', 'a'), /'address' is a struct.*address\.city/],
    [eq('n', '5'), /column 'n': found '5' \(string\), expected int/],
    [eq('n', true), /expected int/],
    [eq('id', 2 ** 60), /use a bigint/],
    [eq('kind', 5), /column 'kind': found 5 \(number\), expected string/],
    [eq('kind', '\ud800'), /surrogate/],
    [eq('day', '2026-02-30'), /in the calendar/],
    [eq('day', 5), /expected date/],
    [eq('at', 1.5), /expected timestamptz/],
    [eq('at', 'yesterday'), /expected timestamptz/],
    [eq('local', '2026-01-01T00:00:00Z'), /would drop that of the text/],
    [eq('raw', 'text'), /expected binary/],
    [isNan('n'), /isNan takes a float or double; column 'n' is of type int/],
    [startsWith('n', '5'), /startsWith takes a string column; column 'n' is of type int/],
    [startsWith('kind', 5 as unknown as string), /expected a well-formed string/],
    [{ op: 'eqq', column: 'n', value: 1 } as unknown as Predicate, /there is no predicate 'eqq'/],
    ['n = 1' as unknown as Predicate, /build one with eq, lt, and/],
  ])('refuses %j', (predicate, message) => {
    const error = caught(() => bindPredicate(predicate, SCHEMA))
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toMatch(message)
  })

  test('a column of a type that is not read is refused by name', () => {
    expect(caught(() => bindPredicate(isNull('v'), SCHEMA))).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/'v' is of type variant/),
    })
  })

  test('nesting without end is refused, and many alternatives are not nesting', () => {
    let deep: Predicate = eq('n', 1)
    for (let i = 0; i < 5000; i++) deep = not(deep)
    expect(caught(() => bindPredicate(deep, SCHEMA))?.message).toMatch(/nested more than/)
    let wide: Predicate = eq('n', 0)
    for (let i = 1; i < 5000; i++) wide = or(wide, eq('n', i))
    expect(bindPredicate(wide, SCHEMA)).toMatchObject({ op: 'or', predicates: { length: 5000 } })
  })
})

describe('builders', () => {
  test.each<readonly [string, () => Predicate]>([
    ['isNull or notNull', () => eq('n', null as unknown as Literal)],
    ['isNull or notNull', () => isIn('n', [1, undefined as unknown as Literal])],
    ['name of a column', () => eq(5 as unknown as string, 1)],
    ['name of a column', () => isNull('')],
    ['array of values', () => isIn('n', 'abc')],
  ])('explain a mistake: %s', (hint, build) => {
    const error = caught(build)
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toContain(hint)
  })

  test('sets are taken from any iterable, once', () => {
    expect(isIn('n', new Set([1, 2]))).toEqual({ op: 'isIn', column: 'n', values: [1, 2] })
  })
})
