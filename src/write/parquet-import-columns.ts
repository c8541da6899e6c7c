/** Whether the columns of a ready Parquet file are the table's: stricter than reading, where what is there must do. */
import { leavesOf, PHYSICAL } from '../codec/parquet-footer-schema.ts'
import type { ParquetNode } from '../codec/parquet-footer-schema.ts'
import type { ParquetFooter } from '../codec/parquet-footer.ts'
import type { FieldSource } from '../codec/parquet-reader-fields.ts'
import type { Shape } from '../codec/parquet-reader-shape.ts'
import { invalid, unsupported } from '../errors.ts'
import { typeName } from '../spec/schema.ts'
import type { Type } from '../spec/types.ts'

/** Of parquet.thrift; no reader has it any more. */
const CODEC_LZO = 3

/**
 * Checks every column of a file that fits the schema as far as types go.
 *
 * @throws `invalid-argument` for values that other readers would take for something else (a moment for a time without
 *   zone, bytes for text), and for nulls in required columns, also where the footer cannot rule them out.
 */
export function checkColumns(sources: readonly FieldSource[], footer: ParquetFooter, where: string): void {
  for (const source of sources) checkSource(source, source.field.name, footer, where)
}

function checkSource(source: FieldSource, name: string, footer: ParquetFooter, where: string): void {
  if (source.kind === 'constant') return
  const { field, shape, children } = source
  if (field.required) checkPresent(shape, name, footer, where)
  if (shape.kind === 'primitive') {
    const why = ambiguity(shape.node, field.type)
    if (why !== undefined) {
      invalid(`column '${name}' of ${where} does not fit ${typeName(field.type)}: ${why}`, { column: name })
    }
    if (footer.rowGroups.some((group) => group.chunks[shape.node.leaf]!.codec === CODEC_LZO)) {
      unsupported(`column '${name}' of ${where} is compressed with LZO, which cannot be read`)
    }
  }
  for (const child of children) checkSource(child, `${name}.${child.field.name}`, footer, where)
}

/** Why the values might be something else than they seem; undefined if they are not. */
function ambiguity({ physical, annotation }: ParquetNode, type: Type): string | undefined {
  switch (type.type) {
    case 'timestamp':
    case 'timestamptz': {
      if (physical === PHYSICAL.int96 || annotation?.kind !== 'timestamp') return undefined
      if (annotation.unit === 'nanos') return 'its nanoseconds are finer than microseconds'
      if (annotation.utc === (type.type === 'timestamptz')) return undefined
      return annotation.utc ? 'its timestamps are moments (UTC)' : 'its timestamps have no zone'
    }
    case 'string':
      return annotation === undefined ? 'it holds bytes that are not marked as text' : undefined
    case 'binary':
      return annotation?.kind === 'string' ? 'it holds text' : undefined
    case 'int':
    case 'long':
      return annotation?.kind === 'int' && !annotation.signed ? 'its integers are unsigned' : undefined
    default:
      return undefined
  }
}

/**
 * A value that is required must be there by the file's schema, or by a count of nulls. A list or struct is there wherever
 * a column inside of it has a value.
 */
function checkPresent(shape: Shape, name: string, footer: ParquetFooter, where: string): void {
  if (!shape.nullable) return
  // Writers count nothing where there are no rows: Arrow and Spark leave files of one empty row group.
  const groups = footer.rowGroups.filter((group) => group.rowCount > 0)
  if (groups.length === 0) return
  const counts = leavesOf(shape.node).map(({ leaf }) =>
    groups.map((group) => group.chunks[leaf]!.statistics?.nullCount),
  )
  if (counts.some((nulls) => nulls.every((count) => count === 0n))) return
  const [own] = shape.kind === 'primitive' ? counts : []
  const nulls = own?.reduce((sum, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0n)
  invalid(
    nulls === undefined
      ? `column '${name}' of ${where} is required by the table, and the file does not say that it has no nulls; ` +
          'append its rows instead of the file'
      : `column '${name}' of ${where} has ${nulls} nulls, the table requires a value`,
    { column: name },
  )
}
