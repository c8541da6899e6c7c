/**
 * How much is said about each column in manifests: the table properties `write.metadata.metrics.*` (Iceberg docs,
 * "Write properties").
 */
import { invalid } from '../errors.ts'
import { isOrderShared } from '../spec/predicate-order.ts'
import { findColumn, indexSchema } from '../spec/schema.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import { isPrimitive } from '../spec/types.ts'
import type { Schema } from '../spec/types.ts'
import { integerProperty } from '../spec/properties-read.ts'

/**
 * `none`: nothing; `counts`: values, nulls and NaNs; `full`: bounds too; a number: bounds of at most so many code points
 * (strings) or bytes (binary, fixed).
 */
export type MetricsMode = 'none' | 'counts' | 'full' | number

/** By field id; only of fields that have metrics: primitives outside lists and maps. */
export type MetricsModes = ReadonlyMap<number, MetricsMode>

/** A manifest must not grow with the length of its strings (fault 15). */
const DEFAULT_MODE: MetricsMode = 16
const PREFIX = 'write.metadata.metrics.'
/** More columns than this are not described unless a property says so: each file would cost kilobytes of manifest. */
const DEFAULT_MAX_COLUMNS = 100

/**
 * The modes of all columns.
 *
 * @throws `invalid-argument` for a mode or a column that does not exist.
 */
export function metricsModes(
  schema: Schema,
  properties: Readonly<Record<string, string>>,
  sortOrder?: SortOrder,
): MetricsModes {
  const explicit = properties[`${PREFIX}default`]
  const maxColumns = integerProperty(properties, `${PREFIX}max-inferred-column-defaults`, DEFAULT_MAX_COLUMNS, 0)
  const fallback = explicit === undefined ? DEFAULT_MODE : parseMode(explicit, `${PREFIX}default`)
  const modes = new Map<number, MetricsMode>()
  for (const [id, entry] of indexSchema(schema).byId) {
    if (!isPrimitive(entry.field.type) || entry.parentKinds.some((kind) => kind !== 'struct')) continue
    modes.set(id, explicit === undefined && modes.size >= maxColumns ? 'none' : fallback)
  }
  // A sorted file is only worth its sorting if its bounds are known.
  for (const field of sortOrder?.fields ?? []) {
    const mode = modes.get(field.sourceId)
    if (mode === 'none' || mode === 'counts') modes.set(field.sourceId, DEFAULT_MODE)
  }
  for (const [name, value] of Object.entries(properties)) {
    if (!name.startsWith(`${PREFIX}column.`)) continue
    const { field } = findColumn(schema, name.slice(`${PREFIX}column.`.length))
    if (modes.has(field.id)) modes.set(field.id, parseMode(value, name))
  }
  for (const [id, mode] of modes) {
    // Spark loses rows by bounds of UUIDs, whatever the table's properties say.
    if (mode !== 'none' && !isOrderShared(indexSchema(schema).byId.get(id)!.field.type)) modes.set(id, 'counts')
  }
  return modes
}

function parseMode(text: string, property: string): MetricsMode {
  const lower = text.toLowerCase()
  if (lower === 'none' || lower === 'counts' || lower === 'full') return lower
  const length = Number(/^truncate\((\d+)\)$/.exec(lower)?.[1])
  if (Number.isSafeInteger(length) && length > 0) return length
  return invalid(`table property '${property}' is '${text}', expected none, counts, truncate(N) or full`)
}
