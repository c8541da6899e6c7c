/** The partition that all rows of a ready Parquet file belong to, inferred from the extremes of its columns. */
import type { ColumnSummary } from '../codec/parquet-metrics.ts'
import { invalid } from '../errors.ts'
import type { PartitionField, PartitionSpec, PartitionTuple } from '../spec/partition.ts'
import { humanText } from '../spec/partition-path.ts'
import { indexSchema } from '../spec/schema.ts'
import { bindTransform, preservesOrder, transformName } from '../spec/transforms.ts'
import type { Schema, Value } from '../spec/types.ts'

/**
 * One value for each field of the spec.
 *
 * @throws `invalid-argument` if the rows belong to several partitions, or if the footer does not tell.
 */
export function inferPartition(
  spec: PartitionSpec,
  schema: Schema,
  summaries: readonly ColumnSummary[],
  where: string,
): PartitionTuple {
  return spec.fields.map((field) => inferValue(field, schema, summaries, where))
}

function inferValue(
  partition: PartitionField,
  schema: Schema,
  summaries: readonly ColumnSummary[],
  where: string,
): Value | null {
  const { transform } = partition
  if (transform.transform === 'void') return null
  const source = indexSchema(schema).byId.get(partition.sourceId)
  const summary = summaries.find(({ field }) => field.id === partition.sourceId)
  // A column that the file does not have is null in all its rows.
  if (source === undefined || summary === undefined || summary.nulls === summary.values) return null
  const { nulls, lower, upper } = summary
  const fail = (why: string): never =>
    invalid(
      `${where} cannot be put into one partition by ${transformName(transform)}('${source.name}'): ${why}; ` +
        'append its rows instead of the file, or split it',
      { column: source.name },
    )
  if (nulls === undefined) return fail('its footer does not count the nulls')
  if (nulls > 0n) return fail(`${nulls} of ${summary.values} rows are null there`)
  const { type } = source.field
  // Footers do not count NaNs, which are no part of the extremes.
  if (type.type === 'float' || type.type === 'double') return fail('its footer does not rule out NaN')
  if (lower === undefined || upper === undefined) return fail('its footer has no smallest and largest value')
  const apply = bindTransform(transform, type)
  const [first, last] = [apply(lower), apply(upper)]
  if (!preservesOrder(transform) && !isSame(lower, upper)) {
    return fail('its rows have more than one value, and a bucket does not follow their order')
  }
  const show = (value: Value | null) => (value === null ? 'null' : `'${humanText(partition, schema, value)}'`)
  return isSame(first, last) ? first : fail(`its rows go from ${show(first)} to ${show(last)}`)
}

function isSame(a: Value | null, b: Value | null): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return a === b
}
