/** Bodies of records: base64, gzip within limits, and JSON that keeps its digits. */
import { gunzipSync } from 'node:zlib'
import { invalid } from '../errors.ts'
import { ExactNumber, parseExactJson } from '../input/exact-json.ts'

/**
 * How JSON is parsed: `exact` for rows that go straight to their columns, which take numbers with all their digits; `plain` for
 * the user's own code, where integers beyond 2^53 are bigints and other numbers are what `JSON.parse` gives.
 */
export type JsonNumbers = 'exact' | 'plain'

export interface BodyParser {
  readonly numbers: JsonNumbers
  readonly maxUnpackedBytes: number
}

/** The value of a JSON text; the text itself if it is not JSON. */
export function parseBody(text: string, parser: BodyParser): unknown {
  try {
    return parseJson(text, parser.numbers)
  } catch {
    return text
  }
}

/** @throws SyntaxError as `JSON.parse` does. */
export function parseJson(text: string, numbers: JsonNumbers): unknown {
  const value = parseExactJson(text)
  return numbers === 'exact' ? value : plainNumbers(value)
}

function plainNumbers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof ExactNumber) return /^-?\d+$/.test(value.text) ? BigInt(value.text) : Number(value.text)
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner !== 'object' || inner === null) continue
    // Not an assignment: `__proto__` may be a key.
    Object.defineProperty(value, name, {
      value: plainNumbers(inner),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  return value
}

/** The body that base64 text holds: JSON or text, unpacked if it is gzip. */
export function parseBase64(text: unknown, parser: BodyParser): unknown {
  return parseBody(decodeText(unpack(decodeBase64(text), parser.maxUnpackedBytes)), parser)
}

/** @throws `invalid-argument`: `Buffer.from` would skip what is not base64, and go on with other bytes. */
export function decodeBase64(text: unknown): Uint8Array {
  if (typeof text !== 'string') return invalid(`the data is ${typeof text}, expected base64 text`)
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    invalid(`the data is not base64: ${JSON.stringify(text.slice(0, SHOWN_CHARS))}`)
  }
  return new Uint8Array(Buffer.from(text, 'base64'))
}

const SHOWN_CHARS = 40

/** Gzip, told by its magic number, is unpacked; a few bytes that unpack to more than the limit are refused, not unpacked. */
export function unpack(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return new Uint8Array(gunzipSync(bytes, { maxOutputLength: maxBytes }))
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      return invalid(`the data unpacks to more than ${maxBytes} bytes (maxUnpackedBytes)`, {
        maxUnpackedBytes: maxBytes,
      })
    }
    const why = error instanceof Error ? error.message : String(error)
    return invalid(`the data begins like gzip but cannot be unpacked: ${why}`)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** @throws `invalid-argument` for bytes that are not UTF-8: replacement characters would be other data. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    return invalid('the data is neither gzip nor UTF-8 text')
  }
}
