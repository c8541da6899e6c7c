/** Predicates bound to a schema: names become field ids, literals canonical values, and `not` disappears. */
import { DataShardError, invalid, unsupported } from '../errors.ts'
import { describeValue } from './describe.ts'
import { allOf, anyOf, FALSE, TRUE } from './bound-logic.ts'
import type {
  BoundPredicate,
  BoundTerm,
  CompareOp,
  Literal,
  Predicate,
  PrefixOp,
  SetOp,
  UnaryOp,
} from './expressions.ts'
import { placeLiteral } from './literal-place.ts'
import type { LiteralPlace } from './literal-place.ts'
import { isWellFormed } from './literal.ts'
import { isFloating, sortDistinct } from './predicate-order.ts'
import { findColumn, typeName } from './schema.ts'
import { isPrimitive } from './types.ts'
import type { Schema } from './types.ts'

/** Nested that deep, a predicate was made by mistake. `and` and `or` of any number of predicates count as one level. */
const MAX_DEPTH = 1000

/**
 * Binds a predicate to a schema, so that rows for which the result is true are those for which the predicate is true.
 *
 * - `not` is pushed down to the comparisons: with unknown for null, the opposite of `<` is `>=`, and so on.
 * - Literals that are no values of their column (a number beyond an int, a third digit for `decimal(9,2)`) become what
 *   they mean for its values: the nearest one, every non-null row, or none. Which literals a column takes: see
 *   {@link placeLiteral}.
 * - NaN becomes `isNan` or `notNan`.
 * - `isNull` and `notNull` apply to every column, also to structs, lists and maps; all else to single values.
 *
 * @throws `invalid-argument` if a column does not exist (naming near misses), is inside a list or map, or cannot be
 *   compared with the literal; `unsupported` for columns of types that this version does not read.
 */
export function bindPredicate(predicate: Predicate, schema: Schema): BoundPredicate {
  return bind(predicate, schema, false, 0)
}

const OPPOSITE = {
  eq: 'notEq',
  notEq: 'eq',
  lt: 'gte',
  gte: 'lt',
  lte: 'gt',
  gt: 'lte',
  isNull: 'notNull',
  notNull: 'isNull',
  isNan: 'notNan',
  notNan: 'isNan',
  isIn: 'notIn',
  notIn: 'isIn',
  startsWith: 'notStartsWith',
  notStartsWith: 'startsWith',
} as const

function bind(predicate: Predicate, schema: Schema, negated: boolean, depth: number): BoundPredicate {
  if (typeof predicate !== 'object' || predicate === null) notAPredicate(predicate)
  if (depth > MAX_DEPTH) invalid(`the predicate is nested more than ${MAX_DEPTH} levels deep`)
  switch (predicate.op) {
    case 'true':
    case 'false':
      return (predicate.op === 'true') === negated ? FALSE : TRUE
    case 'not':
      return bind(predicate.predicate, schema, !negated, depth + 1)
    case 'and':
    case 'or': {
      if (!Array.isArray(predicate.predicates)) invalid(`'${predicate.op}' has no list of predicates`)
      const parts = predicate.predicates.map((part) => bind(part, schema, negated, depth + 1))
      return (predicate.op === 'and') === negated ? anyOf(parts) : allOf(parts)
    }
    case 'isNull':
    case 'notNull':
    case 'isNan':
    case 'notNan':
      return bindUnary(negated ? OPPOSITE[predicate.op] : predicate.op, bindTerm(predicate.column, schema))
    case 'isIn':
    case 'notIn':
      return bindSet(
        negated ? OPPOSITE[predicate.op] : predicate.op,
        bindTerm(predicate.column, schema),
        predicate.values,
      )
    case 'startsWith':
    case 'notStartsWith':
      return bindPrefix(
        negated ? OPPOSITE[predicate.op] : predicate.op,
        bindTerm(predicate.column, schema),
        predicate.value,
      )
    case 'eq':
    case 'notEq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte': {
      const term = bindTerm(predicate.column, schema)
      return bindComparison(negated ? OPPOSITE[predicate.op] : predicate.op, term, place(term, predicate.value))
    }
    default:
      return notAPredicate(predicate)
  }
}

function bindTerm(column: string, schema: Schema): BoundTerm {
  if (typeof column !== 'string') invalid(`found ${describeValue(column)} where the name of a column is expected`)
  const { field, path, name, required, parentKinds } = findColumn(schema, column)
  const outer = parentKinds.find((kind) => kind !== 'struct')
  if (outer !== undefined)
    invalid(`column '${column}' is inside a ${outer}; a predicate needs a column with one value in each row`, {
      column,
    })
  if (field.type.type === 'unsupported')
    unsupported(`column '${column}' is of type ${typeName(field.type)}, which this version of DataShard does not read`)
  return { fieldId: field.id, path, name, type: field.type, required }
}

