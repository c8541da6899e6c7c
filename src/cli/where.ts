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
import { failAt, tokenize } from './where-tokens.ts'
import type { Token } from './where-tokens.ts'

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
 * Reads a filter such as `kind = 'push' and at >= '2026-01-01'`. Whether its columns exist and their types fit is found
 * out when it is bound to a schema.
 *
 * @throws `invalid-argument` saying what was expected, with the line and a caret under the place.
 */
export function parseWhere(text: string): Predicate {
  const parser = new WhereParser(text)
  return parser.parse()
}

class WhereParser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #position = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokenize(text)
  }

  parse(): Predicate {
    if (this.#next.kind === 'end') this.#fail(`the filter is empty; write a condition such as kind = 'push'`)
    const predicate = this.#alternatives()
    if (this.#next.kind !== 'end') this.#expected("'and', 'or' or the end")
    return predicate
  }

  #alternatives(): Predicate {
    const parts = [this.#conjunction()]
    while (this.#takeWord('or')) parts.push(this.#conjunction())
    return parts.length === 1 ? parts[0]! : or(...parts)
  }

  #conjunction(): Predicate {
    const parts = [this.#condition()]
    while (this.#takeWord('and')) parts.push(this.#condition())
    return parts.length === 1 ? parts[0]! : and(...parts)
  }

  #condition(): Predicate {
    if (this.#isWord('not')) return this.#nested(() => not(this.#condition()))
    if (this.#isSymbol('('))
      return this.#nested(() => {
        const inner = this.#alternatives()
        this.#takeSymbol(')', "'and', 'or' or ')'")
        return inner
      })
    if (this.#takeWord('true')) return { op: 'true' }
    if (this.#takeWord('false')) return { op: 'false' }
    return this.#test(this.#column())
  }

  /** Consumes the word or parenthesis that makes one more level. */
  #nested(inside: () => Predicate): Predicate {
    if (this.#depth === MAX_DEPTH) this.#fail(`the filter is nested more than ${MAX_DEPTH} levels deep`)
    this.#depth++
    this.#position++
    const predicate = inside()
    this.#depth--
    return predicate
  }

  #column(): string {
    const parts = [this.#columnPart(true)]
    while (this.#isSymbol('.')) {
      this.#position++
      parts.push(this.#columnPart(false))
    }
    return parts.join('.')
  }

  #columnPart(isFirst: boolean): string {
    const token = this.#next
    const isName = token.kind === 'name' ? token.text !== '' : token.kind === 'word'
    if (!isName) this.#expected(isFirst ? 'the name of a column' : "a name after the '.'")
    if (isFirst && token.kind === 'word' && RESERVED_WORDS.has(token.text.toLowerCase()))
      this.#expected(`the name of a column; one that is called '${token.text}' is written "${token.text}"`)
    this.#position++
    return token.text
  }

  #test(column: string): Predicate {
    const { text } = this.#next
    const op = this.#next.kind === 'symbol' ? COMPARISONS[text] : undefined
    if (op !== undefined) {
      this.#position++
      return { op, column, value: this.#value(text) }
    }
    if (this.#takeWord('is')) return this.#state(column)
    const negated = this.#takeWord('not')
    const predicate = this.#set(column) ?? this.#range(column) ?? this.#pattern(column)
    if (predicate === undefined)
      this.#expected(
        negated ? "'in', 'between' or 'like'" : 'a comparison: =, !=, <, <=, >, >=, in, between, like or is',
      )
    return negated ? not(predicate) : predicate
  }

  #state(column: string): Predicate {
    const negated = this.#takeWord('not')
    if (this.#takeWord('null')) return negated ? notNull(column) : isNull(column)
    if (this.#takeWord('nan')) return negated ? not(isNan(column)) : isNan(column)
    return this.#expected(negated ? "'null' or 'nan'" : "'null', 'not null', 'nan' or 'not nan'")
  }

  #set(column: string): Predicate | undefined {
    if (!this.#takeWord('in')) return undefined
    this.#takeSymbol('(', "'(' and a list of values")
    const values = [this.#value('(')]
    while (this.#isSymbol(',')) {
      this.#position++
      values.push(this.#value(','))
    }
    this.#takeSymbol(')', "',' or ')'")
    return isIn(column, values)
  }

  #range(column: string): Predicate | undefined {
    if (!this.#takeWord('between')) return undefined
    const low = this.#value('between')
    if (!this.#takeWord('and')) this.#expected("'and' and the upper end of the range")
    const high = this.#value('and')
    return and({ op: 'gte', column, value: low }, { op: 'lte', column, value: high })
  }

  #pattern(column: string): Predicate | undefined {
    if (!this.#takeWord('like')) return undefined
    const token = this.#next
    const pattern = this.#value('like')
    if (typeof pattern !== 'string') this.#failAt(token, "'like' takes a text such as 'push%'")
    const [, literal, wildcard] = /^((?:[^%_\\]|\\[%_\\])*)(%?)$/s.exec(pattern) ?? []
    if (literal === undefined)
      this.#failAt(
        token,
        "'like' can only look for a beginning: 'push%'. A % or _ that is meant literally is \\% or \\_",
      )
    const text = literal.replace(/\\(.)/gs, '$1')
    return wildcard === '' ? { op: 'eq', column, value: text } : startsWith(column, text)
  }

  #value(after: string): Literal {
    const token = this.#next
    const following = this.#tokens[this.#position + 1]
    if (token.kind === 'word' && TYPE_WORDS.has(token.text.toLowerCase()) && following?.kind === 'value') {
      this.#position++
      return this.#value(after)
    }
    this.#position++
    if (token.kind === 'value') return token.value
    const word = token.kind === 'word' ? token.text.toLowerCase() : ''
    if (word === 'true' || word === 'false') return word === 'true'
    if (word === 'nan') return NaN
    if (word === 'null')
      this.#failAt(token, "a comparison with null is true for no row; write 'is null' or 'is not null'")
    const hint =
      token.kind === 'name' || (token.kind === 'word' && !RESERVED_WORDS.has(word))
        ? `; text is written in single quotes: '${token.text}'`
        : ''
    return this.#failAt(token, `expected a value after '${after}', found ${describe(token)}${hint}`)
  }

  get #next(): Token {
    return this.#tokens[Math.min(this.#position, this.#tokens.length - 1)]!
  }

  #isWord(word: string): boolean {
    return this.#next.kind === 'word' && this.#next.text.toLowerCase() === word
  }

  #takeWord(word: string): boolean {
    const found = this.#isWord(word)
    if (found) this.#position++
    return found
  }

  #isSymbol(symbol: string): boolean {
    return this.#next.kind === 'symbol' && this.#next.text === symbol
  }

  #takeSymbol(symbol: string, expected: string): void {
    if (!this.#isSymbol(symbol)) this.#expected(expected)
    this.#position++
  }

  #expected(what: string): never {
    return this.#fail(`expected ${what}, found ${describe(this.#next)}`)
  }

  #fail(message: string): never {
    return this.#failAt(this.#next, message)
  }

  #failAt(token: Token, message: string): never {
    return failAt(this.#text, token.at, message)
  }
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end'
  return token.kind === 'name' ? `"${token.text}"` : `'${token.text}'`
}
