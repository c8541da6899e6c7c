/** The row types of a table: what may be appended and what a scan gives, inferred from a typed schema where there is one. */
import type { AnyRow } from '../spec/builder.ts'

/** `[In, Out]` of a typed schema; the union itself: not known at compile time. */
export type RowTypes = readonly [unknown, unknown] | undefined

/** What may be appended to a table of these row types. */
export type RowIn<T extends RowTypes> = [T] extends [readonly [infer In, unknown]] ? In : AnyRow

/** What a scan of such a table gives. With `select`, `json` or `timestamps` the values differ as documented there. */
export type RowOut<T extends RowTypes> = [T] extends [readonly [unknown, infer Out]] ? Out : Record<string, unknown>
