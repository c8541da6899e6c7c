/** When the thread that encodes is started: it takes longer to start than a row group takes to be full. */
import { expect, test, vi } from 'vitest'
import { createBuilder } from '../../src/codec/column-builder.ts'
import { startEncodeThread } from '../../src/codec/parquet-writer-encode.ts'
import { createParquetWriter } from '../../src/codec/parquet-writer.ts'
import { resolveSchema, schema, t } from '../../src/spec/builder.ts'

vi.mock(import('../../src/codec/parquet-writer-encode.ts'), async (original) => ({
  ...(await original()),
  startEncodeThread: vi.fn<() => void>(),
}))

test('a quarter of a row group starts it, less does not', async () => {
  const columns = resolveSchema(schema({ n: t.long }))
  const builder = createBuilder(columns)
  for (let n = 0; n < 1_000; n++) builder.append({ n })
  const batch = builder.finish()
  const writer = await createParquetWriter(columns, { rowGroupBytes: 64_000 })
  for (let i = 0; i < 2; i++) await writer.writeAhead(batch, false)
  expect(startEncodeThread).not.toHaveBeenCalled()
  await writer.writeAhead(batch, false)
  expect(startEncodeThread).toHaveBeenCalled()
  expect(writer.size).toBe(0)
})
