/**
 * Cuts a text into its JSON values while it streams by: the elements of an array, or values one after the other. Only
 * brackets and quotes are looked at; whether a piece is valid is for the parser to say.
 */
import { rowError } from './row-error.ts'

export interface JsonPiece {
  readonly text: string
  /** Of its first character, from 1. */
  readonly line: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const isBlank = (code: number) => code === 0x20 || code === NEWLINE || code === 0x0d || code === 0x09

/** The top-level values of a text, or the elements of the array that it is. In groups, as they arrive. */
export async function* splitJson(texts: AsyncIterable<string>, name: string): AsyncGenerator<Iterable<JsonPiece>> {
  const splitter = createSplitter(name)
  for await (const text of texts) yield splitter.push(text)
  yield splitter.end()
}

function createSplitter(name: string) {
  /** What the current piece consists of in earlier chunks. */
  let carried: string[] = []
  let inPiece = false
  let pieceLine = 1
  let line = 1
  let depth = 0
  let inString = false
  let escaped = false
  let isArray: boolean | undefined
  let arrayClosed = false

  const fail = (message: string) => rowError(name, line, message)

  /** Looks at one character outside of a piece; true if a piece begins here. */
  const beginsPiece = (code: number): boolean => {
    if (isBlank(code)) return false
    if (arrayClosed) throw fail('something follows the end of the JSON array')
    if (isArray === undefined) {
      isArray = code === OPEN_ARRAY
      if (isArray) return false
    }
    if (isArray && code === CLOSE_ARRAY) {
      arrayClosed = true
      return false
    }
    if (isArray && code === COMMA) return false
    return true
  }

  /** Looks at one character of a piece; true if the piece ends before (`exclusive`) or with it. */
  const step = (code: number): 'inside' | 'last' | 'after' => {
    if (inString) {
      if (escaped) escaped = false
      else if (code === BACKSLASH) escaped = true
      else if (code === QUOTE) inString = false
      return 'inside'
    }
    if (code === QUOTE) inString = true
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth++
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      if (depth === 0) return 'after'
      depth--
      return depth === 0 ? 'last' : 'inside'
    } else if (depth === 0 && (code === COMMA || isBlank(code))) return 'after'
    return 'inside'
  }

  return {
    *push(text: string): Generator<JsonPiece> {
      let start = 0
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (!inPiece) {
          if (beginsPiece(code)) {
            inPiece = true
            pieceLine = line
            start = i
          }
        }
        if (inPiece) {
          const place = step(code)
          if (place !== 'inside') {
            carried.push(text.slice(start, place === 'last' ? i + 1 : i))
            yield { text: carried.join(''), line: pieceLine }
            carried = []
            inPiece = false
            if (place === 'after') beginsPiece(code)
          }
        }
        if (code === NEWLINE) line++
      }
      if (inPiece) carried.push(text.slice(start))
    },
    *end(): Generator<JsonPiece> {
      if (inPiece) yield { text: carried.join(''), line: pieceLine }
      else if (isArray && !arrayClosed) throw fail("the JSON array has no end: ']' is missing")
    },
  }
}
