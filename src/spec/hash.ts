/** The 32-bit hash behind `bucket` (spec: appendix B): Murmur3, x86 variant, seed 0. */
import { unsupported } from '../errors.ts'
import { decimalToBytes } from './decimal.ts'
import { typeName } from './type-json.ts'
import type { Type, Value } from './types.ts'
import { uuidToBytes } from './uuid-bytes.ts'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593
const utf8 = new TextEncoder()
const scratch = new DataView(new ArrayBuffer(8))

function mixWord(word: number): number {
  const scaled = Math.imul(word, C1)
  return Math.imul((scaled << 15) | (scaled >>> 17), C2)
}

function mixHash(hash: number, word: number): number {
  const mixed = hash ^ mixWord(word)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number, length: number): number {
  let h = hash ^ length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

/** Signed 32-bit Murmur3 of some bytes. */
export function murmur3_32(bytes: Uint8Array): number {
  const { length } = bytes
  const whole = length & ~3
  let hash = 0
  for (let i = 0; i < whole; i += 4)
    hash = mixHash(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  let tail = 0
  for (let i = length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!
  if (length > whole) hash ^= mixWord(tail)
  return finish(hash, length)
}

/** Hash of a text's UTF-8 bytes; ASCII is hashed in place, which is most of what ids are made of. */
function hashString(text: string): number {
  const { length } = text
  const whole = length & ~3
  let hash = 0
  let seen = 0
  for (let i = 0; i < whole; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    seen |= a | b | c | d
    hash = mixHash(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  let tail = 0
  for (let i = length - 1; i >= whole; i--) {
    const code = text.charCodeAt(i)
    seen |= code
    tail = (tail << 8) | code
  }
  if (seen > 0x7f) return murmur3_32(utf8.encode(text))
  if (length > whole) hash ^= mixWord(tail)
  return finish(hash, length)
}

/** Hash of a 64-bit integer's eight little-endian bytes, given as its two halves. */
function hashWords(low: number, high: number): number {
  return finish(mixHash(mixHash(0, low), high), 8)
}

/** Hash of an integer as a long: an int and a long of the same value hash alike (note 1). */
export function hashInteger(value: number): number {
  return hashWords(value | 0, Math.floor(value / 0x1_0000_0000) | 0)
}

export function hashLong(value: bigint): number {
  scratch.setBigInt64(0, value, true)
  return hashWords(scratch.getInt32(0, true), scratch.getInt32(4, true))
}

/** -0 hashes as 0, and every NaN as the canonical one (note 5). */
function hashDouble(value: number): number {
  scratch.setFloat64(0, Number.isNaN(value) ? NaN : value + 0, true)
  return hashWords(scratch.getInt32(0, true), scratch.getInt32(4, true))
}

/** Hash of a canonical value of a primitive type. @throws `unsupported` for a type of a later format. */
export function hashValue(type: Type, value: Value): number {
  switch (type.type) {
    case 'boolean':
      return hashInteger(value === true ? 1 : 0)
    case 'int':
    case 'date':
      return hashInteger(value as number)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return hashLong(value as bigint)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return hashLong(microsFromNanos(value as bigint))
    case 'float':
    case 'double':
      return hashDouble(value as number)
    case 'decimal':
      return murmur3_32(decimalToBytes(value as bigint))
    case 'string':
      return hashString(value as string)
    case 'uuid':
      return murmur3_32(uuidToBytes(value as string))
    case 'fixed':
    case 'binary':
      return murmur3_32(value as Uint8Array)
    default:
      return unsupported(`a value of type ${typeName(type)} cannot be hashed`)
  }
}

/** Nanoseconds are hashed as microseconds, rounded towards the past (note 3). */
function microsFromNanos(nanos: bigint): bigint {
  const micros = nanos / 1000n
  return nanos < 0n && micros * 1000n !== nanos ? micros - 1n : micros
}
