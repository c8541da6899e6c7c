/**
 * Ready Parquet files that become part of a table as they are: what must be true of them, and what a manifest says about
 * them. Everything is read off the footer; no data page is opened.
 */
import type { ColumnDetail } from '../codec/parquet-metrics.ts'
import { columnSummaries, metricsFromFooter } from '../codec/parquet-metrics.ts'
import type { FieldSource } from '../codec/parquet-reader-fields.ts'
import { hasFieldIds, sourcesOf } from '../codec/parquet-reader-fields.ts'
import type { ParquetHandle } from '../codec/parquet-reader.ts'
import { invalid } from '../errors.ts'
import type { ColumnMetrics } from '../spec/data-file.ts'
import { nearMisses } from '../spec/describe.ts'
import type { NameMapping } from '../spec/name-mapping.ts'
import { extendNameMapping, findMappedField, nameMappingOf } from '../spec/name-mapping.ts'
import type { PartitionSpec, PartitionTuple } from '../spec/partition.ts'
import type { Schema } from '../spec/types.ts'
import { checkColumns } from './parquet-import-columns.ts'
import { inferPartition } from './parquet-import-partition.ts'

export interface ImportOptions {
  /** The table's name mapping, if it has one. */
  readonly nameMapping?: NameMapping | undefined
  /** What to do about columns that the table does not have; default `error`. */
  readonly unknownColumns?: 'error' | 'ignore' | undefined
  /** How much to say of each column, by field id (none for those that are not in it); default {@link DEFAULT_DETAIL} of all. */
  readonly metricsModes?: ReadonlyMap<number, ColumnDetail> | undefined
}

/** What a manifest says of an imported file; path, format, content and spec are the caller's. */
export interface ImportedFile extends ColumnMetrics {
  /** May be 0: such a file need not be added. */
  readonly recordCount: bigint
  readonly fileSizeBytes: bigint
  readonly partition: PartitionTuple
  readonly splitOffsets: readonly bigint[]
  /**
   * The name mapping that the table must have for this file to be read: set it with the same commit. Undefined if the
   * file has field ids, or if the table's own mapping will do.
   */
  readonly nameMapping: NameMapping | undefined
}

/** Bounds of at most so many characters or bytes, as for files that we write. */
const DEFAULT_DETAIL: ColumnDetail = 16

/**
 * Looks at a Parquet file that is to be appended.
 *
 * @throws `invalid-argument` naming file and column: a required column is missing or has nulls, a type does not fit, a
 *   field id is that of another column, a column is not the table's, or the rows belong to several partitions.
 */
export function inspectParquet(
  handle: ParquetHandle,
  schema: Schema,
  spec: PartitionSpec,
  options: ImportOptions = {},
): ImportedFile {
  const { footer, where } = handle
  const byId = hasFieldIds(footer.root)
  const mapping = extendNameMapping(options.nameMapping ?? nameMappingOf(schema), schema)
  if (byId) checkFieldIds(handle, schema, options)
  else checkNames(handle, schema, mapping, options)
  const sources = sourcesOf(schema.fields, footer.root, { nameMapping: mapping, where, code: 'invalid-argument' })
  checkColumns(sources, footer, where)
  const summaries = columnSummaries(footer, sources)
  const { metricsModes } = options
  const detailOf = (id: number) => (metricsModes === undefined ? DEFAULT_DETAIL : (metricsModes.get(id) ?? 'none'))
  return {
    ...metricsFromFooter(summaries, detailOf),
    recordCount: BigInt(footer.rowCount),
    fileSizeBytes: BigInt(handle.size),
    partition: footer.rowCount === 0 ? spec.fields.map(() => null) : inferPartition(spec, schema, summaries, where),
    splitOffsets: footer.rowGroups.map((group) => BigInt(Math.min(...group.chunks.map((chunk) => chunk.start)))),
    nameMapping: byId || isCovered(sources, options.nameMapping) ? undefined : addedMapping(mapping, handle, options),
  }
}

