/**
 * JSON without loss: an integer beyond 2^53 becomes a bigint and is written back digit by digit. `JSON.parse` rounds
 * such numbers silently, and snapshot ids are random 63-bit numbers. Grammar: RFC 8259.
 *
 * Duplicate keys: the last one wins, as in `JSON.parse`. A key `__proto__` is an ordinary own property.
 */
import { assert } from '../errors.ts'

/** What a JSON text holds. Integers outside the safe range are bigint, all other numbers are number. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue
}

/** Nesting beyond this is refused: table metadata nests as deep as its types, and every walker recurses. */
export const MAX_JSON_DEPTH = 200

/** A text that is not JSON; the codec that knows the object's name turns it into `corrupt`. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  /** Offset into the text, in UTF-16 code units. */
  readonly position: number

  constructor(message: string, position: number) {
    super(`${message} at position ${position}`)
    this.position = position
  }
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
/** Below this many characters (sign included) an integer is below 10^15 in size, hence exact as a number. */
const SAFE_NUMBER_CHARS = 15

/**
 * Parses a JSON text.
 *
 * @throws JsonSyntaxError with the position, also for nesting deeper than {@link MAX_JSON_DEPTH} and for numbers
 *   beyond the range of a double.
 */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text)
  const value = parser.value(0)
  parser.skipSpace()
  if (parser.at < text.length) parser.fail(`unexpected ${parser.found()} after the end of the document`)
  return value
}

class Parser {
  at = 0
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  fail(message: string, position = this.at): never {
    throw new JsonSyntaxError(message, position)
  }

  found(): string {
    return this.at < this.text.length ? JSON.stringify(String.fromCodePoint(this.text.codePointAt(this.at)!)) : 'end'
  }

  skipSpace(): number {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
      this.at++
    }
  }

  value(depth: number): JsonValue {
    const code = this.skipSpace()
    if (code === QUOTE) return this.string()
    if (code === OPEN_OBJECT) return this.object(depth + 1)
    if (code === OPEN_LIST) return this.list(depth + 1)
    if (code === MINUS || (code >= 0x30 && code <= 0x39)) return this.number()
    if (this.literal('true')) return true
    if (this.literal('false')) return false
    if (this.literal('null')) return null
    this.fail(`expected a value, found ${this.found()}`)
  }

  private literal(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  private enter(depth: number): void {
    if (depth > MAX_JSON_DEPTH) this.fail(`nested deeper than ${MAX_JSON_DEPTH}`)
    this.at++
  }

  private object(depth: number): JsonObject {
    this.enter(depth)
    const object: JsonObject = {}
    if (this.skipSpace() === CLOSE_OBJECT) {
      this.at++
      return object
    }
    for (;;) {
      if (this.skipSpace() !== QUOTE) this.fail(`expected a key in quotes, found ${this.found()}`)
      const key = this.string()
      if (this.skipSpace() !== COLON) this.fail(`expected ":", found ${this.found()}`)
      this.at++
      const value = this.value(depth)
      // An assignment to `__proto__` would change the prototype instead of adding a property.
      if (key === '__proto__') {
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      } else object[key] = value
      const code = this.skipSpace()
      if (code !== COMMA && code !== CLOSE_OBJECT) this.fail(`expected "," or "}", found ${this.found()}`)
      this.at++
      if (code === CLOSE_OBJECT) return object
    }
  }

  private list(depth: number): JsonValue[] {
    this.enter(depth)
    const list: JsonValue[] = []
    if (this.skipSpace() === CLOSE_LIST) {
      this.at++
      return list
    }
    for (;;) {
      list.push(this.value(depth))
      const code = this.skipSpace()
      if (code !== COMMA && code !== CLOSE_LIST) this.fail(`expected "," or "]", found ${this.found()}`)
      this.at++
      if (code === CLOSE_LIST) return list
    }
  }

  private string(): string {
    const { text } = this
    const start = this.at
    let end = start + 1
    let escaped = false
    for (;;) {
      const code = text.charCodeAt(end)
      if (code === QUOTE) break
      if (code === BACKSLASH) {
        escaped = true
        end++
      } else if (!(code >= 0x20)) {
        // Also NaN, which is what lies behind the end.
        this.fail(end < text.length ? 'control character in a string' : 'string without end', end)
      }
      end++
    }
    if (end >= text.length) this.fail('string without end', end)
    this.at = end + 1
    if (!escaped) return text.slice(start + 1, end)
    try {
      return JSON.parse(text.slice(start, end + 1)) as string
    } catch {
      this.fail('bad escape in the string', start)
    }
  }

  private number(): number | bigint {
    NUMBER.lastIndex = this.at
    const match = NUMBER.exec(this.text)
    if (match === null) this.fail(`expected a number, found ${this.found()}`)
    const digits = match[0]
    this.at += digits.length
    const value = Number(digits)
    if (digits.length <= SAFE_NUMBER_CHARS && Number.isFinite(value)) return value
    if (match[1] === undefined && match[2] === undefined) {
      return Number.isSafeInteger(value) ? value : BigInt(digits)
    }
    if (!Number.isFinite(value)) this.fail('number out of range', this.at - digits.length)
    return value
  }
}

