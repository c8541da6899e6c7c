/** The scheme of a location decides which store it is, and nothing else does (faults 11 and 12). */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataShardError } from '../../src/errors.ts'
import { localStore } from '../../src/store/local.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { openStore } from '../../src/store/open.ts'
import type { OpenedStore } from '../../src/store/open.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'datashard-open-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** What is thrown for a location, as `code: message`; or the URL of the store that it opens. */
function refusalOf(location: unknown): string {
  try {
    return openStore(location as string).store.url
  } catch (error) {
    return DataShardError.is(error) ? `${error.code}: ${error.message}` : String(error)
  }
}

const REFUSED = /^invalid-argument: /

function parts({ store, prefix, location }: OpenedStore): readonly string[] {
  return [store.url, prefix, location]
}

describe('locations on S3', () => {
  test.each([
    ['s3://bucket/some/table', 'some/table'],
    ['s3://bucket/some/table/', 'some/table'],
    ['s3://bucket/some/table///', 'some/table'],
    ['s3a://bucket/some/table', 'some/table'],
    ['s3n://bucket/some/table', 'some/table'],
    ['S3://bucket/Some/Table', 'Some/Table'],
    ['s3://bucket/with blank/#?%25=&', 'with blank/#?%25=&'],
    ['s3://bucket/ünï/漢字', 'ünï/漢字'],
  ])('%s', (location, prefix) => {
    expect(parts(openStore(location))).toEqual(['s3://bucket', prefix, `s3://bucket/${prefix}`])
  })

  test.each(['s3://bucket', 's3://bucket/', 's3a://bucket//'])(
    'a bucket alone is the root of its store: %s',
    (given) => {
      expect(parts(openStore(given))).toEqual(['s3://bucket', '', 's3://bucket'])
    },
  )

  test.each(['s3:/bucket/x', 's3:bucket/x', 's3:', 's3://', 's3:///x', 's3a:/bucket/x'])(
    'no bucket: %s',
    (location) => {
      expect(refusalOf(location)).toMatch(
        /^invalid-argument: .*(?:names no bucket|is no S3 location).*; expected s3:\/\/bucket\/prefix/,
      )
    },
  )

  test.each(['s3://bucket/a/../b', 's3://bucket/./b', 's3://bucket/a/..', 's3://bucket/a//b', 's3://bucket//a'])(
    'parts that mean something else to a file system are refused: %s',
    (location) => {
      expect(refusalOf(location)).toMatch(/^invalid-argument: .*no part may be empty, '\.' or '\.\.'/)
    },
  )

  test('nothing is made on the disk, wherever the program stands', async () => {
    const before = process.cwd()
    const empty = await mkdtemp(join(directory, 'cwd-'))
    process.chdir(empty)
    try {
      for (const location of ['s3://bucket/table', 's3a://bucket/table', 'S3://bucket/table']) openStore(location)
      for (const location of ['s3:/bucket/table', ' s3://bucket/table', 'gs://bucket/table', 'S3:x']) {
        expect(refusalOf(location)).toMatch(REFUSED)
      }
    } finally {
      process.chdir(before)
    }
    expect(await readdir(empty)).toEqual([])
  })
})

describe('other schemes', () => {
  test.each(['gs://b/x', 'abfss://c@a/x', 'http://host/x', 'https://s3.amazonaws.com/b/x', 'hdfs://n/x', 'x-y.z+1:a'])(
    '%s is refused by name, with what is possible',
    (location) => {
      const scheme = location.slice(0, location.indexOf(':')).replace('+', '\\+')
      expect(refusalOf(location)).toMatch(
        new RegExp(`^invalid-argument: .*'${scheme}:'.*use a directory, file:///directory or s3://bucket/prefix`),
      )
    },
  )

  test('a location that begins or ends with blanks is refused, not made a directory', () => {
    for (const location of [' s3://bucket/x', '\ts3://bucket/x', 's3://bucket/x ', '\nfile:///x']) {
      expect(refusalOf(location)).toMatch(REFUSED)
    }
  })

  test('nothing, blanks and what is no text are refused', () => {
    for (const location of ['', '  ', undefined, null, 5, {}, new URL('s3://bucket/x')]) {
      expect(refusalOf(location)).toMatch(REFUSED)
    }
  })

  test('a NUL is refused before the file system sees it', () => {
    expect(refusalOf('/tmp/a\0b')).toContain('NUL')
    expect(refusalOf('s3://bucket/a\0b')).toContain('NUL')
  })
})

