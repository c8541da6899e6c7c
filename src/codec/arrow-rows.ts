/** Columns as row objects. */
import type { Field } from '../spec/types.ts'
import type { ReadBatch, ReadColumn } from './arrow-rows-column.ts'
import type { Row } from './arrow-rows-maker.ts'
import { rowMaker } from './arrow-rows-maker.ts'
import type { RowFormat } from './arrow-rows-values.ts'
import { valueReader } from './arrow-rows-values.ts'

export type { Row } from './arrow-rows-maker.ts'
export type { RowFormat } from './arrow-rows-values.ts'

/**
 * The rows of a batch, appended to `out` in order. Nothing in them refers to the arrays of the batch.
 *
 * @param fields What a row has, in this order; found among the columns by id.
 * @param selected Positions of the rows that are wanted, ascending; undefined: all of them.
 */
export function appendRows(
  batch: ReadBatch,
  fields: readonly Field[],
  format: RowFormat,
  selected: Int32Array | undefined,
  out: Row[],
): void {
  const readers = fields.map((field) =>
    valueReader(columnOf(batch.columns, field.id), field.type, format, selected === undefined),
  )
  const make = rowMaker(
    fields.map(({ name }) => name),
    readers,
  )
  if (selected === undefined) for (let i = 0; i < batch.length; i++) out.push(make(i))
  else for (const i of selected) out.push(make(i))
}

/** The column of a field id. */
export function columnOf(columns: readonly ReadColumn[], fieldId: number): ReadColumn {
  return columns.find((column) => column.fieldId === fieldId)!
}
