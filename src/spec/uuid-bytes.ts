/** UUIDs between text and their 16 big-endian bytes. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** 0 to 15, or NaN. */
function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : NaN
}

/** The bytes of `f79c3e09-677c-4bbd-a479-3f349cb785e7`, in either case; undefined if the text is no UUID. */
export function parseUuid(text: string): Uint8Array | undefined {
  if (text.length !== 36) return undefined
  const bytes = new Uint8Array(16)
  let at = 0
  for (let i = 0; i < 16; i++) {
    if ((at === 8 || at === 13 || at === 18 || at === 23) && text.charCodeAt(at++) !== 0x2d) return undefined
    const byte = nibble(text.charCodeAt(at)) * 16 + nibble(text.charCodeAt(at + 1))
    if (Number.isNaN(byte)) return undefined
    bytes[i] = byte
    at += 2
  }
  return bytes
}

/** As {@link parseUuid}, for a text that is known to be one. */
export function uuidToBytes(text: string): Uint8Array {
  return parseUuid(text)!
}

/** Lower case, with dashes. `from` is where the 16 bytes start. */
export function uuidFromBytes(bytes: Uint8Array, from = 0): string {
  let text = ''
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-'
    text += HEX[bytes[from + i]!]!
  }
  return text
}