/**
 * Writes JSON; bigint as plain digits. Properties that are undefined are left out.
 *
 * @param options.indent spaces per level; default none, the compact form.
 */
export function stringifyJson(value: unknown, options: { readonly indent?: number } = {}): string {
  const writer = new Writer(' '.repeat(options.indent ?? 0))
  writer.write(value, options.indent ? '\n' : '', 0)
  return writer.text
}

/** JSON that is text already: {@link stringifyJson} writes it as it is, in the compact form. */
export class RawJson {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Strings made only of these need no escapes. */
const PLAIN = /^[ !#-[\]-~]*$/

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

class Writer {
  text = ''
  readonly indent: string
  /** Documents repeat few keys many times. */
  readonly quotedKeys = new Map<string, string>()

  constructor(indent: string) {
    this.indent = indent
  }

  write(value: unknown, newline: string, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.text += quote(value)
        return
      case 'number':
        assert(Number.isFinite(value), `JSON has no number ${value}`)
        this.text += value
        return
      case 'bigint':
      case 'boolean':
        this.text += value
        return
      case 'object':
        break
      default:
        assert(false, `JSON has no ${typeof value}`)
    }
    assert(depth < MAX_JSON_DEPTH, `JSON nested deeper than ${MAX_JSON_DEPTH}`)
    if (value === null) this.text += 'null'
    else if (value instanceof RawJson) this.text += value.text
    else if (Array.isArray(value)) this.list(value, newline, depth)
    else this.object(value as Record<string, unknown>, newline, depth)
  }

  private list(list: readonly unknown[], newline: string, depth: number): void {
    const inner = newline && newline + this.indent
    this.text += '['
    for (let i = 0; i < list.length; i++) {
      this.text += i === 0 ? inner : `,${inner}`
      this.write(list[i], inner, depth + 1)
    }
    this.text += list.length === 0 ? ']' : `${newline}]`
  }

  private object(object: Record<string, unknown>, newline: string, depth: number): void {
    const inner = newline && newline + this.indent
    let separator = inner
    this.text += '{'
    for (const key of Object.keys(object)) {
      const item = object[key]
      if (item === undefined) continue
      this.text += separator + this.key(key)
      this.write(item, inner, depth + 1)
      separator = `,${inner}`
    }
    this.text += separator === inner ? '}' : `${newline}}`
  }

  private key(key: string): string {
    let quoted = this.quotedKeys.get(key)
    if (quoted === undefined) {
      quoted = quote(key) + (this.indent ? ': ' : ':')
      this.quotedKeys.set(key, quoted)
    }
    return quoted
  }
}
