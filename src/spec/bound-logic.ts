/** `and` and `or` of bound predicates, without what does not matter. */
import type { BoundLeaf, BoundPredicate } from './expressions.ts'

export const TRUE: BoundPredicate = { op: 'true' }
export const FALSE: BoundPredicate = { op: 'false' }

/** True where all parts are. */
export function allOf(parts: readonly BoundPredicate[]): BoundPredicate {
  return combine('and', parts, 'true', 'false')
}

/** True where a part is. */
export function anyOf(parts: readonly BoundPredicate[]): BoundPredicate {
  return combine('or', parts, 'false', 'true')
}

/** `neutral` parts say nothing, one that is `final` says all. */
function combine(
  op: 'and' | 'or',
  parts: readonly BoundPredicate[],
  neutral: 'true' | 'false',
  final: 'true' | 'false',
): BoundPredicate {
  const kept: BoundPredicate[] = []
  for (const part of parts) {
    if (part.op === final) return part
    if (part.op === op) kept.push(...part.predicates)
    else if (part.op !== neutral) kept.push(part)
  }
  if (kept.length === 0) return neutral === 'true' ? TRUE : FALSE
  return kept.length === 1 ? kept[0]! : { op, predicates: kept }
}

/** The predicate with every leaf replaced, and simplified. There is no `not` in it, so a weaker leaf makes it weaker. */
export function mapLeaves(predicate: BoundPredicate, map: (leaf: BoundLeaf) => BoundPredicate): BoundPredicate {
  switch (predicate.op) {
    case 'true':
    case 'false':
      return predicate
    case 'and':
      return allOf(predicate.predicates.map((part) => mapLeaves(part, map)))
    case 'or':
      return anyOf(predicate.predicates.map((part) => mapLeaves(part, map)))
    default:
      return map(predicate)
  }
}

/** All leaves, from left to right. */
export function leavesOf(predicate: BoundPredicate): readonly BoundLeaf[] {
  switch (predicate.op) {
    case 'true':
    case 'false':
      return []
    case 'and':
    case 'or':
      return predicate.predicates.flatMap(leavesOf)
    default:
      return [predicate]
  }
}
