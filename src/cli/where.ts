/**
 * Filters as people type them, in the words of SQL:
 *
 * - `=` (`==`) `!=` (`<>`) `<` `<=` `>` `>=`, `in (...)`, `between ... and ...`, `like 'prefix%'`, each of the last three
 *   after `not` too; `is null`, `is nan`, with `not` in between; `and`, `or`, `not`, parentheses, `true`, `false`;
 * - columns bare (`kind`, `address.city`) or in double quotes (`"a b"`, `"in"`), keywords in any case;
 * - text, dates and times in single quotes (a quote is written twice); dates and times with a `T` bare as well; numbers
 *   of any length, exact; `true`, `false`, `nan`, `infinity`; bytes as `x'00ff'`.
 */
import type { CompareOp, Literal, Predicate } from '../spec/expressions.ts'
import { and, isIn, isNan, isNull, not, notNull, or, startsWith } from '../spec/expressions.ts'
import { RESERVED_WORDS } from '../spec/predicate-text.ts'
import type { Cursor } from './where-cursor.ts'
import { describeToken, expected, openCursor, peek, take, takeSymbol, takeWord } from './where-cursor.ts'
import { failAt } from './where-tokens.ts'

const COMPARISONS: Readonly<Record<string, CompareOp>> = {
  '=': 'eq',
  '==': 'eq',
  '!=': 'notEq',
  '<>': 'notEq',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
}

/** `date '2026-01-01'` says in SQL what the column says already. */
const TYPE_WORDS: ReadonlySet<string> = new Set(['date', 'time', 'timestamp', 'timestamptz', 'decimal', 'uuid'])

/** Parentheses and `not` inside each other; people need three. */
const MAX_DEPTH = 200

/**
 * Reads a filter such as `kind = 'push' and at >= '2026-01-01'`. Whether its columns exist and its values fit them turns
 * out when it is bound to a schema.
 *
 * @throws `invalid-argument` saying what was expected, with the line and a caret under the place.
 */
export function parseWhere(text: string): Predicate {
  const cursor = openCursor(text)
  if (peek(cursor).kind === 'end') failAt(text, 0, `it is empty; write a condition such as kind = 'push'`)
  const predicate = alternatives(cursor)
  if (peek(cursor).kind !== 'end') expected(cursor, "'and', 'or' or the end")
  return predicate
}

function alternatives(cursor: Cursor): Predicate {
  const parts = [conjunction(cursor)]
  while (takeWord(cursor, 'or')) parts.push(conjunction(cursor))
  return parts.length === 1 ? parts[0]! : or(...parts)
}

function conjunction(cursor: Cursor): Predicate {
  const parts = [condition(cursor)]
  while (takeWord(cursor, 'and')) parts.push(condition(cursor))
  return parts.length === 1 ? parts[0]! : and(...parts)
}

function condition(cursor: Cursor): Predicate {
  const { at } = peek(cursor)
  if (takeWord(cursor, 'not')) return not(deeper(cursor, at, condition))
  if (takeSymbol(cursor, '(')) {
    const inner = deeper(cursor, at, alternatives)
    if (!takeSymbol(cursor, ')')) expected(cursor, "'and', 'or' or ')'")
    return inner
  }
  if (takeWord(cursor, 'true')) return { op: 'true' }
  if (takeWord(cursor, 'false')) return { op: 'false' }
  return test(cursor, column(cursor))
}

function deeper(cursor: Cursor, at: number, inside: (cursor: Cursor) => Predicate): Predicate {
  if (cursor.depth === MAX_DEPTH) failAt(cursor.text, at, `it is nested more than ${MAX_DEPTH} levels deep`)
  cursor.depth++
  const predicate = inside(cursor)
  cursor.depth--
  return predicate
}

function column(cursor: Cursor): string {
  const first = peek(cursor)
  if (first.kind === 'word' && RESERVED_WORDS.has(first.text.toLowerCase()))
    expected(cursor, `the name of a column (one that is called ${first.text} is written "${first.text}")`)
  let name = columnPart(cursor, 'the name of a column')
  while (takeSymbol(cursor, '.')) name += `.${columnPart(cursor, "a name after the '.'")}`
  return name
}

