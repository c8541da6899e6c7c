import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindPredicate } from '../../src/spec/bind.ts'
import { compilePredicate } from '../../src/spec/evaluate.ts'
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
import type { BoundPredicate, CompareOp, Literal, Predicate } from '../../src/spec/expressions.ts'
import { parseType } from '../../src/spec/type-json.ts'
import type { Field, Schema, Type, Value } from '../../src/spec/types.ts'
import { caught } from './caught.ts'

const typeOf = (name: string): Type => parseType(name, { path: '', fail: (message) => expect.unreachable(message) })

/** One column `c` of a type, optional. */
const column = (type: string): Schema => ({
  schemaId: 0,
  fields: [{ id: 1, name: 'c', required: false, type: typeOf(type) }],
})

const field = (id: number, name: string, type: Type, required = false): Field => ({ id, name, required, type })

const events: Schema = {
  schemaId: 0,
  fields: [
    field(1, 'id', { type: 'long' }, true),
    field(2, 'kind', { type: 'string' }),
    field(3, 'address', { type: 'struct', fields: [field(4, 'city', { type: 'string' }, true)] }),
    field(5, 'tags', { type: 'list', elementId: 6, element: { type: 'string' }, elementRequired: true }),
    field(7, 'score', { type: 'double' }),
    field(8, 'shape', { type: 'unsupported', name: 'geometry' }),
    field(9, 'a.b', { type: 'int' }),
  ],
}

/** What a bound leaf says, without its term. */
const bound = (type: string, predicate: Predicate): unknown => {
  const { term: _, ...rest } = bindPredicate(predicate, column(type)) as BoundPredicate & { term?: unknown }
  return rest
}

describe('names', () => {
  test('become field ids, with the path through the structs around them', () => {
    expect(bindPredicate(eq('address.city', 'Graz'), events)).toEqual({
      op: 'eq',
      term: { fieldId: 4, path: [3, 4], name: 'address.city', type: { type: 'string' }, required: false },
      value: 'Graz',
    })
    expect(bindPredicate(eq('a.b', 1), events)).toMatchObject({ term: { fieldId: 9 } })
  })

  test('a column that does not exist is an error that names near misses', () => {
    const error = caught(() => bindPredicate(and(eq('id', 1), eq('knd', 'x')), events))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { column: 'knd' } })
    expect(error?.message).toContain("did you mean 'kind'?")
  })

  test.each([
    [eq('tags.element', 'x'), 'inside a list'],
    [eq('tags', 'x'), 'is a list; a comparison needs a single value'],
    [eq('address', 'x'), 'such as address.city'],
    [isNan('kind'), 'isNan takes a float or double'],
    [startsWith('id', 'x'), 'startsWith takes a string column'],
    [eq('id', 'x'), "column 'id': found 'x' (string), expected long"],
    [eq('kind', 5), "column 'kind': found 5 (number), expected string"],
    [{ op: 'eq', column: 'kind', value: null }, 'use isNull'],
    [{ op: 'equals', column: 'kind', value: 'x' }, "a predicate with the op 'equals'"],
    [{ kind: 'x' }, 'found an object with keys kind where a predicate is expected; build one with eq'],
    [{ op: 'and' }, "'and' has no list of predicates"],
    [{ op: 'isIn', column: 'kind' }, 'has no list of values'],
    [{ op: 'startsWith', column: 'kind', value: 5 }, 'expected a well-formed string'],
    [{ op: 'eq', column: 5, value: 5 }, 'where the name of a column is expected'],
    ["kind = 'x'", 'where a predicate is expected'],
  ])('%o is refused', (predicate, message) => {
    const error = caught(() => bindPredicate(predicate as Predicate, events))
    expect(error?.code).toBe('invalid-argument')
    expect(error?.message).toContain(message)
  })

  test('a column of a later format is unsupported', () => {
    expect(caught(() => bindPredicate(isNull('shape'), events))?.code).toBe('unsupported')
  })

  test('a predicate that is nested without end is refused, one that is long is not', () => {
    let deep: Predicate = eq('id', 1)
    for (let i = 0; i < 2000; i++) deep = { op: 'not', predicate: deep }
    expect(caught(() => bindPredicate(deep, events))?.message).toContain('levels deep')
    let long: Predicate = eq('id', 0)
    for (let i = 1; i < 5000; i++) long = or(long, eq('id', i))
    const keep = compilePredicate<bigint>(bindPredicate(long, events), () => (row) => row)
    expect([keep(4999n), keep(5000n)]).toEqual([true, false])
  })
})

