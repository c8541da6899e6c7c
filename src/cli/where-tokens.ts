/** The words of a filter text, each with its place. */
import { invalid } from '../errors.ts'
import type { Literal } from '../spec/expressions.ts'

export type Token =
  /** A keyword or a bare name. */
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  /** A name in double quotes. */
  | { readonly kind: 'name'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly text: string; readonly at: number; readonly value: Literal }
  | { readonly kind: 'symbol'; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly text: ''; readonly at: number }

/** Longer ones were made by a program, which can build the predicate itself. */
const MAX_CHARS = 1_000_000
/** A number of so many digits is exact as a double: its shortest text has the same digits. */
const EXACT_DIGITS = 15
/** Beyond what any type holds. */
const MAX_EXPONENT = 400

const BLANK = /\s*/y
const TEXT = /'((?:[^']|'')*)'/y
const BYTES = /x'((?:[0-9a-f]{2})*)'/iy
const NAME = /"((?:[^"]|"")*)"/y
/** A date or timestamp does without quotes, as long as no blank is in it. */
const MOMENT = /\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?(?![\p{L}\p{N}_])/iuy
const NUMBER = /[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|infinity)(?![\p{L}\p{N}_])/iuy
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy
const SYMBOL = /<=|>=|<>|!=|==|[<>=(),.]/y

/**
 * Cuts a filter into tokens; the last is `end`.
 *
 * @throws `invalid-argument` with the place of what is no token.
 */
export function tokenize(text: string): readonly Token[] {
  if (text.length > MAX_CHARS) invalid(`the filter has ${text.length} characters; at most ${MAX_CHARS} are read`)
  const tokens: Token[] = []
  for (let at = skipBlank(text, 0); at < text.length; at = skipBlank(text, at)) {
    const [token, length] = tokenAt(text, at)
    tokens.push(token)
    at += length
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }]
}

function skipBlank(text: string, at: number): number {
  return at + match(BLANK, text, at)![0].length
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function tokenAt(text: string, at: number): readonly [Token, length: number] {
  const value = (found: RegExpExecArray, literal: Literal): readonly [Token, number] => [
    { kind: 'value', text: found[0], at, value: literal },
    found[0].length,
  ]
  const string = match(TEXT, text, at)
  if (string) return value(string, string[1]!.replaceAll("''", "'"))
  const bytes = match(BYTES, text, at)
  if (bytes)
    return value(
      bytes,
      Uint8Array.from(bytes[1]!.match(/../g) ?? [], (pair) => parseInt(pair, 16)),
    )
  const name = match(NAME, text, at)
  if (name) return [{ kind: 'name', text: name[1]!.replaceAll('""', '"'), at }, name[0].length]
  const moment = match(MOMENT, text, at)
  if (moment) return value(moment, moment[0])
  const number = match(NUMBER, text, at)
  if (number) return value(number, numberOf(number[0], text, at))
  const word = match(WORD, text, at)
  if (word) return [{ kind: 'word', text: word[0], at }, word[0].length]
  const symbol = match(SYMBOL, text, at)
  if (symbol) return [{ kind: 'symbol', text: symbol[0], at }, symbol[0].length]
  return failAt(text, at, notAToken(text, at))
}

function notAToken(text: string, at: number): string {
  switch (text[at]) {
    case "'":
      return "the text that begins here has no closing quote; a quote inside of a text is written twice: 'it''s'"
    case '"':
      return 'the name that begins here has no closing quote'
    default: {
      const word = /[^\s'"(),<>=!]+/uy
      const shown = match(word, text, at)?.[0] ?? String.fromCodePoint(text.codePointAt(at)!)
      return /^[\d.+-]/.test(shown) ? `'${shown}' is no number` : `'${shown}' means nothing here`
    }
  }
}

/** As exact as the text: doubles for short numbers, bigints and `{ unscaled, scale }` for longer ones. */
function numberOf(number: string, text: string, at: number): Literal {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(number) ?? []
  if (sign === undefined) return number.startsWith('-') ? -Infinity : Infinity
  const digits = `${whole}${fraction}`.replace(/^0+(?=\d)/, '')
  const scale = fraction.length - Number(exponent)
  if (Math.abs(scale) > MAX_EXPONENT || digits.length > MAX_EXPONENT)
    failAt(text, at, 'no column can hold a number of that size or precision')
  if (digits.length <= EXACT_DIGITS && Number.isFinite(Number(number))) return Number(number)
  const unscaled = BigInt(sign === '-' ? `-${digits}` : digits)
  return scale === 0 ? unscaled : { unscaled, scale }
}

/** As much of a line as is shown on either side of the place. */
const SHOWN_CHARS = 60

/** Throws `invalid-argument` with the line of the place and a caret under it. */
export function failAt(text: string, at: number, message: string): never {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const lineEnd = text.indexOf('\n', at)
  const from = Math.max(lineStart, at - SHOWN_CHARS)
  const to = Math.min(lineEnd < 0 ? text.length : lineEnd, at + SHOWN_CHARS)
  const indent = Array.from(text.slice(from, at), (char) => (char === '\t' ? '\t' : ' ')).join('')
  return invalid(`in the filter, at character ${at + 1}: ${message}\n  ${text.slice(from, to)}\n  ${indent}^`, {
    position: at,
  })
}