/** A table without a mapping gets one of all its columns; else it gets the names that the file has. */
function addedMapping(mapping: NameMapping, { footer }: ParquetHandle, { nameMapping }: ImportOptions): NameMapping {
  if (nameMapping === undefined) return mapping
  const names = new Set(footer.root.children.map(({ name }) => name))
  return mapping.flatMap((entry) => {
    const used = entry.names.filter((name) => names.has(name))
    return used.length === 0 ? [] : [{ ...entry, names: used }]
  })
}

/** Readers go by the ids of a file that has any: one that means something else would show another column's values. */
function checkFieldIds({ footer, where }: ParquetHandle, schema: Schema, options: ImportOptions): void {
  for (const { name, fieldId } of footer.root.children) {
    const namesake = schema.fields.find((field) => field.name === name)
    if (namesake !== undefined && namesake.id !== fieldId) {
      invalid(
        `column '${name}' of ${where} has ${fieldId === undefined ? 'no field id' : `the field id ${fieldId}`}, the ` +
          `table's column of that name has ${namesake.id}; write the file without field ids, or with the table's`,
        { column: name },
      )
    }
    if (!schema.fields.some((field) => field.id === fieldId)) unknownColumn(name, where, schema, options)
  }
}

function checkNames(
  { footer, where }: ParquetHandle,
  schema: Schema,
  mapping: NameMapping,
  options: ImportOptions,
): void {
  const seen = new Map<number, string>()
  for (const { name } of footer.root.children) {
    const id = findMappedField(mapping, [name])?.fieldId
    refuseTakenName(name, id, where, schema, options)
    const field = schema.fields.find((one) => one.id === id)
    if (id === undefined || field === undefined) {
      unknownColumn(name, where, schema, options)
      continue
    }
    const other = seen.get(id)
    if (other !== undefined) {
      invalid(`'${other}' and '${name}' of ${where} are both the table's column '${field.name}'`, { column: name })
    }
    seen.set(id, name)
  }
}

/** Files that are in the table already have the name for another column: no mapping can mean both. */
function refuseTakenName(
  name: string,
  id: number | undefined,
  where: string,
  { fields }: Schema,
  { nameMapping = [] }: ImportOptions,
): void {
  const before = findMappedField(nameMapping, [name])?.fieldId
  if (before === undefined || before === id) return
  const owner = fields.find((field) => field.id === before)
  invalid(
    `column '${name}' of ${where} has no field id, and in the table's files without field ids that name means ` +
      `${owner ? `the column '${owner.name}'` : 'a column that was dropped'} (field ${before}), not '${name}' (field ${id ?? 'none'}). ` +
      `Write the file with field ids, or append its rows`,
    { column: name },
  )
}

function unknownColumn(name: string, where: string, schema: Schema, options: ImportOptions): void {
  if (options.unknownColumns === 'ignore') return
  const near = nearMisses(
    name,
    schema.fields.map((field) => field.name),
  )
  const hint = near.length === 0 ? '' : `did you mean ${near.map((one) => `'${one}'`).join(' or ')}? `
  invalid(
    `${where} has a column '${name}', the table has none of that name; ${hint}` +
      `Rename it, or say unknownColumns: 'ignore'`,
    { column: name },
  )
}

/** Whether a mapping leads to all that was found in the file. */
function isCovered(sources: readonly FieldSource[], mapping: NameMapping | undefined): boolean {
  if (mapping === undefined) return false
  return sources.every((source) => {
    if (source.kind === 'constant') return true
    const { field, shape, children } = source
    const here = mapping.find((entry) => entry.fieldId === field.id)
    if (here?.names.includes(shape.node.name) !== true) return false
    // Elements, keys and values are found by their place, not by a name.
    return field.type.type === 'struct' ? isCovered(children, here.fields) : true
  })
}