describe('builders', () => {
  test('refuse what could be true for no row', () => {
    expect(caught(() => eq('kind', null as unknown as string))?.message).toContain('use isNull or notNull')
    expect(caught(() => isIn('kind', ['a', null as unknown as string]))?.message).toContain('value 1 is null')
    expect(caught(() => isIn('kind', 'abc' as unknown as string[]))?.message).toContain('takes an array of values')
    expect(caught(() => eq('', 'x'))?.message).toContain('takes the name of a column first')
  })

  test('and, or, not of nothing', () => {
    expect(bindPredicate(and(), events)).toEqual({ op: 'true' })
    expect(bindPredicate(or(), events)).toEqual({ op: 'false' })
    expect(bindPredicate(not(alwaysTrue()), events)).toEqual({ op: 'false' })
    expect(bindPredicate(not(and(alwaysTrue(), alwaysFalse())), events)).toEqual({ op: 'true' })
  })
})

describe('not', () => {
  test.each([
    [not(eq('c', 'x')), { op: 'notEq', value: 'x' }],
    [not(notEq('c', 'x')), { op: 'eq', value: 'x' }],
    [not(lt('c', 'x')), { op: 'gte', value: 'x' }],
    [not(lte('c', 'x')), { op: 'gt', value: 'x' }],
    [not(gt('c', 'x')), { op: 'lte', value: 'x' }],
    [not(gte('c', 'x')), { op: 'lt', value: 'x' }],
    [not(isNull('c')), { op: 'notNull' }],
    [not(notNull('c')), { op: 'isNull' }],
    [not(isIn('c', ['x', 'y'])), { op: 'notIn', values: ['x', 'y'] }],
    [not(notIn('c', ['x', 'y'])), { op: 'isIn', values: ['x', 'y'] }],
    [not(startsWith('c', 'x')), { op: 'notStartsWith', value: 'x' }],
    [not(notStartsWith('c', 'x')), { op: 'startsWith', value: 'x' }],
    [not(not(eq('c', 'x'))), { op: 'eq', value: 'x' }],
  ])('%o is pushed down', (predicate, expected) => {
    expect(bound('string', predicate)).toEqual(expected)
  })

  test('of a conjunction is a disjunction of the opposites', () => {
    const predicate = bindPredicate(not(and(eq('id', 1), or(isNull('kind'), isNan('score')))), events)
    expect(predicate).toMatchObject({
      op: 'or',
      predicates: [{ op: 'notEq' }, { op: 'and', predicates: [{ op: 'notNull' }, { op: 'notNan' }] }],
    })
  })
})

