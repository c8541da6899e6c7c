import { expect, test } from 'vitest'
import { convertBatch } from '../../src/codec/parquet-reader-columns.ts'
import type { FieldSource } from '../../src/codec/parquet-reader-fields.ts'
import type { ArrayView } from '../../src/codec/parquet-reader-memory.ts'
import type { Shape } from '../../src/codec/parquet-reader-shape.ts'

const COLUMNS = 500

test('a file of many columns is counted off once, and not once for each column', () => {
  let looks = 0
  const leaves = Object.assign(new Set(Array.from({ length: COLUMNS }, (_, leaf) => leaf)), {
    has(leaf: number) {
      looks++
      return Set.prototype.has.call(this, leaf)
    },
  })
  const shapes = Array.from({ length: COLUMNS }, (_, leaf) => ({ kind: 'primitive', node: { leaf }, children: [] }))
  const view = (children: readonly unknown[]) =>
    ({ format: 'i', offset: 0, length: 0, nullCount: 0, buffers: [], memory: new ArrayBuffer(0), children }) as unknown
  const root = view(shapes.map(() => view([]))) as ArrayView
  const sources = shapes.map((shape, i) => {
    const field = { id: i + 1, name: `c${i}`, required: true, type: { type: 'int' } }
    return { kind: 'stored', field, shape, children: [] } as unknown as FieldSource
  })
  const columns = convertBatch(sources, shapes as unknown as readonly Shape[], root, { leaves, where: 'f' })
  expect(columns.map((column) => column.fieldId)).toEqual(sources.map((source) => source.field.id))
  expect(looks).toBe(COLUMNS)
})
