/**
 * What column metrics and partition summaries say about a predicate without reading rows. They may only ever rule out
 * rows that do not match: what is missing, partial or impossible in them decides nothing.
 */
import { DataShardError } from '../errors.ts'
import { FALSE, mapLeaves, TRUE } from './bound-logic.ts'
import type { ColumnMetrics, FieldSummary, ManifestFile } from './data-file.ts'
import { compilePredicate } from './evaluate.ts'
import type { BoundLeaf, BoundPredicate, BoundTerm } from './expressions.ts'
import type { PartitionSpec, PartitionTuple } from './partition.ts'
import { isFloating, predicateOrder, widenUuidBounds } from './predicate-order.ts'
import { decide } from './span.ts'
import type { Span } from './span.ts'
import type { Type, Value } from './types.ts'
import { decodeValue } from './values.ts'

/** Metrics of a group of rows: of a data file, or of a row group. */
export interface RowMetrics extends Omit<ColumnMetrics, 'columnSizes'> {
  readonly recordCount: bigint
}

/**
 * What is left of a predicate for rows of which this is known: each test that is true of all of them, or of none, is
 * replaced by its outcome. `true`: all rows match; `false`: none does.
 */
export function reduceByMetrics(predicate: BoundPredicate, metrics: RowMetrics): BoundPredicate {
  if (metrics.recordCount === 0n) return FALSE
  return mapLeaves(predicate, (leaf) => {
    const decision = decide(leaf, metricsSpan(leaf, metrics))
    return decision === undefined ? leaf : decision ? TRUE : FALSE
  })
}

/** Whether a row of these metrics can match. */
export function metricsMayMatch(predicate: BoundPredicate, metrics: RowMetrics): boolean {
  return reduceByMetrics(predicate, metrics).op !== 'false'
}

/** Whether every row of these metrics is known to match, so that they can be counted without being read. */
export function metricsAllMatch(predicate: BoundPredicate, metrics: RowMetrics): boolean {
  return metrics.recordCount === 0n || reduceByMetrics(predicate, metrics).op === 'true'
}

function metricsSpan(leaf: BoundLeaf, metrics: RowMetrics): Span {
  const { fieldId, type } = leaf.term
  const values = metrics.valueCounts.get(fieldId)
  const nulls = metrics.nullValueCounts.get(fieldId)
  // A column outside lists and maps has one value in each row. Counts that say otherwise are not to be believed.
  const counted = values === metrics.recordCount && nulls !== undefined && nulls >= 0n && nulls <= values
  const onlyNulls = counted && nulls === values
  const nans = isFloating(type) ? believable(metrics.nanValueCounts.get(fieldId), values, nulls) : 0n
  const ordinary = counted && nans !== undefined ? values - nulls - nans : undefined
  return {
    hasNull: counted ? nulls > 0n : undefined,
    hasNan: onlyNulls ? false : nans === undefined ? undefined : nans > 0n,
    hasOrdinary: onlyNulls ? false : ordinary === undefined ? undefined : ordinary > 0n,
    ...decodeBounds(leaf, metrics.lowerBounds.get(fieldId), metrics.upperBounds.get(fieldId)),
  }
}

/** A count of NaNs beside which the other counts are possible. */
function believable(nans: bigint | undefined, values: bigint | undefined, nulls: bigint | undefined) {
  if (nans === undefined || nans < 0n) return undefined
  return values !== undefined && nans > values - (nulls ?? 0n) ? undefined : nans
}

/**
 * Whether a manifest can list a file with matching rows, by the summaries of its partition fields.
 *
 * @param projected from {@link projectPredicate}, with the manifest's own spec
 */
export function manifestMayMatch(projected: BoundPredicate, spec: PartitionSpec, manifest: ManifestFile): boolean {
  const summaries = manifest.partitions
  if (summaries === undefined || summaries.length !== spec.fields.length) return projected.op !== 'false'
  const left = mapLeaves(projected, (leaf) => {
    const summary = summaries[partitionIndex(spec, leaf.term)]
    return summary !== undefined && decide(leaf, summarySpan(leaf, summary)) === false ? FALSE : leaf
  })
  return left.op !== 'false'
}

/**
 * Absent bounds would mean that all values are null or NaN (spec: "Manifest Lists", field_summary), but a writer that
 * simply left them out must not cost rows: whether there are ordinary values counts as not known.
 */
function summarySpan(leaf: BoundLeaf, summary: FieldSummary): Span {
  return {
    hasNull: summary.containsNull,
    hasNan: isFloating(leaf.term.type) ? summary.containsNan : false,
    hasOrdinary: undefined,
    ...decodeBounds(leaf, summary.lowerBound, summary.upperBound),
  }
}

type Bounds = Pick<Span, 'lower' | 'upper'>

const NO_BOUNDS: Bounds = { lower: undefined, upper: undefined }

function decodeBounds(leaf: BoundLeaf, lowerBytes: Uint8Array | undefined, upperBytes: Uint8Array | undefined): Bounds {
  if (!('value' in leaf || 'values' in leaf)) return NO_BOUNDS
  const { type } = leaf.term
  const found = { lower: decodeBound(type, lowerBytes), upper: decodeBound(type, upperBytes) }
  const { lower, upper } = type.type === 'uuid' ? uuidBounds(found) : found
  const isRange = lower === undefined || upper === undefined || predicateOrder(type)(lower, upper) <= 0
  return isRange ? { lower, upper } : NO_BOUNDS
}

function uuidBounds({ lower, upper }: Bounds): Bounds {
  const wide =
    lower === undefined || upper === undefined ? undefined : widenUuidBounds(lower as string, upper as string)
  return wide === undefined ? NO_BOUNDS : { lower: wide[0], upper: wide[1] }
}

/** Undefined for bytes that are no value of the type: pruning is no place to fail, `verify` tells of damage. */
function decodeBound(type: Type, bytes: Uint8Array | undefined): Value | undefined {
  if (bytes === undefined) return undefined
  try {
    const value = decodeValue(type, bytes)
    return Number.isNaN(value) ? undefined : value
  } catch (error) {
    if (DataShardError.is(error, 'corrupt')) return undefined
    throw error
  }
}

/** The place of a projected term in the tuples of its spec. */
function partitionIndex(spec: PartitionSpec, term: BoundTerm): number {
  return spec.fields.findIndex((field) => field.fieldId === term.fieldId)
}

/** The test of partition tuples for a predicate over partition fields. */
export function partitionFilter(projected: BoundPredicate, spec: PartitionSpec): (tuple: PartitionTuple) => boolean {
  return compilePredicate<PartitionTuple>(projected, (term) => {
    const index = partitionIndex(spec, term)
    return (tuple) => tuple[index] ?? null
  })
}

/** Whether a file of this partition can have matching rows. Of many files: {@link partitionFilter}. */
export function partitionMayMatch(projected: BoundPredicate, spec: PartitionSpec, tuple: PartitionTuple): boolean {
  return partitionFilter(projected, spec)(tuple)
}