function columnPart(cursor: Cursor, what: string): string {
  const token = peek(cursor)
  if ((token.kind !== 'name' && token.kind !== 'word') || token.text === '') expected(cursor, what)
  cursor.position++
  return token.text
}

function test(cursor: Cursor, column: string): Predicate {
  const { kind, text } = peek(cursor)
  const op = kind === 'symbol' ? COMPARISONS[text] : undefined
  if (op !== undefined) {
    cursor.position++
    return { op, column, value: value(cursor, text) }
  }
  if (takeWord(cursor, 'is')) return state(cursor, column)
  const negated = takeWord(cursor, 'not')
  const predicate = set(cursor, column) ?? range(cursor, column) ?? pattern(cursor, column)
  if (predicate === undefined) {
    const comparison = 'a comparison: =, !=, <, <=, >, >=, in, between, like or is'
    return expected(cursor, negated ? "'in', 'between' or 'like'" : comparison)
  }
  return negated ? not(predicate) : predicate
}

function state(cursor: Cursor, column: string): Predicate {
  const negated = takeWord(cursor, 'not')
  if (takeWord(cursor, 'null')) return negated ? notNull(column) : isNull(column)
  if (takeWord(cursor, 'nan')) return negated ? not(isNan(column)) : isNan(column)
  return expected(cursor, negated ? "'null' or 'nan'" : "'null', 'not null', 'nan' or 'not nan'")
}

function set(cursor: Cursor, column: string): Predicate | undefined {
  if (!takeWord(cursor, 'in')) return undefined
  if (!takeSymbol(cursor, '(')) expected(cursor, "'(' and a list of values")
  const values = [value(cursor, '(')]
  while (takeSymbol(cursor, ',')) values.push(value(cursor, ','))
  if (!takeSymbol(cursor, ')')) expected(cursor, "',' or ')'")
  return isIn(column, values)
}

function range(cursor: Cursor, column: string): Predicate | undefined {
  if (!takeWord(cursor, 'between')) return undefined
  const low = value(cursor, 'between')
  if (!takeWord(cursor, 'and')) expected(cursor, "'and' with the upper end of the range")
  const high = value(cursor, 'and')
  return and({ op: 'gte', column, value: low }, { op: 'lte', column, value: high })
}

function pattern(cursor: Cursor, column: string): Predicate | undefined {
  if (!takeWord(cursor, 'like')) return undefined
  const { at } = peek(cursor)
  const pattern = value(cursor, 'like')
  if (typeof pattern !== 'string') return failAt(cursor.text, at, "'like' takes a text such as 'push%'")
  const [, literal, wildcard] = /^((?:[^%_\\]|\\[%_\\])*)(%?)$/s.exec(pattern) ?? []
  if (literal === undefined)
    return failAt(cursor.text, at, `'like' only looks for a beginning, as in 'push%'; a literal % or _ is \\% or \\_`)
  const text = literal.replace(/\\(.)/gs, '$1')
  return wildcard === '' ? { op: 'eq', column, value: text } : startsWith(column, text)
}

function value(cursor: Cursor, after: string): Literal {
  if (peek(cursor).kind === 'word' && TYPE_WORDS.has(peek(cursor).text.toLowerCase()) && isText(cursor, 1)) take(cursor)
  const token = take(cursor)
  if (token.kind === 'value') return token.value
  const word = token.kind === 'word' ? token.text.toLowerCase() : undefined
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'nan') return NaN
  if (word === 'null')
    return failAt(cursor.text, token.at, "comparing with null is true for no row; write 'is null' or 'is not null'")
  const isName = token.kind === 'name' || (word !== undefined && !RESERVED_WORDS.has(word))
  const hint = isName ? `; text is written in single quotes, as in 'push'` : ''
  return failAt(cursor.text, token.at, `expected a value after '${after}', found ${describeToken(token)}${hint}`)
}

function isText(cursor: Cursor, ahead: number): boolean {
  const token = peek(cursor, ahead)
  return token.kind === 'value' && typeof token.value === 'string'
}
