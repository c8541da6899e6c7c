/** Bound predicates as functions of a row. */
import type { BoundPredicate, BoundTerm, CompareOp } from './expressions.ts'
import { predicateOrder } from './predicate-order.ts'
import type { Type, Value } from './types.ts'
import { compareBytes } from './values.ts'

type Test = (value: Value) => boolean

/**
 * Compiles a predicate. The result is true only where the predicate is; unknown, for a null, counts as false. That is
 * exact because a bound predicate has no `not`.
 *
 * @param read gives, once for each leaf, the function that reads a term's canonical value (null if it is absent, or a
 *   struct around it is) of a row. A row is whatever the caller's rows are: an index, a tuple. For `isNull` and
 *   `notNull` of a struct, list or map any value stands for one that is there.
 */
export function compilePredicate<Row = number>(
  predicate: BoundPredicate,
  read: (term: BoundTerm) => (row: Row) => Value | null,
): (row: Row) => boolean {
  switch (predicate.op) {
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'and':
      return balance(compileAll(predicate.predicates, read), (a, b) => (row) => a(row) && b(row))
    case 'or':
      return balance(compileAll(predicate.predicates, read), (a, b) => (row) => a(row) || b(row))
    case 'isNull':
    case 'notNull': {
      const get = read(predicate.term)
      return predicate.op === 'isNull' ? (row) => get(row) === null : (row) => get(row) !== null
    }
    case 'isNan': {
      const get = read(predicate.term)
      return (row) => Number.isNaN(get(row))
    }
    case 'notNan': {
      const get = read(predicate.term)
      return (row) => !Number.isNaN(get(row))
    }
    case 'isIn':
    case 'notIn':
      return ofValue(read(predicate.term), isMember(predicate.values, predicate.op === 'isIn'))
    case 'startsWith':
    case 'notStartsWith':
      return ofValue(read(predicate.term), hasPrefix(predicate.value as string, predicate.op === 'startsWith'))
    default:
      return ofValue(read(predicate.term), comparison(predicate.op, predicate.term.type, predicate.value))
  }
}

const compileAll = <Row>(
  parts: readonly BoundPredicate[],
  read: (term: BoundTerm) => (row: Row) => Value | null,
): readonly ((row: Row) => boolean)[] => parts.map((part) => compilePredicate(part, read))

/** Joins in halves: calls nest as deep as the logarithm of the number of parts. */
function balance<T>(parts: readonly T[], join: (a: T, b: T) => T): T {
  if (parts.length === 1) return parts[0]!
  const half = parts.length >> 1
  return join(balance(parts.slice(0, half), join), balance(parts.slice(half), join))
}

function ofValue<Row>(get: (row: Row) => Value | null, test: Test): (row: Row) => boolean {
  return (row) => {
    const value = get(row)
    return value !== null && test(value)
  }
}

/** A literal is never NaN, so that what JavaScript says about NaN needs a second look only for `gt` and `gte`. */
function comparison(op: CompareOp, type: Type, literal: Value): Test {
  if (typeof literal === 'object' || type.type === 'string') return ordered(op, type, literal)
  switch (op) {
    case 'eq':
      return (value) => value === literal
    case 'notEq':
      return (value) => value !== literal
    case 'lt':
      return (value) => value < literal
    case 'lte':
      return (value) => value <= literal
    case 'gt':
      return (value) => !(value <= literal)
    case 'gte':
      return (value) => !(value < literal)
  }
}

/** Texts and bytes, whose order is not JavaScript's. */
function ordered(op: CompareOp, type: Type, literal: Value): Test {
  const order = predicateOrder(type)
  switch (op) {
    case 'eq':
      return typeof literal === 'string' ? (value) => value === literal : (value) => order(value, literal) === 0
    case 'notEq':
      return typeof literal === 'string' ? (value) => value !== literal : (value) => order(value, literal) !== 0
    case 'lt':
      return (value) => order(value, literal) < 0
    case 'lte':
      return (value) => order(value, literal) <= 0
    case 'gt':
      return (value) => order(value, literal) > 0
    case 'gte':
      return (value) => order(value, literal) >= 0
  }
}

/** A JavaScript set takes -0 for 0, as comparisons here do. */
function isMember(values: readonly Value[], wanted: boolean): Test {
  if (values[0] instanceof Uint8Array) {
    const sorted = values as readonly Uint8Array[]
    return (value) => hasBytes(sorted, value as Uint8Array) === wanted
  }
  const set = new Set(values)
  return (value) => set.has(value) === wanted
}

/** Binary search. */
function hasBytes(sorted: readonly Uint8Array[], bytes: Uint8Array): boolean {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >> 1
    const order = compareBytes(sorted[middle]!, bytes)
    if (order === 0) return true
    if (order < 0) from = middle + 1
    else to = middle
  }
  return false
}

function hasPrefix(prefix: string, wanted: boolean): Test {
  return (value) => (value as string).startsWith(prefix) === wanted
}