describe('locations on the disk', () => {
  test('a relative path is one under the working directory', () => {
    const here = process.cwd()
    for (const location of ['some/table', './some/table', 'some/table/', 'some/./x/../table']) {
      expect(parts(openStore(location))).toEqual([pathToFileURL(`${here}/some/table`).href, '', `${here}/some/table`])
    }
    expect(openStore('.').location).toBe(here)
  })

  test.each([
    ['file:///a/with%20blank', '/a/with blank'],
    ['file:///a/hash%23mark', '/a/hash#mark'],
    ['file:///a/question%3Fmark/', '/a/question?mark'],
    ['file:///a/per%25cent', '/a/per%cent'],
    ['file:/a/as-java-does', '/a/as-java-does'],
    ['file://localhost/a/b', '/a/b'],
    ['FILE:///a/b', '/a/b'],
    ['/a/b///', '/a/b'],
    ['/a/with blank/#?%25', '/a/with blank/#?%25'],
    ['/', '/'],
    ['file:///', '/'],
  ])('%s is %s', (location, path) => {
    expect(parts(openStore(location))).toEqual([pathToFileURL(path).href, '', path])
  })

  test.each(['file://host/a', 'file:///a%2Fb', 'file:a/b', 'file:', 'file:///a%'])(
    'no path of this machine: %s',
    (location) => {
      expect(refusalOf(location)).toMatch(
        /^invalid-argument: 'file:.*' is no file URL .*; expected file:\/\/\/directory/,
      )
    },
  )

  test('a colon is part of a name only after ./ or a slash', () => {
    expect(refusalOf('a:b')).toMatch(/^invalid-argument: .*'a:'/)
    expect(openStore('./a:b').location).toBe(`${process.cwd()}/a:b`)
    expect(openStore('./s3:').location).toBe(`${process.cwd()}/s3:`)
    expect(openStore('dir/s3://x').location).toBe(`${process.cwd()}/dir/s3:/x`)
  })

  test.each(['with # ? % and blanks', '100%', 'a#b', 'ünï 漢字', 'per%20cent'])(
    'what is written to a directory called "%s" lies there, and is found by path and by URL',
    async (name) => {
      const path = join(directory, name)
      const { store } = openStore(path)
      await store.put('metadata/v1', Uint8Array.of(1))
      expect(await readdir(join(path, 'metadata'))).toEqual(['v1'])
      expect(store.urlOf('metadata/v1')).toBe(`${path}/metadata/v1`)
      expect(store.keyOf(`${path}/metadata/v1`)).toBe('metadata/v1')
      expect(store.keyOf(`${store.url}/metadata/v1`)).toBe('metadata/v1')
      const again = openStore(pathToFileURL(path).href)
      expect(again.location).toBe(path)
      expect(await again.store.get('metadata/v1')).toEqual(Uint8Array.of(1))
    },
  )
})

describe('locations in memory', () => {
  test('a name means the same store to everybody in the process', async () => {
    const { store, prefix, location } = openStore('memory://shared-by-name/some/table/')
    expect([prefix, location]).toEqual(['some/table', 'memory://shared-by-name/some/table'])
    await store.put('some/table/x', Uint8Array.of(1))
    expect(await openStore('memory://shared-by-name').store.get('some/table/x')).toEqual(Uint8Array.of(1))
    expect(await openStore('memory://another').store.get('some/table/x')).toBeUndefined()
  })

  test.each(['memory:', 'memory://', 'memory:/x', 'memory:///x'])('no name: %s', (location) => {
    expect(refusalOf(location)).toMatch(REFUSED)
  })
})

describe('a store that is given', () => {
  test('takes its own locations, whole or in part', () => {
    const memory = memoryStore({ name: 'm' })
    expect(parts(openStore('memory://m/some/table/', { store: memory }))).toEqual([
      'memory://m',
      'some/table',
      'memory://m/some/table',
    ])
    expect(openStore('memory://m', { store: memory }).prefix).toBe('')
    const local = localStore(directory)
    expect(openStore(`${directory}/t`, { store: local }).prefix).toBe('t')
    expect(openStore(pathToFileURL(`${directory}/a b`).href, { store: local }).prefix).toBe('a b')
    expect(openStore(directory, { store: local }).prefix).toBe('')
  })

  test('refuses what lies elsewhere', () => {
    const local = localStore(directory)
    for (const location of ['/elsewhere', `${directory}-2/t`, 's3://bucket/t', 'memory://m/t']) {
      expect(() => openStore(location, { store: local })).toThrow(/does not lie in the given store/)
    }
  })
})
