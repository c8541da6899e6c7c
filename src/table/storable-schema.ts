/** Which schemas a table can be given: those of its format whose rows can be written, and read again. */
import { checkWritableSchema } from '../codec/column-builder.ts'
import { unsupported } from '../errors.ts'
import { childFields } from '../spec/schema.ts'
import type { Schema, Type } from '../spec/types.ts'

/**
 * Arrow's reader of schemas in Rust refuses messages of more than 64 tables in each other (the flatbuffers verifier); the
 * message, the schema and the type of the innermost field are three of them.
 */
const MAX_ARROW_LEVELS = 61

/** @throws `unsupported` naming the column and what of it cannot be stored. */
export function checkStorable(schema: Schema, formatVersion: number): void {
  for (const { name, type } of schema.fields) {
    if (formatVersion < 3) refuseNewerTypes(type, name)
    const levels = arrowLevels(type)
    if (levels > MAX_ARROW_LEVELS) {
      unsupported(
        `column '${name}' is nested ${levels} levels deep; ${MAX_ARROW_LEVELS} can be written, where a map counts as two`,
      )
    }
  }
  checkWritableSchema(schema)
}

/** Nanosecond timestamps are written like any other value, but a table of format v2 may not have such columns. */
function refuseNewerTypes(type: Type, column: string): void {
  if (type.type === 'timestamp_ns' || type.type === 'timestamptz_ns') {
    unsupported(`column '${column}' is of type ${type.type}, which needs Iceberg format v3`)
  }
  for (const child of childFields(type)) refuseNewerTypes(child.type, `${column}.${child.name}`)
}

/** Fields in each other, the column counted: the entries of a map are a struct of their own. */
function arrowLevels(type: Type): number {
  const inside = childFields(type).map((child) => arrowLevels(child.type))
  return Math.max(0, ...inside) + (type.type === 'map' ? 2 : 1)
}
