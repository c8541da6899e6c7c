/** What is known of the values of one column in a group of rows (a file, a manifest), and what follows for a predicate. */
import type { BoundLeaf } from './expressions.ts'
import { predicateOrder } from './predicate-order.ts'
import type { Value } from './types.ts'
import type { Comparator } from './values.ts'

/**
 * The values of a column fall into three classes: null, NaN, and ordinary ones. For each: whether the group has such a
 * value, undefined if that is not known.
 */
export interface Span {
  readonly hasNull: boolean | undefined
  readonly hasNan: boolean | undefined
  readonly hasOrdinary: boolean | undefined
  /** At or below every ordinary value, not necessarily one of them: bounds may be truncated. */
  readonly lower: Value | undefined
  /** At or above every ordinary value. */
  readonly upper: Value | undefined
}

/** true: the predicate is true of every row. false: of none. undefined: of some, or it cannot be told. */
export type Decision = boolean | undefined

/** What a span decides about a test of its column. For no rows at all: false. */
export function decide(leaf: BoundLeaf, span: Span): Decision {
  const outcomes: Decision[] = []
  // A class that may be there must be reckoned with.
  if (span.hasNull !== false) outcomes.push(ofNull(leaf))
  if (span.hasNan !== false) outcomes.push(ofNan(leaf))
  if (span.hasOrdinary !== false) outcomes.push(ofOrdinary(leaf, span))
  const first = outcomes.length === 0 ? false : outcomes[0]
  return outcomes.every((outcome) => outcome === first) ? first : undefined
}

function ofNull({ op }: BoundLeaf): boolean {
  return op === 'isNull' || op === 'notNan'
}

/** NaN is no null, above every literal, and different from all of them (expressions.ts). */
function ofNan({ op }: BoundLeaf): boolean {
  switch (op) {
    case 'isNan':
    case 'notNull':
    case 'gt':
    case 'gte':
    case 'notEq':
    case 'notIn':
      return true
    default:
      return false
  }
}

function ofOrdinary(leaf: BoundLeaf, { lower, upper }: Span): Decision {
  switch (leaf.op) {
    case 'isNull':
    case 'isNan':
      return false
    case 'notNull':
    case 'notNan':
      return true
    default:
      return ofRange(leaf, { lower, upper, order: predicateOrder(leaf.term.type) })
  }
}

interface Range {
  readonly lower: Value | undefined
  readonly upper: Value | undefined
  readonly order: Comparator
}

type Comparison = Exclude<BoundLeaf, { readonly op: 'isNull' | 'notNull' | 'isNan' | 'notNan' }>

function ofRange(leaf: Comparison, range: Range): Decision {
  switch (leaf.op) {
    case 'lt':
      return below(range, leaf.value, false)
    case 'lte':
      return below(range, leaf.value, true)
    case 'gt':
      return opposite(below(range, leaf.value, true))
    case 'gte':
      return opposite(below(range, leaf.value, false))
    case 'eq':
      return oneOf(range, [leaf.value])
    case 'notEq':
      return opposite(oneOf(range, [leaf.value]))
    case 'isIn':
      return oneOf(range, leaf.values)
    case 'notIn':
      return opposite(oneOf(range, leaf.values))
    case 'startsWith':
      return prefixed(range, leaf.value as string)
    case 'notStartsWith':
      return opposite(prefixed(range, leaf.value as string))
  }
}

const opposite = (decision: Decision): Decision => (decision === undefined ? undefined : !decision)

/** Whether the values are less than the literal, or equal to it where that will do. */
function below({ lower, upper, order }: Range, literal: Value, orEqual: boolean): Decision {
  const limit = orEqual ? 1 : 0
  if (upper !== undefined && order(upper, literal) < limit) return true
  return lower !== undefined && order(lower, literal) >= limit ? false : undefined
}

/** Of sorted literals the first that is not below the range is the only one to look at. */
function oneOf({ lower, upper, order }: Range, literals: readonly Value[]): Decision {
  const candidate = literals[lower === undefined ? 0 : firstFrom(literals, lower, order)]
  if (candidate === undefined || (upper !== undefined && order(candidate, upper) > 0)) return false
  // Bounds that meet leave no room for another value, truncated or not.
  return lower !== undefined && upper !== undefined && order(lower, upper) === 0 ? true : undefined
}

/** Index of the first sorted literal that is not below a value. */
function firstFrom(sorted: readonly Value[], value: Value, order: Comparator): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (order(sorted[middle]!, value) < 0) from = middle + 1
    else to = middle
  }
  return from
}

/** The strings of a prefix are a range of their own, which begins with the prefix itself. */
function prefixed({ lower, upper, order }: Range, prefix: string): Decision {
  const startsInside = lower !== undefined && (lower as string).startsWith(prefix)
  const endsInside = upper !== undefined && (upper as string).startsWith(prefix)
  if (startsInside && endsInside) return true
  if (upper !== undefined && order(upper, prefix) < 0) return false
  return lower !== undefined && !startsInside && order(lower, prefix) > 0 ? false : undefined
}
