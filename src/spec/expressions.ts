/**
 * Predicates over columns: the tree that `eq`, `and`, ... build, before and after its names and literals are bound to
 * a schema. Three-valued logic throughout: a comparison with null is unknown, and only true keeps a row.
 */
import type { Type, Value } from './types.ts'

export type CompareOp = 'eq' | 'notEq' | 'lt' | 'lte' | 'gt' | 'gte'
export type UnaryOp = 'isNull' | 'notNull' | 'isNan' | 'notNan'
export type SetOp = 'isIn' | 'notIn'
export type PrefixOp = 'startsWith' | 'notStartsWith'

/** A literal as a user writes it: any value that the column accepts in a row. */
export type Literal = boolean | number | bigint | string | Date | Uint8Array | { readonly unscaled: bigint }

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

/** A predicate whose names are field ids and whose literals are canonical values; `not` has been pushed down. */
export type BoundPredicate =
  | { readonly op: CompareOp | PrefixOp; readonly term: BoundTerm; readonly value: Value }
  | { readonly op: SetOp; readonly term: BoundTerm; readonly values: readonly Value[] }
  | { readonly op: UnaryOp; readonly term: BoundTerm }
  | { readonly op: 'and' | 'or'; readonly predicates: readonly BoundPredicate[] }
  | { readonly op: 'true' | 'false' }
