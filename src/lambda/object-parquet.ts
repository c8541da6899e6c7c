/** Parquet objects: record batches as they are, or rows where somebody wants to see each. */
import { fromArrow } from '../codec/arrow-input.ts'
import { appendRows } from '../codec/arrow-rows.ts'
import type { Row } from '../codec/arrow-rows.ts'
import { openForeignParquet } from '../codec/parquet-foreign.ts'
import { schemaFromParquet } from '../codec/parquet-schema.ts'
import { parquetToArrow } from '../codec/parquet-to-arrow.ts'
import type { ObjectBytes } from './object-bytes.ts'
import type { ObjectRows, RowGroup, RowOrigin } from './object-rows.ts'
import { rowItem } from './object-rows.ts'

/** Rows of a batch that are objects at once. */
const GROUP_ROWS = 4_096

export async function openParquetRows(bytes: ObjectBytes, name: string, origin: RowOrigin): Promise<ObjectRows> {
  const handle = await openForeignParquet(bytes, name)
  const schema = schemaFromParquet(handle.footer.root)
  return {
    async *batches() {
      yield* parquetToArrow(handle)
      await bytes.check()
    },
    async *groups(numbers): AsyncGenerator<RowGroup> {
      let line = 0
      for await (const batch of parquetToArrow(handle)) {
        for (const columns of fromArrow(batch, schema, { unknownColumns: 'error' })) {
          for (let from = 0; from < columns.length; from += GROUP_ROWS) {
            const rows: Row[] = []
            const some = Int32Array.from(
              { length: Math.min(GROUP_ROWS, columns.length - from) },
              (_, index) => from + index,
            )
            appendRows(columns, schema.fields, { timestamps: numbers === 'exact' ? 'micros' : 'date' }, some, rows)
            yield { items: rows.map((row) => rowItem(origin, ++line, () => ({ ...row }))), form: 'own' }
          }
        }
      }
      await bytes.check()
    },
  }
}
