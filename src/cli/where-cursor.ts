/** A place in a filter text that moves forward, and the complaints about what stands there. */
import { failAt, tokenize } from './where-tokens.ts'
import type { Token } from './where-tokens.ts'

export interface Cursor {
  readonly text: string
  readonly tokens: readonly Token[]
  position: number
  /** Parentheses and `not` around the place. */
  depth: number
}

export function openCursor(text: string): Cursor {
  return { text, tokens: tokenize(text), position: 0, depth: 0 }
}

/** The token at the place, or so many behind it; `end` for ever at the end. */
export function peek({ tokens, position }: Cursor, ahead = 0): Token {
  return tokens[Math.min(position + ahead, tokens.length - 1)]!
}

/** The token at the place, which moves on. */
export function take(cursor: Cursor): Token {
  const token = peek(cursor)
  cursor.position++
  return token
}

/** Moves on if a keyword stands here. */
export function takeWord(cursor: Cursor, word: string): boolean {
  const token = peek(cursor)
  const found = token.kind === 'word' && token.text.toLowerCase() === word
  if (found) cursor.position++
  return found
}

/** Moves on if a symbol stands here. */
export function takeSymbol(cursor: Cursor, symbol: string): boolean {
  const token = peek(cursor)
  const found = token.kind === 'symbol' && token.text === symbol
  if (found) cursor.position++
  return found
}

/** Fails at the place. */
export function expected(cursor: Cursor, what: string): never {
  const token = peek(cursor)
  return failAt(cursor.text, token.at, `expected ${what}, found ${describeToken(token)}`)
}

const SHOWN_CHARS = 40

export function describeToken(token: Token): string {
  if (token.kind === 'end') return 'the end'
  const text = token.text.length > SHOWN_CHARS ? `${token.text.slice(0, SHOWN_CHARS)}...` : token.text
  return token.kind === 'name' ? `"${text}"` : text.startsWith("'") ? text : `'${text}'`
}