describe('what is known beforehand', () => {
  test('required columns are never null', () => {
    expect(bindPredicate(isNull('id'), events)).toEqual({ op: 'false' })
    expect(bindPredicate(notNull('id'), events)).toEqual({ op: 'true' })
  })

  test('a required field of an optional struct may be null', () => {
    expect(bindPredicate(isNull('address.city'), events)).toMatchObject({ op: 'isNull' })
  })

  test('structs and lists can be asked whether they are there', () => {
    expect(bindPredicate(notNull('tags'), events)).toMatchObject({ op: 'notNull', term: { fieldId: 5 } })
    expect(bindPredicate(isNull('address'), events)).toMatchObject({ op: 'isNull', term: { fieldId: 3 } })
  })

  test('sets are sorted and distinct, and small ones are comparisons', () => {
    expect(bound('int', isIn('c', [3, 1, 3, 2]))).toEqual({ op: 'isIn', values: [1, 2, 3] })
    expect(bound('int', isIn('c', [3, 3n]))).toEqual({ op: 'eq', value: 3 })
    expect(bound('int', notIn('c', [3]))).toEqual({ op: 'notEq', value: 3 })
    expect(bound('int', isIn('c', []))).toEqual({ op: 'false' })
    expect(bound('int', notIn('c', []))).toEqual({ op: 'true' })
  })

  test('every string begins with the empty one', () => {
    expect(bound('string', startsWith('c', ''))).toEqual({ op: 'notNull' })
    expect(bound('string', notStartsWith('c', ''))).toEqual({ op: 'false' })
  })
})

describe('NaN', () => {
  const present = { op: 'and', predicates: [{ op: 'notNull' }, { op: 'notNan' }] }
  test.each([
    [eq('c', NaN), { op: 'isNan' }],
    [notEq('c', NaN), present],
    [lt('c', NaN), present],
    [lte('c', NaN), { op: 'notNull' }],
    [gt('c', NaN), { op: 'false' }],
    [gte('c', NaN), { op: 'isNan' }],
    [isIn('c', [NaN]), { op: 'isNan' }],
    [isIn('c', [1, NaN]), { op: 'or', predicates: [{ op: 'isNan' }, { op: 'eq', value: 1 }] }],
    [notIn('c', [1, NaN]), { op: 'and', predicates: [{ op: 'notNan' }, { op: 'notEq', value: 1 }] }],
    [notIn('c', [NaN]), { op: 'and', predicates: [{ op: 'notNan' }, { op: 'notNull' }] }],
  ])('%o asks for being NaN', (predicate, expected) => {
    expect(bindPredicate(predicate, column('double'))).toMatchObject(expected)
  })

  test('-0 is 0', () => {
    expect(bound('double', eq('c', -0))).toEqual({ op: 'eq', value: 0 })
    expect(bound('float', isIn('c', [-0, 0]))).toEqual({ op: 'eq', value: 0 })
  })

  test('an integer column has none', () => {
    expect(caught(() => bindPredicate(eq('c', NaN), column('int')))?.message).toContain('found NaN (number)')
  })
})

