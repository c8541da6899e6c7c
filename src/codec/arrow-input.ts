/** Arrow tables and record batches as columns of a schema: matched by name, safe conversions only. */
import { DataShardError } from '../errors.ts'
import { nearMisses } from '../spec/describe.ts'
import { childFields, typeName } from '../spec/schema.ts'
import type { Field, Schema } from '../spec/types.ts'
import { isPrimitive } from '../spec/types.ts'
import type { ArrowData, ArrowInput, ArrowRecordBatch } from './arrow-data.ts'
import { ARROW, recordBatchesOf, validityOf } from './arrow-data.ts'
import { sameLayout, userValueReader } from './arrow-input-values.ts'
import type { ColumnSpec } from './column-appender.ts'
import { missing } from './column-appender.ts'
import { makeAppender } from './column-builder.ts'
import { asValueError, ValueError } from './column-error.ts'
import { isPresent } from './column-nulls.ts'
import { concat, take } from './column-ops.ts'
import type { RowRules } from './column-row-shape.ts'
import { bothPresent } from './column-values.ts'
import type { Column, ColumnBatch, Validity } from './columns.ts'

export { isArrow, type ArrowInput } from './arrow-data.ts'

export interface ArrowInputOptions extends RowRules {
  /** What messages call the first row. Default 0. */
  readonly firstRow?: number | undefined
}

/**
 * The record batches as columns of `schema`, without a copy where the layouts agree. Columns are matched by name, in any
 * order; an optional column that is not there is null.
 *
 * @throws `invalid-argument` naming the column, and the row if it is about one: a null where a value is required, a
 * type that cannot be converted without loss, a value that does not fit, a column that the table has not.
 */
export function fromArrow(
  input: ArrowInput,
  schema: Schema,
  options: ArrowInputOptions = { unknownColumns: 'error' },
): ColumnBatch[] {
  let firstRow = options.firstRow ?? 0
  return recordBatchesOf(input).map((batch) => {
    const columns = fromRecordBatch(batch, schema, options, firstRow)
    firstRow += columns.length
    return columns
  })
}

function fromRecordBatch(batch: ArrowRecordBatch, schema: Schema, rules: RowRules, firstRow: number): ColumnBatch {
  const names = batch.schema.fields.map((field) => field.name)
  try {
    const columns = structChildren(batch.data, names, schema.fields, rules, undefined, batch.numRows)
    return { length: batch.numRows, columns }
  } catch (error) {
    if (!(error instanceof ArrowProblem)) throw error
    const row = error.index === undefined ? undefined : firstRow + error.index
    const where = `${row === undefined ? '' : `row ${row}, `}column '${error.problem.path}'`
    throw new DataShardError('invalid-argument', `${where}: ${error.problem.message}`, {
      details: { ...(row !== undefined && { row }), column: error.problem.path },
    })
  }
}

/** A problem with one value, or with a column as a whole, on its way up. */
class ArrowProblem {
  readonly index: number | undefined
  readonly problem: ValueError

  constructor(problem: ValueError, index?: number) {
    this.problem = problem
    this.index = index
  }
}

/** Runs `convert`; puts a name before the path of a problem, and turns its index into that of the parent. */
function within<T>(name: string, convert: () => T, parentIndex = (index: number): number => index): T {
  try {
    return convert()
  } catch (error) {
    if (!(error instanceof ArrowProblem)) throw error
    const index = error.index === undefined ? undefined : parentIndex(error.index)
    throw new ArrowProblem(error.problem.within(name), index)
  }
}

function structChildren(
  data: ArrowData,
  names: readonly string[],
  fields: readonly Field[],
  rules: RowRules,
  around: Validity,
  length: number,
): Column[] {
  checkNames(names, fields, rules)
  return fields.map((field) => {
    const spec: ColumnSpec = { fieldId: field.id, type: field.type, required: field.required }
    const index = names.indexOf(field.name)
    return within(field.name, () =>
      // Of no rows, apache-arrow leaves out what is inside lists.
      index < 0 || length === 0
        ? absentColumn(spec, length, rules)
        : convert(data.children[index]!, spec, rules, around),
    )
  })
}

function checkNames(names: readonly string[], fields: readonly Field[], rules: RowRules): void {
  const known = new Set(fields.map((field) => field.name))
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i && known.has(name)) {
      throw new ArrowProblem(new ValueError('the Arrow data has two columns of this name').within(name))
    }
    if (known.has(name) || rules.unknownColumns === 'ignore') continue
    const near = nearMisses(name, known)
    const hint = near.length > 0 ? `did you mean '${near[0]!}'?` : "or set unknownColumns: 'ignore'"
    throw new ArrowProblem(new ValueError(`the table has no such column; ${hint}`).within(name))
  }
}

function absentColumn(spec: ColumnSpec, length: number, rules: RowRules): Column {
  if (spec.required && length > 0) throw new ArrowProblem(missing(undefined, spec), 0)
  const appender = makeAppender(spec, rules)
  for (let i = 0; i < length; i++) appender.appendAbsent()
  return appender.finish()
}

