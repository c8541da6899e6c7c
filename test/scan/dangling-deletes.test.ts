/** Delete files that are still listed: which of them may have rows of a data file (spec: "Scan Planning"). */
import { describe, expect, test } from 'vitest'
import { mayDelete } from '../../src/scan/dangling-deletes.ts'
import type { DataFile, FileContent, ManifestEntry } from '../../src/spec/data-file.ts'
import { dataFileOf } from '../support/data-files.ts'

const FILE_PATH_ID = 2147483546

function entry(
  content: FileContent,
  path: string,
  sequenceNumber: bigint | null,
  rest: Partial<DataFile> = {},
): ManifestEntry {
  const dataFile = dataFileOf({ content, path, ...rest })
  return { status: 'added', snapshotId: 1n, sequenceNumber, fileSequenceNumber: sequenceNumber, dataFile }
}

const data = (path: string, sequenceNumber: bigint | null = 1n) => entry('data', path, sequenceNumber)
const bound = (text: string) => new Map([[FILE_PATH_ID, new TextEncoder().encode(text)]])
const positions = (lower: string, upper = lower, sequenceNumber: bigint | null = 2n) =>
  mayDelete(entry('position-deletes', 'd', sequenceNumber, { lowerBounds: bound(lower), upperBounds: bound(upper) }))

describe('position deletes', () => {
  test('that point to one file delete nothing once it is gone', () => {
    const applies = positions('s3://b/t/data/a.parquet')
    expect(applies(data('s3://b/t/data/a.parquet'))).toBe(true)
    expect(applies(data('s3://b/t/data/b.parquet'))).toBe(false)
    expect(applies(data('s3://b/t/data/a.parquet.parquet'))).toBe(false)
  })

  test('know the file by any of its schemes', () => {
    expect(positions('s3://b/t/a.parquet')(data('s3a://b/t/a.parquet'))).toBe(true)
    expect(positions('file:/t/a.parquet')(data('/t/a.parquet'))).toBe(true)
    expect(positions('/t/a.parquet')(data('file:///t/a.parquet'))).toBe(true)
  })

  test('do not touch what was written after them, and what was written with them they do', () => {
    const applies = positions('/t/a.parquet')
    expect(applies(data('/t/a.parquet', 2n))).toBe(true)
    expect(applies(data('/t/a.parquet', 3n))).toBe(false)
  })

  test.each([
    ['no bounds', {}],
    ['two paths', { lowerBounds: bound('/t/a.parquet'), upperBounds: bound('/t/c.parquet') }],
    ['bounds that were cut short', { lowerBounds: bound('/t/da'), upperBounds: bound('/t/da') }],
    ['only one bound', { lowerBounds: bound('/t/a.parquet') }],
  ])('with %s may be of any file that is no younger', (_what, bounds) => {
    const applies = mayDelete(entry('position-deletes', 'd', 2n, bounds))
    expect(applies(data('/t/data/x.parquet', 2n))).toBe(true)
    expect(applies(data('/t/data/x.parquet', 3n))).toBe(false)
  })

  test('without a sequence number may be of any file, as those of which the data has none', () => {
    expect(mayDelete(entry('position-deletes', 'd', null))(data('/t/x.parquet', 9n))).toBe(true)
    expect(mayDelete(entry('position-deletes', 'd', 1n))(data('/t/x.parquet', null))).toBe(true)
  })
})

test('a deletion vector is of the file that it names', () => {
  const vector = entry('position-deletes', 'd', 2n, { format: 'puffin', referencedDataFile: '/t/a.parquet' })
  expect(mayDelete(vector)(data('/t/a.parquet'))).toBe(true)
  expect(mayDelete(vector)(data('/t/b.parquet'))).toBe(false)
})

test('equality deletes are of all files that were there before them, not of those that came with them', () => {
  const applies = mayDelete(entry('equality-deletes', 'd', 2n, { equalityIds: [1] }))
  expect([1n, 2n, 3n].map((at) => applies(data('/t/a.parquet', at)))).toEqual([true, false, false])
})
