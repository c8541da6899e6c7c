/**
 * Predicates over columns: the tree that `eq`, `and`, ... build, before and after its names and literals are bound to
 * a schema.
 *
 * Three-valued logic, as in SQL: a comparison with null is neither true nor false but unknown, for `notEq`, `notIn` and
 * `notStartsWith` too, and only true keeps a row. Floats are ordered as Spark, DuckDB and PostgreSQL order them: NaN
 * equals NaN and is above everything else, -0 equals 0. Strings are ordered by code point.
 */
import { invalid } from '../errors.ts'
import { describeValue } from './describe.ts'
import type { Type, Value } from './types.ts'

export type CompareOp = 'eq' | 'notEq' | 'lt' | 'lte' | 'gt' | 'gte'
export type UnaryOp = 'isNull' | 'notNull' | 'isNan' | 'notNan'
export type SetOp = 'isIn' | 'notIn'
export type PrefixOp = 'startsWith' | 'notStartsWith'

/**
 * A literal as a user writes it: any value that the column accepts in a row, and some more that can be compared with
 * its values (see {@link bindPredicate}). `{ unscaled, scale }` is the exact decimal `unscaled / 10^scale`; without
 * `scale` it has that of the column.
 */
export type Literal =
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | { readonly unscaled: bigint; readonly scale?: number }

/** A predicate as a user builds it. `column` is a name, dotted for a field of a struct. */
export type Predicate =
  | { readonly op: CompareOp | PrefixOp; readonly column: string; readonly value: Literal }
  | { readonly op: SetOp; readonly column: string; readonly values: readonly Literal[] }
  | { readonly op: UnaryOp; readonly column: string }
  | { readonly op: 'and' | 'or'; readonly predicates: readonly Predicate[] }
  | { readonly op: 'not'; readonly predicate: Predicate }
  | { readonly op: 'true' | 'false' }

/** What a bound predicate looks at: a primitive field, by id, with its path of field ids from the top. */
export interface BoundTerm {
  readonly fieldId: number
  readonly path: readonly number[]
  readonly name: string
  readonly type: Type
  /** True if the field and all structs around it are required. */
  readonly required: boolean
}

/** A test of one column. Literals are never NaN or -0, and those of a set are distinct and in order. */
export type BoundLeaf =
  | { readonly op: CompareOp | PrefixOp; readonly term: BoundTerm; readonly value: Value }
  | { readonly op: SetOp; readonly term: BoundTerm; readonly values: readonly Value[] }
  | { readonly op: UnaryOp; readonly term: BoundTerm }

/** A predicate whose names are field ids and whose literals are canonical values; `not` has been pushed down. */
export type BoundPredicate =
  | BoundLeaf
  | { readonly op: 'and' | 'or'; readonly predicates: readonly BoundPredicate[] }
  | { readonly op: 'true' | 'false' }

/**
 * Rows whose column equals the value.
 *
 * @example
 * ```ts
 * import { and, eq, gte, isIn, not, startsWith } from 'datashard'
 *
 * const logins = and(eq('kind', 'login'), gte('at', '2026-01-01'), not(startsWith('address.city', 'Sankt ')))
 * const some = and(logins, isIn('id', [1n, 2n, 3n]))
 * ```
 */
export function eq(column: string, value: Literal): Predicate {
  return compare('eq', column, value)
}

/** Rows whose column is not null and differs from the value. */
export function notEq(column: string, value: Literal): Predicate {
  return compare('notEq', column, value)
}

/** Rows whose column is less than the value. */
export function lt(column: string, value: Literal): Predicate {
  return compare('lt', column, value)
}

/** Rows whose column is less than or equal to the value. */
export function lte(column: string, value: Literal): Predicate {
  return compare('lte', column, value)
}

/** Rows whose column is greater than the value; NaN is greater than every number. */
export function gt(column: string, value: Literal): Predicate {
  return compare('gt', column, value)
}

