/** Metadata of an empty table with two columns, for tests that need some. */
import { UNPARTITIONED } from '../../src/spec/partition.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import { UNSORTED } from '../../src/spec/sort-order.ts'
import { newTableMetadata } from '../../src/spec/updates.ts'

export function sampleMetadata(properties: Readonly<Record<string, string>> = {}): TableMetadata {
  return newTableMetadata({
    tableUuid: '6e1b27a1-2f6b-4b6e-9a59-6b7f3f5c0d11',
    location: 'memory://test/t',
    schema: {
      schemaId: 0,
      fields: [
        { id: 1, name: 'id', required: true, type: { type: 'long' } },
        { id: 2, name: 'text', required: false, type: { type: 'string' } },
      ],
    },
    spec: UNPARTITIONED,
    sortOrder: UNSORTED,
    properties,
    nowMs: Date.UTC(2026, 0, 1),
  })
}
