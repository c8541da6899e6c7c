/**
 * What a Parquet footer says about the values of a file, in terms of the table's columns: to leave out row groups, and
 * to describe ready files in manifests. A bound that is not certain is no bound.
 */
import type { ColumnMetrics } from '../spec/data-file.ts'
import type { Field, Type, Value } from '../spec/types.ts'
import { compareValues, encodeValue, truncateLowerBound, truncateUpperBound } from '../spec/values.ts'
import { isOrderShared } from '../spec/predicate-order.ts'
import type { ParquetChunk, ParquetFooter, ParquetRowGroup } from './parquet-footer.ts'
import type { ParquetNode } from './parquet-footer-schema.ts'
import type { FieldSource } from './parquet-reader-fields.ts'
import { maxStatistic, minStatistic } from './parquet-metrics-values.ts'

/** A primitive column outside lists and maps, as a file has it. */
interface DescribedColumn {
  readonly field: Field
  readonly node: ParquetNode
}

/** What is known of one column in some rows. */
interface Summary {
  readonly values: bigint
  readonly nulls: bigint | undefined
  /** No value is below `lower` or above `upper`; both are there or neither. */
  readonly lower: Value | undefined
  readonly upper: Value | undefined
}

/** What a footer says about a column of a whole file. */
export interface ColumnSummary extends Summary, DescribedColumn {
  /** Bytes in the file. */
  readonly size: number
}

/** How much is said about a column; a number: bounds of at most so many code points or bytes. */
export type ColumnDetail = 'none' | 'counts' | 'full' | number

/**
 * Metrics of one row group by field id, bounds in full. Columns that the file does not have count as what they are read
 * as: the same value in each row, or null.
 */
export function rowGroupMetrics(group: ParquetRowGroup, sources: readonly FieldSource[]): ColumnMetrics {
  const metrics = emptyMetrics()
  const values = BigInt(group.rowCount)
  for (const { field, node } of describedColumns(sources)) {
    add(metrics, field, summarise(group.chunks[node.leaf]!, node, field.type), 'full')
  }
  for (const source of sources) {
    if (source.kind !== 'constant') continue
    const { field, value } = source
    const bound = value ?? undefined
    add(metrics, field, { values, nulls: value === null ? values : 0n, lower: bound, upper: bound }, 'full')
  }
  return metrics
}

/** What a footer says about each column. Bounds and counts only where every row group has them. */
export function columnSummaries(footer: ParquetFooter, sources: readonly FieldSource[]): readonly ColumnSummary[] {
  return describedColumns(sources).map(({ field, node }) => {
    const chunks = footer.rowGroups.map((group) => group.chunks[node.leaf]!)
    const summaries = chunks.map((chunk) => summarise(chunk, node, field.type))
    const size = chunks.reduce((sum, chunk) => sum + chunk.size, 0)
    return { ...summaries.reduce((a, b) => join(a, b, field.type), NOTHING), field, node, size }
  })
}

/**
 * Metrics of a whole file by field id, for its manifest. Floating-point columns have no bounds: footers do not count
 * NaNs, and readers take bounds without that count for "there are none". Nor have types that not everybody orders alike.
 */
export function metricsFromFooter(
  summaries: readonly ColumnSummary[],
  detailOf: (fieldId: number) => ColumnDetail,
): ColumnMetrics {
  const metrics = emptyMetrics()
  for (const summary of summaries) {
    const { field, size } = summary
    const bounded = field.type.type !== 'float' && field.type.type !== 'double' && isOrderShared(field.type)
    const detail = detailOf(field.id)
    add(metrics, field, summary, bounded || detail === 'none' ? detail : 'counts')
    if (detail !== 'none') metrics.columnSizes.set(field.id, BigInt(size))
  }
  return metrics
}

interface MutableMetrics {
  readonly columnSizes: Map<number, bigint>
  readonly valueCounts: Map<number, bigint>
  readonly nullValueCounts: Map<number, bigint>
  readonly nanValueCounts: Map<number, bigint>
  readonly lowerBounds: Map<number, Uint8Array>
  readonly upperBounds: Map<number, Uint8Array>
}

function emptyMetrics(): MutableMetrics {
  return {
    columnSizes: new Map(),
    valueCounts: new Map(),
    nullValueCounts: new Map(),
    nanValueCounts: new Map(),
    lowerBounds: new Map(),
    upperBounds: new Map(),
  }
}

function add(metrics: MutableMetrics, field: Field, summary: Summary, detail: ColumnDetail): void {
  const { values, nulls, lower, upper } = summary
  if (detail === 'none') return
  metrics.valueCounts.set(field.id, values)
  // Bounds without counts mislead other readers (fault 25).
  if (nulls === undefined) return
  metrics.nullValueCounts.set(field.id, nulls)
  if (detail === 'counts' || lower === undefined || upper === undefined) return
  const { type } = field
  const low = detail === 'full' ? lower : truncateLowerBound(type, lower, detail)
  const high = detail === 'full' ? upper : truncateUpperBound(type, upper, detail)
  metrics.lowerBounds.set(field.id, encodeValue(type, low))
  if (high !== undefined) metrics.upperBounds.set(field.id, encodeValue(type, high))
}

/** The columns that have metrics: stored, primitive, outside lists and maps. */
export function describedColumns(sources: readonly FieldSource[]): readonly DescribedColumn[] {
  return sources.flatMap((source) => {
    if (source.kind === 'constant') return []
    const { field, shape, children } = source
    if (shape.kind === 'primitive') return [{ field, node: shape.node }]
    return shape.kind === 'struct' ? describedColumns(children) : []
  })
}

function summarise(chunk: ParquetChunk, node: ParquetNode, type: Type): Summary {
  const { statistics, valueCount } = chunk
  if (valueCount === 0n) return NOTHING
  // Where nothing can be null many writers leave the count out.
  const nulls = statistics?.nullCount ?? (node.alwaysPresent ? 0n : undefined)
  const lower = statistics?.min && minStatistic(node, statistics.min, type)
  const upper = statistics?.max && maxStatistic(node, statistics.max, type)
  const isCertain = lower !== undefined && upper !== undefined && compareValues(type)(lower, upper) <= 0
  return {
    values: valueCount,
    nulls: nulls !== undefined && nulls <= valueCount ? nulls : undefined,
    lower: isCertain ? lower : undefined,
    upper: isCertain ? upper : undefined,
  }
}

/** Of no rows. */
const NOTHING: Summary = { values: 0n, nulls: 0n, lower: undefined, upper: undefined }

/** Of the rows of both. All rows null: the other's bounds are those of both. */
function join(a: Summary, b: Summary, type: Type): Summary {
  const compare = compareValues(type)
  const values = a.values + b.values
  const nulls = a.nulls === undefined || b.nulls === undefined ? undefined : a.nulls + b.nulls
  if (a.nulls === a.values) return { ...b, values, nulls }
  if (b.nulls === b.values) return { ...a, values, nulls }
  const known = a.lower !== undefined && b.lower !== undefined && a.upper !== undefined && b.upper !== undefined
  if (!known) return { ...NOTHING, values, nulls }
  return {
    values,
    nulls,
    lower: compare(a.lower!, b.lower!) <= 0 ? a.lower : b.lower,
    upper: compare(a.upper!, b.upper!) >= 0 ? a.upper : b.upper,
  }
}
