/** Which line of which file a row came from, so that an error can say so, without a note for every row. */

export interface Position {
  readonly file: string
  /** From 1, of the line where the record begins; undefined in formats without lines. */
  readonly line: number | undefined
  /** From 1, within the file; known in formats without lines. */
  readonly row?: number
}

/** A stretch of rows on consecutive lines of one file. */
interface Run {
  readonly file: string
  readonly line: number | undefined
  readonly firstRow: number
}

export interface Positions {
  /** Says where the next row comes from. */
  add(file: string, line: number): void
  /** Says that the next `count` rows come from a file without lines. */
  addRows(file: string, count: number): void
  /** Rows noted so far. */
  readonly rows: number
  /** Where row `index` (from 0) came from; undefined if it has not been noted. */
  of(index: number): Position | undefined
}

export function trackPositions(): Positions {
  const runs: Run[] = []
  let rows = 0
  let last: Run | undefined
  return {
    add(file, line) {
      if (last?.file !== file || last.line === undefined || last.line + (rows - last.firstRow) !== line) {
        last = { file, line, firstRow: rows }
        runs.push(last)
      }
      rows++
    },
    addRows(file, count) {
      if (last?.file !== file || last.line !== undefined) {
        last = { file, line: undefined, firstRow: rows }
        runs.push(last)
      }
      rows += count
    },
    get rows() {
      return rows
    },
    of(index) {
      if (index < 0 || index >= rows) return undefined
      let low = 0
      let high = runs.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (runs[middle]!.firstRow <= index) low = middle
        else high = middle - 1
      }
      const run = runs[low]!
      const after = index - run.firstRow
      return run.line === undefined
        ? { file: run.file, line: undefined, row: after + 1 }
        : { file: run.file, line: run.line + after }
    },
  }
}

/** `events.csv:17`, or `events.parquet, row 17` where there are no lines. */
export function positionText(position: Position): string {
  if (position.line !== undefined) return `${position.file}:${position.line}`
  return position.row === undefined ? position.file : `${position.file}, row ${position.row}`
}