function convert(data: ArrowData, spec: ColumnSpec, rules: RowRules, around: Validity): Column {
  const column = convertAny(data, spec, rules, around)
  if (!spec.required || column.nullCount === 0) return column
  for (let i = 0; i < column.length; i++) {
    if (isPresent(around, i) && !isPresent(column.validity, i)) throw new ArrowProblem(missing(null, spec), i)
  }
  // All nulls are inside structs that are null themselves: no value is missed.
  return { ...column, validity: undefined, nullCount: 0 }
}

function convertAny(data: ArrowData, spec: ColumnSpec, rules: RowRules, around: Validity): Column {
  const { typeId } = data.type
  if (typeId === ARROW.dictionary) return convertDictionary(data, spec, rules)
  if (typeId === ARROW.null) return convertValues(data, spec, rules, () => null)
  if (isPrimitive(spec.type)) {
    const same = sameLayout(data, spec)
    if (same !== undefined) return same
    const read = userValueReader(data, spec.type)
    return read === undefined ? refuseType(data, spec) : convertValues(data, spec, rules, read)
  }
  if (spec.type.type === 'struct') return convertStruct(data, spec, rules, around)
  return convertRepeated(data, spec, rules)
}

function refuseType(data: ArrowData, spec: ColumnSpec): never {
  const found = String(data.type)
  throw new ArrowProblem(
    new ValueError(
      `found Arrow ${found}, expected ${typeName(spec.type)}; it cannot be converted without loss: cast it first`,
    ),
  )
}

function convertValues(data: ArrowData, spec: ColumnSpec, rules: RowRules, read: (index: number) => unknown): Column {
  const appender = makeAppender({ ...spec, required: false }, rules)
  const { validity } = validityOf(data)
  for (let i = 0; i < data.length; i++) {
    try {
      appender.append(isPresent(validity, i) ? read(i) : null)
    } catch (error) {
      throw new ArrowProblem(asValueError(error), i)
    }
  }
  return appender.finish()
}

function convertDictionary(data: ArrowData, spec: ColumnSpec, rules: RowRules): Column {
  const optional = { ...spec, required: false }
  const chunks = data.dictionary!.data.map((chunk) => convert(chunk, optional, rules, undefined))
  if (chunks.length === 0) chunks.push(absentColumn(optional, 0, rules))
  // One null at the end stands for every null index.
  chunks.push(absentColumn(optional, 1, rules))
  const values = concat(chunks.map((column) => ({ length: column.length, columns: [column] })))
  const { validity } = validityOf(data)
  const indices = Int32Array.from({ length: data.length }, (_, i) =>
    isPresent(validity, i) ? Number(data.values[i]) : values.length - 1,
  )
  return take(values, indices).columns[0]!
}

function convertStruct(data: ArrowData, spec: ColumnSpec, rules: RowRules, around: Validity): Column {
  if (data.type.typeId !== ARROW.struct) return refuseType(data, spec)
  const nulls = validityOf(data)
  const names = (data.type.children ?? []).map((child) => child.name)
  const inside = bothPresent(around, nulls.validity)
  const children = structChildren(data, names, childFields(spec.type), rules, inside, data.length)
  return { kind: 'struct', fieldId: spec.fieldId, type: spec.type, length: data.length, ...nulls, children }
}

/** Lists and maps: offsets, and what they point into. */
function convertRepeated(data: ArrowData, spec: ColumnSpec, rules: RowRules): Column {
  const { typeId } = data.type
  const isMap = spec.type.type === 'map'
  const fits = isMap ? typeId === ARROW.map : [ARROW.list, ARROW.largeList, ARROW.fixedList].includes(typeId as 12)
  if (!fits) return refuseType(data, spec)
  const { offsets, child } = repeatedParts(data)
  const parentIndex = (index: number) => Math.max(0, offsets.findIndex((offset) => offset > index) - 1)
  const base = { fieldId: spec.fieldId, type: spec.type, length: data.length, ...validityOf(data), offsets }
  const [first, second] = childFields(spec.type).map((field) => ({
    fieldId: field.id,
    type: field.type,
    required: field.required,
  }))
  if (!isMap) {
    const element = within('element', () => convert(child, first!, rules, undefined), parentIndex)
    return { ...base, kind: 'list', element }
  }
  const key = within('key', () => convert(child.children[0]!, first!, rules, undefined), parentIndex)
  const value = within('value', () => convert(child.children[1]!, second!, rules, undefined), parentIndex)
  return { ...base, kind: 'map', key, value }
}

/** Offsets from zero on, and the part of the child that they cover. */
function repeatedParts(data: ArrowData): { offsets: Int32Array; child: ArrowData } {
  const [child] = data.children
  const { length } = data
  if (data.type.typeId === ARROW.fixedList) {
    const size = data.type.listSize!
    return {
      offsets: Int32Array.from({ length: length + 1 }, (_, i) => i * size),
      child: child!.slice(0, length * size),
    }
  }
  const from = Number(data.valueOffsets[0])
  const offsets = Int32Array.from({ length: length + 1 }, (_, i) => Number(data.valueOffsets[i]) - from)
  return { offsets, child: child!.slice(from, offsets[length]!) }
}
