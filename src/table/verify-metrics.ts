/** What a manifest says of the columns of a file, against what was found in them (spec: "Manifests", `data_file`). */
import type { ColumnMetrics, DataFile } from '../spec/data-file.ts'
import { indexSchema } from '../spec/schema.ts'
import type { Schema, Type, Value } from '../spec/types.ts'
import { compareValues, decodeValue } from '../spec/values.ts'

/**
 * Sentences about the columns that do not agree. A manifest may say less than there is to know, and bounds may be wider
 * than the values; engines lose rows when a count is wrong or a bound is too narrow.
 *
 * @param columns ids of the top-level columns that the file holds.
 */
export function* metricsProblems(
  schema: Schema,
  said: DataFile,
  found: ColumnMetrics,
  columns: ReadonlySet<number>,
): Generator<string> {
  for (const [id, { field, name, path }] of indexSchema(schema).byId) {
    if (!columns.has(path[0]!) || !found.valueCounts.has(id)) continue
    for (const [what, counts] of [
      ['values', 'valueCounts'],
      ['nulls', 'nullValueCounts'],
      ['NaNs', 'nanValueCounts'],
    ] as const) {
      const [saidCount, foundCount] = [said[counts].get(id), found[counts].get(id)]
      if (saidCount !== undefined && foundCount !== undefined && saidCount !== foundCount) {
        yield `column '${name}' has ${foundCount} ${what}, its manifest says ${saidCount}`
      }
    }
    if (tooNarrow(field.type, said.lowerBounds.get(id), found.lowerBounds.get(id), 1)) {
      yield `column '${name}' has values below the lower bound in its manifest`
    }
    if (tooNarrow(field.type, said.upperBounds.get(id), found.upperBounds.get(id), -1)) {
      yield `column '${name}' has values above the upper bound in its manifest`
    }
  }
}

/** Whether the bound in the manifest lies inside of the values: above the lowest (`side` 1), below the highest (-1). */
function tooNarrow(type: Type, said: Uint8Array | undefined, found: Uint8Array | undefined, side: 1 | -1): boolean {
  if (said === undefined || found === undefined) return false
  const [bound, extreme] = [decodeValue(type, said), decodeValue(type, found)]
  // The spec lets writers bound NaN columns as they like; such bounds are not used.
  if (isNotANumber(bound) || isNotANumber(extreme)) return false
  return compareValues(type)(bound, extreme) * side > 0
}

function isNotANumber(value: Value): boolean {
  return typeof value === 'number' && Number.isNaN(value)
}