describe('literals that are no values of their column', () => {
  test.each<[string, Predicate, unknown]>([
    ['int', lt('c', 5_000_000_000n), { op: 'notNull' }],
    ['int', gt('c', 5_000_000_000), { op: 'false' }],
    ['int', gte('c', -5_000_000_000n), { op: 'notNull' }],
    ['int', lte('c', -5_000_000_000n), { op: 'false' }],
    ['int', eq('c', 5_000_000_000n), { op: 'false' }],
    ['int', notEq('c', 5_000_000_000n), { op: 'notNull' }],
    ['int', isIn('c', [1, 5_000_000_000n]), { op: 'eq', value: 1 }],
    ['int', notIn('c', [5_000_000_000n]), { op: 'notNull' }],
    ['int', lt('c', 2.5), { op: 'lte', value: 2 }],
    ['int', gte('c', -2.5), { op: 'gte', value: -2 }],
    ['int', lt('c', Infinity), { op: 'notNull' }],
    ['int', lt('c', -Infinity), { op: 'false' }],
    ['int', gt('c', -Infinity), { op: 'notNull' }],
    ['long', gt('c', 1e300), { op: 'false' }],
    ['long', gt('c', 2n ** 63n), { op: 'false' }],
    ['long', eq('c', { unscaled: 1000n, scale: 2 }), { op: 'eq', value: 10n }],
    ['decimal(5,2)', lt('c', 1.999), { op: 'lte', value: 199n }],
    ['decimal(5,2)', gt('c', '1.999'), { op: 'gte', value: 200n }],
    ['decimal(5,2)', eq('c', '1.999'), { op: 'false' }],
    ['decimal(5,2)', eq('c', '1.990'), { op: 'eq', value: 199n }],
    ['decimal(5,2)', lte('c', '999.995'), { op: 'notNull' }],
    ['decimal(5,2)', gt('c', 1000), { op: 'false' }],
    ['decimal(5,2)', gt('c', -Infinity), { op: 'notNull' }],
    ['decimal(5,2)', eq('c', 1n), { op: 'eq', value: 100n }],
    ['decimal(5,2)', eq('c', { unscaled: 1n }), { op: 'eq', value: 1n }],
    ['float', lt('c', 1e300), { op: 'lte', value: 3.4028234663852886e38 }],
    ['float', gt('c', 1e300), { op: 'gte', value: Infinity }],
    ['float', gt('c', -1e300), { op: 'gte', value: -3.4028234663852886e38 }],
    ['float', eq('c', 0.1), { op: 'eq', value: Math.fround(0.1) }],
    ['double', eq('c', 5n), { op: 'eq', value: 5 }],
    ['double', gt('c', 10n ** 350n), { op: 'gte', value: Infinity }],
    ['double', eq('c', { unscaled: 15n, scale: 1 }), { op: 'eq', value: 1.5 }],
    ['double', eq('c', { unscaled: 15n, scale: -1 }), { op: 'eq', value: 150 }],
    ['date', gte('c', new Date('2026-01-01T12:00:00Z')), { op: 'gte', value: 20_455 }],
    ['date', lt('c', new Date('2026-01-01T12:00:00Z')), { op: 'lte', value: 20_454 }],
    ['timestamptz', eq('c', '1970-01-01'), { op: 'eq', value: 0n }],
    ['timestamptz', eq('c', '1970-01-01T00:00:01'), { op: 'eq', value: 1_000_000n }],
    ['timestamptz', eq('c', '1970-01-01T01:00:01+01:00'), { op: 'eq', value: 1_000_000n }],
    ['timestamp', gt('c', '1970-01-01T00:00:00.0000019'), { op: 'gte', value: 2n }],
    ['timestamptz', lt('c', '1970-01-01T00:00:00.0000019Z'), { op: 'lte', value: 1n }],
    ['timestamp', eq('c', '1970-01-01T00:00:00.0000010'), { op: 'eq', value: 1n }],
    ['timestamptz_ns', gt('c', '1970-01-01T00:00:00.0000000019+00:00'), { op: 'gte', value: 2n }],
    [
      'uuid',
      eq('c', 'F79C3E09-677C-4BBD-A479-3F349CB785E7'),
      { op: 'eq', value: 'f79c3e09-677c-4bbd-a479-3f349cb785e7' },
    ],
  ])('%s: %o', (type, predicate, expected) => {
    expect(bound(type, predicate)).toEqual(expected)
  })

  test.each<[string, Predicate, string]>([
    ['long', eq('c', 2 ** 53 + 2), 'use a bigint'],
    ['long', eq('c', { unscaled: 5n }), 'expected long'],
    ['long', eq('c', { unscaled: 5n, scale: 1e9 }), 'scale: an integer'],
    ['decimal(5,2)', eq('c', 'abc'), 'it is no decimal number'],
    ['timestamp', eq('c', '2026-01-01T00:00:00Z'), 'the column has no zone'],
    ['timestamptz', eq('c', 'yesterday'), 'a timestamptz looks like'],
    ['date', eq('c', new Date(NaN)), 'found an invalid Date'],
    ['boolean', eq('c', 1), 'true or false'],
    ['fixed[2]', eq('c', new Uint8Array(3)), 'exactly 2 bytes'],
  ])('%s: %o is refused', (type, predicate, message) => {
    const error = caught(() => bindPredicate(predicate, column(type)))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { column: 'c' } })
    expect(error?.message).toContain(message)
  })

  const numbers = fc.oneof(
    fc.integer({ min: -300, max: 300 }).map((n) => n / 8),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.record({ unscaled: fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }), scale: fc.integer({ min: 0, max: 4 }) }),
  )
  const ops = fc.constantFrom<CompareOp>('eq', 'notEq', 'lt', 'lte', 'gt', 'gte')

  test('compare with every value as the numbers do', () => {
    const cases = fc.oneof(
      fc.record({ type: fc.constant('int'), value: fc.oneof(fc.integer(), fc.integer({ min: -40, max: 40 })) }),
      fc.record({ type: fc.constant('long'), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
      fc.record({ type: fc.constant('decimal(5,2)'), value: fc.bigInt({ min: -99_999n, max: 99_999n }) }),
    )
    fc.assert(
      fc.property(cases, numbers, ops, ({ type, value }, literal, op) => {
        const predicate = bindPredicate({ op, column: 'c', value: literal }, column(type))
        const keep = compilePredicate<Value>(predicate, () => (row) => row)
        // Both in units of 10^-8, which all of them are whole multiples of.
        const difference = units(value, type === 'decimal(5,2)' ? 2 : 0) - units(literal, 0)
        expect(keep(value)).toBe(compare(op, difference))
      }),
      { numRuns: 3000 },
    )
  })
})