/** Rows whose column is greater than or equal to the value; NaN is greater than every number. */
export function gte(column: string, value: Literal): Predicate {
  return compare('gte', column, value)
}

/** Rows whose column is one of the values: none, if there are no values. */
export function isIn(column: string, values: Iterable<Literal>): Predicate {
  return { op: 'isIn', column: checkColumn('isIn', column), values: checkValues('isIn', column, values) }
}

/** Rows whose column is not null and none of the values: every row, if there are no values. */
export function notIn(column: string, values: Iterable<Literal>): Predicate {
  return { op: 'notIn', column: checkColumn('notIn', column), values: checkValues('notIn', column, values) }
}

/** Rows whose column is null. */
export function isNull(column: string): Predicate {
  return { op: 'isNull', column: checkColumn('isNull', column) }
}

/** Rows whose column is not null. */
export function notNull(column: string): Predicate {
  return { op: 'notNull', column: checkColumn('notNull', column) }
}

/** Rows whose float or double column is NaN. */
export function isNan(column: string): Predicate {
  return { op: 'isNan', column: checkColumn('isNan', column) }
}

/** Rows whose float or double column is anything but NaN; null is no NaN, as in Iceberg and Spark. */
export function notNan(column: string): Predicate {
  return { op: 'notNan', column: checkColumn('notNan', column) }
}

/** Rows whose string column begins with the prefix. */
export function startsWith(column: string, prefix: string): Predicate {
  return compare('startsWith', column, prefix)
}

/** Rows whose string column is not null and does not begin with the prefix. */
export function notStartsWith(column: string, prefix: string): Predicate {
  return compare('notStartsWith', column, prefix)
}

/** Rows for which all of the predicates are true: every row, if there are none. */
export function and(...predicates: readonly Predicate[]): Predicate {
  return combine('and', predicates)
}

/** Rows for which at least one of the predicates is true: none, if there are none. */
export function or(...predicates: readonly Predicate[]): Predicate {
  return combine('or', predicates)
}

/** Rows for which the predicate is false. Where it is unknown, because of a null, so is its opposite. */
export function not(predicate: Predicate): Predicate {
  return { op: 'not', predicate }
}

/** Every row. */
export function alwaysTrue(): Predicate {
  return { op: 'true' }
}

/** No row. */
export function alwaysFalse(): Predicate {
  return { op: 'false' }
}

function compare(op: CompareOp | PrefixOp, column: string, value: Literal): Predicate {
  return { op, column: checkColumn(op, column), value: checkLiteral(op, column, value) }
}

/** Predicates that are built one by one, by `reduce` say, stay flat and do not exhaust the stack. */
function combine(op: 'and' | 'or', predicates: readonly Predicate[]): Predicate {
  const flat: Predicate[] = []
  // A loop, because each of them copies all before it: `flatMap` takes 25 times as long.
  for (const one of predicates) {
    if (one?.op !== op) flat.push(one)
    else for (const inner of one.predicates) flat.push(inner)
  }
  return { op, predicates: flat }
}

function checkColumn(op: string, column: unknown): string {
  if (typeof column === 'string' && column !== '') return column
  return invalid(`${op} takes the name of a column first; found ${describeValue(column)}`)
}

function checkLiteral(op: string, column: string, value: Literal): Literal {
  if (value !== null && value !== undefined) return value
  return invalid(`${op}('${column}', ${String(value)}) is true for no row; use isNull or notNull to find nulls`)
}

function checkValues(op: string, column: string, values: Iterable<Literal>): readonly Literal[] {
  if (typeof values !== 'object' || values === null || !(Symbol.iterator in values))
    invalid(`${op}('${column}', ...) takes an array of values; found ${describeValue(values)}`)
  const list = [...values]
  const absent = list.findIndex((value) => value === null || value === undefined)
  if (absent >= 0)
    invalid(`${op}('${column}', ...): value ${absent} is ${String(list[absent])}; use isNull or notNull to find nulls`)
  return list
}