/** What every comparison of a column demands at least: a value. */
function present(term: BoundTerm): BoundPredicate {
  return term.required ? TRUE : { op: 'notNull', term }
}

function notAPredicate(found: unknown): never {
  const { op } = (found ?? {}) as { op?: unknown }
  const shown = op === undefined ? describeValue(found) : `a predicate with the op ${describeValue(op)}`
  return invalid(`found ${shown} where a predicate is expected; build one with eq('id', 'a'), lt, isIn, and, ...`)
}

function bindUnary(op: UnaryOp, term: BoundTerm): BoundPredicate {
  if (op === 'notNull') return present(term)
  if (op === 'isNull') return term.required ? FALSE : { op, term }
  if (!isFloating(term.type))
    invalid(`${op} takes a float or double; column '${term.name}' is of type ${typeName(term.type)}`)
  return { op, term }
}

function bindComparison(op: CompareOp, term: BoundTerm, place: LiteralPlace): BoundPredicate {
  if (place.kind === 'value') return { op, term, value: place.value }
  if (place.kind === 'nan') return compareNan(op, term)
  const { below, above } = place
  switch (op) {
    case 'eq':
      return FALSE
    case 'notEq':
      return present(term)
    case 'lt':
    case 'lte':
      if (below === undefined) return FALSE
      return above === undefined ? present(term) : { op: 'lte', term, value: below }
    default:
      if (above === undefined) return FALSE
      return below === undefined ? present(term) : { op: 'gte', term, value: above }
  }
}

/** NaN is the highest value, so that every comparison with it is a question of being NaN. */
function compareNan(op: CompareOp, term: BoundTerm): BoundPredicate {
  switch (op) {
    case 'eq':
    case 'gte':
      return { op: 'isNan', term }
    case 'gt':
      return FALSE
    case 'lte':
      return present(term)
    default:
      return allOf([present(term), { op: 'notNan', term }])
  }
}

function bindSet(op: SetOp, term: BoundTerm, literals: readonly Literal[]): BoundPredicate {
  if (!Array.isArray(literals)) invalid(`${op} on column '${term.name}' has no list of values`)
  const places = literals.map((literal) => place(term, literal))
  const values = places.flatMap((place) => (place.kind === 'value' ? [place.value] : []))
  const withNan = places.some((place) => place.kind === 'nan')
  const distinct = sortDistinct(values, term.type)
  const [first] = distinct
  if (op === 'isIn') {
    const parts: BoundPredicate[] = withNan ? [{ op: 'isNan', term }] : []
    if (first !== undefined)
      parts.push(distinct.length === 1 ? { op: 'eq', term, value: first } : { op, term, values: distinct })
    return anyOf(parts)
  }
  // `not in ()` is true even of null: there is nothing that null is compared with.
  if (literals.length === 0) return TRUE
  const parts: BoundPredicate[] = withNan ? [{ op: 'notNan', term }] : []
  if (first === undefined) parts.push(present(term))
  else parts.push(distinct.length === 1 ? { op: 'notEq', term, value: first } : { op, term, values: distinct })
  return allOf(parts)
}

function bindPrefix(op: PrefixOp, term: BoundTerm, prefix: Literal): BoundPredicate {
  if (term.type.type !== 'string')
    invalid(`${op} takes a string column; column '${term.name}' is of type ${typeName(term.type)}`)
  if (typeof prefix !== 'string' || !isWellFormed(prefix))
    invalid(`${op} on column '${term.name}': found ${describeValue(prefix)}, expected a well-formed string`)
  if (prefix === '') return op === 'startsWith' ? present(term) : FALSE
  return { op, term, value: prefix }
}

function place(term: BoundTerm, literal: Literal): LiteralPlace {
  if (!isPrimitive(term.type)) {
    const inside = term.type.type === 'struct' ? `, such as ${term.name}.${term.type.fields[0]?.name}` : ''
    invalid(`column '${term.name}' is a ${term.type.type}; a comparison needs a single value${inside}`)
  }
  if (literal === null || literal === undefined)
    invalid(
      `column '${term.name}' is compared with ${String(literal)}, which is true for no row; use isNull or notNull`,
    )
  try {
    return placeLiteral(term.type, literal)
  } catch (error) {
    if (!DataShardError.is(error)) throw error
    const details = { ...error.details, column: term.name }
    throw new DataShardError(error.code, `column '${term.name}': ${error.message}`, { details })
  }
}