function units(number: Literal | Value, scale: number): bigint {
  if (typeof number === 'number') return BigInt(number * 1e8)
  if (typeof number === 'bigint') return number * 10n ** BigInt(8 - scale)
  const { unscaled, scale: own } = number as { unscaled: bigint; scale: number }
  return unscaled * 10n ** BigInt(8 - own)
}

function compare(op: CompareOp, difference: bigint): boolean {
  switch (op) {
    case 'eq':
      return difference === 0n
    case 'notEq':
      return difference !== 0n
    case 'lt':
      return difference < 0n
    case 'lte':
      return difference <= 0n
    case 'gt':
      return difference > 0n
    case 'gte':
      return difference >= 0n
  }
}

describe('evaluation', () => {
  const keep = (type: string, predicate: Predicate, value: Value | null) =>
    compilePredicate<Value | null>(bindPredicate(predicate, column(type)), () => (row) => row)(value)

  test('null is never compared with: not even as different', () => {
    const all = [eq, notEq, lt, lte, gt, gte].map((op) => op('c', 'x'))
    const more = [isIn('c', ['x', 'y']), notIn('c', ['x', 'y']), startsWith('c', 'x'), notStartsWith('c', 'x')]
    expect([...all, ...more].map((predicate) => keep('string', predicate, null))).not.toContain(true)
    expect([...all, ...more].map((predicate) => keep('string', not(predicate), null))).not.toContain(true)
  })

  test('null is not NaN', () => {
    expect(keep('double', notNan('c'), null)).toBe(true)
    expect(keep('double', isNan('c'), null)).toBe(false)
  })

  test('NaN is above every number and different from all', () => {
    expect(keep('double', gt('c', Infinity), NaN)).toBe(true)
    expect(keep('double', gte('c', 5), NaN)).toBe(true)
    expect(keep('double', lt('c', 5), NaN)).toBe(false)
    expect(keep('double', notEq('c', 5), NaN)).toBe(true)
    expect(keep('double', notIn('c', [5, 6]), NaN)).toBe(true)
  })

  test('strings are ordered by code point, bytes as unsigned', () => {
    expect(keep('string', gt('c', '\u{fffd}'), '\u{1f600}')).toBe(true)
    expect(keep('binary', gt('c', Uint8Array.of(1)), Uint8Array.of(0xff))).toBe(true)
    expect(keep('binary', isIn('c', [Uint8Array.of(1), Uint8Array.of(2)]), Uint8Array.of(2))).toBe(true)
    expect(keep('binary', notIn('c', [Uint8Array.of(1), Uint8Array.of(2)]), Uint8Array.of(3))).toBe(true)
  })
})
