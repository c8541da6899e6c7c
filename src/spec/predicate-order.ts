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

const UUID_HALVES = [0, 18] as const

/**
 * The orders in which the bounds of a column may have been found. There is one, except for UUIDs: the spec compares
 * their bytes, but the reference implementation compared them as two signed longs for years (apache/iceberg#14216), so
 * that a conclusion from bounds must hold for both.
 */
export function boundOrders(type: Type): readonly Comparator[] {
  return type.type === 'uuid' ? [compareValues(type), compareUuidsAsSignedLongs] : [predicateOrder(type)]
}

/**
 * Whether all engines order the values of a type alike. Where they do not, bounds must not be written: whichever order
 * they are in, another engine skips files that hold what it is looking for.
 */
export function isOrderShared(type: Type): boolean {
  return boundOrders(type).length === 1
}

function compareUuidsAsSignedLongs(a: Value, b: Value): number {
  for (const at of UUID_HALVES) {
    const x = signedHalf(a as string, at)
    const y = signedHalf(b as string, at)
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

/** Characters 0 to 17 and 18 to 35 of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` hold eight bytes each. */
function signedHalf(uuid: string, at: number): bigint {
  return BigInt.asIntN(64, BigInt(`0x${uuid.slice(at, at + 18).replaceAll('-', '')}`))
}
