/**
 * Column metrics of a data file (spec: "Manifests", `data_file` fields 108 to 128), computed from the columns that are
 * about to be written. Fields inside lists and maps have none: a count per element is of no use to a planner, and a
 * wrong one does harm.
 */
import { bothPresent } from '../codec/column-values.ts'
import type { Column, ColumnBatch, Validity } from '../codec/columns.ts'
import { assert } from '../errors.ts'
import type { ColumnMetrics } from '../spec/data-file.ts'
import type { Schema } from '../spec/types.ts'
import { encodeValue, truncateLowerBound, truncateUpperBound } from '../spec/values.ts'
import { createExtremes, type Extremes } from './metrics-extremes.ts'
import type { MetricsMode, MetricsModes } from './metrics-modes.ts'

/** Metrics of all rows of some batches, without `columnSizes`: those are known when the file is written. */
export function columnMetrics(schema: Schema, batches: readonly ColumnBatch[], modes: MetricsModes): ColumnMetrics {
  const collector = new MetricsCollector(schema, modes)
  for (const batch of batches) collector.add(batch)
  return collector.finish()
}

interface FieldMetrics {
  readonly mode: MetricsMode
  values: number
  nulls: number
  /** Undefined if only counts are wanted and the type has no NaN. */
  readonly extremes: Extremes | undefined
}

/** Metrics that grow batch by batch. */
export class MetricsCollector {
  readonly #columnCount: number
  readonly #modes: MetricsModes
  readonly #fields = new Map<number, FieldMetrics>()

  constructor(schema: Schema, modes: MetricsModes) {
    this.#columnCount = schema.fields.length
    this.#modes = modes
  }

  add(batch: ColumnBatch): void {
    assert(batch.columns.length === this.#columnCount, 'a batch does not have the columns of its schema')
    for (const column of batch.columns) this.#addColumn(column, undefined)
  }

  finish(): ColumnMetrics {
    const valueCounts = new Map<number, bigint>()
    const nullValueCounts = new Map<number, bigint>()
    const nanValueCounts = new Map<number, bigint>()
    const lowerBounds = new Map<number, Uint8Array>()
    const upperBounds = new Map<number, Uint8Array>()
    for (const [id, { mode, values, nulls, extremes }] of this.#fields) {
      valueCounts.set(id, BigInt(values))
      nullValueCounts.set(id, BigInt(nulls))
      if (extremes?.nans !== undefined) nanValueCounts.set(id, BigInt(extremes.nans))
      if (mode === 'counts') continue
      const found = extremes?.bounds()
      if (found === undefined) continue
      const { type } = extremes!
      const limit = typeof mode === 'number' ? mode : undefined
      const lower = limit === undefined ? found.lower : truncateLowerBound(type, found.lower, limit)
      const upper = limit === undefined ? found.upper : truncateUpperBound(type, found.upper, limit)
      lowerBounds.set(id, encodeValue(type, lower))
      if (upper !== undefined) upperBounds.set(id, encodeValue(type, upper))
    }
    return { columnSizes: new Map(), valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds }
  }

  /** `around`: where the structs around the column are present. */
  #addColumn(column: Column, around: Validity): void {
    if (column.kind === 'struct') {
      const inside = bothPresent(around, column.validity)
      for (const child of column.children) this.#addColumn(child, inside)
      return
    }
    const mode = this.#modes.get(column.fieldId) ?? 'none'
    if (mode === 'none' || column.kind === 'list' || column.kind === 'map') return
    let field = this.#fields.get(column.fieldId)
    if (field === undefined) {
      field = { mode, values: 0, nulls: 0, extremes: createExtremes(column, mode === 'counts') }
      this.#fields.set(column.fieldId, field)
    }
    const present = bothPresent(around, column.validity)
    field.values += column.length
    field.nulls += around === undefined ? column.nullCount : column.length - countBits(present!, column.length)
    field.extremes?.add(column, present)
  }
}

function countBits(bits: Uint8Array, length: number): number {
  let count = 0
  for (let i = 0; i < length >> 3; i++) {
    let byte = bits[i]!
    byte -= (byte >> 1) & 0x55
    byte = (byte & 0x33) + ((byte >> 2) & 0x33)
    count += (byte + (byte >> 4)) & 0x0f
  }
  for (let i = length & ~7; i < length; i++) count += (bits[i >> 3]! >> (i & 7)) & 1
  return count
}
