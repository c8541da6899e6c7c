/** Sets of projected literals. */
import { FALSE } from './bound-logic.ts'
import type { BoundPredicate, BoundTerm, SetOp } from './expressions.ts'
import { sortDistinct } from './predicate-order.ts'
import type { Value } from './types.ts'

/** `isIn` or `notIn` of values in any order, which may be equal: many literals share a bucket or a day. */
export function oneOf(op: SetOp, term: BoundTerm, values: readonly Value[]): BoundPredicate {
  const distinct = sortDistinct(values, term.type)
  const [first] = distinct
  if (first === undefined) return op === 'isIn' ? FALSE : { op: 'notNull', term }
  if (distinct.length === 1) return { op: op === 'isIn' ? 'eq' : 'notEq', term, value: first }
  return { op, term, values: distinct }
}
