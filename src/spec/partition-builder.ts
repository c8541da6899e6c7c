/** Partitioning and sorting as people ask for it: `day('at')`, `'bucket(id, 16)'`, `'at desc'`. */
import { nextId } from './metadata-limits.ts'
import { invalid } from '../errors.ts'
import { describeValue } from './describe.ts'
import { isObject } from './json-reader.ts'
import type { PartitionField, PartitionSpec } from './partition.ts'
import { findColumn, indexSchema } from './schema.ts'
import type { IndexedField } from './schema.ts'
import type { SortField, SortOrder } from './sort-order.ts'
import { MAX_TRANSFORM_PARAMETER, checkTransform, parseTransform, transformName } from './transforms.ts'
import type { Transform } from './transforms.ts'
import type { Schema } from './types.ts'

/** A partition field before it is resolved against a schema: what {@link day} and its kin return. */
export interface PartitionInput {
  /** Dotted for a field of a struct. */
  readonly column: string
  readonly transform: Transform
  /** Default: the column's name and the transform's, as Iceberg does: `at_day`, `id_bucket`, `kind_trunc`. */
  readonly name?: string
}

/** A sort key: a column name, text such as `'day(at) desc nulls last'`, or its parts. */
export type SortInput =
  | string
  | {
      readonly column: string
      /** Default: the column itself. */
      readonly transform?: Transform
      /** Default `asc`. */
      readonly direction?: 'asc' | 'desc'
      /** Default `nulls-first` when ascending, `nulls-last` when descending. */
      readonly nullOrder?: 'nulls-first' | 'nulls-last'
    }

/** Partitions by the value of a column. */
export function identity(column: string): PartitionInput {
  return { column: checkColumn('identity', column), transform: { transform: 'identity' } }
}

/** Partitions by a hash of the value into `buckets` parts: spreads ids evenly. */
export function bucket(column: string, buckets: number): PartitionInput {
  checkColumn('bucket', column, ', 16')
  return { column, transform: { transform: 'bucket', buckets: checkParameter(`bucket('${column}')`, buckets) } }
}

/** Partitions by the first `width` characters or bytes, or by integers and decimals rounded down to a multiple of it. */
export function truncate(column: string, width: number): PartitionInput {
  checkColumn('truncate', column, ', 16')
  return { column, transform: { transform: 'truncate', width: checkParameter(`truncate('${column}')`, width) } }
}

/** Partitions by the year of a date or timestamp, in UTC. */
export function year(column: string): PartitionInput {
  return { column: checkColumn('year', column), transform: { transform: 'year' } }
}

/** Partitions by the month of a date or timestamp, in UTC. */
export function month(column: string): PartitionInput {
  return { column: checkColumn('month', column), transform: { transform: 'month' } }
}

/** Partitions by the day of a date or timestamp, in UTC. */
export function day(column: string): PartitionInput {
  return { column: checkColumn('day', column), transform: { transform: 'day' } }
}

/** Partitions by the hour of a timestamp, in UTC. */
export function hour(column: string): PartitionInput {
  return { column: checkColumn('hour', column), transform: { transform: 'hour' } }
}

/** @param more what the example in the message has as further arguments */
function checkColumn(transform: string, column: string, more = ''): string {
  if (typeof column === 'string') return column
  const example = `${transform}('at'${more})`
  return invalid(`${transform}: found ${describeValue(column)} as the column, expected its name, as in ${example}`)
}

function checkParameter(what: string, parameter: number): number {
  if (Number.isInteger(parameter) && parameter >= 1 && parameter <= MAX_TRANSFORM_PARAMETER) return parameter
  return invalid(
    `${what}: found ${describeValue(parameter)}, expected an integer from 1 to ${MAX_TRANSFORM_PARAMETER} as its second argument`,
  )
}

export interface PartitionSpecContext {
  /** Id of the new spec, unless one of `reuse` is the same. */
  readonly specId: number
  /** The highest partition field id that the table ever had. */
  readonly lastPartitionId: number
  /** The table's specs: an equivalent field keeps its id (spec: "Partitioning"). */
  readonly reuse: readonly PartitionSpec[]
}

/**
 * The partition spec of some inputs; one of `reuse` itself if it is the same.
 *
 * @throws `invalid-argument`: unknown column, transform that does not fit its type, name or field used twice.
 */
