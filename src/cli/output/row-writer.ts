/** Rows of a scan into text, one writer per format. */
import type { Schema } from '../../spec/types.ts'
import type { Sink } from './sink.ts'
import { type TableLayout, hiddenColumns, layoutTable, tableHeader, tableLine } from './table-text.ts'
import { type TextOptions, cellText, isNumeric, rowJson } from './value-text.ts'

export interface RowWriter {
  /** Writes a row; a promise when the reader of the output is behind. */
  write(row: Record<string, unknown>): Promise<void> | undefined
  /** Writes what is left, and the end of the format. */
  end(): Promise<void>
}

export interface RowWriterOptions extends TextOptions {
  /** What stands for null in CSV; default nothing. */
  readonly nullText?: string | undefined
  /** Width of the terminal, for tables. */
  readonly width?: number | undefined
  /** Called when a table leaves columns out. */
  readonly onHidden?: (columns: number) => void
}

export type TextFormat = 'table' | 'ndjson' | 'json' | 'csv' | 'tsv'

export function createRowWriter(format: TextFormat, schema: Schema, sink: Sink, options: RowWriterOptions): RowWriter {
  switch (format) {
    case 'table':
      return tableWriter(schema, sink, options)
    case 'ndjson': {
      const text = rowJson(schema, options)
      return { write: (row) => sink.write(`${text(row)}\n`), end: async () => {} }
    }
    case 'json':
      return jsonWriter(schema, sink, options)
    case 'csv':
      return csvWriter(schema, sink, ',', options)
    case 'tsv':
      return csvWriter(schema, sink, '\t', options)
  }
}

function jsonWriter(schema: Schema, sink: Sink, options: RowWriterOptions): RowWriter {
  const text = rowJson(schema, options)
  let lead = '[\n'
  return {
    write(row) {
      const line = lead + text(row)
      lead = ',\n'
      return sink.write(line)
    },
    end: async () => sink.write(lead === '[\n' ? '[]\n' : '\n]\n'),
  }
}

/** Texts of a row's cells; null where the row has none. */
function cellsOf(schema: Schema, options: TextOptions): (row: Record<string, unknown>) => (string | null)[] {
  const columns = schema.fields.map(({ name, type }) => ({ name, text: cellText(type, options) }))
  return (row) =>
    columns.map(({ name, text }) => {
      const value = row[name]
      return value === null || value === undefined ? null : text(value)
    })
}

/** RFC 4180: a header, CRLF, quotes where they are needed. A text that reads like null is quoted. */
function csvWriter(schema: Schema, sink: Sink, delimiter: string, options: RowWriterOptions): RowWriter {
  const nullText = options.nullText ?? ''
  const cells = cellsOf(schema, options)
  const special = delimiter === '\t' ? /["\r\n\t]/ : /[",\r\n]/
  const quoted = (text: string) => (special.test(text) || text === nullText ? `"${text.replaceAll('"', '""')}"` : text)
  const line = (texts: readonly (string | null)[]) =>
    `${texts.map((text) => (text === null ? nullText : quoted(text))).join(delimiter)}\r\n`
  let header = line(schema.fields.map((field) => field.name))
  return {
    write(row) {
      const text = header + line(cells(row))
      header = ''
      return sink.write(text)
    },
    end: async () => sink.write(header),
  }
}

/** Widths are measured on so many rows, which wait until then. */
const MEASURED_ROWS = 1_000

function tableWriter(schema: Schema, sink: Sink, options: RowWriterOptions): RowWriter {
  const cells = cellsOf(schema, options)
  const columns = schema.fields.map((field) => ({
    header: field.name,
    align: isNumeric(field.type) ? ('right' as const) : ('left' as const),
  }))
  const shown = (row: Record<string, unknown>) => cells(row).map((text) => text ?? 'null')
  let waiting: string[][] = []
  let layout: TableLayout | undefined
  const begin = () => {
    layout = layoutTable(columns, waiting, options.width)
    const hidden = hiddenColumns(layout)
    if (hidden > 0) options.onHidden?.(hidden)
    const text = tableHeader(layout) + waiting.map((row) => tableLine(layout!, row)).join('')
    waiting = []
    return sink.write(text)
  }
  return {
    write(row) {
      if (layout !== undefined) return sink.write(tableLine(layout, shown(row)))
      waiting.push(shown(row))
      return waiting.length >= MEASURED_ROWS ? begin() : undefined
    },
    async end() {
      if (layout === undefined) await begin()
    },
  }
}
