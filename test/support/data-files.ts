/** Data files as manifests describe them, for tests that look at some of it. */
import type { DataFile } from '../../src/spec/data-file.ts'

/** One without metrics, of no partition. */
export function dataFileOf(partial: Partial<DataFile> = {}): DataFile {
  return {
    content: 'data',
    path: 's3://b/t/data/1.parquet',
    format: 'parquet',
    partition: [],
    specId: 0,
    recordCount: 10n,
    fileSizeBytes: 1000n,
    columnSizes: new Map(),
    valueCounts: new Map(),
    nullValueCounts: new Map(),
    nanValueCounts: new Map(),
    lowerBounds: new Map(),
    upperBounds: new Map(),
    ...partial,
  }
}