export function resolvePartitionSpec(
  inputs: readonly (PartitionInput | string)[],
  schema: Schema,
  context: PartitionSpecContext,
): PartitionSpec {
  if (!Array.isArray(inputs))
    invalid(`found partitionBy ${describeValue(inputs)}, expected a list such as [day('at'), 'kind']`)
  const old = context.reuse.flatMap((spec) => spec.fields)
  let lastId = old.reduce((highest, field) => Math.max(highest, field.fieldId), context.lastPartitionId)
  const fields: PartitionField[] = []
  for (const input of inputs) {
    const { column, transform, name: wanted } = readPartitionInput(input, schema)
    const source = findSource(column, transform, schema, 'partition')
    const sourceId = source.field.id
    const same = old.find(
      (field) =>
        field.sourceId === sourceId &&
        transformName(field.transform) === transformName(transform) &&
        (wanted === undefined || field.name === wanted) &&
        !fields.some((taken) => taken.fieldId === field.fieldId),
    )
    const name = wanted ?? same?.name ?? freeName(source, transform, schema, fields)
    const field: PartitionField = {
      sourceId,
      fieldId: same?.fieldId ?? (lastId = nextId([lastId], 'partition field')),
      name,
      transform,
    }
    checkPartitionField(field, source, schema, fields)
    fields.push(field)
  }
  return context.reuse.find((spec) => sameFields(spec.fields, fields)) ?? { specId: context.specId, fields }
}

function sameFields(a: readonly PartitionField[], b: readonly PartitionField[]): boolean {
  return (
    a.length === b.length &&
    a.every((field, i) => {
      const other = b[i]!
      return (
        field.fieldId === other.fieldId &&
        field.sourceId === other.sourceId &&
        field.name === other.name &&
        transformName(field.transform) === transformName(other.transform)
      )
    })
  )
}

function checkPartitionField(
  field: PartitionField,
  source: IndexedField,
  schema: Schema,
  before: readonly PartitionField[],
): void {
  const { name, transform } = field
  const shown = `partition field '${name}'`
  if (name === '') invalid(`the partition field on column '${source.name}' has an empty name`)
  if (before.some((other) => other.name === name)) invalid(`two partition fields are called '${name}'; give one a name`)
  const column = indexSchema(schema).byName.get(name)
  const ownName = transform.transform === 'identity' || transform.transform === 'void'
  if (column !== undefined && !(ownName && column.field.id === field.sourceId))
    invalid(`${shown}: a column has that name; choose another with { ...field, name: '${name}_part' }`)
  if (transform.transform === 'void') return
  const redundant = before.find((other) => other.sourceId === field.sourceId && redundancy(other) === redundancy(field))
  if (redundant !== undefined)
    invalid(`${shown} and '${redundant.name}' split column '${source.name}' the same way; leave one out`)
}

/** Two time transforms of one column are one too many: the finer one says it all (as the reference implementation has it). */
function redundancy({ transform }: PartitionField): string {
  const name = transformName(transform)
  return name === 'year' || name === 'month' || name === 'day' || name === 'hour' ? 'time' : name
}

function freeName(
  source: IndexedField,
  transform: Transform,
  schema: Schema,
  before: readonly PartitionField[],
): string {
  const { byName } = indexSchema(schema)
  const candidates = [defaultPartitionName(source.name, transform)]
  if (transform.transform === 'bucket') candidates.push(`${source.name}_bucket_${transform.buckets}`)
  if (transform.transform === 'truncate') candidates.push(`${source.name}_trunc_${transform.width}`)
  const free = candidates.find((name) => !byName.has(name) && !before.some((field) => field.name === name))
  return free ?? candidates[0]!
}

/** The name that a partition field gets by itself: `at_day`, `id_bucket`; the column's own for identity. */
export function defaultPartitionName(column: string, transform: Transform): string {
  switch (transform.transform) {
    case 'identity':
      return column
    case 'truncate':
      return `${column}_trunc`
    case 'void':
      return `${column}_null`
    default:
      return `${column}_${transform.transform}`
  }
}

function findSource(column: string, transform: Transform, schema: Schema, purpose: 'partition' | 'sort'): IndexedField {
  const source = findColumn(schema, column)
  checkTransform(transform, source.field.type, column)
  const around = source.parentKinds.find((kind) => kind !== 'struct')
  if (around !== undefined)
    invalid(`cannot ${purpose} by '${column}': it is inside a ${around}, so a row has many of it`)
  return source
}

