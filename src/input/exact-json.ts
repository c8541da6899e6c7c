/**
 * JSON whose numbers keep all their digits. `JSON.parse` rounds what a double cannot hold: ids of 64 bits, decimals of
 * more than 15 digits. Such numbers come out as an {@link ExactNumber}; everything else exactly as from `JSON.parse`,
 * at its speed. So of a key that an object has twice the last value counts, as for most readers of JSON (RFC 8259 section 4
 * leaves it open).
 */

/** A number as it was written. */
export class ExactNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** No number in the text has as many digits, or an exponent beyond those of a double: `JSON.parse` is exact. */
const MAY_BE_INEXACT = /\d[\d.]{15}|[\d.][eE][+-]?\d{3}/

/** Marks the strings that stand for numbers while `JSON.parse` works; a lone surrogate is in no valid UTF-8 input. */
const MARK = '\udc00'

/** @throws SyntaxError as `JSON.parse` does. */
export function parseExactJson(text: string): unknown {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text)
  const marked = markInexact(text)
  if (marked === text) return JSON.parse(text)
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value,
  )
}

const NUMBER = /-?\d[\d.eE+-]*/y
const WELL_FORMED = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** The text with its inexact numbers put into marked strings. Malformed ones stay, for `JSON.parse` to complain about. */
function markInexact(text: string): string {
  let marked = ''
  let copied = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x22) i = endOfString(text, i)
    else if ((code >= 0x30 && code <= 0x39) || code === 0x2d) {
      NUMBER.lastIndex = i
      const token = NUMBER.exec(text)?.[0]
      if (token === undefined) continue
      if (!isExact(token) && WELL_FORMED.test(token)) {
        marked += `${text.slice(copied, i)}"${MARK}${token}"`
        copied = i + token.length
      }
      i += token.length - 1
    }
  }
  return marked === '' ? text : marked + text.slice(copied)
}

/** Where the string that begins at `start` ends: its closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

/** Whether a double gives this number back, digit by digit. */
function isExact(token: string): boolean {
  const value = Number(token)
  if (!Number.isFinite(value) || (value === 0 && /^-?[\d.]*[1-9]/.test(token))) return false
  if (token.length <= 15) return true
  return String(value) === token && (!/^-?\d+$/.test(token) || Number.isSafeInteger(value))
}

/** The JSON text of what {@link parseExactJson} gives, all digits kept. */
export function exactJsonText(value: unknown): string {
  if (value instanceof ExactNumber) return value.text
  if (Array.isArray(value)) return `[${value.map(exactJsonText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${exactJsonText(item)}`)
    .join(',')}}`
}
