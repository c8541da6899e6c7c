import { describe, expect, test } from 'vitest'
import { hiddenColumns, layoutTable, renderTable, tableLine } from '../../src/cli/output/table-text.ts'
import { displayWidth } from '../../src/cli/output/text-width.ts'

const COLUMNS = [
  { header: 'id', align: 'right' },
  { header: 'name', align: 'left' },
] as const

describe('tables for people', () => {
  test('numbers are flush right under their header, texts flush left', () => {
    expect(
      renderTable(
        COLUMNS,
        [
          ['1', 'ann'],
          ['200', '日本'],
        ],
        undefined,
      ),
    ).toBe([' id  name', '───  ────', '  1  ann', '200  日本', ''].join('\n'))
  })

  test('no line is wider than the terminal, and the widest column gives way first', () => {
    const rows = [['1', 'x'.repeat(100)]]
    for (const width of [12, 20, 40, 80]) {
      for (const line of renderTable(COLUMNS, rows, width).split('\n')) {
        expect(displayWidth(line)).toBeLessThanOrEqual(width)
      }
    }
  })

  test('columns that do not fit are left out from the right, and counted', () => {
    const columns = Array.from({ length: 20 }, (_, i) => ({ header: `column${i}`, align: 'left' as const }))
    const layout = layoutTable(columns, [], 40)
    expect(hiddenColumns(layout)).toBeGreaterThan(10)
    expect(
      displayWidth(
        tableLine(
          layout,
          columns.map((c) => c.header),
        ).trimEnd(),
      ),
    ).toBeLessThanOrEqual(40)
  })
})
