/** Keys: what is one, and how they sort. The rules are the strictest of all stores, so that a table can move. */
import { invalid } from '../errors.ts'

/** S3's limit, and ours everywhere. */
export const MAX_KEY_BYTES = 1_024

/** Keys of this length in UTF-16 units or less are within the limit whatever they hold: a unit is at most 3 bytes. */
const SURELY_SHORT = Math.floor(MAX_KEY_BYTES / 3)

/**
 * Refuses what is no key: nothing, more than 1,024 bytes of UTF-8, a NUL, half of a surrogate pair (it has no UTF-8), and
 * empty, `.` or `..` segments, which HTTP clients and file systems rewrite into other keys.
 */
export function checkKey(key: string): string {
  if (typeof key !== 'string' || key === '') invalid(`found ${JSON.stringify(key)} as a key, expected a name`)
  if (key.length > SURELY_SHORT) checkLength(key)
  if (key.includes('\0')) invalid(`the key ${JSON.stringify(key)} contains a NUL, which no file name can; rename it`)
  if (/\p{Surrogate}/u.test(key)) {
    invalid(
      `the key ${JSON.stringify(key)} contains half of a surrogate pair, which UTF-8 cannot hold; correct the text`,
    )
  }
  if (/(?:^|\/)(?:\.\.?)?(?:\/|$)/.test(key)) {
    invalid(`'${key}' is no key: none of its parts may be empty, '.' or '..'`)
  }
  return key
}

/** A prefix of keys: like a key, but it may be empty and may end anywhere. */
export function checkPrefix(prefix: string): string {
  if (typeof prefix !== 'string') invalid(`found ${JSON.stringify(prefix)} as a prefix, expected text`)
  checkLength(prefix)
  if (prefix.includes('\0')) invalid(`the prefix ${JSON.stringify(prefix)} contains a NUL, which no key can`)
  if (/(?:^|\/)(?:\.\.?)?\//.test(prefix)) invalid(`'${prefix}' begins no key: no part may be empty, '.' or '..'`)
  return prefix
}

function checkLength(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes <= MAX_KEY_BYTES) return
  invalid(
    `a key of ${bytes} bytes is longer than the ${MAX_KEY_BYTES} that stores take: '${key.slice(0, 60)}...'; shorten it`,
  )
}

/** The order of UTF-8 bytes, which is that of code points, and not that of JavaScript's UTF-16 units. */
export function compareKeys(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const a = one.charCodeAt(at)
    const b = other.charCodeAt(at)
    if (a !== b) return rank(a) - rank(b)
  }
  return one.length - other.length
}

/** Surrogates stand for code points above all other units, but lie below U+E000 to U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x1_0000 : unit
}
