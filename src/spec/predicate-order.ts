/** The order by which predicates compare, in rows, partitions and metrics alike. */
import type { Type, Value } from './types.ts'
import { compareValues } from './values.ts'
import type { Comparator } from './values.ts'

/**
 * The order of values in comparisons: that of {@link compareValues}, but that -0 equals 0 as in SQL. NaN is above every
 * other float, and equal to itself.
 *
 * @throws `unsupported` for nested types and those of later formats.
 */
export function predicateOrder(type: Type): Comparator {
  return isFloating(type) ? (a, b) => compareFloats(a as number, b as number) : compareValues(type)
}

export function isFloating(type: Type): boolean {
  return type.type === 'float' || type.type === 'double'
}

function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  return a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

/** The distinct values of a list, in order. */
export function sortDistinct(values: readonly Value[], type: Type): readonly Value[] {
  if (values.length < 2) return values
  const order = predicateOrder(type)
  const sorted = [...values].sort(order)
  return sorted.filter((value, i) => i === 0 || order(sorted[i - 1]!, value) !== 0)
}

/**
 * Whether all engines order the values of a type alike. Where they do not, bounds must not be written: whichever order
 * they are in, another engine skips files that hold what it is looking for. Such are UUIDs: the spec compares their
 * bytes, but the reference implementation compared them as two signed longs for years (apache/iceberg#14216).
 */
export function isOrderShared(type: Type): boolean {
  return type.type !== 'uuid'
}

/** Characters 0 to 17 of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` are the first eight bytes. */
const FIRST_LONG_CHARS = 18

/**
 * Bounds in the order of the spec that hold all that lies between bounds of UUIDs in either order; undefined if there
 * are none. The orders agree on first halves of one sign; of second halves, and signs, nothing can be said.
 */
export function widenUuidBounds(lower: string, upper: string): readonly [lower: string, upper: string] | undefined {
  const isNegative = (uuid: string) => uuid[0]! >= '8'
  if (isNegative(lower) !== isNegative(upper)) return undefined
  return [
    `${lower.slice(0, FIRST_LONG_CHARS)}-0000-000000000000`,
    `${upper.slice(0, FIRST_LONG_CHARS)}-ffff-ffffffffffff`,
  ]
}
