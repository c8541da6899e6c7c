/** Names of intents: 80 random bits, so that no two are ever the same, in digits and lower-case letters. */
import type { Runtime } from '../runtime.ts'

const ALPHABET = '0123456789abcdefghijklmnopqrstuv'
const ID_BYTES = 10

/** 80 bits, 5 per character (RFC 4648 section 7, lower case). */
export const ID_LENGTH = 16

/** A new id. An id has one publisher, ever. */
export function newIntentId(runtime: Runtime): string {
  let bits = 0n
  for (const byte of runtime.randomBytes(ID_BYTES)) bits = (bits << 8n) | BigInt(byte)
  let id = ''
  for (let i = 0; i < ID_LENGTH; i++) {
    id = ALPHABET[Number(bits & 31n)]! + id
    bits >>= 5n
  }
  return id
}

export function isId(text: string): boolean {
  return text.length === ID_LENGTH && /^[0-9a-v]+$/.test(text)
}
