/** Columns as row objects. */
import type { Field } from '../spec/types.ts'
import type { ReadBatch, ReadColumn } from './arrow-rows-column.ts'
import type { RowFormat } from './arrow-rows-values.ts'
import { valueReader } from './arrow-rows-values.ts'

export type { RowFormat } from './arrow-rows-values.ts'

export type Row = Record<string, unknown>

/** Rows made column by column in one go: few enough to stay in the processor's cache, and to pin little (see strings). */
const BLOCK_ROWS = 1024

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
  const names = fields.map((field) => field.name)
  const readers = fields.map((field) => valueReader(columnOf(batch.columns, field.id), field.type, format))
  const blocks = fields.map(() => Array.from<unknown>({ length: BLOCK_ROWS }).fill(null))
  const make = rowMaker(names)
  if (selected === undefined) {
    for (let start = 0; start < batch.length; start += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, batch.length - start)
      for (const [c, reader] of readers.entries()) reader.fill(blocks[c]!, start, count)
      for (let i = 0; i < count; i++) out.push(make(blocks, i))
    }
    return
  }
  for (let from = 0; from < selected.length; from += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, selected.length - from)
    for (const [c, reader] of readers.entries()) {
      const block = blocks[c]!
      for (let i = 0; i < count; i++) block[i] = reader.at(selected[from + i]!)
    }
    for (let i = 0; i < count; i++) out.push(make(blocks, i))
  }
}

/** The column of a field id. */
export function columnOf(columns: readonly ReadColumn[], fieldId: number): ReadColumn {
  return columns.find((column) => column.fieldId === fieldId)!
}

type RowMaker = (blocks: readonly unknown[][], i: number) => Row

/**
 * Rows are made by a constructor of their own, which gives V8 objects with room for their columns inside: a sixth less
 * time than growing `{}` (docs/decisions/scan-rows.md). Their prototype is that of plain objects, so that they are some.
 */
function rowMaker(names: readonly string[]): RowMaker {
  // Assigning to `__proto__` would not make a property of it.
  if (names.includes('__proto__')) {
    return (blocks, i) => Object.fromEntries(names.map((name, c) => [name, blocks[c]![i]]))
  }
  const PlainRow = function () {} as unknown as new () => Row
  PlainRow.prototype = Object.prototype
  return (blocks, i) => {
    const row = new PlainRow()
    for (let c = 0; c < names.length; c++) row[names[c]!] = blocks[c]![i]
    return row
  }
}
