/**
 * Projections through `truncate` of strings and binary. With T for the transform and w for its width: T keeps the order,
 * T(x) <= x, T(x) = x up to w code points (bytes), and what is shorter than w is the image of itself alone.
 */
import { FALSE } from './bound-logic.ts'
import type { BoundLeaf, BoundPredicate } from './expressions.ts'
import { oneOf } from './project-set.ts'
import type { ProjectedField } from './project.ts'
import type { Value } from './types.ts'

export function textInclusive(leaf: BoundLeaf, { term, apply }: ProjectedField, width: number): BoundPredicate {
  switch (leaf.op) {
    case 'lt':
      return { op: size(leaf.value) <= width ? 'lt' : 'lte', term, value: apply(leaf.value) }
    case 'lte':
      return { op: 'lte', term, value: apply(leaf.value) }
    case 'gt':
    case 'gte':
      return { op: 'gte', term, value: apply(leaf.value) }
    case 'eq':
      return { op: 'eq', term, value: apply(leaf.value) }
    case 'isIn':
      return oneOf('isIn', term, leaf.values.map(apply))
    case 'notEq':
      return oneOf('notIn', term, shorter([leaf.value], width))
    case 'notIn':
      return oneOf('notIn', term, shorter(leaf.values, width))
    case 'startsWith':
      return size(leaf.value) <= width ? { ...leaf, term } : { op: 'eq', term, value: apply(leaf.value) }
    case 'notStartsWith':
      return size(leaf.value) <= width ? { ...leaf, term } : { op: 'notNull', term }
    default:
      return { op: 'notNull', term }
  }
}

export function textStrict(leaf: BoundLeaf, { term, apply }: ProjectedField, width: number): BoundPredicate {
  switch (leaf.op) {
    case 'lt':
      return { op: 'lt', term, value: apply(leaf.value) }
    case 'lte':
      return { op: size(leaf.value) < width ? 'lte' : 'lt', term, value: apply(leaf.value) }
    case 'gt':
      return { op: 'gt', term, value: apply(leaf.value) }
    case 'gte':
      return { op: size(leaf.value) <= width ? 'gte' : 'gt', term, value: apply(leaf.value) }
    case 'eq':
      return oneOf('isIn', term, shorter([leaf.value], width))
    case 'isIn':
      return oneOf('isIn', term, shorter(leaf.values, width))
    case 'notEq':
      return { op: 'notEq', term, value: apply(leaf.value) }
    case 'notIn':
      return oneOf('notIn', term, leaf.values.map(apply))
    case 'startsWith':
      return size(leaf.value) <= width ? { ...leaf, term } : FALSE
    case 'notStartsWith':
      return size(leaf.value) <= width ? { ...leaf, term } : { op: 'notEq', term, value: apply(leaf.value) }
    default:
      return FALSE
  }
}

const shorter = (values: readonly Value[], width: number): readonly Value[] =>
  values.filter((value) => size(value) < width)

/** In code points or bytes, as widths are. */
function size(value: Value): number {
  if (typeof value !== 'string') return (value as Uint8Array).length
  let points = 0
  for (const _ of value) points++
  return points
}
