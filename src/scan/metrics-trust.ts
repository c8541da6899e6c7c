/**
 * How far the column metrics of a manifest can be believed. They are kept by field id. A data file without field ids has
 * them by the name mapping of the time at which it was registered, and is read by the one of today: a name that passed
 * from one field to another took the column with it, and left its metrics behind. Nor does every importer convert what it
 * finds in a footer: Iceberg's Java library keeps bounds of milliseconds as if they were microseconds.
 */
import type { DataFile } from '../spec/data-file.ts'
import { leavesOf } from '../spec/bound-logic.ts'
import type { BoundPredicate } from '../spec/expressions.ts'
import type { TableMetadata } from '../spec/metadata.ts'
import type { NameMapping } from '../spec/name-mapping.ts'
import { NAME_MAPPING_PROPERTY, parseNameMapping } from '../spec/name-mapping.ts'
import { childFields } from '../spec/schema.ts'
import type { Field } from '../spec/types.ts'
import { decodeValue } from '../spec/values.ts'

/**
 * - `full`: they rule files out, and prove that all rows of a file match;
 * - `ruling-out`: they only do the first, as in other engines; rows are looked at;
 * - `none`: they are of no use.
 */
export type MetricsTrust = 'full' | 'ruling-out' | 'none'

/** How far metrics of a table's manifests are believed. No request. `invalid-argument` for a damaged name mapping. */
export function metricsTrust({ properties, schemas }: TableMetadata): MetricsTrust {
  const text = properties[NAME_MAPPING_PROPERTY]
  if (text === undefined) return 'full'
  const mapping = parseNameMapping(text)
  return schemas.some(({ fields }) => namesMoved(mapping, fields)) ? 'none' : 'ruling-out'
}

/** Whether a name means another field to the mapping than it did to a schema. */
function namesMoved(mapping: NameMapping, fields: readonly Field[]): boolean {
  const byName = new Map(mapping.flatMap((entry) => entry.names.map((name) => [name, entry])))
  return fields.some((field) => {
    const entry = byName.get(field.name)
    if (entry === undefined) return false
    return entry.fieldId !== field.id || namesMoved(entry.fields, childFields(field.type))
  })
}

/** Milliseconds of the years 1 to 9999 are smaller than this. As microseconds they would lie between 1961 and 1978. */
const MILLIS_REACH = 260_000_000_000_000n

/**
 * Of the metrics of a file that may have been imported those that a predicate can believe: without the bounds of
 * timestamps that look like milliseconds.
 */
export function importedMetrics(predicate: BoundPredicate): (file: DataFile) => DataFile {
  const timestamps = leavesOf(predicate).flatMap(({ term }) =>
    term.type.type === 'timestamp' || term.type.type === 'timestamptz' ? [term.fieldId] : [],
  )
  if (timestamps.length === 0) return (file) => file
  return (file) => {
    const doubtful = timestamps.filter((id) => isWithinReach(file.lowerBounds.get(id), file.upperBounds.get(id)))
    if (doubtful.length === 0) return file
    const lowerBounds = new Map(file.lowerBounds)
    const upperBounds = new Map(file.upperBounds)
    for (const id of doubtful) {
      lowerBounds.delete(id)
      upperBounds.delete(id)
    }
    return { ...file, lowerBounds, upperBounds }
  }
}

/** Whether all of the bounds that there are could be milliseconds. */
function isWithinReach(...bounds: readonly (Uint8Array | undefined)[]): boolean {
  return bounds.every((bytes) => {
    if (bytes?.length !== 8) return true
    const value = decodeValue({ type: 'timestamp' }, bytes) as bigint
    return -MILLIS_REACH < value && value < MILLIS_REACH
  })
}
