/** Tables for people: a header, a rule, right-aligned numbers, cut to the width of the terminal. */
import { displayWidth, fitToWidth, visibleText } from './text-width.ts'

export interface TextColumn {
  readonly header: string
  readonly align: 'left' | 'right'
}

/** Blanks between two columns. */
const GAP = '  '

/** No column is made narrower than this to let others fit: less than that shows nothing. */
const MIN_COLUMN_WIDTH = 6

/** Cells longer than this are cut even when nothing limits the line: a cell is a glimpse, not a dump. */
const MAX_COLUMN_WIDTH = 120

export interface TableLayout {
  readonly columns: readonly TextColumn[]
  /** One per shown column; fewer than `columns` when the terminal is too narrow for all of them. */
  readonly widths: readonly number[]
  /** Cells are cut at these widths: their column's on a terminal, else far to the right, where only lines get uneven. */
  readonly limits: readonly number[]
}

/**
 * Widths for these columns so that a line takes at most `maxWidth`: the widest columns give way first. Columns that do
 * not fit at all are left out, from the right.
 *
 * @param sample rows of cells that widths are measured on.
 * @param maxWidth columns of the terminal; undefined: no limit.
 */
export function layoutTable(
  columns: readonly TextColumn[],
  sample: readonly (readonly string[])[],
  maxWidth: number | undefined,
): TableLayout {
  const widths = columns.map((column, i) => {
    let width = displayWidth(visibleText(column.header))
    for (const row of sample) width = Math.max(width, displayWidth(visibleText(row[i] ?? '')))
    return Math.min(width, MAX_COLUMN_WIDTH)
  })
  if (maxWidth === undefined) return { columns, widths, limits: widths.map(() => MAX_COLUMN_WIDTH) }
  const gaps = () => GAP.length * Math.max(0, widths.length - 1)
  while (widths.length > 1 && widths.reduce((sum, width) => sum + least(width), 0) + gaps() > maxWidth) widths.pop()
  const room = maxWidth - gaps()
  const cap = widestThatFits(widths, room)
  const fitting = widths.map((width) => Math.min(width, Math.max(cap, least(width))))
  return { columns, widths: fitting, limits: fitting }
}

/** What a column of this width keeps in any case. */
const least = (width: number) => Math.min(width, MIN_COLUMN_WIDTH)

/** The largest cap on all widths with which their sum fits into `room`. */
function widestThatFits(widths: readonly number[], room: number): number {
  let cap = Math.max(1, ...widths)
  while (cap > MIN_COLUMN_WIDTH && widths.reduce((sum, width) => sum + Math.min(width, cap), 0) > room) cap--
  return cap
}

/** The header and the rule below it. */
export function tableHeader(layout: TableLayout): string {
  const names = tableLine(
    layout,
    layout.columns.map((column) => column.header),
  )
  return `${names}${layout.widths.map((width) => '─'.repeat(width)).join(GAP)}\n`
}

/** One line of a table, with its line break. */
export function tableLine(layout: TableLayout, cells: readonly string[]): string {
  const { widths, limits, columns } = layout
  const shown = widths.map((width, i) => fitToWidth(visibleText(cells[i] ?? ''), width, limits[i]!, columns[i]!.align))
  return `${shown.join(GAP).trimEnd()}\n`
}

/** A whole table, for lists that fit in memory. Empty text if there are no rows and `whenEmpty` is not given. */
export function renderTable(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
  maxWidth: number | undefined,
): string {
  const layout = layoutTable(columns, rows, maxWidth)
  return tableHeader(layout) + rows.map((row) => tableLine(layout, row)).join('')
}

/** How many columns a terminal is too narrow to show. */
export function hiddenColumns(layout: TableLayout): number {
  return layout.columns.length - layout.widths.length
}