function readPartitionInput(input: PartitionInput | string, schema: Schema): PartitionInput {
  if (typeof input === 'string') return parseExpression(input, schema)
  if (isObject(input) && typeof input.column === 'string' && isObject(input.transform)) return input
  return invalid(`found ${describeValue(input)} in partitionBy, expected day('at'), 'day(at)' or a column name`)
}

const CALL = /^\s*([a-z]+)(?:\[(\d+)\])?\s*\((.*)\)\s*$/is
const PLURALS: Readonly<Record<string, string>> = { years: 'year', months: 'month', days: 'day', hours: 'hour' }

/** `day(at)`, `bucket(id, 16)`, `bucket(16, id)`, `bucket[16](id)` or just a column, whatever its name looks like. */
function parseExpression(text: string, schema: Schema): PartitionInput {
  if (indexSchema(schema).byName.has(text)) return identity(text)
  const call = CALL.exec(text)
  if (call === null) return identity(text.trim())
  const [, rawName = '', bracket, rawArguments = ''] = call
  const name = rawName.toLowerCase()
  const { column, parameter } = splitArguments(rawArguments, bracket)
  const transform = parseTransform(parameter === undefined ? (PLURALS[name] ?? name) : `${name}[${parameter}]`)
  if (transform.transform === 'unknown')
    invalid(
      `'${text}' is no transform; there are identity(c), bucket(c, n), truncate(c, w), year(c), month(c), day(c) and hour(c)`,
    )
  return { column, transform }
}

function splitArguments(text: string, bracket: string | undefined): { column: string; parameter: string | undefined } {
  const first = /^\s*(\d+)\s*,\s*(.*?)\s*$/s.exec(text)
  const last = /^\s*(.*?)\s*,\s*(\d+)\s*$/s.exec(text)
  if (bracket !== undefined) return { column: text.trim(), parameter: bracket }
  if (last !== null) return { column: last[1]!, parameter: last[2]! }
  if (first !== null) return { column: first[2]!, parameter: first[1]! }
  return { column: text.trim(), parameter: undefined }
}

/**
 * The sort order of some inputs; without any, the unsorted order, whose id is 0 whatever `orderId` says.
 *
 * @throws `invalid-argument`: unknown column, transform that does not fit, a key that repeats.
 */
export function resolveSortOrder(inputs: readonly SortInput[], schema: Schema, orderId: number): SortOrder {
  if (!Array.isArray(inputs))
    invalid(`found sortBy ${describeValue(inputs)}, expected a list such as ['at', 'id desc']`)
  if (inputs.length === 0) return { orderId: 0, fields: [] }
  const fields: SortField[] = []
  for (const input of inputs as readonly SortInput[]) {
    const { column, transform = { transform: 'identity' }, direction = 'asc', nullOrder } = readSortInput(input, schema)
    if (direction !== 'asc' && direction !== 'desc')
      invalid(`found direction ${describeValue(direction)} for sort key '${column}', expected 'asc' or 'desc'`)
    if (nullOrder !== undefined && nullOrder !== 'nulls-first' && nullOrder !== 'nulls-last')
      invalid(
        `found nullOrder ${describeValue(nullOrder)} for sort key '${column}', expected 'nulls-first' or 'nulls-last'`,
      )
    const sourceId = findSource(column, transform, schema, 'sort').field.id
    if (fields.some((f) => f.sourceId === sourceId && transformName(f.transform) === transformName(transform)))
      invalid(`sortBy names ${transformName(transform)} of column '${column}' twice`)
    const nulls = nullOrder ?? (direction === 'asc' ? 'nulls-first' : 'nulls-last')
    fields.push({ sourceId, transform, direction, nullOrder: nulls })
  }
  return { orderId, fields }
}

const SORT_SUFFIX = /^(.*?)(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?\s*$/is

function readSortInput(input: SortInput, schema: Schema): Exclude<SortInput, string> {
  if (isObject(input) && typeof input.column === 'string') return input
  if (typeof input !== 'string')
    return invalid(
      `found ${describeValue(input)} in sortBy, expected a column name, 'at desc' or { column, direction }`,
    )
  if (indexSchema(schema).byName.has(input)) return { column: input }
  const [, expression = '', direction, nulls] = SORT_SUFFIX.exec(input)!
  return {
    ...parseExpression(expression, schema),
    ...(direction && { direction: direction.toLowerCase() as 'asc' | 'desc' }),
    ...(nulls && { nullOrder: nulls.toLowerCase() === 'first' ? 'nulls-first' : 'nulls-last' }),
  }
}
