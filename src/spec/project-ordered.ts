/**
 * Projections through transforms that keep the order of discrete values: truncated integers and decimals, and the years,
 * months, days and hours of moments. With T for the transform: x <= y implies T(x) <= T(y), so T(x) < T(y) implies x < y.
 */
import { FALSE } from './bound-logic.ts'
import { maxUnscaled } from './decimal.ts'
import type { BoundLeaf, BoundPredicate, BoundTerm } from './expressions.ts'
import { oneOf } from './project-set.ts'
import type { ProjectedField } from './project.ts'
import type { Type, Value } from './types.ts'

/**
 * Old versions of the reference implementation rounded moments before 1970 towards 1970, so that a stored value below 1
 * may be one more than it should be. With `mayBeOneMore` such values are reckoned with.
 */
export function orderedInclusive(leaf: BoundLeaf, field: ProjectedField, mayBeOneMore: boolean): BoundPredicate {
  const { term, apply } = field
  switch (leaf.op) {
    case 'lt': {
      const previous = step(field.sourceType, leaf.value, -1)
      return previous === undefined ? FALSE : atMost(term, apply(previous), mayBeOneMore)
    }
    case 'lte':
      return atMost(term, apply(leaf.value), mayBeOneMore)
    case 'gt': {
      const next = step(field.sourceType, leaf.value, 1)
      return next === undefined ? FALSE : { op: 'gte', term, value: apply(next) }
    }
    case 'gte':
      return { op: 'gte', term, value: apply(leaf.value) }
    case 'eq':
      return oneOf('isIn', term, images([leaf.value], field, mayBeOneMore))
    case 'isIn':
      return oneOf('isIn', term, images(leaf.values, field, mayBeOneMore))
    default:
      return { op: 'notNull', term }
  }
}

export function orderedStrict(leaf: BoundLeaf, field: ProjectedField, mayBeOneMore: boolean): BoundPredicate {
  const { term, apply } = field
  switch (leaf.op) {
    case 'lt':
      return { op: 'lt', term, value: apply(leaf.value) }
    case 'lte': {
      const next = step(field.sourceType, leaf.value, 1)
      return next === undefined ? { op: 'notNull', term } : { op: 'lt', term, value: apply(next) }
    }
    case 'gt':
      return moreThan(term, apply(leaf.value), mayBeOneMore)
    case 'gte': {
      const previous = step(field.sourceType, leaf.value, -1)
      return previous === undefined ? { op: 'notNull', term } : moreThan(term, apply(previous), mayBeOneMore)
    }
    case 'notEq':
      return oneOf('notIn', term, images([leaf.value], field, mayBeOneMore))
    case 'notIn':
      return oneOf('notIn', term, images(leaf.values, field, mayBeOneMore))
    default:
      return FALSE
  }
}

function atMost(term: BoundTerm, value: Value, mayBeOneMore: boolean): BoundPredicate {
  return { op: 'lte', term, value: mayBeOneMore && (value as number) < 0 ? (value as number) + 1 : value }
}

function moreThan(term: BoundTerm, value: Value, mayBeOneMore: boolean): BoundPredicate {
  return { op: 'gt', term, value: mayBeOneMore && (value as number) < 0 ? (value as number) + 1 : value }
}

/** What may be stored for the values. */
function images(values: readonly Value[], { apply }: ProjectedField, mayBeOneMore: boolean): readonly Value[] {
  return values.flatMap((value) => {
    const image = apply(value)
    return mayBeOneMore && (image as number) < 0 ? [image, (image as number) + 1] : [image]
  })
}

/** The next value of a discrete type, or the one before; undefined beyond its last. */
function step(type: Type, value: Value, by: 1 | -1): Value | undefined {
  if (typeof value === 'number') {
    const next = value + by
    return next < -0x8000_0000 || next > 0x7fff_ffff ? undefined : next
  }
  const next = (value as bigint) + BigInt(by)
  if (type.type === 'decimal') {
    const max = maxUnscaled(type.precision)
    return next > max || next < -max ? undefined : next
  }
  return BigInt.asIntN(64, next) === next ? next : undefined
}
