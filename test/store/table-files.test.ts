/** Paths in metadata and keys of the store: what belongs to a table, and what only pretends to. */
import { describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { localStore } from '../../src/store/local.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { s3Store } from '../../src/store/s3.ts'
import { tableFiles } from '../../src/store/table-files.ts'
import type { TableFiles } from '../../src/store/table-files.ts'

const s3 = s3Store({ bucket: 'bucket', region: 'us-east-1' })
const onS3 = tableFiles(s3, 'some/table', 's3://bucket/some/table')
const onDisk = tableFiles(localStore('/data/table'), '', '/data/table')

/** What is thrown for a path, as `code: message`; or the key that it leads to. */
function escapeOf(files: TableFiles, path: string): string {
  try {
    return files.resolve(path)
  } catch (error) {
    return DataShardError.is(error) ? `${error.code}: ${error.message}` : String(error)
  }
}

const ESCAPES = /^(?:corrupt|unsupported): the table at .* names '.*', which lies outside of it; nothing was read/s

describe('a table on S3', () => {
  test.each(['s3://bucket/some/table', 's3a://bucket/some/table', 's3n://bucket/some/table'])(
    'is named with any of the schemes: %s',
    (base) => {
      expect(onS3.resolve(`${base}/data/a b/#?%25=ü.parquet`)).toBe('some/table/data/a b/#?%25=ü.parquet')
      expect(tableFiles(s3, 'some/table', `${base}/`).resolve('s3://bucket/some/table/x')).toBe('some/table/x')
    },
  )

  test('may name other keys of its bucket: the credentials decide', () => {
    expect(onS3.resolve('s3://bucket/elsewhere/x.parquet')).toBe('elsewhere/x.parquet')
    expect(onS3.resolve('s3a://bucket/some/table2/x.parquet')).toBe('some/table2/x.parquet')
  })

  test.each([
    's3://other/some/table/x',
    's3://bucket-2/some/table/x',
    's3://bucket/some/table/../x',
    's3://bucket/some/table/a/../../x',
    's3://bucket/some/table/./x',
    's3://bucket/../x',
    '/etc/passwd',
    'file:///etc/passwd',
    'file:/etc/passwd',
    'data/x.parquet',
    '../x',
    'http://bucket/some/table/x',
    'https://bucket.s3.amazonaws.com/some/table/x',
    'gs://bucket/some/table/x',
    '',
    's3://bucket/',
    's3://bucket/some/table/',
    's3://bucket',
  ])('does not lead to %s', (path) => {
    expect(escapeOf(onS3, path)).toMatch(ESCAPES)
  })

  test('may not name keys with two slashes in a row, which no other store could hold', () => {
    for (const path of ['s3://bucket/some/table//data/x', 's3://bucket/else//x']) {
      expect(() => onS3.resolve(path)).toThrow(/two slashes in a row are not supported/)
    }
  })

  test('that was copied to another bucket is found under the place that was opened', () => {
    const copied = tableFiles(s3, 'copy', 's3://original/warehouse/table')
    expect(copied.resolve('s3://original/warehouse/table/data/x')).toBe('copy/data/x')
    expect(copied.pathOf('copy/data/x')).toBe('s3://original/warehouse/table/data/x')
    expect(escapeOf(copied, 's3://original/warehouse/other/x')).toMatch(ESCAPES)
  })

  test('is shown where it was read, if that is another place than its metadata says', () => {
    const copied = tableFiles(s3, 'copy', 's3://original/warehouse/table')
    const path = 's3://original/warehouse/table/data/x'
    expect(copied.shown(path)).toBe(`${path} (read from s3://bucket/copy/data/x)`)
    expect(onS3.shown('s3a://bucket/some/table/data/x')).toBe('s3a://bucket/some/table/data/x')
    expect(onDisk.shown('file:///data/table/data/x')).toBe('file:///data/table/data/x')
    expect(tableFiles(localStore('/mirror'), 'table', path.slice(0, -7)).shown(path)).toBe(
      `${path} (read from /mirror/table/data/x)`,
    )
    for (const [store, prefix, location] of [
      [s3, '', 's3a://bucket/'],
      [localStore('/data'), 'table', 'file:/data/table/'],
      [localStore('/data/table'), '', '/data/table'],
      [localStore('/'), '', '/'],
    ] as const) {
      expect(tableFiles(store, prefix, location).shown('x')).toBe('x')
    }
  })

  test('that is the whole bucket has no prefix', () => {
    const whole = tableFiles(s3, '', 's3://bucket')
    expect(whole.key('metadata/v1')).toBe('metadata/v1')
    expect(whole.resolve('s3://bucket/data/x')).toBe('data/x')
    expect(whole.pathOf('data/x')).toBe('s3://bucket/data/x')
  })
})

describe('a table on the disk', () => {
  test.each([
    '/data/table/data/x y#?.parquet',
    'file:///data/table/data/x y#?.parquet',
    'file:/data/table/data/x y#?.parquet',
  ])('is named as engines do: %s', (path) => {
    expect(onDisk.resolve(path)).toBe('data/x y#?.parquet')
    expect(tableFiles(localStore('/data/table'), '', 'file:///data/table').resolve(path)).toBe('data/x y#?.parquet')
    expect(tableFiles(localStore('/data/table'), '', 'file:/data/table/').resolve(path)).toBe('data/x y#?.parquet')
  })

  test.each([
    '/etc/passwd',
    '/data/table2/x',
    '/data/table/../other/x',
    '/data/table/a/../../../etc/passwd',
    'file:///etc/passwd',
    'file:///data/table/../x',
    'file://host/data/table/x',
    'data/x',
    './data/x',
    '../x',
    's3://bucket/x',
    's3:/data/table/x',
    '/data/table',
    '/data/table/',
    '//data/table/x',
  ])('does not lead to %s', (path) => {
    expect(escapeOf(onDisk, path)).toMatch(ESCAPES)
  })

  test('slashes that a writer doubled mean one, as they do to the disk', () => {
    expect(onDisk.resolve('/data/table//data/x')).toBe('data/x')
    expect(onDisk.resolve('/data/table/data///x')).toBe('data/x')
  })

  test('whose metadata names a bucket is read from the directory that was opened', () => {
    const mirrored = tableFiles(localStore('/mirror'), 'table', 's3://bucket/table')
    expect(mirrored.resolve('s3a://bucket/table/data/x')).toBe('table/data/x')
    expect(escapeOf(mirrored, 's3://bucket/else/x')).toMatch(ESCAPES)
    expect(escapeOf(mirrored, '/mirror/table/x')).toMatch(ESCAPES)
  })
})

test('a whole path to another place is no damage, which a part of a path is, and one that climbs', () => {
  for (const [files, path] of [
    [onDisk, '/etc/passwd'],
    [onDisk, 'file:/data/table2/x'],
    [onDisk, 's3://bucket/x'],
    [onS3, 's3://other/some/table/x'],
    [onS3, 'gs://bucket/some/table/x'],
  ] as const) {
    expect(escapeOf(files, path), path).toMatch(/^unsupported/)
  }
  for (const path of ['', '../x', 'data/x', '/data/table/../x', 'file:///data/table/../x']) {
    expect(escapeOf(onDisk, path), path).toMatch(/^corrupt/)
  }
})

describe('keys and paths', () => {
  test('a path of a key leads back to it', () => {
    for (const files of [onS3, onDisk, tableFiles(memoryStore(), 'p', 'memory://store/p')]) {
      for (const name of ['metadata/v1.metadata.json', 'data/a=b c/#1?.parquet', '%2e%2e/x']) {
        expect(files.resolve(files.pathOf(files.key(name)))).toBe(files.key(name))
      }
    }
  })

  test('a key of something else has no path in the table', () => {
    expect(() => onS3.pathOf('some/table2/x')).toThrow(/no key of/)
    expect(() => onS3.pathOf('else')).toThrow(/no key of/)
  })
})
