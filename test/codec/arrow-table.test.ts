import * as fc from 'fast-check'
import { tableFromIPC, tableToIPC } from 'apache-arrow'
import { expect, test } from 'vitest'
import { asArrowTable } from '../../src/codec/arrow-table.ts'
import { fromArrow, toArrowTable } from '../../src/codec/arrow.ts'
import { anySchema, rowsOf } from '../support/arbitrary-rows.ts'
import { readRows } from '../support/read-columns.ts'
import { columnsOf } from './parquet-reading.ts'

test('an Arrow table over columns is the one that their bytes decode to', async () => {
  const cases = anySchema.chain((columns) => fc.tuple(fc.constant(columns), rowsOf(columns, 12), rowsOf(columns, 5)))
  await fc.assert(
    fc.asyncProperty(cases, async ([columns, first, second]) => {
      const batches = [first, second].filter((rows) => rows.length > 0).map((rows) => columnsOf(columns, rows))
      const expected = await toArrowTable(columns, batches)
      const found = await asArrowTable(columns, batches)
      expect(found.schema.toString()).toBe(expected.schema.toString())
      expect(found.numRows).toBe(expected.numRows)
      expect(readRows(columns, fromArrow(found, columns))).toEqual(readRows(columns, batches))
      // As other tools get it.
      expect(readRows(columns, fromArrow(tableFromIPC(tableToIPC(found)), columns))).toEqual(readRows(columns, batches))
    }),
    { numRuns: 150 },
  )
})
