/** Decoded columns that outlive the decoder's memory: copied, without dictionaries, with only the fields that are wanted. */
import type { Field, Type } from '../spec/types.ts'
import { columnOf } from './arrow-rows.ts'
import type { DictionaryColumn, ReadBatch, ReadColumn } from './arrow-rows-column.ts'
import { isPresent } from './column-nulls.ts'
import { take } from './column-ops.ts'
import type { BytesColumn, Column, ColumnBatch } from './columns.ts'

/**
 * The fields of a batch as columns of their own.
 *
 * @param selected Positions of the rows that are wanted, ascending; undefined: all of them.
 */
export function keepColumns(batch: ReadBatch, fields: readonly Field[], selected: Int32Array | undefined): ColumnBatch {
  const columns = fields.map((field) => {
    const column = columnOf(batch.columns, field.id)
    if (column.kind === 'dictionary') return expand(column, selected)
    const pruned = pruneColumn(column, field.type)
    return selected === undefined
      ? copy(pruned)
      : take({ length: batch.length, columns: [pruned] }, selected).columns[0]!
  })
  return { length: selected?.length ?? batch.length, columns }
}

/** A column with only those fields of structs that are in `type`. */
function pruneColumn(column: Exclude<ReadColumn, DictionaryColumn>, type: Type): Column {
  if (column.kind === 'struct' && type.type === 'struct') {
    const children = type.fields.map((field) => {
      const child = column.children.find(({ fieldId }) => fieldId === field.id)!
      return pruneColumn(child, field.type)
    })
    return { ...column, type, children }
  }
  if (column.kind === 'list' && type.type === 'list') {
    return { ...column, type, element: pruneColumn(column.element, type.element) }
  }
  if (column.kind === 'map' && type.type === 'map') {
    return { ...column, type, value: pruneColumn(column.value, type.value) }
  }
  return column
}

function copy(column: Column): Column {
  const validity = column.validity?.slice()
  switch (column.kind) {
    case 'fixed':
      return { ...column, validity, values: column.values.slice() }
    case 'bytes':
      return { ...column, validity, offsets: column.offsets.slice(), data: column.data.slice() }
    case 'struct':
      return { ...column, validity, children: column.children.map(copy) }
    case 'list':
      return { ...column, validity, offsets: column.offsets.slice(), element: copy(column.element) }
    default:
      return { ...column, validity, offsets: column.offsets.slice(), key: copy(column.key), value: copy(column.value) }
  }
}

/** The strings that a dictionary's indices stand for, one after the other. */
function expand(column: DictionaryColumn, selected: Int32Array | undefined): BytesColumn {
  const { fieldId, type, indices, offsets: starts, data: source } = column
  const length = selected?.length ?? column.length
  const offsets = new Int32Array(length + 1)
  const validity = column.validity && new Uint8Array((length + 7) >> 3)
  let nullCount = 0
  for (let i = 0; i < length; i++) {
    const row = selected === undefined ? i : selected[i]!
    const present = isPresent(column.validity, row)
    if (validity !== undefined && present) validity[i >> 3] = validity[i >> 3]! | (1 << (i & 7))
    if (!present) nullCount++
    const index = indices[row]!
    offsets[i + 1] = offsets[i]! + (present ? starts[index + 1]! - starts[index]! : 0)
  }
  const data = new Uint8Array(offsets[length]!)
  for (let i = 0; i < length; i++) {
    const to = offsets[i]!
    const count = offsets[i + 1]! - to
    if (count === 0) continue
    const from = starts[indices[selected === undefined ? i : selected[i]!]!]!
    // Repeated strings are mostly short: a loop beats a call.
    for (let k = 0; k < count; k++) data[to + k] = source[from + k]!
  }
  return {
    kind: 'bytes',
    fieldId,
    type,
    length,
    nullCount,
    validity: nullCount === 0 ? undefined : validity,
    offsets,
    data,
  }
}
