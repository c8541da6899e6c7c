import { describe, expect, test } from 'vitest'
import { decodeManifest, encodeManifest } from '../../src/codec/manifest.ts'
import type { DataFile, ManifestEntry } from '../../src/spec/data-file.ts'
import type { TableMetadata } from '../../src/spec/metadata.ts'
import type { PartitionSpec } from '../../src/spec/partition.ts'
import type { Field, Schema } from '../../src/spec/types.ts'
import { partitionSchema, rewriteManifest } from '../../src/commit/replace-manifest.ts'
import type { RewriteInput } from '../../src/commit/replace-manifest.ts'
import { replaceSummary, tallyAll, tallyFiles } from '../../src/commit/replace-summary.ts'

const field = (id: number, name: string, type: Field['type'] = { type: 'int' }): Field => ({
  id,
  name,
  required: false,
  type,
})
const OLD: Schema = { schemaId: 0, fields: [field(1, 'a'), field(2, 'b')] }
const NOW: Schema = { schemaId: 1, fields: [field(2, 'b', { type: 'long' })] }
const SPEC: PartitionSpec = {
  specId: 0,
  fields: [{ sourceId: 1, fieldId: 1000, name: 'a', transform: { transform: 'identity' } }],
}
const none = new Map()

function file(name: string, partition: number | null, recordCount = 1n): DataFile {
  return {
    content: 'data',
    path: `s3://b/t/data/${name}`,
    format: 'parquet',
    partition: [partition],
    specId: 0,
    recordCount,
    fileSizeBytes: 100n,
    columnSizes: none,
    valueCounts: none,
    nullValueCounts: none,
    nanValueCounts: none,
    lowerBounds: none,
    upperBounds: none,
  }
}

const entry = (status: ManifestEntry['status'], sequence: bigint, dataFile: DataFile): ManifestEntry => ({
  status,
  snapshotId: sequence * 10n,
  sequenceNumber: sequence,
  fileSequenceNumber: sequence + 1n,
  dataFile,
})

function input(entries: readonly ManifestEntry[], removed: readonly string[]): RewriteInput {
  const manifest = { path: 's3://b/t/metadata/old.avro' } as RewriteInput['manifest']
  return {
    manifest,
    entries,
    isRemoved: (path) => removed.some((name) => path.endsWith(name)),
    spec: SPEC,
    schema: OLD,
    formatVersion: 2,
    snapshotId: 99n,
    key: 't/metadata/new.avro',
    path: 's3://b/t/metadata/new.avro',
  }
}

describe('a manifest without some of its files', () => {
  const entries = [
    entry('added', 5n, file('one', 1, 10n)),
    entry('existing', 3n, file('two', null, 20n)),
    entry('existing', 4n, file('three', 7, 40n)),
    entry('deleted', 2n, file('four', 8, 80n)),
  ]

  test('says which are removed and by whom, and keeps ids and numbers of all; earlier removals are not repeated', () => {
    const { bytes, made } = rewriteManifest(input(entries, ['two']))
    const manifest = made.line(9n)
    expect(manifest).toMatchObject({
      path: 's3://b/t/metadata/new.avro',
      addedSnapshotId: 99n,
      sequenceNumber: 9n,
      minSequenceNumber: 4n,
      addedFilesCount: 0,
      existingFilesCount: 2,
      deletedFilesCount: 1,
      existingRowsCount: 50n,
      deletedRowsCount: 20n,
    })
    const again = decodeManifest(bytes, { manifest, spec: SPEC, schema: OLD, where: 'new' })
    expect(again.map((one) => [one.status, one.snapshotId, one.sequenceNumber, one.fileSequenceNumber])).toEqual([
      ['existing', 50n, 5n, 6n],
      ['deleted', 99n, 3n, 4n],
      ['existing', 40n, 4n, 5n],
    ])
    expect(again.map((one) => one.dataFile.partition)).toEqual([[1], [null], [7]])
    expect(made.removed).toMatchObject({ files: 1, records: 20n, bytes: 100n })
  })

  test('of which none is left has the sequence number of its snapshot', () => {
    const { made } = rewriteManifest(input(entries, ['one', 'two', 'three']))
    expect(made.line(9n)).toMatchObject({ sequenceNumber: 9n, minSequenceNumber: 9n, existingFilesCount: 0 })
  })

  test('is refused where the old one breaks the rules of sequence numbers', () => {
    const broken = { ...entry('existing', 3n, file('x', 1)), sequenceNumber: null }
    expect(() => rewriteManifest(input([broken, entries[0]!], ['one']))).toThrow(/neither a sequence number/)
  })

  test('partition values of a dropped column are read and written by the schema that has it', () => {
    const metadata = { schemas: [OLD, NOW], currentSchemaId: 1, location: 's3://b/t' } as unknown as TableMetadata
    expect(partitionSchema(metadata, SPEC)).toBe(OLD)
    expect(partitionSchema({ ...metadata, schemas: [OLD, NOW], currentSchemaId: 0 }, SPEC)).toBe(OLD)
    const bucketed: PartitionSpec = {
      ...SPEC,
      fields: [{ ...SPEC.fields[0]!, transform: { transform: 'bucket', buckets: 4 } }],
    }
    expect(partitionSchema(metadata, bucketed)).toBe(NOW)
    expect(() => partitionSchema({ ...metadata, schemas: [NOW] }, SPEC)).toThrow(/no schema of the table has/)
    const bytes = encodeManifest({ entries, schema: OLD, spec: SPEC, content: 'data', formatVersion: 2 })
    expect(bytes.length).toBeGreaterThan(0)
  })
})

describe('the summary of a snapshot that removes files', () => {
  const [added, removed] = [tallyFiles([file('a', 1, 3n)]), tallyFiles([file('b', 1, 5n), file('c', 2, 7n)])]
  const nothing = tallyFiles([])

  test('names the operation as the spec does', () => {
    const operation = (...of: [typeof added, typeof removed]) => replaceSummary(...of, undefined, {})['operation']
    expect([operation(added, nothing), operation(nothing, removed), operation(added, removed)]).toEqual([
      'append',
      'delete',
      'overwrite',
    ])
  })

  test('leaves out a total that cannot be known, or that would be below zero', () => {
    const parent = (summary: Record<string, string>) => ({ summary }) as never
    const made = replaceSummary(added, removed, parent({ 'total-records': '20', 'total-data-files': '1' }), {})
    expect(made['total-records']).toBe('11')
    expect(made['total-data-files']).toBe('0')
    expect(made['total-files-size']).toBeUndefined()
    const broken = replaceSummary(nothing, removed, parent({ 'total-records': '5' }), {})
    expect(broken['total-records']).toBeUndefined()
    expect(tallyAll([added, removed])).toMatchObject({ files: 3, records: 15n, bytes: 300n })
    expect(made['changed-partition-count']).toBe('2')
  })
})
